"""What became of what each run had planned, run by run."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ui.charts import bare, ink, inline
from ui.runs_list import OUTCOMES

_SKIPPED = "#9AA5B0"  # seen on a light ground and on a dark one, and louder than nothing


def outcomes_chart(listed: Sequence[Mapping[str, Any]], *, dark: bool = False) -> alt.LayerChart | None:
    """A bar a run, the oldest on the left: its planned trials by what became of them; None for fewer than two runs."""
    if len(listed) < 2:
        return None
    inks = ink(dark)
    colours = {"done": inks["good"], "failed": inks["bad"], "skipped": _SKIPPED, "waiting": inks["late"]}
    drawn = [
        {
            "run": run["run_id"],
            "began": f"{run['started_at']:%m-%d %H:%M}",
            "outcome": outcome,
            "order": OUTCOMES.index(outcome),
            "trials": run[f"trials_{outcome}"],
        }
        for run in reversed(listed)
        for outcome in OUTCOMES
        if run[f"trials_{outcome}"]
    ]
    if not drawn:
        return None
    bars = (
        alt.Chart(inline(drawn))
        .mark_bar()
        .encode(
            x=alt.X(
                "began:N",
                sort=None,
                axis=alt.Axis(title="Run, by when it began (UTC)", labelAngle=0, labelOverlap=True, ticks=False),
            ),
            y=alt.Y(
                "trials:Q",
                axis=alt.Axis(title="Planned trials", tickMinStep=1, tickCount=5, gridColor=inks["grid"], domain=False),
            ),
            color=alt.Color(
                "outcome:N",
                scale=alt.Scale(domain=list(OUTCOMES), range=[colours[outcome] for outcome in OUTCOMES]),
                legend=alt.Legend(title=None, orient="top", symbolType="square"),
            ),
            order=alt.Order("order:Q"),
            tooltip=[alt.Tooltip("run:N"), alt.Tooltip("outcome:N"), alt.Tooltip("trials:Q", title="trials")],
        )
    )
    return bare(alt.LayerChart(layer=[bars], height=190), dark=dark)
