"""Options of `megatoken replay`."""

import argparse


def add_replay_options(replay: argparse.ArgumentParser) -> None:
    """Which failed attempt, and what to do with it."""
    replay.add_argument(
        "attempt", nargs="?", metavar="ATTEMPT", help="an attempt_id; without it: the latest failures that are kept"
    )
    replay.add_argument("--show", action="store_true", help="show what was sent and said; send nothing")
    replay.add_argument(
        "--to", metavar="URL", help="send it to that base address instead, without a key unless --api-key-env names one"
    )
    replay.add_argument(
        "--api-key-env", metavar="NAME", help="environment variable that holds the key (default: the target's)"
    )
    replay.add_argument(
        "--timeout", type=float, default=300.0, metavar="S", help="give up after so many seconds (default: %(default)g)"
    )
    replay.add_argument("--json", action="store_true", help="print one JSON object, in base units")
