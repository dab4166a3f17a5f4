"""Charts of a month: targets side by side with their ranges, and costs by volume with the points where they cross."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ui import words
from ui.calculator import UNITS, amount, range_words, ranks
from ui.charts import bare, ink, inline, log_ticks, provider_colour
from warehouse.calculator import By, Estimate
from warehouse.calculator_break_even import Crossing, Line

_ROW_PX, _AXIS_PX, _LEGEND_PX = 34, 58, 22
_LOG_FROM_RATIO = 30.0  # beyond it the small values of a linear axis cannot be told apart
DRAWN_APIS, DRAWN_OWN = 5, 3
_NAMES_RATIO = 12.0  # how far the axis goes on, for the names of the lines
_NAME_GAP = 0.05  # of the height of the drawing


def month_chart(
    found: Sequence[Estimate], by: By, providers: Sequence[str], *, dark: bool = False
) -> alt.LayerChart | None:
    """The figure ranked by, a row a target, the least on top, each with its range; None if nothing is known."""
    drawn = [_drawn(each, by) for each in found if each.of(by).value is not None]
    if not drawn:
        return None
    inks = ink(dark)
    lowest, highest = min(row["low"] for row in drawn), max(row["high"] for row in drawn)
    log = lowest > 0 and highest / lowest > _LOG_FROM_RATIO
    scale = alt.Scale(type="log", nice=False, padding=24) if log else alt.Scale(zero=True, nice=True, domainMin=0)
    axis = alt.Axis(
        title=f"{UNITS[by]} (lower is better{', log axis' if log else ''})",
        **({"values": log_ticks(drawn)} if log else {"tickCount": 6}),
        gridColor=inks["grid"],
        domain=False,
        ticks=False,
    )
    names = alt.Axis(title=None, labelLimit=220, labelOverlap=False, domain=False, ticks=False, labelPadding=10)
    used = [name for name in providers if name in {row["provider"] for row in drawn}]
    colour = alt.Color(
        "provider:N",
        scale=alt.Scale(domain=used, range=[provider_colour(name, providers, dark=dark) for name in used]),
        legend=alt.Legend(title=None, orient="top", symbolType="circle", symbolOpacity=1, columns=3, labelLimit=100)
        if len(used) > 1
        else None,
    )
    tooltip = [
        alt.Tooltip("target:N", title="target"),
        alt.Tooltip("shown:N", title=UNITS[by]),
        alt.Tooltip("range:N", title="range"),
        alt.Tooltip("place:N", title="rank"),
        alt.Tooltip("basis:N", title="basis"),
    ]
    base = alt.Chart(inline(drawn)).encode(y=alt.Y("target:N", sort=[row["target"] for row in drawn], axis=names))
    whisker = base.mark_rule(strokeWidth=2.5, opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", color=colour, tooltip=tooltip
    )
    ends = [
        base.mark_tick(thickness=2.5, size=12, opacity=0.55).encode(
            x=alt.X(f"{end}:Q", scale=scale, axis=axis), color=colour
        )
        for end in ("low", "high")
    ]
    dots = base.mark_point(filled=True, size=130, opacity=1).encode(
        x=alt.X("value:Q", scale=scale, axis=axis), color=colour, tooltip=tooltip
    )
    label = base.mark_text(align="left", dx=10, fontWeight=600, color=inks["text"]).encode(
        x=alt.X("high:Q", scale=scale), text="shown:N"
    )
    legend_px = 0 if len(used) < 2 else _LEGEND_PX * math.ceil(len(used) / 3)
    chart = alt.LayerChart(layer=[whisker, *ends, dots, label], height=_ROW_PX * len(drawn) + _AXIS_PX + legend_px)
    return bare(chart, dark=dark)


def chosen_lines(found: Sequence[Estimate], lines: Sequence[Line]) -> list[Line]:
    """The machines and APIs that cost least, few enough to be told apart."""
    by_id = {line.target_id: line for line in lines}
    own = [e for e in found if e.machines is not None and e.target.target_id in by_id]
    apis = [e for e in found if e.machines is None and e.target.target_id in by_id]
    cheapest = [
        *sorted(own, key=_cost)[:DRAWN_OWN],
        *sorted(apis, key=_cost)[:DRAWN_APIS],
    ]
    return [by_id[each.target.target_id] for each in cheapest]


def volume_chart(
    lines: Sequence[Line],
    found: Sequence[Estimate],
    crossings: Sequence[Crossing],
    asked: float,
    providers: Sequence[str],
    *,
    dark: bool = False,
) -> alt.LayerChart | None:
    """Cost of a month by volume, both on log axes; machines of ours step up with each further one.

    Args:
        lines: of `chosen_lines`.
        found: the estimates that they are of.
        crossings: where a machine of ours costs as much as an API.
        asked: requests a month that were asked for.
        providers: all of the snapshot, for their colours.
        dark: on a dark ground.
    """
    if not lines:
        return None
    inks = ink(dark)
    of = {each.target.target_id: each for each in found}
    drawn: list[dict[str, Any]] = [
        {
            "target": line.target_id,
            "provider": of[line.target_id].target.provider,
            "requests": requests,
            "usd": usd,
            "kind": "machines of ours" if of[line.target_id].machines else "price list",
            "volume": f"{words.figure(requests)} a month",
            "cost": f"{words.usd(usd)} a month",
        }
        for line in lines
        for requests, usd in line.points
        if usd > 0
    ]
    if not drawn:
        return None
    used = [name for name in providers if name in {row["provider"] for row in drawn}]
    colour = alt.Color(
        "provider:N",
        scale=alt.Scale(domain=used, range=[provider_colour(name, providers, dark=dark) for name in used]),
        legend=None,
    )
    x = _log("requests", "Requests a month, log axis", [row["requests"] for row in drawn], inks, room=_NAMES_RATIO)
    y = _log("usd", "USD a month (lower is better), log axis", [row["usd"] for row in drawn], inks)
    tooltip = [
        alt.Tooltip("target:N", title="target"),
        alt.Tooltip("volume:N", title="requests"),
        alt.Tooltip("cost:N", title="cost"),
        alt.Tooltip("kind:N", title="priced by"),
    ]
    base = alt.Chart(inline(drawn))
    dash = alt.StrokeDash(
        "kind:N",
        scale=alt.Scale(domain=["price list", "machines of ours"], range=[[1, 0], [6, 4]]),
        legend=alt.Legend(title=None, orient="top", symbolStrokeColor=inks["text"]),
    )
    paths = base.mark_line(strokeWidth=2.2, interpolate="linear").encode(
        x=x, y=y, color=colour, detail="target:N", strokeDash=dash, tooltip=tooltip
    )
    ends = alt.Chart(inline(_ends(lines, of))).encode(x="requests:Q", y="place:Q")
    names = ends.mark_text(align="left", dx=8, fontWeight=600, limit=alt.ExprRef("0.2 * width")).encode(
        text="target:N", color=colour
    )
    mine = alt.Chart(inline([{"requests": asked}])).mark_rule(strokeDash=[2, 3], color=inks["text"], opacity=0.6)
    layers: list[alt.Chart] = [mine.encode(x="requests:Q"), paths, names]
    ids = {line.target_id for line in lines}
    least, most = min(row["requests"] for row in drawn), max(row["requests"] for row in drawn)
    points = [
        {
            "requests": each.requests,
            "usd": each.usd,
            "which": f"{each.own_id} = {each.api_id}",
            "volume": f"{words.figure(each.requests)} a month",
        }
        for each in crossings
        if each.requests and each.usd and {each.own_id, each.api_id} <= ids and least <= each.requests <= most
    ]
    if points:
        marks = alt.Chart(inline(points)).encode(x="requests:Q", y="usd:Q")
        hint = [alt.Tooltip("which:N", title="cost the same"), alt.Tooltip("volume:N", title="at")]
        layers.append(marks.mark_point(filled=True, size=90, color=inks["text"], opacity=1).encode(tooltip=hint))
    return bare(alt.LayerChart(layer=layers, height=380), dark=dark)


def _log(field: str, title: str, values: Sequence[float], inks: dict[str, str], *, room: float = 1.0) -> Any:  # noqa: ANN401 - a channel of either axis
    low, high = min(values), max(values)
    powers = [10.0**n for n in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    axis = alt.Axis(
        title=title, values=powers, format="~s", gridColor=inks["grid"], domain=False, ticks=False, labelOverlap=True
    )
    channel = alt.X if field == "requests" else alt.Y
    return channel(f"{field}:Q", scale=alt.Scale(type="log", domain=[low, high * room], nice=False), axis=axis)


def _ends(lines: Sequence[Line], of: Mapping[str, Estimate]) -> list[dict[str, Any]]:
    """Where the name of each line stands: at its right end, apart from the others."""
    last = sorted(
        ((*line.points[-1], line.target_id) for line in lines if line.points[-1][1] > 0), key=lambda each: -each[1]
    )
    costs = [usd for line in lines for _, usd in line.points if usd > 0]
    gap = math.log(max(costs) / min(costs)) * _NAME_GAP if costs else 0.0
    ends: list[dict[str, Any]] = []
    place = math.inf
    for requests, usd, target in last:
        place = min(math.log(usd), place - gap)
        end = {"target": target, "provider": of[target].target.provider, "requests": requests, "place": math.exp(place)}
        ends.append(end)
    return ends


def _cost(each: Estimate) -> float:
    return math.inf if each.usd.value is None else each.usd.value.central


def _drawn(each: Estimate, by: By) -> dict[str, Any]:
    of = each.of(by)
    assert of.value is not None  # only such are drawn
    return {
        "target": each.target.target_id,
        "provider": each.target.provider,
        "value": of.value.central,
        "low": of.value.low,
        "high": of.value.high,
        "shown": amount(of.value.central, by),
        "range": range_words(of.value, by),
        "place": ranks(each),
        "basis": of.basis or "",
    }
