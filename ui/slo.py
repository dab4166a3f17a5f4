"""The service level that a page is asked for: one choice in the bar, and boxes for limits of one's own."""

from collections.abc import Mapping

import streamlit as st

from ui import frame, markup, ranking_snapshot
from ui.entries import url_number
from warehouse.service_level import INTERACTIVE, Limits

LEVELS: Mapping[str, str] = {
    "none": "not asked for",
    "own": "the workload's own",
    "interactive": "interactive: 1 s, 100 ms",
    "mine": "limits of my own",
}
_BOX_PX = 150


def asked_limits(at: frame.Frame, workload: str, *, default: str = "none") -> Limits | None:
    """The limits that the address or the visitor asks for, those of `default` if neither does; None for none."""
    level = at.box("Service level", "slo", list(LEVELS), LEVELS, default=default)
    if level == "own":
        return ranking_snapshot.own_limits(at.shown.path, workload)
    if level == "interactive":
        return INTERACTIVE
    return _mine() if level == "mine" else None


def _mine() -> Limits:
    """Limits in milliseconds and percent, as they are typed and as the address has them."""
    with st.container(horizontal=True, gap="small"):
        ttft, *said = url_number(
            "First token within, ms", "slo_ttft_ms", default=1000, low=1, high=600_000, step=100, width=_BOX_PX
        )
        tpot, tpot_said = url_number(
            "Then per token, ms", "slo_tpot_ms", default=100, low=0.1, high=60_000, step=10, width=_BOX_PX, decimals=1
        )
        percent, percent_said = url_number(
            "Attempts that must, %", "slo_percent", default=95, low=1, high=99.999, step=0.5, width=_BOX_PX, decimals=3
        )
    notes = [note for note in (*said, tpot_said, percent_said) if note]
    if notes:
        st.html(markup.notes(notes))
    return Limits(ttft_s=ttft / 1e3, tpot_s=tpot / 1e3, success_share=round(percent / 100, 5))
