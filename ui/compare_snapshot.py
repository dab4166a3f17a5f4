"""What the page `compare` reads from a snapshot."""

from datetime import timedelta
from pathlib import Path

import streamlit as st

from ui.snapshot import Row, rows_of
from warehouse.comparison import Comparison, Rounds, compare, interleaved
from warehouse.query import connect_snapshot

STEPS = 400  # marks of one curve, at most


@st.cache_data(max_entries=32, show_spinner=False)
def compared(path: str, workload_id: str, target_ids: tuple[str, ...], window: timedelta) -> Comparison:
    """The first target beside each of the others, in every metric."""
    con = connect_snapshot(Path(path))
    try:
        return compare(con, workload_id, target_ids, window=window)
    finally:
        con.close()


@st.cache_data(max_entries=32, show_spinner=False)
def rounds(path: str, workload_id: str, target_ids: tuple[str, ...]) -> list[Rounds]:
    """What an interleaved group of them says, where there was one."""
    con = connect_snapshot(Path(path))
    try:
        return interleaved(con, workload_id, target_ids)
    finally:
        con.close()


@st.cache_data(max_entries=32, show_spinner=False)
def curves(path: str, trial_ids: tuple[str, ...]) -> list[Row]:
    """Of each trial and each of `ttft_s` and `tpot_s`: how many of its attempts had come by when, in `STEPS` at most.

    `came` of `all_attempts` had a value of at most `seconds`: a failed attempt never came. Of answers too short for a
    time per token (`short`) the curve of `tpot_s` knows nothing: they are not in its `all_attempts`.
    """
    return rows_of(
        path,
        """
        WITH attempted AS (
            SELECT trial_id, ok, ttft_s, tpot_s
            FROM attempt_metrics
            WHERE trial_id IN (SELECT unnest($trial_ids))
        ),

        times AS (
            SELECT trial_id, 'ttft_s' AS metric_id, CASE WHEN ok THEN ttft_s END AS seconds, FALSE AS short
            FROM attempted
            UNION ALL
            SELECT trial_id, 'tpot_s', CASE WHEN ok THEN tpot_s END, ok AND tpot_s IS NULL
            FROM attempted
        ),

        ranked AS (
            SELECT
                *,
                count(*) FILTER (NOT short) OVER curve AS all_attempts,
                count(*) FILTER (short) OVER curve AS short_attempts,
                count(seconds) OVER curve AS came_in_all,
                row_number() OVER (PARTITION BY trial_id, metric_id ORDER BY seconds NULLS LAST) AS came
            FROM times
            WINDOW curve AS (PARTITION BY trial_id, metric_id)
        )

        SELECT trial_id, metric_id, seconds, came, came_in_all, all_attempts, short_attempts
        FROM ranked
        WHERE (seconds IS NOT NULL AND (came % ceil(came_in_all / $steps)::BIGINT = 0 OR came IN (1, came_in_all)))
            OR (came_in_all = 0 AND came = 1)
        ORDER BY trial_id, metric_id, came
        """,
        {"trial_ids": list(trial_ids), "steps": STEPS},
    )


@st.cache_data(max_entries=32, show_spinner=False)
def prices(path: str, target_ids: tuple[str, ...]) -> list[Row]:
    """The prices that rule now, by target and service tier, and how many there have been before."""
    return rows_of(
        path,
        """
        WITH told AS (
            SELECT target_id, provider, model, service_tier, origin, count(DISTINCT valid_from) AS prices_known
            FROM price_history
            WHERE target_id IN (SELECT unnest($target_ids))
            GROUP BY ALL
        )

        SELECT n.*, t.prices_known
        FROM prices_now AS n
        LEFT JOIN told AS t USING (target_id, provider, model, service_tier, origin)
        WHERE n.target_id IN (SELECT unnest($target_ids))
        ORDER BY n.target_id, n.service_tier <> 'standard', n.service_tier, n.above_prompt_tokens, n.hours_utc
        """,
        {"target_ids": list(target_ids)},
    )
