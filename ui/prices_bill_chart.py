"""From one bill to the next: a step a part, each beginning where the one before ended."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import altair as alt

from ui.charts import bare, ink, inline
from ui.prices_bill import shown_parts
from warehouse.bill import BillChange
from warehouse.bill_words import PART_HINTS, PART_NAMES, quantum, rounded, signed

MORE, LESS, SUM = "more", "less", "bill"
_COLOURS = {False: ("#D55E00", "#0072B2", "#AEB8C0"), True: ("#E8743B", "#56B4E9", "#5B6873")}
_STEP_PX, _AXIS_PX, _LEGEND_PX = 34, 58, 30
_ZOOM_BELOW = 0.25  # of the larger bill: a change that is less could not be seen from 0


def bill_chart(change: BillChange, *, dark: bool = False) -> alt.LayerChart | None:
    """Both bills and the parts between them; None where nothing changed, or there is but one bill.

    Where the parts are small beside the bills the axis begins above 0, says so, and the bills are marks, not bars.
    """
    parts = shown_parts(change)
    if not parts or change.is_alone:
        return None
    inks = ink(dark)
    step = quantum(change)
    drawn = _steps(change, step)
    ends = [row[end] for row in drawn for end in ("start", "end") if row["kind"] != SUM] + [
        row["end"] for row in drawn if row["kind"] == SUM
    ]
    low, high = min(ends), max(ends)
    zoomed = high - low < _ZOOM_BELOW * high
    first = low - 0.1 * (high - low) if zoomed else min(low, 0.0)
    # room for the figure beside the longest bar
    scale = alt.Scale(domain=[first, high + 0.24 * (high - first)], nice=False, zero=False)
    title = "USD (lower is better; not from 0)" if zoomed else "USD (lower is better)"
    axis = alt.Axis(title=title, tickCount=5, grid=True, gridColor=inks["grid"], domain=False, ticks=False)
    # the order is the scale's own: layers without some of the rows would shuffle it
    rows = alt.Scale(domain=[row["name"] for row in drawn])
    y = alt.Y(
        "name:N",
        scale=rows,
        axis=alt.Axis(
            title=None, labelLimit=190, labelOverlap=False, domain=False, ticks=False, labelPadding=8,
            labelColor=inks["text"],
        ),
    )  # fmt: skip
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=[MORE, LESS, SUM], range=list(_COLOURS[dark])),
        legend=alt.Legend(title=None, orient="top", symbolType="square", symbolOpacity=1),
    )
    tooltip = [
        alt.Tooltip("name:N", title="part"),
        alt.Tooltip("shown:N", title="USD"),
        alt.Tooltip("what:N", title="what it is"),
    ]
    base = alt.Chart(inline(drawn)).encode(y=y)
    bars = base.transform_filter(f"datum.kind != '{SUM}'") if zoomed else base
    layers: list[alt.Chart] = [
        bars.mark_bar(height=18, cornerRadius=2).encode(
            x=alt.X("start:Q", axis=axis, scale=scale), x2="end:Q", color=colour, tooltip=tooltip
        )
    ]
    if zoomed:
        sums = base.transform_filter(f"datum.kind == '{SUM}'")
        layers.append(
            sums.mark_tick(thickness=4, size=20).encode(x=alt.X("end:Q", scale=scale), color=colour, tooltip=tooltip)
        )
    # a thin line leads from each step to the next
    links = alt.Chart(inline([{"name": a["name"], "next": b["name"], "at": a["end"]} for a, b in pairwise(drawn)]))
    layers.append(
        links.mark_rule(color=inks["text"], opacity=0.35, strokeDash=[2, 2]).encode(
            x=alt.X("at:Q", scale=scale), y=alt.Y("name:N", scale=rows), y2="next:N"
        )
    )
    label = base.mark_text(align="left", dx=7, fontWeight=600, color=inks["text"])
    layers.append(label.encode(x=alt.X("reach:Q", scale=scale), text="shown:N"))
    return bare(alt.LayerChart(layer=layers, height=_STEP_PX * len(drawn) + _AXIS_PX + _LEGEND_PX), dark=dark)


def _steps(change: BillChange, step: Decimal) -> list[dict[str, Any]]:
    rows = [_sum("Before", change.before_usd, step)]
    at = change.before_usd
    for name, usd, amount in shown_parts(change):
        rows.append(
            {
                "name": PART_NAMES[name],
                "start": at,
                "end": at + usd,
                "reach": max(at, at + usd),
                "kind": MORE if usd > 0 else LESS,
                "shown": signed(amount),
                "what": PART_HINTS[name],
            }
        )
        at += usd
    return [*rows, _sum("After", change.after_usd, step)]


def _sum(name: str, usd: float, step: Decimal) -> dict[str, Any]:
    return {
        "name": name,
        "start": 0.0,
        "end": usd,
        "reach": usd,
        "kind": SUM,
        "shown": f"{rounded(usd, step):,f}",
        "what": "all targets whose cost is known",
    }
