"""What tests ask of a published snapshot, in this process: the command line asks in one of its own."""

from pathlib import Path
from typing import Any

from warehouse.query import dicts, open_published


def run_query(data_dir: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names of the columns and all rows of one query."""
    with open_published(data_dir, any_version=True) as con:
        result = con.execute(sql)
        names = [column[0] for column in result.description or []]
        return names, [tuple(row.values()) for row in dicts(result)]
