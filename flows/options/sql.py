"""Options of `megatoken sql`."""

import argparse


def add_sql_options(sql: argparse.ArgumentParser) -> None:
    """What to ask, where the answer goes, and what answering may take."""
    sql.add_argument(
        "query", nargs="?", metavar="QUERY", help="without it: DuckDB's shell, or the views and their columns"
    )
    printed = sql.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="print a JSON list of rows")
    printed.add_argument(
        "--output", metavar="FILE", help="write all rows to FILE.parquet, FILE.csv or FILE.json instead of printing"
    )
    sql.add_argument("--timeout", metavar="S", type=float, default=60.0, help="end it after S s (default: %(default)g)")
    sql.add_argument(
        "--memory",
        metavar="MB",
        type=int,
        default=2000,
        help="memory that it may take (default: %(default)d), 1,000 MB more for the process around it",
    )
    sql.add_argument(
        "--allow-files",
        action="store_true",
        help="let it read files of this machine, as read_parquet('data/events/**'), and write them with COPY ... TO;"
        " without this it reaches nothing but the snapshot (default: off; the network is out of reach either way)",
    )
