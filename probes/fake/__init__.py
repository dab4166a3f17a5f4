"""The scripted endpoint: every wire format at its own path, every fixture in each format that has it.

request -> format (reads the ask) -> script (which fixture) -> story (what is said) -> writer (its events)
        -> steps (bytes, and when) -> server (plays them, keeps its times)

Written from the specifications and not from `probes.load`: two readings of one specification test each other.
"""
