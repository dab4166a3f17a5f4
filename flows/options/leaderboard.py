"""Options of `megatoken leaderboard`."""

import argparse


def add_leaderboard_options(board: argparse.ArgumentParser) -> None:
    """What to rank, by what, and how to print it."""
    board.add_argument("--workload", metavar="W", help="only this workload")
    board.add_argument("--by", metavar="METRIC", help="metric to rank by (default: usd_per_output_mtok)")
    board.add_argument(
        "--slo",
        metavar="LIMITS",
        help="service level, as in ttft=1s,tpot=100ms,success=0.99: who fails it is listed and not ranked",
    )
    board.add_argument(
        "--weights",
        metavar="WEIGHTS",
        help="order by weights of your own in place of --by, as in cost=2,ttft_p95=1",
    )
    board.add_argument("--days", metavar="N", type=float, default=28.0, help="nights that count (default: %(default)g)")
    board.add_argument(
        "--any-grade",
        action="store_true",
        help="rank also where the load client is graded C or D (default: A and B)",
    )
    printed = board.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="print a JSON list of rows")
    printed.add_argument("--markdown", action="store_true", help="print the board as a Markdown table")
