"""A warehouse filled with rows, for tests of views and accounts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.warehouse.begun import empty_file
from warehouse.loader import derive
from warehouse.rows import LandingRow
from warehouse.tables import by_table, insert_rows
from warehouse.writer import transaction

if TYPE_CHECKING:
    # Not at run time: Hypothesis keeps what a conftest holds beyond the end of Python, and DuckDB then reports "leaks".
    import duckdb


@pytest.fixture(scope="session")
def empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables and views and no rows, to be copied."""
    path = tmp_path_factory.mktemp("warehouse") / "empty.duckdb"
    path.write_bytes(empty_file())
    return path


@pytest.fixture
def warehouse(tmp_path: Path) -> Callable[[Sequence[LandingRow]], "duckdb.DuckDBPyConnection"]:
    """Gives a function that puts rows into a fresh warehouse, derives what is derived and returns the connection."""
    import duckdb

    opened = []

    def fill(rows: Sequence[LandingRow]) -> "duckdb.DuckDBPyConnection":
        path = tmp_path / f"{len(opened)}.duckdb"
        path.write_bytes(empty_file())
        con = duckdb.connect(path)
        opened.append(con)
        # nobody opens this file again: what is in its log need not be folded in
        con.execute("PRAGMA disable_checkpoint_on_shutdown").fetchall()
        with transaction(con):
            for table, members in by_table(rows).items():
                insert_rows(con, table, members)
            derive(con)
        return con

    yield fill
    for con in opened:
        con.close()
