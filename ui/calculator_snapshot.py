"""What the page `calculator` reads from a snapshot."""

from pathlib import Path

import streamlit as st

from warehouse.calculator_inputs import Measured, measured_targets
from warehouse.query import connect_snapshot


@st.cache_data(max_entries=16, show_spinner=False)
def measured(path: str, workload_id: str) -> list[Measured]:
    """The newest measurement of each target under a workload, with the facts and prices that a month rests on."""
    con = connect_snapshot(Path(path))
    try:
        return measured_targets(con, workload_id)
    finally:
        con.close()
