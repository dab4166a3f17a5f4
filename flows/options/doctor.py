"""Options of `megatoken doctor`."""

import argparse

from flows.options import FIRST_CONFIG, shipped


def add_doctor_options(doctor: argparse.ArgumentParser) -> None:
    """Whose keys to look for."""
    doctor.add_argument(
        "config",
        nargs="?",
        default=shipped(FIRST_CONFIG),
        metavar="CONFIG",
        help=f"whose keys to check (default: {FIRST_CONFIG})",
    )
