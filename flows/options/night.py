"""Options of `megatoken night`."""

import argparse

from flows.options import FIRST_CONFIG, shipped


def add_night_options(night: argparse.ArgumentParser) -> None:
    """Which config, which targets, how much at most, and whether to send anything."""
    night.add_argument(
        "config", nargs="?", default=shipped(FIRST_CONFIG), metavar="CONFIG", help=f"default: {FIRST_CONFIG}"
    )
    night.add_argument("--only", action="append", default=[], metavar="ID", help="measure this target only; repeatable")
    night.add_argument("--max-usd", type=float, metavar="X", help="stop before spending more (default: the config's)")
    night.add_argument("--run-id", metavar="ID", help="go on with that run: what has landed is not measured again")
    night.add_argument("--dry-run", action="store_true", help="show the plan and its worst-case cost; send nothing")
    night.add_argument("--no-prefect", action="store_true", help="run the same pipeline without Prefect")
