"""Options of `megatoken pulse`."""

import argparse

from flows.options import PROVIDERS_CONFIG, shipped


def add_pulse_options(pulse: argparse.ArgumentParser) -> None:
    """Which config, which targets, and how much at most."""
    pulse.add_argument(
        "config",
        nargs="?",
        default=shipped(PROVIDERS_CONFIG),
        metavar="CONFIG",
        help=f"one with a [pulse] table (default: {PROVIDERS_CONFIG})",
    )
    pulse.add_argument("--only", action="append", default=[], metavar="ID", help="measure this target only; repeatable")
    pulse.add_argument("--max-usd", type=float, metavar="X", help="a lower limit of the day than max_usd_per_day")
    pulse.add_argument("--run-id", metavar="ID", help="go on with that run: what has landed is not measured again")
    pulse.add_argument("--dry-run", action="store_true", help="show the plan and its worst-case cost; send nothing")
    pulse.add_argument("--json", action="store_true", help="print one JSON object")
