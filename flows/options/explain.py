"""Options of `megatoken explain`."""

import argparse


def add_explain_options(explain: argparse.ArgumentParser) -> None:
    """Which trial."""
    explain.add_argument(
        "trial",
        nargs="?",
        default="latest",
        metavar="TRIAL",
        help="a trial_id, the beginning of one, or latest (the default): the newest that has an answer",
    )
    explain.add_argument("--json", action="store_true", help="print one JSON object, in base units")
