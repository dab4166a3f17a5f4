"""What pages read of the canary, cached under the snapshot's own path."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ui.snapshot import Row
from warehouse import canary
from warehouse.query import connect_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCanary:
    """All that is drawn of one target; `nights` are rows of the view canary_nights, the newest first."""

    nights: list[Row]
    pairs: list[canary.PairAgreement]
    changed: list[Row]


@st.cache_data(max_entries=8, show_spinner=False)
def verdicts(path: str) -> dict[str, canary.Verdict]:
    """The latest verdict of every target that was ever asked, by target id."""
    con = connect_snapshot(Path(path))
    try:
        return canary.verdicts(con)
    finally:
        con.close()


@st.cache_data(max_entries=32, show_spinner=False)
def of_target(path: str, target_id: str) -> TargetCanary:
    """The nights of one target, who answers as it does, and what it answers otherwise now."""
    con = connect_snapshot(Path(path))
    try:
        return TargetCanary(
            nights=canary.target_nights(con, target_id),
            pairs=canary.group_agreement(con, target_id),
            changed=canary.changed_answers(con, target_id),
        )
    finally:
        con.close()
