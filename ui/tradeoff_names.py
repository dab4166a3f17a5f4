"""Names in the scatter of two metrics: of the front always, of the others where a board is small."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt

from ui import label_places
from ui.charts import inline
from ui.tradeoff import Entry
from ui.tradeoff_axes import Axis

HEIGHT_PX = 400  # of the drawing alone
# What is left for the drawing beside the axis: on a desk and on a phone, at least; a chart in between has few names.
WIDE_PX, _NARROW_PX = 820.0, 250.0
_ALL_NAMES_UP_TO = 12
_CORNER_PX = (150.0, 22.0)
_LINE_PX = 4.0  # a name keeps off the front's line
_SMALL_CHAR_PX, _SMALL_LINE_PX = 6.0, 20.0

Spot = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What is drawn behind the targets, in shown units: from (x, y) to (x2, y2), named above its lower left corner."""

    x: float
    x2: float
    y: float
    y2: float
    says: str


def names(
    drawn: Sequence[Entry],
    fields: Sequence[Field],
    across: Axis,
    upward: Axis,
    inks: dict[str, str],
    position: dict[str, Any],
) -> list[alt.Chart]:
    """Names for a wide and for a narrow drawing; the browser shows those that its width has room for."""
    layers = []
    for width_px, shown in ((WIDE_PX, f"width >= {WIDE_PX}"), (_NARROW_PX, f"width < {WIDE_PX}")):
        rows = []
        found = placed(drawn, fields, across, upward, width_px)
        for place in found:
            entry = drawn[place.number]
            at_x, at_y = centre(entry, across, upward)
            rows.append(
                {
                    "x": at_x,
                    "y": at_y,
                    "name": place.text,
                    "align": place.align,
                    "dx": place.dx_px,
                    "name_y": upward.at(1 - place.y_px / HEIGHT_PX),
                    "leader": place.leader,
                    "faint": entry.point.verdict == "dominated",
                }
            )
        if not rows:
            continue
        base = alt.Chart(inline(rows)).transform_filter(shown)
        layers.append(
            base.transform_filter("datum.leader")
            .mark_rule(strokeWidth=0.8, color=inks["text"], opacity=0.6)
            .encode(x=position["x"], y=position["y"], y2="name_y:Q")
        )
        for align, dx in sorted({(place.align, place.dx_px) for place in found}):
            here = base.transform_filter(f"datum.align === '{align}' && datum.dx === {dx}")
            layers.append(
                here.mark_text(align=align, dx=dx, fontSize=12, fontWeight=600, color=inks["text"]).encode(
                    x=position["x"],
                    y=alt.Y("name_y:Q", scale=upward.scale()),
                    text="name:N",
                    opacity=alt.condition("datum.faint", alt.value(0.6), alt.value(1)),
                )
            )
    return layers


def placed(
    drawn: Sequence[Entry], fields: Sequence[Field], across: Axis, upward: Axis, width_px: float
) -> list[label_places.Place]:
    """Places of names in a drawing of that width. The front is named first; others only on a board of few."""

    def spot(at: Spot) -> Spot:
        return width_px * across.share(at[0]), HEIGHT_PX * (1 - upward.share(at[1]))

    points = []
    taken = []
    for entry in drawn:
        x_px, y_px = spot(centre(entry, across, upward))
        (x_low, y_high), (x_high, y_low) = (spot(end) for end in ends(entry, across, upward))
        taken += [(x_low, y_px - 1, x_high, y_px + 1), (x_px - 1, y_low, x_px + 1, y_high)]
        named = entry.point.verdict != "dominated" or (len(drawn) <= _ALL_NAMES_UP_TO and width_px == WIDE_PX)
        points.append(label_places.Point(name=entry.target_id if named else "", x_px=x_px, y_px=y_px))
    left = 0.0 if across.of.direction == "lower" else width_px - _CORNER_PX[0]
    top = 0.0 if upward.of.direction == "higher" else HEIGHT_PX - _CORNER_PX[1]
    taken.append((left, top, left + _CORNER_PX[0], top + _CORNER_PX[1]))
    for one, other in pairwise(spot(at) for at in front_path(drawn, across, upward)):
        (left, right), (top, bottom) = (sorted(pair) for pair in zip(one, other, strict=True))
        taken.append((left - _LINE_PX, top - _LINE_PX, right + _LINE_PX, bottom + _LINE_PX))
    for field in fields:
        x_px, y_px = spot((field.x, field.y))
        taken.append((x_px, y_px - _SMALL_LINE_PX, x_px + _SMALL_CHAR_PX * len(field.says) + 5, y_px))
    return label_places.places(
        points,
        width_px=width_px,
        height_px=HEIGHT_PX,
        taken=taken,
        leftwards=across.of.direction == "lower",
        upwards=upward.of.direction == "higher",
    )


def front_path(drawn: Sequence[Entry], across: Axis, upward: Axis) -> list[Spot]:
    """The front of the typical figures, in shown units: from each point the worse way across, then to the next one."""
    corners = [centre(entry, across, upward) for entry in drawn if entry.point.on_line]
    sign = 1.0 if across.of.direction == "lower" else -1.0
    corners.sort(key=lambda at: sign * at[0])
    path = [(corners[0][0], upward.worst)] if corners else []
    for number, at in enumerate(corners):
        if number:
            path.append((at[0], corners[number - 1][1]))
        path.append(at)
    if corners:
        path.append((across.worst, corners[-1][1]))
    return path


def better_corner(across: Axis, upward: Axis, inks: dict[str, str]) -> alt.Chart:
    """Which corner is the better one."""
    left, top = across.of.direction == "lower", upward.of.direction == "higher"
    arrow = {(True, True): "\u2196", (False, True): "\u2197", (True, False): "\u2199", (False, False): "\u2198"}[
        left, top
    ]
    side: label_places.Align = "left" if left else "right"
    height = "up" if top else "down"
    text = alt.Chart(inline([{"says": f"{arrow} better: {height} and {side}"}])).mark_text(
        align=side,
        baseline="top" if top else "bottom",
        dx=6 if left else -6,
        dy=5 if top else -5,
        fontSize=12,
        color=inks["text"],
        opacity=0.85,
    )
    encoded: alt.Chart = text.encode(
        x=alt.value(0) if left else alt.value("width"), y=alt.value(0) if top else alt.value("height"), text="says:N"
    )
    return encoded


def centre(entry: Entry, across: Axis, upward: Axis) -> tuple[float, float]:
    """Where a target stands, in shown units."""
    at = [
        of.of.shown_scale * figure.central
        for figure, of in zip(entry.point.figures, (across, upward), strict=True)
        if figure is not None
    ]
    return at[0], at[1]


def ends(entry: Entry, across: Axis, upward: Axis) -> tuple[Spot, Spot]:
    """Low and high ends of both intervals of a target, in shown units; its figure where there is none."""
    lows, highs = [], []
    for figure, of in zip(entry.point.figures, (across.of, upward.of), strict=True):
        assert figure is not None
        lows.append(of.shown_scale * (figure.central if figure.low is None else figure.low))
        highs.append(of.shown_scale * (figure.central if figure.high is None else figure.high))
    return (lows[0], lows[1]), (highs[0], highs[1])
