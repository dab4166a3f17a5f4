"""Charts of emissions: targets side by side, the way from energy to the total, and what makes it wide."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ui import words
from ui.carbon import Entry, Per, Step
from ui.charts import bare, ink, inline
from ui.quantities import quantity

OPERATIONAL, EMBODIED = "Operational", "Embodied"
_OPERATIONAL = {False: "#0072B2", True: "#56B4E9"}
_EMBODIED = {False: "#E69F00", True: "#E69F00"}
_SUM = {False: "#AEB8C0", True: "#5B6873"}
_ROW_PX, _AXIS_PX, _LEGEND_PX = 46, 58, 44
_STEP_PX = 32
_LABEL_PX = 170
SHOWN_DRIVERS = 6


def targets_chart(found: Sequence[Entry], per: Per, *, dark: bool = False) -> alt.LayerChart | None:
    """A bar a target, operational and embodied stacked, with the whisker of their sum; None if nothing is known.

    Where only one of the two is known it is drawn pale and without a whisker: it is no total.
    """
    drawn = [row for entry in found for row in _segments(entry)]
    if not drawn:
        return None
    inks = ink(dark)
    order = list(dict.fromkeys(row["place"] for row in drawn))
    y = alt.Y("place:N", sort=order, axis=_names(inks, split=True))
    x_axis = _amounts(f"{per.unit} (lower is better)", inks)
    colour = alt.Color(
        "part:N",
        scale=alt.Scale(domain=[OPERATIONAL, EMBODIED], range=[_OPERATIONAL[dark], _EMBODIED[dark]]),
        legend=alt.Legend(title=None, orient="top", columns=2, labelLimit=220),
    )
    tooltip = [
        alt.Tooltip("target:N", title="target"),
        alt.Tooltip("who:N", title="provider"),
        alt.Tooltip("part:N", title="part"),
        alt.Tooltip("shown:N", title=per.unit),
        alt.Tooltip("range:N", title="low to high"),
        alt.Tooltip("basis:N", title="basis"),
    ]
    bars = (
        alt.Chart(inline(drawn))
        .mark_bar(height=20)
        .encode(
            y=y,
            x=alt.X("start:Q", axis=x_axis, scale=alt.Scale(domainMin=0)),
            x2="end:Q",
            color=colour,
            fillOpacity=alt.condition("datum.whole", alt.value(1), alt.value(0.35)),
            tooltip=tooltip,
        )
    )
    ends = alt.Chart(inline([_end(entry) for entry in found if entry.operational or entry.embodied])).encode(y=y)
    whole = ends.transform_filter("datum.whole")
    halo = whole.mark_rule(strokeWidth=6, color=inks["ground"], opacity=0.65).encode(x="low:Q", x2="high:Q")
    whisker = whole.mark_rule(strokeWidth=2, color=inks["text"]).encode(x="low:Q", x2="high:Q")
    ticks = [whole.mark_tick(thickness=2, size=10, color=inks["text"]).encode(x=f"{end}:Q") for end in ("low", "high")]
    label = ends.mark_text(align="left", dx=8, fontWeight=600, color=inks["text"]).encode(x="reach:Q", text="shown:N")
    chart = alt.LayerChart(
        layer=[bars, halo, whisker, *ticks, label],
        height=_ROW_PX * len(order) + _AXIS_PX + _LEGEND_PX,
    )
    return bare(chart, dark=dark)


def steps_chart(steps: Sequence[Step], per: Per, *, dark: bool = False) -> alt.LayerChart:
    """The steps from energy to the total, one beneath the other, each beginning where the one before ended."""
    inks = ink(dark)
    drawn = [
        {
            "step": step.label,
            "start": step.start,
            "end": step.end,
            "kind": step.kind,
            "low": step.low,
            "high": step.high,
            "ranged": step.low is not None and step.high is not None,
            "reach": max(step.end, step.high or 0.0),
            "shown": f"{'' if step.kind == 'sum' else '+'}{words.figure(step.size)}",
            "energy": "" if step.energy_j is None else f"{words.figure(step.energy_j)} J",
        }
        for step in steps
    ]
    y = alt.Y("step:N", sort=[step.label for step in steps], axis=_names(inks))
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(
            domain=["operational", "embodied", "sum"], range=[_OPERATIONAL[dark], _EMBODIED[dark], _SUM[dark]]
        ),
        legend=None,
    )
    base = alt.Chart(inline(drawn)).encode(y=y)
    bars = base.mark_bar(height=16).encode(
        x=alt.X("start:Q", axis=_amounts(per.unit, inks), scale=alt.Scale(domainMin=0)),
        x2="end:Q",
        color=colour,
        tooltip=[
            alt.Tooltip("step:N", title="step"),
            alt.Tooltip("shown:N", title=per.unit),
            alt.Tooltip("energy:N", title="IT energy of the window"),
        ],
    )
    ranged = base.transform_filter("datum.ranged")
    halo = ranged.mark_rule(strokeWidth=5, color=inks["ground"], opacity=0.65).encode(x="low:Q", x2="high:Q")
    whisker = ranged.mark_rule(strokeWidth=1.5, color=inks["text"]).encode(x="low:Q", x2="high:Q")
    label = base.mark_text(align="left", dx=6, fontWeight=600, color=inks["text"]).encode(x="reach:Q", text="shown:N")
    return bare(alt.LayerChart(layer=[bars, halo, whisker, label], height=_STEP_PX * len(steps) + _AXIS_PX), dark=dark)


def drivers_chart(shares: Sequence[Mapping[str, Any]], *, dark: bool = False) -> alt.LayerChart:
    """What each input brings to the variance, the largest on top."""
    inks = ink(dark)
    rows = driver_rows(shares)
    drawn = [{"input": name, "share": 100 * share, "shown": words.share(share)} for name, share in rows]
    base = alt.Chart(inline(drawn)).encode(
        y=alt.Y("input:N", sort=[name for name, _ in rows], axis=_names(inks)),
        x=alt.X("share:Q", axis=_amounts("% of the variance", inks), scale=alt.Scale(domain=[0, 100])),
    )
    bars = base.mark_bar(height=16, color=_OPERATIONAL[dark])
    label = base.mark_text(align="left", dx=6, fontWeight=600, color=inks["text"]).encode(text="shown:N")
    return bare(alt.LayerChart(layer=[bars, label], height=_STEP_PX * len(drawn) + _AXIS_PX), dark=dark)


def driver_rows(shares: Sequence[Mapping[str, Any]]) -> list[tuple[str, float]]:
    """(name, share) of the inputs that bring most, and what is left of the whole in one row."""
    rows = [(quantity(one["quantity"]).name, float(one["share"])) for one in shares[:SHOWN_DRIVERS]]
    rest = 1.0 - sum(share for _, share in rows)
    return [*rows, ("Others, and together", rest)] if rest >= 0.005 else rows


def _segments(entry: Entry) -> list[dict[str, Any]]:
    at = 0.0
    found = []
    sides = ((OPERATIONAL, entry.operational, "operational_basis"), (EMBODIED, entry.embodied, "embodied_basis"))
    for name, part, basis in sides:
        if part is None:
            continue
        found.append(
            {
                "place": _place(entry),
                "target": entry.target_id,
                "who": entry.row["provider"],
                "part": name,
                "start": at,
                "end": at + part.central,
                "whole": entry.total is not None,
                "shown": words.figure(part.central),
                "range": f"{words.figure(part.low)} to {words.figure(part.high)}",
                "basis": entry.row[basis] or "",
            }
        )
        at += part.central
    return found


def _end(entry: Entry) -> dict[str, Any]:
    total = entry.total
    if total is None:
        known = entry.operational or entry.embodied
        lacking = "embodied unknown" if entry.operational is not None else "operational unknown"
        reach = 0.0 if known is None else known.central
        return {"place": _place(entry), "whole": False, "reach": reach, "shown": lacking}
    return {
        "place": _place(entry),
        "whole": True,
        "low": total.low,
        "high": total.high,
        "reach": total.high,
        "shown": words.figure(total.central),
    }


def _place(entry: Entry) -> str:
    """Target and provider, on two lines of the axis."""
    return "\n".join(" ".join(str(name).split()) for name in (entry.target_id, entry.row["provider"]))


def _names(inks: Mapping[str, str], *, split: bool = False) -> alt.Axis:
    return alt.Axis(
        title=None,
        labelLimit=_LABEL_PX,
        labelOverlap=False,
        domain=False,
        ticks=False,
        labelPadding=8,
        labelColor=inks["text"],
        labelExpr="split(datum.label, '\\n')" if split else alt.Undefined,
    )


def _amounts(title: str, inks: Mapping[str, str]) -> alt.Axis:
    return alt.Axis(title=title, tickCount=5, grid=True, gridColor=inks["grid"], domain=False, ticks=False)
