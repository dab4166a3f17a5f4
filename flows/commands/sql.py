"""`megatoken sql`: any question to the published snapshot, read-only."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows.errors import ConfigError
from flows.paths import data_dir
from warehouse.errors import WarehouseError
from warehouse.query import published_path, run_query, views_with_comments

if TYPE_CHECKING:
    from rich.text import Text

_LEAST_COLUMN_CHARS: Final = 12


def run(options: argparse.Namespace) -> int:
    """Answer a query; without one open DuckDB's shell, or list the views if there is none."""
    folder = data_dir(options.data)
    try:
        if options.query is None:
            return _without_query(options, folder_path=str(published_path(folder)))
        columns, rows = run_query(folder, options.query)
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    if options.json:
        _print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return 0
    _print_rows(columns, rows)
    return 0


def _print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A line a row, or a line a value where columns would be too narrow to read."""
    from rich.table import Table

    from flows.leaderboard import board_console

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


def _print_json(value: object) -> None:
    import orjson

    print(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode())


def _without_query(options: argparse.Namespace, *, folder_path: str) -> int:
    # This environment's own shell first, then whichever is on the path.
    shell = shutil.which("duckdb", path=str(Path(sys.executable).parent)) or shutil.which("duckdb")
    if shell is not None and sys.stdin.isatty() and not options.json:
        os.execv(shell, [shell, "-readonly", folder_path])
    views = views_with_comments(data_dir(options.data))
    if options.json:
        _print_json([{"view": v.name, "comment": v.comment, "columns": dict(v.columns)} for v in views])
        return 0
    from rich.table import Table
    from rich.text import Text

    from flows.leaderboard import board_console

    console = board_console()
    for view in views:
        console.print(Text(view.name, style="bold"), Text(view.comment, style="dim"))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
        for column, comment in view.columns:
            table.add_row(column, Text(comment, style="dim"))
        console.print(table)
    console.print(Text(f"published: {folder_path}"))
    return 0
