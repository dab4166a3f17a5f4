"""What pages read of capability checks, cached under the snapshot's own path."""

import streamlit as st

from ui.snapshot import Row, rows_of


@st.cache_data(max_entries=64, show_spinner=False)
def latest(path: str, target_id: str) -> Row | None:
    """The last check of a target, as the view latest_checks has it; None if it never was checked."""
    found = rows_of(path, "SELECT * FROM latest_checks WHERE target_id = ?", [target_id])
    return found[0] if found else None


@st.cache_data(max_entries=64, show_spinner=False)
def findings(path: str, target_id: str) -> list[Row]:
    """What that check found out, in the order in which it is told."""
    return rows_of(path, "SELECT * FROM latest_check_findings WHERE target_id = ? ORDER BY finding_number", [target_id])


@st.cache_data(max_entries=8, show_spinner=False)
def deviating(path: str) -> list[Row]:
    """The last checks that found a deviation, or no answer at all; the worst first."""
    return rows_of(
        path,
        """
        SELECT *
        FROM latest_checks
        WHERE NOT is_answered OR len(deviations) > 0
        ORDER BY conformance_share NULLS FIRST, target_id
        """,
    )
