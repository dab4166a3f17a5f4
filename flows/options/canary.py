"""Options of `megatoken canary`."""

import argparse


def add_canary_options(canary: argparse.ArgumentParser) -> None:
    """Whose answers to show, or whom to ask now."""
    canary.add_argument(
        "target", nargs="?", metavar="TARGET", help="that target's nights, and what it answers otherwise (default: all)"
    )
    canary.add_argument("--config", metavar="CONFIG", help="ask the targets of this config now, and measure nothing")
    canary.add_argument("--only", action="append", default=[], metavar="ID", help="with --config: only it; repeatable")
    canary.add_argument(
        "--max-usd", type=float, metavar="X", help="with --config: ask nobody beyond it (default: the config's)"
    )
    canary.add_argument("--run-id", metavar="ID", help="with --config: go on with that run; nobody is asked twice")
    canary.add_argument("--dry-run", action="store_true", help="with --config: show the worst-case cost; send nothing")
    canary.add_argument("--json", action="store_true", help="print JSON")
