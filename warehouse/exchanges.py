"""What failed attempts sent and got back, straight from landing: it need not be loaded or published."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import WarehouseError
from warehouse.rows import ExchangeRow
from warehouse.tables import columns_of

if TYPE_CHECKING:
    import duckdb

_TIMES = ("t_start_ns", "t_conn_ns", "t_byte_ns", "t_first_ns", "t_last_ns", "t_end_ns")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptExchange:
    """One failed attempt with its trial, as they landed."""

    exchange: ExchangeRow
    target_id: str
    model: str
    base_url: str | None
    times_ns: dict[str, int | None]  # clock readings of the attempt, by name
    finish_reason: str | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """A line of the list of what is kept."""

    attempt_id: str
    started_at: datetime | None
    error_class: str | None
    message: str | None


def failed_attempts(data_dir: Path, *, most: int) -> list[FailedAttempt]:
    """The latest failed attempts whose exchange is kept, newest first.

    Raises:
        WarehouseError: a file cannot be read; names it.
    """
    files = sorted((data_dir / "landing").glob("date=*/[!.]*/exchanges.parquet"))
    if not files:
        return []
    with _memory() as con:
        found = _ask(
            con,
            "SELECT attempt_id, started_at, error_class, coalesce(error_message, usage_fault) AS message"
            " FROM read_parquet(?, union_by_name = TRUE, hive_partitioning = FALSE)"
            " ORDER BY started_at DESC NULLS LAST, attempt_id LIMIT ?",
            [[str(file) for file in files], most],
        )
    return [FailedAttempt(**row) for row in found]


def find_exchange(data_dir: Path, attempt_id: str) -> KeptExchange:
    """One failed attempt, by its id.

    Raises:
        WarehouseError: there is none, it did not fail, or it failed and what it said was not kept; says which.
    """
    trial_id = attempt_id.removesuffix(".lost").rpartition(".")[0]
    folders = [
        folder
        for folder in sorted((data_dir / "landing").glob("date=*/[!.]*"))
        if trial_id and folder.name.endswith(f"-{trial_id}") and (folder / "attempts.parquet").exists()
    ]
    with _memory() as con:
        for folder in folders:
            attempts = _rows(con, folder / "attempts.parquet", attempt_id)
            if attempts:
                return _kept(con, folder, attempts[0])
    raise WarehouseError(
        f"no attempt {attempt_id} has landed in {data_dir / 'landing'};"
        " megatoken replay without an id lists the failed ones"
    )


def _kept(con: "duckdb.DuckDBPyConnection", folder: Path, attempt: dict[str, Any]) -> KeptExchange:
    attempt_id, path = attempt["attempt_id"], folder / "exchanges.parquet"
    exchanges = _rows(con, path, attempt_id) if path.exists() else []
    if not exchanges:
        failed = attempt["error_class"]
        raise WarehouseError(
            f"attempt {attempt_id} failed with {failed}, but what it sent and got back was not kept: of each trial the"
            " first 20 of each class are"
            if failed
            else f"attempt {attempt_id} succeeded; what was sent and said is kept of failed attempts only"
        )
    trials = _ask(
        con,
        "SELECT target_id, model, base_url FROM read_parquet(?) WHERE trial_id = ?",
        [str(folder / "trials.parquet"), attempt["trial_id"]],
    )
    fields: dict[str, Any] = {column.name: exchanges[0].get(column.name) for column in columns_of("exchanges")}
    return KeptExchange(
        exchange=ExchangeRow(**fields),
        target_id=trials[0]["target_id"],
        model=trials[0]["model"],
        base_url=trials[0]["base_url"],
        times_ns={name: attempt[name] for name in _TIMES},
        finish_reason=attempt["finish_reason"],
        output_tokens=attempt["output_tokens"],
    )


def _rows(con: "duckdb.DuckDBPyConnection", path: Path, attempt_id: str) -> list[dict[str, Any]]:
    return _ask(con, "SELECT * FROM read_parquet(?) WHERE attempt_id = ?", [str(path), attempt_id])


def _memory() -> "duckdb.DuckDBPyConnection":
    import duckdb

    return duckdb.connect(":memory:", config={"threads": 1})


def _ask(con: "duckdb.DuckDBPyConnection", sql: str, values: list[Any]) -> list[dict[str, Any]]:
    """Rows by the names of their columns.

    Raises:
        WarehouseError: a file cannot be read.
    """
    import duckdb

    try:
        con.execute("SET TimeZone = 'UTC'")
        result = con.execute(sql, values)
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    except duckdb.Error as error:
        raise WarehouseError(
            f"a landed batch is damaged: {error}; copy it here again from where it was measured"
        ) from error
