"""Options of `megatoken watch`."""

import argparse


def add_watch_options(watch: argparse.ArgumentParser) -> None:
    """From when on, of whom, and how to print it."""
    watch.add_argument("target", nargs="?", metavar="TARGET", help="only this target (default: all)")
    watch.add_argument(
        "--since", metavar="DAY", help="what changed on that night or later (default: the last 28 nights)"
    )
    watch.add_argument("--nights", action="store_true", help="also single nights that were far from their neighbours")
    watch.add_argument("--json", action="store_true", help="print a JSON list of changes")
