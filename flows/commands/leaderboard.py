"""`megatoken leaderboard`: the published ranking, as a table, as JSON or in Markdown."""

import argparse
import difflib
from datetime import timedelta

from rich.text import Text

from flows.errors import ConfigError
from flows.leaderboard import known_metrics, print_leaderboard
from flows.lengthwords import length_sentences
from flows.paths import data_dir
from flows.terminal import board_console
from flows.weighttable import print_providers, print_weights
from warehouse.decision import Rules, flat_rows, published_boards
from warehouse.errors import WarehouseError
from warehouse.metrics import UTILITY
from warehouse.query import DEFAULT_METRIC
from warehouse.service_level import parse_limits
from warehouse.weights import parse_weights

_MOST_DAYS = 10_000


def run(options: argparse.Namespace) -> int:
    """Print the leaderboard."""
    by = options.by or DEFAULT_METRIC
    if by not in known_metrics():
        near = difflib.get_close_matches(by, known_metrics(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known_metrics())}"
        raise ConfigError([f"--by {by} is no metric; {hint}"])
    if options.by is not None and options.weights is not None:
        raise ConfigError(["--by and --weights both order the board; give one of them"])
    if not 0 < options.days < _MOST_DAYS:
        raise ConfigError([f"--days {options.days:g} must be above 0 and below {_MOST_DAYS}"])
    try:
        limits = None if options.slo is None else parse_limits(options.slo)
        weights = None if options.weights is None else parse_weights(options.weights)
        rules = Rules(
            by=by, weights=weights, limits=limits, any_grade=options.any_grade, window=timedelta(days=options.days)
        )
        boards = published_boards(data_dir(options.data), rules)
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    if options.workload is not None:
        workloads = [board.workload_id for board in boards]
        boards = [board for board in boards if board.workload_id == options.workload]
        if not boards:
            raise ConfigError(
                [f"--workload {options.workload} has not been measured; there are {', '.join(workloads)}"]
            )
    rows = flat_rows(boards)
    by = by if weights is None else UTILITY.id
    if options.json:
        import orjson

        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return 0
    if options.markdown:
        from flows.markdown import board_markdown

        print(board_markdown(rows, by))
        return 0
    console = board_console()
    print_leaderboard(console, rows, by, days=options.days)
    for sentence in length_sentences(data_dir(options.data), rows):
        console.print(Text(sentence, style="yellow"))
    if weights is not None:
        print_weights(console, boards, weights)
    print_providers(console, boards, by)
    return 0
