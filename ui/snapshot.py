"""What the pages read: published snapshots only, each result cached under the snapshot's own path.

A snapshot never changes, so a result keyed by its path is never stale; a new night is a new path, and the page that
looks is drawn again by `watch`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from ui.server import DATA_DIR_VARIABLE
from warehouse.errors import WarehouseError
from warehouse.metrics import Metric
from warehouse.offered import offered_metrics
from warehouse.query import board_rows, connect_snapshot, dicts, in_order, published_path

Row = dict[str, Any]
_WATCH_EVERY_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The published snapshot that a page is drawn from."""

    path: str
    published_at: datetime


def data_dir() -> Path:
    """Where the server was told that data lives; `./data` if nobody said."""
    return Path(os.environ.get(DATA_DIR_VARIABLE) or "data").resolve()


def current() -> Snapshot:
    """The snapshot to draw from now.

    Raises:
        WarehouseError: nothing is published, or it is gone.
    """
    path = published_path(data_dir())
    try:
        written = path.stat().st_mtime
    except FileNotFoundError as error:
        raise WarehouseError(f"the published snapshot {path.name} was deleted just now; load the page again") from error
    return Snapshot(path=str(path), published_at=datetime.fromtimestamp(written, UTC))


@st.fragment(run_every=_WATCH_EVERY_S)
def watch(drawn_from: str | None) -> None:
    """Draw the page again when another snapshot is the published one, or when there is one at last or none any more.

    A snapshot that cannot be read was drawn from too: else the page would be drawn again without end.
    """
    try:
        path: str | None = current().path
    except WarehouseError:
        path = None
    if path != drawn_from:
        st.rerun()


@st.cache_data(max_entries=8, show_spinner=False)
def workloads(path: str) -> list[str]:
    """Ids of the workloads of any night, by name."""
    found = rows_of(
        path, "SELECT DISTINCT workload_id FROM trial_status ANTI JOIN ad_hoc_runs USING (run_id) ORDER BY ALL"
    )
    return [row["workload_id"] for row in found]


@st.cache_data(max_entries=8, show_spinner=False)
def planned(path: str) -> list[Row]:
    """Workload, model and region of whatever nights have planned or measured: what a page can be narrowed to."""
    return rows_of(
        path,
        """
        SELECT DISTINCT s.workload_id, t.model, t.region
        FROM trial_status AS s
        ANTI JOIN ad_hoc_runs USING (run_id)
        LEFT JOIN trials AS t USING (run_id, target_id, workload_id)
        ORDER BY ALL
        """,
    )


def leaderboard(path: str, by: str, workload_id: str, *, any_grade: bool) -> list[Row]:
    """Rows of the leaderboard of one workload, best first, with `rank`."""
    rows = [row for row in _board_rows(path) if row["workload_id"] == workload_id]
    return in_order(rows, by=by, any_grade=any_grade)


@st.cache_data(max_entries=4, show_spinner=False)
def _board_rows(path: str) -> list[Row]:
    """All boards at once: their view is the dearest of a page, and another metric or workload then costs nothing."""
    con = connect_snapshot(Path(path))
    try:
        return board_rows(con)
    finally:
        con.close()


@st.cache_data(max_entries=32, show_spinner=False)
def metrics(path: str, workload_id: str) -> list[Metric]:
    """Metrics that a workload can be asked for: those of other tasks only where one of its targets has a figure."""
    con = connect_snapshot(Path(path))
    try:
        return offered_metrics(con, workload_id)
    finally:
        con.close()


@st.cache_data(max_entries=16, show_spinner=False)
def latest_outcomes(path: str, workload_id: str) -> list[Row]:
    """What became of each target the last time a night planned it under this workload."""
    return rows_of(
        path,
        """
        SELECT s.target_id, s.run_id, s.outcome, s.reason, r.started_at AS run_started_at
        FROM trial_status AS s
        INNER JOIN runs AS r USING (run_id)
        ANTI JOIN ad_hoc_runs USING (run_id)
        WHERE s.workload_id = ?
        QUALIFY row_number() OVER (PARTITION BY s.target_id ORDER BY r.started_at DESC, s.run_id DESC) = 1
        ORDER BY s.target_id
        """,
        [workload_id],
    )


@st.cache_data(max_entries=16, show_spinner=False)
def workload_terms(path: str, workload_id: str) -> list[Row]:
    """The distinct parameters under which rows of the leaderboard were measured; one row unless a config changed."""
    return rows_of(
        path,
        """
        SELECT DISTINCT
            t.arrivals, t.concurrency, t.rate_rps, t.prompt_tokens_asked, t.output_tokens_asked,
            t.slo_ttft_s, t.slo_tpot_s
        FROM leaderboard AS l
        INNER JOIN trials AS t USING (trial_id)
        WHERE l.workload_id = ?
        ORDER BY ALL
        """,
        [workload_id],
    )


@st.cache_data(max_entries=16, show_spinner=False)
def unknown_reasons(path: str, workload_id: str) -> list[Row]:
    """Why cost, energy or emissions of a row of the leaderboard are unknown."""
    return rows_of(
        path,
        """
        SELECT l.target_id, c.reason AS cost, e.reason AS energy, g.reason AS emissions
        FROM leaderboard AS l
        INNER JOIN cost AS c USING (trial_id)
        INNER JOIN energy AS e USING (trial_id)
        INNER JOIN emissions AS g USING (trial_id)
        WHERE l.workload_id = ? AND (c.reason IS NOT NULL OR e.reason IS NOT NULL OR g.reason IS NOT NULL)
        ORDER BY l.target_id
        """,
        [workload_id],
    )


@st.cache_data(max_entries=8, show_spinner=False)
def providers(path: str) -> list[str]:
    """All providers ever measured, by name: what a provider's colour hangs on, the same on every page."""
    return [row["provider"] for row in rows_of(path, "SELECT DISTINCT provider FROM trials ORDER BY ALL")]


def rows_of(path: str, sql: str, parameters: Sequence[object] | dict[str, object] = ()) -> list[Row]:
    """The rows of one query over a snapshot; callers cache them."""
    con = connect_snapshot(Path(path))
    try:
        return dicts(con.execute(sql, parameters))
    finally:
        con.close()
