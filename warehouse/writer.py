"""The one way to write `warehouse.duckdb`: under a lock that only one process of this machine holds."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from warehouse import schema
from warehouse.errors import WarehouseError
from warehouse.parquet import literal, one_thread_cursor

if TYPE_CHECKING:
    import duckdb

# DuckDB 2.0 writes files that the 1.5 command line refuses, unless it is told to write as 1.5 does.
STORAGE_VERSION = "v1.5.0"
LOCK_TIMEOUT_S = 60.0
_POLL_S = 0.05


def warehouse_path(data_dir: Path) -> Path:
    """Where the warehouse file of a data folder is; only the loader opens it, readers use what is published."""
    return data_dir / "warehouse.duckdb"


@contextmanager
def open_warehouse(
    data_dir: Path, *, lock_timeout_s: float = LOCK_TIMEOUT_S, one_thread: bool = False
) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Hold the warehouse for writing, its tables and views up to date.

    Args:
        data_dir: the data folder; the file is made in it if there is none.
        lock_timeout_s: how long to wait for another writer, seconds.
        one_thread: for a little to do, which several threads only make dearer.

    Raises:
        WarehouseError: another process holds it for longer, or the file is damaged or of a newer Megatoken.
    """
    with locked(data_dir, lock_timeout_s=lock_timeout_s), connected(data_dir, one_thread=one_thread) as con:
        yield con


@contextmanager
def connected(data_dir: Path, *, one_thread: bool = False) -> "Iterator[duckdb.DuckDBPyConnection]":
    """A connection to the warehouse file, for a caller that holds its lock; closing folds in the write-ahead log.

    Raises:
        WarehouseError: the file is open elsewhere, damaged, or of a newer Megatoken.
    """
    import duckdb

    path = warehouse_path(data_dir)
    try:
        con, close = _attached(path) if one_thread else _opened(path)
    except duckdb.Error as error:
        raise WarehouseError(
            f"{path} cannot be opened: {str(error).splitlines()[0]}; close whatever else has it open (readers belong on"
            " published/megatoken.duckdb), or, if it is damaged, move it away: the next load rebuilds it from landing/"
        ) from None
    try:
        # under the very name that pytz knows without looking through six hundred files
        con.execute("SET TimeZone = 'UTC'").fetchall()
        with transaction(con):
            schema.migrate(con)
            schema.create_views(con)
        yield con
    finally:
        close()


def _opened(path: Path) -> "tuple[duckdb.DuckDBPyConnection, Callable[[], None]]":
    """A connection to the file by a DuckDB of its own, and what closes both."""
    import duckdb

    con = duckdb.connect(
        path,
        config={
            "storage_compatibility_version": STORAGE_VERSION,
            "autoinstall_known_extensions": False,
            **_limits(path),
        },
    )
    return con, con.close


def _limits(path: Path) -> dict[str, str]:
    """How much a query on the file may take, and where it goes on when that is not enough."""
    return {
        "temp_directory": str(path.with_name("tmp")),
        "max_temp_directory_size": "20GB",
        "memory_limit": "4GB",
    }


def _attached(path: Path) -> "tuple[duckdb.DuckDBPyConnection, Callable[[], None]]":
    """The same by the DuckDB of one thread that writes Parquet files here: to start another takes 15 ms of CPU."""
    import duckdb

    con = one_thread_cursor()
    try:
        for name, value in _limits(path).items():
            with contextlib.suppress(duckdb.NotImplementedException):  # a folder that it has used stays
                con.execute(f"SET {name} = {literal(value)}").fetchall()
        con.execute(f"ATTACH {literal(str(path))} AS warehouse (STORAGE_VERSION {literal(STORAGE_VERSION)})").fetchall()
    except BaseException:
        con.close()
        raise
    con.execute("USE warehouse").fetchall()

    def close() -> None:
        con.execute("USE memory").fetchall()
        con.execute("DETACH warehouse").fetchall()
        con.close()

    return con, close


@contextmanager
def transaction(con: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """All or nothing."""
    con.execute("BEGIN").fetchall()
    try:
        yield
    except BaseException:  # also KeyboardInterrupt: whatever ends the block early must not leave half of it
        con.execute("ROLLBACK").fetchall()
        raise
    con.execute("COMMIT").fetchall()


@contextmanager
def locked(data_dir: Path, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Be the only writer of a data folder; the lock goes with the process, however it ends.

    Raises:
        WarehouseError: another process holds it for longer than `lock_timeout_s`, or the folder cannot be written.
    """
    path = data_dir / "warehouse.lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="ascii")
    except OSError as error:
        raise WarehouseError(
            f"{path} cannot be written: {error.strerror or error}; choose a data folder that can be, with --data"
        ) from error
    with file:
        deadline = time.monotonic() + lock_timeout_s
        while not _try_lock(file):
            if time.monotonic() >= deadline:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise WarehouseError(
                    f"process {holder} has been writing the warehouse for longer than {lock_timeout_s:g} s ({path});"
                    " wait for it, or end it: what has landed is safe and is loaded by the next load"
                )
            time.sleep(_POLL_S)
        # for whoever waits
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
