"""The capability probe: a handful of cheap calls that say what an endpoint can do, and where it leaves its standard.

spec -> network (name, TCP, TLS) -> caller (requests one by one) -> findings -> score

No load, no trial: nothing of it counts in a figure of speed, cost or carbon.
"""
