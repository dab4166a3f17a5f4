"""What the ranking reads: boards as they are decided, cached under the snapshot's own path."""

from pathlib import Path

import streamlit as st

from ui import snapshot
from warehouse.decision import Board, Rules, decided
from warehouse.provider_scores import ProviderRatio, provider_ratios
from warehouse.query import connect_snapshot


@st.cache_data(max_entries=64, show_spinner=False)
def board(path: str, workload_id: str, rules: Rules, target_ids: tuple[str, ...]) -> Board:
    """The board of some targets of a workload, ranked among each other."""
    wanted = set(target_ids)
    rows = snapshot.leaderboard(path, rules.by, workload_id, any_grade=rules.any_grade)
    con = connect_snapshot(Path(path))
    try:
        return decided(con, workload_id, [row for row in rows if row["target_id"] in wanted], rules)
    finally:
        con.close()


@st.cache_data(max_entries=32, show_spinner=False)
def ratios(path: str, workload_id: str, rules: Rules) -> list[ProviderRatio]:
    """How providers compare under a workload on the models that they share."""
    con = connect_snapshot(Path(path))
    try:
        return provider_ratios(con, [workload_id], by=rules.by, any_grade=rules.any_grade, window=rules.window)
    finally:
        con.close()
