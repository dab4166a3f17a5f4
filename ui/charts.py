"""Charts: one look, colours that a colour-blind reader tells apart, axes that say unit and direction."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ui.ranking import Entry
from warehouse.certificates import is_fit
from warehouse.metrics import Metric, format_value

# Okabe and Ito's palette, ordered so that neighbours differ; a second set keeps 3:1 contrast on a dark ground.
_LIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#8C6D00")
_DARK = ("#56B4E9", "#E8743B", "#2BBF94", "#CC79A7", "#E69F00", "#4C9BD0", "#A9A9A9", "#F0E442")
_LOG_FROM_RATIO = 30.0  # beyond it the small values of a linear axis cannot be told apart
_ROW_PX = 34
_AXIS_PX, _LEGEND_PX = 58, 22  # what the drawing needs beside its rows


def ranking_chart(
    found: Sequence[Entry], by: Metric, providers: Sequence[str], *, dark: bool = False
) -> alt.LayerChart | None:
    """The metric ranked by, a row a target, best on top; None if no target has a value.

    A value with a range is a dot with its whisker, one without is a bar from 0. What is not ranked, or was measured by
    a load client graded C or D, is drawn hollow.
    """
    drawn = [_drawn(entry, by) for entry in found if entry.value is not None]
    if not drawn:
        return None
    inks = ink(dark)
    log = by.has_range and _spread(drawn) > _LOG_FROM_RATIO
    axis_title = f"{by.title}, {by.shown_unit} ({by.direction} is better{', log axis' if log else ''})"
    scale = alt.Scale(type="log", nice=False, padding=24) if log else alt.Scale(zero=True, nice=True, domainMin=0)
    ticks: dict[str, Any] = {"values": log_ticks(drawn)} if log else {"tickCount": 6}
    x_axis = alt.Axis(title=axis_title, **ticks, grid=True, gridColor=inks["grid"], domain=False, ticks=False)
    y = alt.Y(
        "target:N",
        sort=[row["target"] for row in drawn],
        axis=alt.Axis(
            title=None,
            labelLimit=220,
            labelOverlap=False,
            labelFlush=False,
            domain=False,
            ticks=False,
            labelPadding=10,
            labelColor=inks["text"],
        ),
    )
    used = [name for name in providers if name in {row["provider"] for row in drawn}]
    colour = alt.Color(
        "provider:N",
        scale=alt.Scale(domain=used, range=[provider_colour(name, providers, dark=dark) for name in used]),
        legend=alt.Legend(title=None, orient="top", symbolType="circle", symbolOpacity=1, columns=3, labelLimit=100)
        if len(used) > 1
        else None,
    )
    tooltip = [alt.Tooltip(f"{key}:N", title=title) for key, title in _TOOLTIP]
    base = alt.Chart(inline(drawn)).encode(y=y)
    x = alt.X("value:Q", scale=scale, axis=x_axis)
    label = base.mark_text(align="left", dx=10, fontWeight=600, color=inks["text"]).encode(
        x=alt.X("reach:Q", scale=scale), text="shown:N"
    )
    layers: list[alt.Chart] = []
    if by.has_range:
        whisker = base.mark_rule(strokeWidth=2.5, opacity=0.55).encode(
            x=alt.X("low:Q", scale=scale, axis=x_axis), x2="high:Q", color=colour, tooltip=tooltip
        )
        ends = [
            base.mark_tick(thickness=2.5, size=12, opacity=0.55).encode(
                x=alt.X(f"{end}:Q", scale=scale, axis=x_axis), color=colour
            )
            for end in ("low", "high")
        ]
        dots = base.mark_point(filled=True, size=130, opacity=1).encode(x=x, color=colour, tooltip=tooltip)
        hollow = base.transform_filter("datum.unfit").mark_point(filled=True, size=40, opacity=1, color=inks["ground"])
        layers = [whisker, *ends, dots, hollow.encode(x=x)]
    else:
        bars = base.mark_bar(height=18, cornerRadiusEnd=3).encode(
            x=x,
            color=colour,
            fillOpacity=alt.condition("datum.unfit", alt.value(0.25), alt.value(1)),
            tooltip=tooltip,
        )
        outline = base.mark_bar(height=18, cornerRadiusEnd=3, filled=False, strokeWidth=1.5).encode(x=x, color=colour)
        layers = [bars, outline]
    chart = alt.LayerChart(
        layer=[*layers, label],
        height=_ROW_PX * len(drawn) + (_AXIS_PX if len(used) < 2 else _AXIS_PX + _LEGEND_PX * math.ceil(len(used) / 3)),
    )
    return bare(chart, dark=dark)


def attempts_chart(
    attempts: Sequence[Mapping[str, Any]], slo_ttft_s: float, *, dark: bool = False
) -> alt.LayerChart | None:
    """Time to first token of each attempt over the time at which it was sent; None without attempts.

    An attempt that failed before its first token stands on the axis, as a cross.
    """
    if not attempts:
        return None
    inks = ink(dark)
    drawn = [_attempt(row) for row in attempts if row["started_at"] is not None]
    x = alt.X(
        "sent:T",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(title="Sent at, UTC", format="%H:%M:%S", grid=False, labelOverlap=True, tickCount=8),
    )
    y = alt.Y(
        "ttft_ms:Q",
        scale=alt.Scale(zero=True, domainMin=0),
        axis=alt.Axis(
            title="TTFT, ms (lower is better)", tickCount=5, gridColor=inks["grid"], domain=False, ticks=False
        ),
    )
    outcome = alt.Color(
        "outcome:N",
        scale=alt.Scale(domain=list(_OUTCOMES), range=[inks["good"], inks["late"], inks["bad"]]),
        legend=alt.Legend(title=None, orient="top"),
    )
    shape = alt.Shape("outcome:N", scale=alt.Scale(domain=list(_OUTCOMES), range=["circle", "triangle-up", "cross"]))
    tooltip = [
        alt.Tooltip("attempt:N", title="attempt"),
        alt.Tooltip("shown:N", title="TTFT"),
        alt.Tooltip("e2e:N", title="whole answer"),
        alt.Tooltip("why:N", title="outcome"),
    ]
    base = alt.Chart(inline(drawn))
    points = base.mark_point(filled=True, size=60, opacity=0.9).encode(
        x=x, y=y, color=outcome, shape=shape, tooltip=tooltip
    )
    limit = alt.Chart(inline([{"limit_ms": 1e3 * slo_ttft_s}]))
    layers: list[alt.Chart] = [points]
    highest = max((row["ttft_ms"] for row in drawn), default=0.0)
    if 1e3 * slo_ttft_s <= 3 * highest:  # else the line would press all points onto the axis
        rule = limit.mark_rule(strokeDash=[5, 4], color=inks["text"], opacity=0.6).encode(y="limit_ms:Q")
        text = limit.mark_text(align="left", dx=4, dy=-7, color=inks["text"], text="SLO").encode(
            y="limit_ms:Q", x=alt.value(0)
        )
        layers += [rule, text]
    chart = alt.LayerChart(layer=[*layers], height=240)
    return bare(chart, dark=dark)


def provider_colour(name: str, providers: Sequence[str], *, dark: bool = False) -> str:
    """A provider's colour: by its place among all providers of the snapshot, so the same in every chart."""
    palette = _DARK if dark else _LIGHT
    return palette[list(providers).index(name) % len(palette)]


_TOOLTIP = (
    ("target", "target"),
    ("shown", "value"),
    ("range", "range"),
    ("provider", "provider"),
    ("n", "n"),
    ("at", "measured"),
)
_OUTCOMES = ("within SLO", "outside SLO", "failed")


def _drawn(entry: Entry, by: Metric) -> dict[str, Any]:
    scale = by.shown_scale
    value = entry.value or 0.0
    low = value if entry.low is None else entry.low
    high = value if entry.high is None else entry.high
    ranged = entry.low is not None and entry.high is not None
    return {
        "target": entry.target_id,
        "provider": entry.row["provider"],
        "value": value * scale,
        "low": low * scale,
        "high": high * scale,
        "reach": high * scale,
        "shown": format_value(by, value),
        "range": f"{format_value(by, low)} to {format_value(by, high)}" if ranged else "not known",
        "unfit": entry.rank is None or not is_fit(entry.row),
        "n": entry.row["n"],
        "at": f"{entry.row['measured_at']:%Y-%m-%d %H:%M} UTC",
    }


def _attempt(row: Mapping[str, Any]) -> dict[str, Any]:
    if not row["ok"]:
        outcome, why = "failed", f"failed: {row['error_class']}"
    else:
        outcome = why = _OUTCOMES[0] if row["slo_met"] else _OUTCOMES[1]
    ttft_s = row["ttft_s"]
    return {
        "attempt": row["seq"],
        "sent": 1e3 * row["started_at"].timestamp(),
        "ttft_ms": 0.0 if ttft_s is None else 1e3 * ttft_s,  # its place on the axis; the tooltip says that none came
        "shown": "no token came" if ttft_s is None else f"{1e3 * ttft_s:,.4g} ms",
        "e2e": "not complete" if row["e2e_s"] is None else f"{1e3 * row['e2e_s']:,.4g} ms",
        "outcome": outcome,
        "why": why,
    }


def log_ticks(drawn: Sequence[Mapping[str, float]]) -> list[float]:
    """1, 2 and 5 of each power of ten between the lowest and the highest end: a line for every digit is noise."""
    lowest, highest = min(row["low"] for row in drawn), max(row["high"] for row in drawn)
    powers = range(math.floor(math.log10(lowest)), math.ceil(math.log10(highest)) + 1)
    ticks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    return [tick for tick in ticks if lowest <= tick <= highest]


def bare(chart: alt.LayerChart, *, dark: bool) -> alt.LayerChart:
    """A chart in the house's ink and without a frame.

    Its marks are not for screen readers, to whom a layer without any would be a symbol without a name: a chart has a
    text, and a table with the same figures.
    """
    inks = ink(dark)
    framed: alt.LayerChart = (
        chart.configure_view(stroke=None)
        .configure_mark(aria=False)
        .configure_axis(labelColor=inks["text"], titleColor=inks["text"], labelFlush=False)
        .configure_legend(labelColor=inks["text"])
    )
    return framed


def inline(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as the data of a chart."""
    return alt.InlineData(values=[dict(row) for row in rows])


def _spread(drawn: Sequence[Mapping[str, Any]]) -> float:
    lowest, highest = min(row["low"] for row in drawn), max(row["high"] for row in drawn)
    return highest / lowest if lowest > 0 else 0.0


def ink(dark: bool) -> dict[str, str]:
    """Colours of text, grid and outcomes on a dark or a light ground."""
    if dark:
        return {
            "text": "#C9D3DC",
            "grid": "#26313B",
            "ground": "#10161C",
            "good": "#56B4E9",
            "late": "#E69F00",
            "bad": "#FF7F66",
        }
    return {
        "text": "#3A4753",
        "grid": "#E8ECF0",
        "ground": "#FFFFFF",
        "good": "#0072B2",
        "late": "#B87800",
        "bad": "#C23B00",
    }
