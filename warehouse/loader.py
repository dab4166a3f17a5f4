"""Landing -> warehouse.duckdb: new batches only, all of them in one transaction, each exactly once; then accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import WarehouseError
from warehouse.landing import Batch, batch_folders, read_manifest, verify
from warehouse.tables import KEYS, LEFT_IN_LANDING, TABLES
from warehouse.writer import LOCK_TIMEOUT_S, open_warehouse, transaction

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What a load did. `damaged` holds one sentence for each batch that was left out."""

    loaded_batches: tuple[str, ...]
    loaded_rows: int
    accounted_trials: int
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """What a night needs to know of a loaded trial while it is still running."""

    trial_id: str
    target_id: str
    workload_id: str
    status: str
    attempts: int
    ok: int
    usd: float | None  # of its measured attempts; None is unknown
    usd_reason: str | None  # why it is unknown
    ttft_p50_s: float | None
    tpot_p50_s: float | None
    e2e_p50_s: float | None = None
    failed_untold: int = 0  # of the attempts, failures that are billed all the same, and told no tokens


def load(data_dir: Path, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> LoadReport:
    """Load every landed batch that is not in the warehouse yet, and account its trials.

    Safe to repeat, and to kill at any moment. A damaged batch, or one that repeats rows which another batch brought, is
    left out and named; the others load.

    Args:
        data_dir: the data folder.
        lock_timeout_s: how long to wait for another loader, seconds.

    Raises:
        WarehouseError: another process holds the warehouse for longer, or its file cannot be used.
    """
    from warehouse.canary_judging import judge_canaries
    from warehouse.price_ledger import record_prices

    with open_warehouse(data_dir, lock_timeout_s=lock_timeout_s) as con:
        report = _load(con, data_dir)
        with transaction(con):
            # not in derive: a bench derives its one trial, and must not wait for a list of prices
            judge_canaries(con)
            record_prices(con)
        return report


def load_and_summarise(data_dir: Path, trial_id: str, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> dict[str, Any]:
    """Load as `load` does, and give the figures of one trial that has landed, as `query.trial_summary` does.

    Raises:
        WarehouseError: another process holds the warehouse for longer, its file cannot be used, or the trial's batch
            was left out: says why.
    """
    from warehouse.query import trial_summary

    with open_warehouse(data_dir, lock_timeout_s=lock_timeout_s, one_thread=True) as con:
        report = _load(con, data_dir)
        if con.execute("SELECT count(*) FROM trials WHERE trial_id = ?", [trial_id]).fetchall() == [(0,)]:
            raise WarehouseError(f"trial {trial_id} was not loaded: {'; '.join(report.damaged) or 'it has not landed'}")
        return trial_summary(con, trial_id)


def _load(con: "duckdb.DuckDBPyConnection", data_dir: Path) -> LoadReport:
    whole, damaged = _arrived(con, data_dir)
    with transaction(con):
        repeats = _repeats(con, whole)
        fresh = [batch for batch in whole if batch.landed_path not in repeats]
        damaged += [repeats[batch.landed_path] for batch in whole if batch.landed_path in repeats]
        for table in TABLES:
            _insert(con, table, [batch for batch in fresh if table in batch.tables])
        _record(con, fresh)
    with transaction(con):
        accounted = derive(con)
    return LoadReport(
        loaded_batches=tuple(batch.batch_id for batch in fresh),
        loaded_rows=sum(sum(batch.tables.values()) for batch in fresh),
        accounted_trials=accounted,
        damaged=tuple(damaged),
    )


def derive(con: "duckdb.DuckDBPyConnection") -> int:
    """Compute and store what is derived from what landed and has not been yet; call it inside a transaction.

    Figures and factors first, then accounts, attempts' energy, certificates, and intervals of trials, cells and pairs.

    Args:
        con: a connection to a warehouse with all tables and views.

    Returns:
        How many trials were accounted.
    """
    # they bring numpy, which a night needs only here
    from warehouse import certificates, intervals, kept
    from warehouse.accounts import account_trials
    from warehouse.factors import record_factors
    from warehouse.pairs import add_pairs

    kept.keep(con)
    record_factors(con)
    accounted = account_trials(con)
    if con.execute("SELECT EXISTS (SELECT 1 FROM trials WHERE kind = 'local')").fetchall() == [(True,)]:
        from warehouse.attribution import attribute_trials  # what an endpoint drew is divided among nobody

        attribute_trials(con)
    certificates.certify_trials(con)
    intervals.add_trial_intervals(con)
    intervals.add_cell_intervals(con, intervals.pending_cells(con))
    add_pairs(con)
    return accounted


def trial_results(data_dir: Path, run_id: str, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> list[TrialResult]:
    """Attempts and cost of the loaded trials of a run, from the warehouse itself: it need not be published.

    Raises:
        WarehouseError: another process holds the warehouse for longer, or its file cannot be used.
    """
    with open_warehouse(data_dir, lock_timeout_s=lock_timeout_s) as con:
        found = con.execute(
            "SELECT trial_id, m.target_id, m.workload_id, m.status, m.attempts, m.ok, c.usd,"
            " CASE WHEN c.usd IS NULL THEN c.reason END, m.ttft_p50_s, m.tpot_p50_s, m.e2e_p50_s,"
            # refusals cost nothing; what was answered, or waited for in vain, is billed though it told no tokens
            " (SELECT count(*) FROM attempts AS a WHERE a.trial_id = m.trial_id AND a.phase = 'measured'"
            " AND a.output_tokens IS NULL AND (a.error_class IS NOT NULL AND a.http_status BETWEEN 200 AND 299"
            " OR a.error_class IN ('timeout_first_token', 'timeout_total', 'aborted')))"
            " FROM trial_metrics AS m LEFT JOIN cost AS c USING (trial_id) WHERE m.run_id = ? ORDER BY trial_id",
            [run_id],
        ).fetchall()
    names = (
        "trial_id", "target_id", "workload_id", "status", "attempts", "ok", "usd", "usd_reason", "ttft_p50_s",
        "tpot_p50_s", "e2e_p50_s", "failed_untold",
    )  # fmt: skip
    return [TrialResult(**dict(zip(names, row, strict=True))) for row in found]


def _arrived(con: "duckdb.DuckDBPyConnection", data_dir: Path) -> tuple[list[Batch], list[str]]:
    """Whole batches that are not in the ledger, and a sentence for each that is not whole."""
    known = {path for (path,) in con.execute("SELECT landed_path FROM loaded_batches").fetchall()}
    whole: list[Batch] = []
    damaged: list[str] = []
    for folder in batch_folders(data_dir):
        if f"{folder.parent.name}/{folder.name}" in known:
            continue
        try:
            batch = read_manifest(folder)
            verify(batch)
        except WarehouseError as error:
            damaged.append(str(error))
        else:
            whole.append(batch)
    return whole, damaged


def _insert(con: "duckdb.DuckDBPyConnection", table: str, batches: Sequence[Batch]) -> None:
    if not batches:
        return
    # BY NAME: a column that an older schema did not have, or that is left in landing, is NULL. `date=` in the path is
    # filing, not data.
    left = LEFT_IN_LANDING.get(table)
    columns = f"* EXCLUDE ({', '.join(left)})" if left else "*"
    con.execute(
        f"INSERT INTO {table} BY NAME"
        f" SELECT {columns} FROM read_parquet(?, union_by_name = TRUE, hive_partitioning = FALSE)",
        [[str(batch.file(table)) for batch in batches]],
    ).fetchall()


def _record(con: "duckdb.DuckDBPyConnection", batches: Sequence[Batch]) -> None:
    if not batches:
        return
    # lists and unnest: one statement however many batches (executemany costs 8 ms a row)
    con.execute(
        "INSERT INTO loaded_batches"
        " SELECT unnest(?), unnest(?), unnest(?), unnest(?), unnest(?::BIGINT[]), unnest(?::BIGINT[]),"
        " unnest(?::TIMESTAMPTZ[]), now()",
        [
            [batch.batch_id for batch in batches],
            [batch.host_id for batch in batches],
            [batch.landed_path for batch in batches],
            [batch.sha256 for batch in batches],
            [batch.schema_number for batch in batches],
            [sum(batch.tables.values()) for batch in batches],
            [batch.landed_at for batch in batches],
        ],
    ).fetchall()


def _are_any_repeated(con: "duckdb.DuckDBPyConnection", table: str, columns: str, files: list[str], rows: int) -> bool:
    """Whether to look at all: nearly never, and the query that names who repeats what takes three times as long."""
    arriving = "read_parquet(?, union_by_name = TRUE, hive_partitioning = FALSE)"
    if rows > 1:
        (distinct,) = con.execute(f"SELECT count(DISTINCT ({columns})) FROM {arriving}", [files]).fetchall()
        if distinct != (rows,):
            return True
    return (
        con.execute(f"SELECT {columns} FROM {arriving} SEMI JOIN {table} USING ({columns}) LIMIT 1", [files]).fetchall()
        != []
    )


def _repeats(con: "duckdb.DuckDBPyConnection", batches: Sequence[Batch]) -> dict[str, str]:
    """Batches (by landed path) that bring a row which is there already, or which an earlier one of them brings too."""
    sentences: dict[str, str] = {}
    known_ids = {batch_id for (batch_id,) in con.execute("SELECT batch_id FROM loaded_batches").fetchall()}
    for batch in batches:
        if batch.batch_id in known_ids:
            sentences[batch.landed_path] = (
                f"batch {batch.folder} was left out: another batch named {batch.batch_id} has been loaded;"
                " a batch_id is used once, move one of them out of landing/"
            )
        known_ids.add(batch.batch_id)
    for table, key in KEYS.items():
        having = [batch for batch in batches if table in batch.tables]
        if not having:
            continue
        files = {str(batch.file(table)): batch for batch in having}
        columns = ", ".join(key)
        rows = sum(batch.tables[table] for batch in having)
        if not _are_any_repeated(con, table, columns, list(files), rows):
            continue
        found = con.execute(
            f"""
            WITH arriving AS (
                SELECT {columns}, filename, list_position(?, filename) AS file_order
                FROM read_parquet(?, union_by_name = TRUE, hive_partitioning = FALSE, filename = TRUE)
            ),
            counted AS (
                SELECT *, row_number() OVER (PARTITION BY {columns} ORDER BY file_order) AS nth
                FROM arriving
            ),
            repeated AS (
                SELECT filename, {columns} FROM counted WHERE nth > 1
                UNION ALL
                SELECT filename, {columns} FROM arriving SEMI JOIN {table} USING ({columns})
            )
            SELECT filename, min(concat_ws(' ', {columns})) FROM repeated GROUP BY filename
            """,
            [list(files), list(files)],
        ).fetchall()
        for file_name, example in found:
            batch = files[file_name]
            sentences.setdefault(
                batch.landed_path,
                f"batch {batch.folder} was left out: it repeats {' and '.join(key)} {example!r} of {table},"
                " which another batch brought; a row lands once, move one of them out of landing/",
            )
    return sentences
