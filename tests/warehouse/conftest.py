"""A warehouse filled with rows, for tests of views and accounts."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from warehouse import schema
from warehouse.loader import derive
from warehouse.rows import LandingRow
from warehouse.tables import by_table, insert_rows

if TYPE_CHECKING:
    # Not at run time: Hypothesis keeps what a conftest holds beyond the end of Python, and DuckDB then reports "leaks".
    import duckdb


@pytest.fixture(scope="session")
def empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables and views and no rows; writing them takes 0.3 s, a copy of it nothing."""
    import duckdb

    path = tmp_path_factory.mktemp("warehouse") / "empty.duckdb"
    con = duckdb.connect(path)
    schema.migrate(con)
    schema.create_views(con)
    con.close()
    return path


@pytest.fixture
def warehouse(empty_warehouse: Path, tmp_path: Path) -> Callable[[Sequence[LandingRow]], "duckdb.DuckDBPyConnection"]:
    """Gives a function that puts rows into a fresh warehouse, derives what is derived and returns the connection."""
    import duckdb

    opened = []

    def fill(rows: Sequence[LandingRow]) -> "duckdb.DuckDBPyConnection":
        path = tmp_path / f"{len(opened)}.duckdb"
        shutil.copyfile(empty_warehouse, path)
        con = duckdb.connect(path)
        opened.append(con)
        for table, members in by_table(rows).items():
            insert_rows(con, table, members)
        derive(con)
        return con

    yield fill
    for con in opened:
        con.close()
