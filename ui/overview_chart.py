"""Places of every target in the four questions, as bands: where a line is long, the order is not sure."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ui.charts import bare, ink, inline
from ui.overview import Question
from ui.ranking import Entry
from warehouse.metrics import format_value

# Okabe and Ito's, apart from the providers' order: these are questions.
_LIGHT = ("#0072B2", "#D55E00", "#CC79A7", "#009E73")
_DARK = ("#56B4E9", "#E8743B", "#CC79A7", "#2BBF94")
_SHAPES = ("circle", "square", "diamond", "triangle-up")
_ROW_PX = 56


def places_chart(
    answers: Mapping[str, Sequence[Entry]], asked: Sequence[Question], targets: Sequence[str], *, dark: bool = False
) -> alt.LayerChart | None:
    """A row a target, a mark a question at its place, and the places that it may have; None if nobody has one."""
    drawn: list[dict[str, Any]] = [
        {
            "target": entry.target_id,
            "question": question.leader,
            "place": entry.rank,
            "low": entry.band.rank_low if entry.band.rank_low is not None else entry.rank,
            "high": entry.band.rank_high if entry.band.rank_high is not None else entry.rank,
            "figure": f"{format_value(question.by, entry.value)} {question.by.shown_unit}",
            "places": entry.places or f"{entry.rank}, not known how sure",
        }
        for question in asked
        for entry in answers[question.key]
        if entry.rank is not None and entry.target_id in set(targets)
    ]
    if not drawn:
        return None
    inks = ink(dark)
    names = [question.leader for question in asked]
    last = max(row["high"] for row in drawn)
    listed = [target for target in targets if any(row["target"] == target for row in drawn)]
    y = alt.Y(
        "target:N",
        sort=listed,
        axis=alt.Axis(title=None, labelLimit=190, labelOverlap=False, domain=False, ticks=False, labelPadding=10),
    )
    x_axis = alt.Axis(
        title="Place, 1 is best",
        values=_ticks(last),
        format="d",
        gridColor=inks["grid"],
        domain=False,
        ticks=False,
    )
    x_scale = alt.Scale(domain=[0.7, last + 0.3], nice=False)
    offset = alt.YOffset("question:N", sort=names, scale=alt.Scale(domain=names, paddingInner=0.3, paddingOuter=0.6))
    colour = alt.Color(
        "question:N",
        scale=alt.Scale(domain=names, range=list(_DARK if dark else _LIGHT)),
        legend=alt.Legend(title=None, orient="top", columns=2, labelLimit=140, symbolOpacity=1),
    )
    shape = alt.Shape("question:N", scale=alt.Scale(domain=names, range=list(_SHAPES)))
    tooltip = [
        alt.Tooltip(f"{key}:N", title=title)
        for key, title in (("target", "target"), ("question", "question"), ("places", "place"), ("figure", "typical"))
    ]
    base = alt.Chart(inline(drawn)).encode(y=y, yOffset=offset, color=colour, tooltip=tooltip)
    lines = base.mark_rule(strokeWidth=3, opacity=0.45).encode(
        x=alt.X("low:Q", scale=x_scale, axis=x_axis), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=62, opacity=1).encode(
        x=alt.X("place:Q", scale=x_scale, axis=x_axis), shape=shape
    )
    chart = alt.LayerChart(layer=[lines, points], height=_ROW_PX * len(listed) + 80)
    return bare(chart, dark=dark)


def _ticks(last: int) -> list[int]:
    step = 1 if last <= 12 else 5
    return [1, *range(step if step > 1 else 2, last + 1, step)]
