"""Parquet files by DuckDB, out of columns in memory: nothing else need be loaded to land a trial."""

import atexit
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import duckdb

ROW_GROUP_ROWS = 1 << 18


def write_parquet(
    path: Path,
    columns: Mapping[str, Any],
    select: str,
    *,
    metadata: Mapping[str, str],
    compression: Literal["zstd", "uncompressed"] = "zstd",
) -> None:
    """Write a file; it is not synced to the disk.

    Args:
        path: of the file.
        columns: NumPy arrays of one length by name; what is masked, or None in an array of objects, is NULL.
        select: expressions over `given`, which has these columns, as in `t_ns, make_timestamptz(at) AS at`.
        metadata: for the file's own.
        compression: of its pages.

    Raises:
        OSError: the disk refused.
    """
    with one_thread_cursor() as con:
        con.register("given", columns)
        _copy(con, f"SELECT {select} FROM given", path, metadata, compression)


def join_parquet(paths: list[Path], path: Path, *, metadata: Mapping[str, str]) -> None:
    """Write the rows of some files, in their order, to one; in bounded memory.

    Raises:
        OSError: the disk refused.
    """
    with one_thread_cursor() as con:
        files = ", ".join(literal(str(part)) for part in paths)
        _copy(con, f"SELECT * FROM read_parquet([{files}], hive_partitioning = FALSE)", path, metadata, "zstd")


def _copy(
    con: "duckdb.DuckDBPyConnection", query: str, path: Path, metadata: Mapping[str, str], compression: str
) -> None:
    import duckdb

    said = ", ".join(f"{literal(name)}: {literal(value)}" for name, value in metadata.items())
    options = f"FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
    try:
        con.execute(f"COPY ({query}) TO {literal(str(path))} ({options}, KV_METADATA {{{said}}})").fetchall()
    except duckdb.IOException as error:
        raise OSError(str(error).splitlines()[0]) from error


def literal(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def one_thread_cursor() -> "duckdb.DuckDBPyConnection":
    """A connection of its own, so that threads may write at once, to a database in memory that holds nothing."""
    return _database().cursor()


@cache
def _database() -> "duckdb.DuckDBPyConnection":
    """A database in memory that holds nothing, opened once: that takes 30 ms."""
    import duckdb

    # A connection that outlives its module is called a leak on stderr, beneath the leaderboard of a night.
    atexit.register(_close_database)
    # one thread: the rows keep their order without being held, and small files are the rule
    return duckdb.connect(config={"threads": 1, "memory_limit": "1GB", "autoinstall_known_extensions": False})


def _close_database() -> None:
    _database().close()
    _database.cache_clear()
