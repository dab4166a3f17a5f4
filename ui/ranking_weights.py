"""Weights of one's own on the page: what each adds to the loss of each target, and what would turn first place."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ui import charts, words
from ui.markup import Cell, Column, Row
from ui.ranking import Entry, named
from warehouse.metrics import UTILITY, format_value, metric
from warehouse.weighed import Edge, Leeway
from warehouse.weights import Weights

# alias -> weight to begin with; ttft is of the percentile that the bar asks for
DEFAULTS: Mapping[str, int] = {
    "cost": 2,
    "ttft": 1,
    "speed": 1,
    "goodput": 0,
    "energy": 0,
    "carbon": 1,
    "embodied": 0,
}
TITLES: Mapping[str, str] = {
    "cost": "Cost",
    "ttft": "TTFT",
    "speed": "Output speed",
    "goodput": "Goodput",
    "energy": "Energy",
    "carbon": "Operational",
    "embodied": "Embodied",
}
_FACTORS = (1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0)
_ROW_PX, _AXIS_PX, _LEGEND_PX = 34, 66, 64


def weights_of(asked: Mapping[str, float], percentile: str) -> str:
    """What the boxes hold, as `parse_weights` reads it."""
    return ",".join(
        f"{f'ttft_{percentile}' if alias == 'ttft' else alias}={weight:g}" for alias, weight in asked.items()
    )


def contributions_chart(found: Sequence[Entry], weights: Weights, *, dark: bool) -> alt.LayerChart | None:
    """How many times worse than the best in everything, a stacked bar a target and a colour a metric; log axis."""
    weighed = [entry for entry in found if entry.rank is not None and entry.weighed is not None]
    if not weighed:
        return None
    inks = charts.ink(dark)
    titles = [metric(metric_id).title for metric_id in weights]
    parts: list[dict[str, Any]] = []
    for entry in weighed:
        reached = 0.0
        for metric_id, part in (entry.weighed.contributions if entry.weighed else {}).items():
            parts.append(
                {
                    "target": entry.target_id,
                    "metric": metric(metric_id).title,
                    "from": reached,
                    "to": reached + part,
                    "factor": f"{_factor(part)} times worse than the best",
                }
            )
            reached += part
    ends: list[dict[str, Any]] = [
        {"target": entry.target_id, "reach": -math.log(entry.value), "shown": format_value(UTILITY, entry.value)}
        for entry in weighed
        if entry.value
    ]
    most = max((end["reach"] for end in ends), default=0.0)
    ticks = [math.log(factor) for factor in _FACTORS if math.log(factor) <= max(most, math.log(1.25))]
    axis = alt.Axis(
        title="Times worse than the best (lower is better, log)",
        values=ticks,
        labelExpr="format(exp(datum.value), '.3~r')",
        gridColor=inks["grid"],
        domain=False,
        ticks=False,
    )
    y = alt.Y(
        "target:N",
        sort=[entry.target_id for entry in weighed],
        axis=alt.Axis(title=None, labelLimit=220, labelOverlap=False, domain=False, ticks=False, labelPadding=10),
    )
    colour = alt.Color(
        "metric:N",
        scale=alt.Scale(domain=titles, range=[charts.provider_colour(one, titles, dark=dark) for one in titles]),
        legend=alt.Legend(title=None, orient="top", columns=2),
    )
    bars = (
        alt.Chart(charts.inline(parts))
        .mark_bar(height=16)
        .encode(
            y=y,
            x=alt.X("from:Q", axis=axis),
            x2="to:Q",
            color=colour,
            tooltip=[alt.Tooltip(f"{name}:N", title=name) for name in ("target", "metric", "factor")],
        )
    )
    labels = (
        alt.Chart(charts.inline(ends))
        .mark_text(align="left", dx=8, fontWeight=600, color=inks["text"])
        .encode(y=y, x=alt.X("reach:Q", axis=axis), text="shown:N")
    )
    height = _ROW_PX * len(weighed) + _AXIS_PX + _LEGEND_PX
    return charts.bare(alt.LayerChart(layer=[bars, labels], height=height), dark=dark)


def contribution_table(found: Sequence[Entry], weights: Weights) -> tuple[list[Column], list[Row]]:
    """The chart's twin: by how much each metric makes a target worse, as factors that multiply to 100 / utility."""
    columns = [
        Column(title="Target"),
        Column(title=UTILITY.title, unit=UTILITY.shown_unit, right=True, ranked_by=True),
        *(
            Column(title=metric(metric_id).title, unit="times worse", right=True, hint="1 is the best, or no weight")
            for metric_id in weights
        ),
        Column(title="Dominated by", hint="no worse in anything that has a weight: no weights put this target first"),
    ]
    rows = []
    for entry in found:
        weighed = entry.weighed
        if entry.rank is None or weighed is None:
            continue
        parts = [Cell(main=_factor(weighed.contributions[metric_id])) for metric_id in weights]
        by = words.listed(list(weighed.dominated_by), most=2) if weighed.dominated_by else "nobody"
        value = Cell(main=format_value(UTILITY, weighed.utility), strong=True)
        rows.append(Row(cells=[Cell(main=entry.target_id, strong=True, wide=True), value, *parts, Cell(main=by)]))
    return columns, rows


def leeway_table(leeways: Sequence[Leeway], weights: Weights) -> tuple[list[Column], list[Row]]:
    """How far each weight can move before first place changes."""
    columns = [
        Column(title="Weight of"),
        Column(title="Weight", right=True),
        Column(title="Share of all", unit="%", right=True),
        Column(title="First place changes below"),
        Column(title="First place changes above"),
    ]
    rows = [
        Row(
            cells=[
                Cell(main=metric(of.metric_id).title, strong=True),
                Cell(main=f"{weights[of.metric_id]:g}"),
                Cell(main=words.figure(100 * of.weight_share)),
                _edge_cell(of.below, "not even at 0 %" if len(leeways) > 1 else "no other weight"),
                _edge_cell(of.above, "not even at 100 %" if len(leeways) > 1 else "no other weight"),
            ]
        )
        for of in leeways
    ]
    return columns, rows


def leeway_sentence(leeways: Sequence[Leeway], first: str) -> str:
    """The weight that needs to move least."""
    moves = [
        (abs(edge.weight_share - of.weight_share), of, edge) for of in leeways for edge in (of.below, of.above) if edge
    ]
    if not moves:
        return f"{first} stays first however one of these weights is moved."
    _, of, edge = min(moves, key=lambda move: move[0])
    where = "under" if edge.weight_share < of.weight_share else "over"
    return (
        f"{edge.target_id} would come first with {named(metric(of.metric_id))} at {where}"
        f" {words.figure(100 * edge.weight_share)} % of all weight, now {words.figure(100 * of.weight_share)} %: the"
        " weight that has to move least."
    )


def _edge_cell(edge: Edge | None, never: str) -> Cell:
    if edge is None:
        return Cell(main=never, tone="quiet")
    return Cell(main=f"{words.figure(100 * edge.weight_share)} %", beneath=f"then {edge.target_id}")


def _factor(part: float) -> str:
    return f"{math.exp(part):.3g}"
