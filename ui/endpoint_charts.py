"""Charts of one target over nights: the course of a figure, how attempts scattered, and what failed."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt

from ui import charts
from ui.runs import ERROR_CLASSES
from warehouse.change_words import size, verdict
from warehouse.metrics import Metric, format_value
from warehouse.watch import Change

Row = Mapping[str, Any]

MOST_NIGHTS = 380  # of a year and what is measured twice in a night; a night has up to four marks
_HEIGHT_PX = 280
_NARROWEST_PX = 220  # of a plot
_CLASSES_APART = 4
_HALF_NIGHT_MS = 43_200_000
_MARK_TOOLTIP = (("since", "shifted on"), ("text", "by"), ("hints", "what else differed that night"))
_CLASS_LIGHT = ("#CC79A7", "#D55E00", "#E69F00", "#0072B2", "#7F7F7F")
_CLASS_DARK = ("#CC79A7", "#E8743B", "#E69F00", "#56B4E9", "#A9A9A9")


def trend_chart(
    nights: Sequence[Row], of: Metric, found: Sequence[Change], *, colour: str, dark: bool = False
) -> alt.LayerChart | None:
    """A dot a night with its interval, the levels between shifts, and where they shifted; None without a figure.

    Args:
        nights: rows of `endpoint_snapshot.nights`, the oldest first.
        of: the metric.
        found: changes of this metric under this workload.
        colour: of the dots.
        dark: the ground.
    """
    drawn = [_dot(row, of, found) for row in nights[-MOST_NIGHTS:] if row[of.column] is not None]
    if not drawn:
        return None
    inks = charts.ink(dark)
    x = _nights_axis("night")
    y_axis = alt.Axis(
        title=f"{of.title}, {of.shown_unit} ({of.direction} is better)",
        tickCount=5,
        format=",.4~r",
        gridColor=inks["grid"],
        domain=False,
        ticks=False,
    )
    y = alt.Y("value:Q", scale=alt.Scale(zero=False, nice=True), axis=y_axis)
    tooltip = [
        alt.Tooltip("said:N", title="night"),
        alt.Tooltip("shown:N", title=of.title),
        alt.Tooltip("range:N", title="95 % interval" if of.range_of == "sample" else "range"),
        alt.Tooltip("n:N", title="attempts"),
    ]
    dots = alt.Chart(charts.inline(drawn))
    whiskers = (
        dots.transform_filter("datum.low != null")
        .mark_rule(strokeWidth=1.5, opacity=0.45, color=colour)
        .encode(x=x, y=alt.Y("low:Q", scale=alt.Scale(zero=False, nice=True), axis=y_axis), y2="high:Q")
    )
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=["night", "odd"], range=["circle", "diamond"]), legend=None)
    points = dots.mark_point(filled=True, size=55, opacity=1, color=colour).encode(
        x=x, y=y, shape=shape, tooltip=tooltip
    )
    layers: list[alt.Chart] = [whiskers, points]
    shifts = sorted((change for change in found if change.change_kind == "shift"), key=lambda change: change.changed_on)
    nights_drawn = (nights[-MOST_NIGHTS:][0]["night"], nights[-1]["night"])
    levels = _levels(shifts, of, *nights_drawn)
    if levels:
        layers.append(
            alt.Chart(charts.inline(levels))
            .mark_rule(strokeWidth=2, strokeDash=[6, 3], color=inks["text"], opacity=0.8)
            .encode(x=_nights_axis("from"), x2="to:T", y=alt.Y("level:Q", axis=y_axis))
        )
    marks = [_mark(change) for change in shifts if nights_drawn[0] < change.changed_on <= nights_drawn[1]]
    if marks:
        base = alt.Chart(charts.inline(marks)).encode(x=_nights_axis("at"))
        said = [alt.Tooltip(f"{key}:N", title=head) for key, head in _MARK_TOOLTIP]
        layers.append(base.mark_rule(strokeWidth=1.5, color=inks["bad"], opacity=0.7).encode(tooltip=said))
        layers.append(
            base.mark_text(align="right", dx=-6, dy=8, fontWeight=600, color=inks["text"]).encode(
                y=alt.value(0), text="text:N"
            )
        )
    return charts.bare(alt.LayerChart(layer=layers, height=_HEIGHT_PX), dark=dark)


def box_chart(nights: Sequence[Row], time: str, *, colour: str, dark: bool = False) -> alt.LayerChart | None:
    """How the attempts of each night scattered: 10th to 90th percentile, middle half and median; None without any.

    Args:
        nights: rows of `endpoint_snapshot.nights`.
        time: ttft, tpot or e2e.
        colour: of the boxes.
        dark: the ground.
    """
    drawn = [
        {
            "night": _instant(row["night"]),
            "said": row["night"].isoformat(),
            "median": 1e3 * row[f"{time}_p50_s"],
            **{name: _ms(row[f"{time}_{name}_s"]) for name in ("p10", "p25", "p75", "p90")},
        }
        for row in nights[-MOST_NIGHTS:]
        if row[f"{time}_p50_s"] is not None and row[f"{time}_p25_s"] is not None
    ]
    if not drawn:
        return None
    inks = charts.ink(dark)
    x = _nights_axis("night")
    title = {"ttft": "TTFT", "tpot": "TPOT", "e2e": "E2E"}[time]
    y_axis = alt.Axis(
        title=f"{title}, ms (lower is better)", tickCount=5, gridColor=inks["grid"], domain=False, ticks=False
    )
    tooltip = [
        alt.Tooltip("said:N", title="night"),
        *(alt.Tooltip(f"{name}:Q", title=name, format=",.4~r") for name in ("p10", "p25", "median", "p75", "p90")),
    ]
    width = _bar_px(len(drawn))
    base = alt.Chart(charts.inline(drawn)).encode(x=x, tooltip=tooltip)
    whisker = base.transform_filter("datum.p10 != null").mark_rule(strokeWidth=1.5, color=colour, opacity=0.6)
    box = base.mark_bar(size=width, color=colour, opacity=0.55)
    middle = base.mark_tick(thickness=2, size=width + 4, color=inks["text"])
    chart = alt.LayerChart(
        layer=[
            whisker.encode(y=alt.Y("p10:Q", axis=y_axis, scale=alt.Scale(zero=True)), y2="p90:Q"),
            box.encode(y=alt.Y("p25:Q", axis=y_axis, scale=alt.Scale(zero=True)), y2="p75:Q"),
            middle.encode(y=alt.Y("median:Q", axis=y_axis, scale=alt.Scale(zero=True))),
        ],
        height=_HEIGHT_PX - 40,
    )
    return charts.bare(chart, dark=dark)


def errors_chart(nights: Sequence[Row], *, dark: bool = False) -> alt.LayerChart | None:
    """Failed attempts by kind, a stacked bar a night; None if nothing failed."""
    total: dict[str, int] = {}
    for row in nights:
        for name, count in row["errors"].items():
            total[name] = total.get(name, 0) + count
    if not total:
        return None
    apart = sorted(total, key=lambda name: (-total[name], name))[:_CLASSES_APART]
    names = [ERROR_CLASSES.get(name, name) for name in apart] + (["other"] if len(total) > len(apart) else [])
    drawn = [
        {
            "night": _instant(row["night"]),
            "said": row["night"].isoformat(),
            "failure": ERROR_CLASSES.get(name, name) if name in apart else "other",
            "percent": 100 * count / row["attempts"],
            "count": f"{count:,} of {row['attempts']:,}",
        }
        for row in nights[-MOST_NIGHTS:]
        for name, count in row["errors"].items()
        if row["attempts"]
    ]
    inks = charts.ink(dark)
    bars = (
        alt.Chart(charts.inline(drawn))
        .mark_bar(size=_bar_px(len({row["night"] for row in nights})))
        .encode(
            x=_nights_axis("night"),
            y=alt.Y(
                "percent:Q",
                axis=alt.Axis(
                    title="Failed, % (lower is better)",
                    tickCount=5,
                    gridColor=inks["grid"],
                    domain=False,
                    ticks=False,
                ),
            ),
            color=alt.Color(
                "failure:N",
                scale=alt.Scale(domain=names, range=list(_CLASS_DARK if dark else _CLASS_LIGHT)[: len(names)]),
                legend=alt.Legend(title=None, orient="top", columns=2, labelLimit=220),
            ),
            tooltip=[
                alt.Tooltip("said:N", title="night"),
                alt.Tooltip("failure:N", title="failure"),
                alt.Tooltip("count:N", title="attempts"),
            ],
        )
    )
    return charts.bare(alt.LayerChart(layer=[bars], height=_HEIGHT_PX - 40), dark=dark)


def levels_of(shifts: Sequence[Change]) -> list[tuple[date | None, date | None, float]]:
    """The levels of a figure between its shifts: since when, until when (not included), and how high."""
    if not shifts:
        return []
    first = (None, shifts[0].changed_on, shifts[0].value_before)
    ends = [*(shift.changed_on for shift in shifts[1:]), None]
    return [first, *((shift.changed_on, end, shift.value_after) for shift, end in zip(shifts, ends, strict=True))]


def _levels(shifts: Sequence[Change], of: Metric, first: date, last: date) -> list[dict[str, Any]]:
    return [
        {
            "from": _instant(max(since, first) if since else first) - _HALF_NIGHT_MS,
            "to": _instant((until - timedelta(days=1)) if until else last) + _HALF_NIGHT_MS,
            "level": level * of.shown_scale,
        }
        for since, until, level in levels_of(shifts)
        if until is None or until > first
    ]


def _mark(change: Change) -> dict[str, Any]:
    return {
        "at": _instant(change.changed_on) - _HALF_NIGHT_MS,
        "text": f"{size(change)}, {verdict(change)}",
        "since": change.changed_on.isoformat(),
        "hints": "; ".join(change.hints) or "nothing that is on record",
    }


def _dot(row: Row, of: Metric, found: Sequence[Change]) -> dict[str, Any]:
    low, high = (row.get(f"{of.column}_{end}") for end in ("low", "high"))
    odd = any(change.change_kind == "night" and change.changed_on == row["night"] for change in found)
    ranged = low is not None and high is not None and low != high
    return {
        "night": _instant(row["night"]),
        "said": row["night"].isoformat(),
        "value": row[of.column] * of.shown_scale,
        "low": low * of.shown_scale if ranged and low is not None else None,
        "high": high * of.shown_scale if ranged and high is not None else None,
        "shown": f"{format_value(of, row[of.column])} {of.shown_unit}",
        "range": f"{format_value(of, low)} to {format_value(of, high)}" if ranged else "not known",
        "n": f"{row['attempts']:,}",
        "kind": "odd" if odd else "night",
    }


def _nights_axis(field: str) -> alt.X:
    return alt.X(
        f"{field}:T",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(
            title="Night, UTC", format="%b %d", grid=False, labelOverlap=True, tickCount={"interval": "day", "step": 1}
        ),
    )


def _instant(night: date) -> float:
    return (night - date(1970, 1, 1)).days * 86_400_000.0


def _bar_px(nights: int) -> int:
    """So wide that the nights of a window stand apart on a phone too."""
    return max(min(_NARROWEST_PX // max(nights, 1), 14), 2)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1e3 * seconds
