"""`megatoken leaderboard`: the published ranking, as a table, as JSON or in Markdown."""

import argparse
import difflib

from flows.errors import ConfigError
from flows.leaderboard import board_console, known_metrics, print_leaderboard
from flows.paths import data_dir
from warehouse.decision import banded_rows
from warehouse.errors import WarehouseError
from warehouse.query import DEFAULT_METRIC


def run(options: argparse.Namespace) -> int:
    """Print the leaderboard."""
    by = options.by or DEFAULT_METRIC
    if by not in known_metrics():
        near = difflib.get_close_matches(by, known_metrics(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known_metrics())}"
        raise ConfigError([f"--by {by} is no metric; {hint}"])
    try:
        rows = banded_rows(data_dir(options.data), by=by, any_grade=options.any_grade)
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    workloads = list(dict.fromkeys(row["workload_id"] for row in rows))
    if options.workload is not None:
        if options.workload not in workloads:
            raise ConfigError(
                [f"--workload {options.workload} has not been measured; there are {', '.join(workloads)}"]
            )
        rows = [row for row in rows if row["workload_id"] == options.workload]
    if options.json:
        import orjson

        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return 0
    if options.markdown:
        from flows.markdown import board_markdown

        print(board_markdown(rows, by))
        return 0
    print_leaderboard(board_console(), rows, by)
    return 0
