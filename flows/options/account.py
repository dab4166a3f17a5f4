"""Options of `megatoken account`."""

import argparse


def add_account_options(account: argparse.ArgumentParser) -> None:
    """Which account to show, or what to account anew."""
    account.add_argument(
        "trial", nargs="?", metavar="TRIAL", help="a trial, a job, a run, the beginning of one, or latest (the default)"
    )
    account.add_argument(
        "--recompute",
        action="store_true",
        help="account history anew under today's factors, beside the old figures, and say what changed; list prices and"
        " what was declared stay",
    )
    account.add_argument("--since", metavar="D", help="with --recompute: only what began on that day (UTC) or later")
    account.add_argument("--json", action="store_true", help="print one JSON object, in base units")
