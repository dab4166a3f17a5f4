"""The read side: published snapshots only, read-only, with nothing but the snapshot in reach of a query."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import WarehouseError
from warehouse.formulas.client_limits import RANKED
from warehouse.metrics import metric
from warehouse.publish import published_link, snapshots
from warehouse.rows import LandingRow, TrialRow
from warehouse.schema import views_sha256

if TYPE_CHECKING:
    import duckdb

DEFAULT_METRIC = "usd_per_output_mtok"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewComment:
    """A view, what it is, and (name, comment) of each of its columns."""

    name: str
    comment: str
    columns: tuple[tuple[str, str], ...]


def published_path(data_dir: Path) -> Path:
    """The snapshot to read, by its own name: the one that is linked, or the newest left if that has been deleted.

    A snapshot never changes, so its path may key a cache.

    Raises:
        WarehouseError: nothing has been published, or every snapshot is gone.
    """
    link = published_link(data_dir)
    if link.exists():
        return link.resolve()
    left = snapshots(data_dir)
    if left:
        return left[-1].resolve()
    if link.is_symlink():
        raise WarehouseError(
            f"the published snapshot {link.readlink()} was deleted and no other is left in {link.parent};"
            " `megatoken night` publishes a new one, nothing that had landed is lost"
        )
    raise WarehouseError(f"nothing has been published in {link.parent} yet; run `megatoken night` first")


@contextmanager
def open_published(data_dir: Path, *, any_version: bool = False) -> "Iterator[duckdb.DuckDBPyConnection]":
    """A read-only connection to the published snapshot; it sees no other file, and times are UTC.

    It stays usable when newer snapshots are published, or this one is deleted, and it blocks nobody. Use a `cursor()`
    of it in each thread.

    Raises:
        WarehouseError: nothing is published, or the snapshot cannot be read.
    """
    con = connect_snapshot(published_path(data_dir), any_version=any_version)
    try:
        yield con
    finally:
        con.close()


def connect_snapshot(path: Path, *, any_version: bool = False) -> "duckdb.DuckDBPyConnection":
    """The same for the path of one snapshot, for a caller that keeps the connection and closes it itself.

    Args:
        path: the snapshot.
        any_version: take also what another Megatoken published, whose views may have other columns.

    Raises:
        WarehouseError: the snapshot cannot be read, or its views are those of another Megatoken.
    """
    import duckdb

    try:
        # one configuration for all readers: DuckDB refuses a second one for the same file in a process
        con = duckdb.connect(
            path,
            read_only=True,
            config={
                "enable_external_access": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "memory_limit": "2GB",
                "max_temp_directory_size": "0GB",
                "threads": 2,
            },
        )
        # not lock_configuration: it would lock this very setting for the next reader of the same process
        con.execute("SET TimeZone = 'UTC'").fetchall()
        written = con.execute("SELECT sha256 FROM written_views").fetchall()
    except duckdb.Error as error:
        raise WarehouseError(
            f"snapshot {path} cannot be read: {str(error).splitlines()[0]}; delete it and publish again,"
            " nothing that had landed is lost"
        ) from None
    if not any_version and written != [(views_sha256(),)]:
        con.close()
        raise WarehouseError(
            f"snapshot {path} was published by another version of Megatoken; `megatoken publish` publishes everything"
            " that has landed anew"
        )
    return con


def ranked(
    con: "duckdb.DuckDBPyConnection",
    *,
    by: str = DEFAULT_METRIC,
    workload_id: str | None = None,
    any_grade: bool = False,
) -> list[dict[str, Any]]:
    """Rows of the leaderboard of an open snapshot, by workload and then by rank.

    Args:
        con: the snapshot.
        by: id of the metric to rank by, see `warehouse.metrics`.
        workload_id: only this workload.
        any_grade: rank whatever was measured; else only what a client certified A or B measured.

    Returns:
        A dict of the view's columns for each row, with `rank` first: 1 is best within the workload, equal values share
        a rank and the next one is skipped; None, and last, where the metric is unknown or the client's grade too low.

    Raises:
        WarehouseError: there is no such metric.
    """
    return in_order(board_rows(con, workload_id=workload_id), by=by, any_grade=any_grade)


def board_rows(con: "duckdb.DuckDBPyConnection", *, workload_id: str | None = None) -> list[dict[str, Any]]:
    """The rows of the view leaderboard, in no order that means anything: by workload and target."""
    asked = "SELECT * FROM leaderboard WHERE ? IS NULL OR workload_id = ? ORDER BY workload_id, target_id"
    return dicts(con.execute(asked, [workload_id, workload_id]))


def in_order(rows: Sequence[Mapping[str, Any]], *, by: str, any_grade: bool = False) -> list[dict[str, Any]]:
    """Rows of the view leaderboard as `ranked` gives them; once read, they serve every metric.

    Raises:
        WarehouseError: there is no such metric.
    """
    chosen = metric(by)
    sign = 1 if chosen.direction == "lower" else -1

    def admitted(row: Mapping[str, Any]) -> bool:
        return row[chosen.column] is not None and (any_grade or row["client_grade"] in RANKED)

    def place(row: Mapping[str, Any]) -> tuple[Any, ...]:
        value = row[chosen.column]
        return row["workload_id"], not admitted(row), value is None, sign * (value or 0), row["target_id"]

    ordered: list[dict[str, Any]] = []
    for workload_id in sorted({row["workload_id"] for row in rows}):
        of_workload = sorted((row for row in rows if row["workload_id"] == workload_id), key=place)
        rank = 0
        for number, row in enumerate(of_workload, start=1):
            if number == 1 or row[chosen.column] != of_workload[number - 2][chosen.column]:
                rank = number
            ordered.append({"rank": rank if admitted(row) else None, **row})
    return ordered


def views_with_comments(data_dir: Path) -> list[ViewComment]:
    """Every view of the published snapshot with what it and its columns mean, by name.

    Raises:
        WarehouseError: nothing is published.
    """
    with open_published(data_dir, any_version=True) as con:
        found = con.execute(
            """
            SELECT v.view_name, v.comment, list((c.column_name, c.comment) ORDER BY c.column_index)
            FROM duckdb_views() AS v
            INNER JOIN duckdb_columns() AS c ON c.table_name = v.view_name AND c.schema_name = v.schema_name
            WHERE NOT v.internal
            GROUP BY v.view_name, v.comment
            ORDER BY v.view_name
            """
        ).fetchall()
    return [
        ViewComment(name=name, comment=comment, columns=tuple((column, said) for column, said in columns))
        for name, comment, columns in found
    ]


def summarise_batch(rows: Sequence[LandingRow]) -> dict[str, Any]:
    """The metrics of one trial that need not land, by the very tables, views and formulas of a warehouse.

    Args:
        rows: the rows of one trial, as they would be landed.

    Returns:
        Its row of `trial_metrics`, with its cost, energy and emissions per output token beside.

    Raises:
        WarehouseError: the rows do not hold exactly one trial, or a value does not fit its column.
    """
    import duckdb

    from warehouse import schema
    from warehouse.loader import derive
    from warehouse.tables import by_table, insert_rows

    tables = by_table(rows)
    if len(tables.get("trials", ())) != 1:
        raise WarehouseError(
            f"{len(tables.get('trials', ()))} trials cannot be summarised as one; give the rows of one"
        )
    con = duckdb.connect()
    try:
        schema.create_for_one_use(con)
        for table, members in tables.items():
            insert_rows(con, table, members)
        derive(con)
        (trial,) = tables["trials"]
        assert isinstance(trial, TrialRow)
        return trial_summary(con, trial.trial_id)
    finally:
        con.close()


def trial_summary(con: "duckdb.DuckDBPyConnection", trial_id: str) -> dict[str, Any]:
    """The row of `trial_metrics` of a loaded trial, with its cost, energy, emissions, certificate and lengths."""
    return dicts(
        con.execute(
            """
            SELECT
                m.*,
                c.usd,
                c.usd_per_output_mtok,
                c.basis AS usd_basis,
                e.energy_j,
                e.j_per_output_token,
                e.basis AS energy_basis,
                g.operational_gco2e_per_output_mtok,
                g.embodied_gco2e_per_output_mtok,
                g.basis AS emissions_basis,
                f.grade AS certificate_grade,
                f.reasons AS certificate_reasons,
                l.n_prompts,
                l.prompt_error_p50_share,
                l.prompt_error_max_share,
                l.prompt_exact_share,
                l.output_length_reached_share,
                l.length_band
            FROM trial_metrics AS m
            LEFT JOIN cost AS c USING (trial_id)
            LEFT JOIN (
                SELECT trial_id, grade, reasons
                FROM certificates
                WHERE trial_id = $trial_id
                ORDER BY recorded_at DESC, method_version DESC
                LIMIT 1
            ) AS f USING (trial_id)
            LEFT JOIN energy AS e USING (trial_id)
            LEFT JOIN emissions AS g USING (trial_id)
            LEFT JOIN (SELECT * FROM length_fidelity WHERE trial_id = $trial_id) AS l USING (trial_id)
            WHERE m.trial_id = $trial_id
            """,
            {"trial_id": trial_id},
        )
    )[0]


def dicts(result: "duckdb.DuckDBPyConnection") -> list[dict[str, Any]]:
    """All rows of an executed query by column name; instants are UTC of the standard library."""
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, map(_utc, row), strict=True)) for row in result.fetchall()]


def _utc(value: Any) -> Any:  # noqa: ANN401 - a cell of a query: any type that DuckDB has
    """Instants come in the zone of the session, as pytz objects; ours are UTC of the standard library."""
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo is not None else value
