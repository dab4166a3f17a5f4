"""Options of `megatoken factors`."""

import argparse


def add_factors_options(factors: argparse.ArgumentParser) -> None:
    """Which factors to list, or what to compare."""
    factors.add_argument("ledger", nargs="?", metavar="LEDGER", help="only this ledger, such as grid_intensity")
    factors.add_argument("--key", metavar="K", help="only this row, such as FRA, with its earlier figures")
    factors.add_argument(
        "--diff",
        nargs="?",
        const="",
        metavar="SINCE",
        help="what the files say now against what the published warehouse had on record; with a day, at its end",
    )
    factors.add_argument("--json", action="store_true", help="print a JSON list")
