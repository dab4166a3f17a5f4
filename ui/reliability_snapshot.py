"""What the page on reliability reads from a snapshot."""

from datetime import timedelta
from pathlib import Path

import streamlit as st

from warehouse.query import connect_snapshot
from warehouse.reliability import ReliabilityReport, reliability


@st.cache_data(max_entries=16, show_spinner=False)
def report(path: str, workload_id: str, window: timedelta) -> ReliabilityReport:
    """How far each target of a workload could be depended on."""
    con = connect_snapshot(Path(path))
    try:
        return reliability(con, workload_id, window)
    finally:
        con.close()
