"""What the page `tradeoff` reads from a snapshot."""

from datetime import timedelta
from pathlib import Path

import streamlit as st

from ui.snapshot import Row, rows_of
from warehouse.fronts import FrontPoint, front_points
from warehouse.night_figures import comparable_trials
from warehouse.query import connect_snapshot
from warehouse.service_level import Limits, Verdict, judged_together


@st.cache_data(max_entries=16, show_spinner=False)
def measured(path: str, workload_id: str) -> list[Row]:
    """Targets that nights have measured under a workload, as they were in their newest trial, with its attempts."""
    return rows_of(
        path,
        """
        WITH newest AS (
            SELECT
                t.trial_id, t.run_id, t.target_id, t.provider, t.model, t.quantisation, t.kind, t.device, t.region,
                t.engine, t.cpu_model, t.gpu_models, t.started_at AS measured_at
            FROM trials AS t
            SEMI JOIN cell_trials USING (trial_id)
            ANTI JOIN ad_hoc_runs USING (run_id)
            WHERE t.workload_id = $workload_id
            QUALIFY row_number() OVER (PARTITION BY t.target_id ORDER BY t.started_at DESC, t.trial_id DESC) = 1
        ),

        counted AS (
            SELECT trial_id, count(*) AS n, count(*) FILTER (error_class IS NOT NULL) AS failed_attempts
            FROM attempts
            WHERE phase = 'measured' AND trial_id IN (SELECT trial_id FROM newest)
            GROUP BY trial_id
        ),

        grades AS (
            SELECT trial_id, grade AS client_grade, reasons AS client_reasons
            FROM certificates
            WHERE trial_id IN (SELECT trial_id FROM newest)
            QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC, method_version DESC) = 1
        )

        SELECT w.*, coalesce(c.n, 0) AS n, coalesce(c.failed_attempts, 0) AS failed_attempts, g.* EXCLUDE (trial_id)
        FROM newest AS w
        LEFT JOIN counted AS c USING (trial_id)
        LEFT JOIN grades AS g USING (trial_id)
        ORDER BY w.target_id
        """,
        {"workload_id": workload_id},
    )


@st.cache_data(max_entries=64, show_spinner=False)
def points(
    path: str, workload_id: str, target_ids: tuple[str, ...], metric_ids: tuple[str, str], window: timedelta
) -> list[FrontPoint]:
    """Where targets stand among each other when two metrics count."""
    con = connect_snapshot(Path(path))
    try:
        return front_points(con, workload_id, target_ids, metric_ids=metric_ids, window=window)
    finally:
        con.close()


@st.cache_data(max_entries=16, show_spinner=False)
def kept(path: str, workload_id: str, asked: Limits, window: timedelta) -> dict[str, Verdict]:
    """Which targets keep a service level, by all nights of the window together."""
    con = connect_snapshot(Path(path))
    try:
        trials_of: dict[str, list[str]] = {}
        for trial in comparable_trials(con, workload_id, window=window, any_grade=False):
            trials_of.setdefault(trial["target_id"], []).append(trial["trial_id"])
        return judged_together(con, trials_of, asked)
    finally:
        con.close()
