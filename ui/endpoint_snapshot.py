"""What the page `endpoint` reads from a snapshot: stored figures of one target under one workload, night by night."""

from pathlib import Path

import streamlit as st

from ui.snapshot import Row, rows_of
from warehouse.query import connect_snapshot
from warehouse.watch import Change, changes

_NIGHTS = """
    WITH nights AS (
        SELECT t.*, coalesce(r.started_at, t.started_at)::DATE AS night, r.config_name, r.config_sha256, r.config_toml
        FROM trials AS t
        SEMI JOIN cell_trials USING (trial_id)
        ANTI JOIN ad_hoc_runs USING (run_id)
        LEFT JOIN runs AS r USING (run_id)
        WHERE t.target_id = $target_id AND t.workload_id = $workload_id
    ),

    graded AS (
        SELECT trial_id, grade AS client_grade
        FROM certificates
        SEMI JOIN nights USING (trial_id)
        QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC, method_version DESC) = 1
    )

    SELECT
        n.*,
        f.* EXCLUDE (trial_id, run_id, target_id, workload_id),
        o.ok,
        o.errors,
        o.prompt_tokens / nullif(o.ok, 0) AS prompt_tokens,
        o.output_tokens / nullif(o.ok, 0) AS output_tokens,
        c.usd_per_output_mtok_low, c.usd_per_output_mtok, c.usd_per_output_mtok_high,
        e.j_per_output_token_low, e.j_per_output_token, e.j_per_output_token_high,
        g.operational_gco2e_per_output_mtok_low, g.operational_gco2e_per_output_mtok,
        g.operational_gco2e_per_output_mtok_high, g.embodied_gco2e_per_output_mtok_low,
        g.embodied_gco2e_per_output_mtok, g.embodied_gco2e_per_output_mtok_high,
        q.client_grade,
        d.* EXCLUDE (trial_id, recorded_at)
    FROM nights AS n
    INNER JOIN trial_figures AS f USING (trial_id)
    INNER JOIN trial_outcomes AS o USING (trial_id)
    LEFT JOIN cost AS c USING (trial_id)
    LEFT JOIN energy AS e USING (trial_id)
    LEFT JOIN emissions AS g USING (trial_id)
    LEFT JOIN graded AS q USING (trial_id)
    LEFT JOIN trial_digests AS d USING (trial_id)
    ORDER BY n.started_at, n.trial_id
"""


@st.cache_data(max_entries=8, show_spinner=False)
def targets(path: str) -> list[str]:
    """Ids of everything that a night planned or somebody checked, by name; what was never measured comes last."""
    found = rows_of(
        path,
        """
        SELECT target_id
        FROM (
            SELECT target_id, ok FROM trial_status ANTI JOIN ad_hoc_runs USING (run_id)
            UNION ALL
            SELECT target_id, NULL FROM latest_checks
        )
        GROUP BY target_id
        ORDER BY bool_or(ok > 0) DESC NULLS LAST, target_id
        """,
    )
    return [row["target_id"] for row in found]


@st.cache_data(max_entries=64, show_spinner=False)
def nights(path: str, target_id: str, workload_id: str) -> list[Row]:
    """Every night's trial of a target under a workload with its figures and what it was, the oldest first."""
    return rows_of(path, _NIGHTS, {"target_id": target_id, "workload_id": workload_id})


@st.cache_data(max_entries=64, show_spinner=False)
def status(path: str, target_id: str, workload_id: str) -> list[Row]:
    """What became of the target the last time that a night planned it under the workload; one row or none."""
    return rows_of(
        path,
        """
        SELECT s.outcome, s.reason, r.started_at
        FROM trial_status AS s
        INNER JOIN runs AS r USING (run_id)
        ANTI JOIN ad_hoc_runs USING (run_id)
        WHERE s.target_id = ? AND s.workload_id = ?
        ORDER BY r.started_at DESC, s.run_id DESC
        LIMIT 1
        """,
        [target_id, workload_id],
    )


@st.cache_data(max_entries=64, show_spinner=False)
def changes_of(path: str, target_id: str) -> list[Change]:
    """What the last watch found at a target, under any workload, the newest first."""
    con = connect_snapshot(Path(path))
    try:
        return [change for change in changes(con) if change.target_id == target_id]
    finally:
        con.close()


@st.cache_data(max_entries=64, show_spinner=False)
def prices(path: str, target_id: str) -> list[Row]:
    """Prices on record of a target for any prompt and all day, the newest first."""
    return rows_of(
        path,
        """
        SELECT *
        FROM price_history
        WHERE target_id = ? AND above_prompt_tokens = 0 AND hours_utc IS NULL
        ORDER BY origin, service_tier, valid_from DESC NULLS LAST
        """,
        [target_id],
    )
