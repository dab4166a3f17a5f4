"""Options of `megatoken track`."""

import argparse


def add_track_options(track: argparse.ArgumentParser) -> None:
    """What to meter, what it is called, and what it made."""
    track.add_argument(
        "--config",
        metavar="CONFIG",
        help="its [site] says where this machine stands; without it emissions and cost stay unknown",
    )
    track.add_argument("--label", metavar="TEXT", help="what you call this job (default: name of the program)")
    track.add_argument("--unit", metavar="NAME", help="what the job makes, such as training_token; with --units")
    track.add_argument("--units", type=float, metavar="N", help="how many of them, such as 3e8; with --unit")
    track.add_argument(
        "--idle",
        type=float,
        default=0.0,
        metavar="S",
        help="meter the idle machine for so many seconds first: without it idle and active energy are one",
    )
    track.add_argument("--no-land", action="store_true", help="keep nothing")
    track.add_argument(
        "--json", action="store_true", help="print the account as one JSON line, after the output of COMMAND"
    )
    track.add_argument(
        "argv",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND ARGS",
        help="run with the terminal, input and output that are yours; its exit code becomes ours (127: there is no such"
        " command, 126: it cannot be run, 128+N: signal N ended it). The command line is not stored",
    )
