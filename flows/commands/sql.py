"""`megatoken sql`: any question to the published snapshot, in a process that reaches nothing else."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows.errors import ConfigError
from flows.paths import data_dir
from warehouse.errors import WarehouseError
from warehouse.query import published_path, views_with_comments

if TYPE_CHECKING:
    from rich.text import Text

MOST_SECONDS: Final = 86_400
LEAST_MB: Final = 100
MOST_MB: Final = 1_000_000
_LEAST_COLUMN_CHARS: Final = 12
_ROWS_A_TABLE: Final = 1000  # more are more tables: widths are known once rows are, and no answer is held as a whole


def run(options: argparse.Namespace) -> int:
    """Answer a query; without one open DuckDB's shell, or list the views if there is none."""
    _check(options)
    folder = data_dir(options.data)
    try:
        snapshot = published_path(folder)
        if options.query is None:
            return _without_query(options, folder_path=str(snapshot))
        return _answer(options, snapshot)
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error


def _check(options: argparse.Namespace) -> None:
    problems = []
    if not 0 < options.timeout <= MOST_SECONDS:
        problems.append(f"--timeout {options.timeout:g} must be above 0 and at most {MOST_SECONDS:,} s")
    if not LEAST_MB <= options.memory <= MOST_MB:
        problems.append(f"--memory {options.memory} must be {LEAST_MB} to {MOST_MB:,} MB")
    if options.output is not None and options.query is None:
        problems.append('--output writes the answer to a query; give one, as in "FROM leaderboard"')
    if problems:
        raise ConfigError(problems)


def _answer(options: argparse.Namespace, snapshot: Path) -> int:
    from warehouse.sandbox_stream import limits_of, streamed, written

    limits = limits_of(timeout_s=options.timeout, memory_mb=options.memory)
    files_from = Path.cwd() if options.allow_files else None
    if options.output is not None:
        rows = written(snapshot, options.query, Path(options.output), limits, files_from=files_from)
        print(f"{rows:,} {'row' if rows == 1 else 'rows'} in {options.output}")
        return 0
    with streamed(snapshot, options.query, limits, files_from=files_from) as answer:
        names = [column.name for column in answer.columns]
        if options.json:
            _print_json_rows(names, answer.batches)
            return 0
        block: list[tuple[object, ...]] = []
        printed = False
        for batch in answer.batches:
            block += batch
            if len(block) >= _ROWS_A_TABLE:
                _print_rows(names, block)
                block, printed = [], True
        if block or not printed:
            _print_rows(names, block)
    return 0


def _print_json_rows(names: Sequence[str], batches: Iterable[Sequence[Sequence[object]]]) -> None:
    """One JSON list, written as its rows come."""
    before = "["
    for batch in batches:
        for row in batch:
            text = _json(dict(zip(names, row, strict=True))).replace("\n", "\n  ")
            sys.stdout.write(f"{before}\n  {text}")
            before = ","
    sys.stdout.write("[]\n" if before == "[" else "\n]\n")


def _print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A line a row, or a line a value where columns would be too narrow to read."""
    from rich.table import Table

    from flows.terminal import board_console

    console = board_console()
    if len(columns) * _LEAST_COLUMN_CHARS <= console.width or not rows:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(_cell, row))
        console.print(table)
        return
    for number, row in enumerate(rows, 1):
        record = Table(box=None, show_header=False, pad_edge=False, title=f"row {number}", title_justify="left")
        record.add_column(style="bold", no_wrap=True)
        record.add_column(overflow="fold")
        for column, value in zip(columns, row, strict=True):
            record.add_row(column, _cell(value))
        console.print(record)


def _cell(value: object) -> "Text":
    from rich.text import Text

    if value is None:
        return Text("NULL", style="dim")
    return Text(f"{value:.6g}" if isinstance(value, float) else str(value))


def _json(value: object) -> str:
    import orjson

    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode()
    except TypeError:  # an integer beyond 64 bits: as text, as in a file of the SQL page
        plain = json.loads(json.dumps(value, default=str), parse_int=_whole, parse_constant=lambda _: None)
        return orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode()


def _whole(text: str) -> int | str:
    return int(text) if -(1 << 63) <= int(text) < 1 << 63 else text


def _without_query(options: argparse.Namespace, *, folder_path: str) -> int:
    # This environment's own shell first, then whichever is on the path.
    shell = shutil.which("duckdb", path=str(Path(sys.executable).parent)) or shutil.which("duckdb")
    if shell is not None and sys.stdin.isatty() and not options.json:
        os.execv(shell, [shell, "-readonly", folder_path])
    views = views_with_comments(data_dir(options.data))
    if options.json:
        print(_json([{"view": v.name, "comment": v.comment, "columns": dict(v.columns)} for v in views]))
        return 0
    from rich.table import Table
    from rich.text import Text

    from flows.terminal import board_console

    console = board_console()
    for view in views:
        console.print(Text(view.name, style="bold"), Text(view.comment, style="dim"))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
        for column, comment in view.columns:
            table.add_row(column, Text(comment, style="dim"))
        console.print(table)
    console.print(Text(f"published: {folder_path}"))
    return 0
