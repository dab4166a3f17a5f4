"""What the ranking reads: boards as they are decided, cached under the snapshot's own path."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from ui import snapshot
from warehouse.decision import Board, Grounds, Rules, decided, grounds
from warehouse.provider_scores import ProviderRatio, provider_ratios
from warehouse.query import DEFAULT_METRIC, connect_snapshot
from warehouse.service_level import Limits, workload_limits


@st.cache_data(max_entries=64, show_spinner=False)
def board(path: str, workload_id: str, rules: Rules, target_ids: tuple[str, ...]) -> Board:
    """The board of some targets of a workload, ranked among each other."""
    wanted = set(target_ids)
    rows = snapshot.leaderboard(path, rules.by, workload_id, any_grade=rules.any_grade)
    con = connect_snapshot(Path(path))
    try:
        on = _grounds(path, workload_id, replace(rules, by=DEFAULT_METRIC, weights=None), tuple(sorted(wanted)))
        return decided(con, workload_id, [row for row in rows if row["target_id"] in wanted], rules, on=on)
    finally:
        con.close()


@st.cache_data(max_entries=16, show_spinner=False)
def _grounds(path: str, workload_id: str, rules: Rules, target_ids: tuple[str, ...]) -> Grounds:
    """What the boards of these targets have in common, by whichever metric; so `rules` name none."""
    con = connect_snapshot(Path(path))
    try:
        return grounds(con, workload_id, target_ids, rules)
    finally:
        con.close()


@st.cache_data(max_entries=16, show_spinner=False)
def own_limits(path: str, workload_id: str) -> Limits | None:
    """The service level of a workload's own config."""
    con = connect_snapshot(Path(path))
    try:
        return workload_limits(con, workload_id)
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
