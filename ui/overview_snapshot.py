"""What the overview reads beside the boards: the last night, and what changed; cached under the snapshot's own path."""

from datetime import timedelta

import streamlit as st

from ui.snapshot import Row, rows_of


@st.cache_data(max_entries=8, show_spinner=False)
def last_night(path: str) -> Row | None:
    """The newest night, as the view runs_overview has it."""
    found = rows_of(path, "SELECT * FROM runs_overview WHERE run_kind = 'night' ORDER BY started_at DESC LIMIT 1")
    return found[0] if found else None


@st.cache_data(max_entries=16, show_spinner=False)
def changes(path: str, workload_id: str, window: timedelta) -> list[Row]:
    """Changes of the window of a workload and of prices, the newest first."""
    return rows_of(
        path,
        """
        SELECT *
        FROM changes
        WHERE
            (workload_id IS NULL OR workload_id = $workload_id)
            AND changed_on > (SELECT max(started_at)::DATE FROM trials) - $window
        ORDER BY changed_on DESC, target_id, metric_id
        """,
        {"workload_id": workload_id, "window": window},
    )
