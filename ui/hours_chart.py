"""Hours of the week as a heat map: the stronger the worse, pale where little was seen, struck out where nothing was."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from ui import charts
from ui.hours import BY_THE_HOUR, NO_DATA, WEEKDAYS, Measure
from warehouse.daytime import Cell

FEW = 3  # below it a cell is drawn pale
_OPACITY = {1: 0.62, 2: 0.8}
_GOOD_TO_BAD = {False: ("#E3EEF7", "#0B4F8A"), True: ("#1B2A38", "#8CC7F5")}
_HATCH = "M-0.5,0.5L0.5,-0.5"  # one stroke from corner to corner


def week_chart(
    cells: Sequence[Cell],
    of: Measure,
    zone: str,
    *,
    dark: bool = False,
    reach: tuple[float, float] | None = None,
    height_px: int = 320,
) -> alt.LayerChart | None:
    """All 168 hours; None where none of them was measured.

    Args:
        cells: of the week.
        of: what is shown.
        zone: of the hours.
        dark: on a dark ground.
        reach: ends of the colour scale in the measure's own unit, where several maps share one; else those of `cells`.
        height_px: of the map with its legend.
    """
    known = [cell.value for cell in cells if cell.value is not None]
    if not known:
        return None
    inks = charts.ink(dark)
    low, high = (end * of.scale for end in reach or (min(known), max(known)))
    drawn = [_drawn(cell, of, low, high) for cell in cells]
    x = alt.X(
        "hour:O",
        sort=[f"{hour:02d}" for hour in range(24)],
        axis=alt.Axis(title=f"Hour of the day, {zone}", labelAngle=0, labelOverlap=True, domain=False, ticks=False),
    )
    y = alt.Y(
        "day:O",
        sort=[name[:3] for name in WEEKDAYS],
        axis=alt.Axis(title=None, domain=False, ticks=False, labelPadding=8),
    )
    good, bad = _GOOD_TO_BAD[dark]
    colour = alt.Color(
        "value:Q",
        scale=alt.Scale(
            domain=[low, high] if high > low else [low - 1, low + 1],
            range=[good, bad] if of.direction == "lower" else [bad, good],
        ),
        legend=alt.Legend(
            title=f"{of.title}, {of.unit} ({of.direction} is better)",
            orient="top",
            gradientLength=220,
            gradientThickness=10,
            titleLimit=330,
            titleColor=inks["text"],
            tickCount=4,
        ),
    )
    tooltip = [
        alt.Tooltip("weekday:N", title="day"),
        alt.Tooltip("hours:N", title="hours"),
        alt.Tooltip("shown:N", title=of.title),
        alt.Tooltip("n:Q", title="hours known" if of.id in BY_THE_HOUR else "trials"),
    ]
    base = alt.Chart(charts.inline(drawn)).encode(x=x, y=y)
    filled = base.transform_filter("datum.value != null")
    rects = filled.mark_rect(stroke=inks["ground"], strokeWidth=1.5).encode(
        color=colour, opacity=alt.Opacity("opacity:Q", scale=None), tooltip=tooltip
    )
    counts = filled.mark_text(fontSize=9).encode(
        text="count:N",
        color=alt.condition("datum.strong", alt.value("#10161C" if dark else "#FFFFFF"), alt.value(inks["text"])),
        tooltip=tooltip,
    )
    empty = (
        base.transform_filter("datum.value == null")
        .mark_point(shape=_HATCH, size=150, strokeWidth=1.2, color=inks["text"], opacity=0.35)
        .encode(tooltip=tooltip)
    )
    return charts.bare(alt.LayerChart(layer=[rects, counts, empty], height=height_px), dark=dark)


def _drawn(cell: Cell, of: Measure, low: float, high: float) -> dict[str, Any]:
    value = None if cell.value is None else cell.value * of.scale
    badness = 0.0 if value is None or high == low else (value - low) / (high - low)
    if of.direction == "higher" and high > low:
        badness = 1 - badness
    few = cell.n < FEW
    return {
        "hour": f"{cell.hour:02d}",
        "day": WEEKDAYS[cell.weekday][:3],
        "weekday": WEEKDAYS[cell.weekday],
        "hours": f"{cell.hour:02d} to {(cell.hour + 1) % 24:02d} h",
        "value": value,
        "shown": NO_DATA if cell.value is None else f"{of.shown(cell.value)} {of.unit}",
        "n": cell.n,
        "count": f"{cell.n}" if cell.n < 100 else "99+",
        "strong": badness > (0.8 if few else 0.55),
        "opacity": _OPACITY.get(cell.n, 1.0),
    }
