"""Where names stand in a scatter so that none covers another name or a point: greedy, in pixels, the important first.

Vega-Lite cannot place labels; a chart's width is known to the browser alone. So places are found for the narrowest
width of a class of screens: in a wider drawing points only move apart, and what did not overlap still does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Align = Literal["left", "right", "center"]

_CHAR_PX, _LINE_PX, _GAP_PX = 7.1, 15.0, 10.0
_POINT_PX = 7.0
_BESIDE_PX = 4.0
_LEADER_FROM_PX = 20.0  # a name that stands further off gets a line to its point
_LONGEST = 30

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A mark in pixels from the left and from the top; `name` is "" for one that only stands in the way."""

    name: str
    x_px: float
    y_px: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the name of a point stands: `y_px` from the top, `dx_px` beside its point."""

    number: int  # of the point
    text: str
    align: Align
    dx_px: float
    y_px: float
    leader: bool


def places(
    points: Sequence[Point],
    *,
    width_px: float,
    height_px: float,
    taken: Sequence[Box] = (),
    upwards: bool = True,
    leftwards: bool = False,
) -> list[Place]:
    """A place for as many names as there is room for, in the order of the points.

    Args:
        points: the important first.
        width_px: of the drawing, at least.
        height_px: of the drawing.
        taken: boxes in which no name may stand.
        upwards: look for room above first.
        leftwards: look for room on the left first.
    """
    blocked = [
        *taken,
        *((p.x_px - _POINT_PX, p.y_px - _POINT_PX, p.x_px + _POINT_PX, p.y_px + _POINT_PX) for p in points),
    ]
    found = []
    for number, point in enumerate(points):
        if not point.name:
            continue
        text = shortened(point.name)
        for align, dx_px, dy_px in _candidates(upwards=upwards, leftwards=leftwards):
            box = _box(point, text, align, dx_px, dy_px)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= width_px and box[3] <= height_px
            if inside and not any(_meet(box, other) for other in blocked):
                leader = abs(dy_px) >= _LEADER_FROM_PX
                found.append(
                    Place(number=number, text=text, align=align, dx_px=dx_px, y_px=point.y_px + dy_px, leader=leader)
                )
                blocked.append(box)
                if leader:
                    ends = sorted((point.y_px, point.y_px + dy_px))
                    blocked.append((point.x_px - 1, ends[0], point.x_px + 1, ends[1]))
                break
    return found


def shortened(name: str) -> str:
    """A name that fits beside a point, on one line."""
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _candidates(*, upwards: bool, leftwards: bool) -> list[tuple[Align, float, float]]:
    sign = -1.0 if upwards else 1.0
    sides: list[tuple[Align, float]] = [("left", 1.0), ("right", -1.0)]
    if leftwards:
        sides.reverse()
    near: list[tuple[Align, float, float]] = [(align, side * _GAP_PX, 0.0) for align, side in sides]
    near += [("center", 0.0, 17.0 * sign), ("center", 0.0, -17.0 * sign)]
    near += [(align, side * _BESIDE_PX, 14.0 * way) for way in (sign, -sign) for align, side in sides]
    far: list[tuple[Align, float, float]] = [
        (align, side * _BESIDE_PX, step * way)
        for step in (28, 44, 60, 78, 96)
        for way in (sign, -sign)
        for align, side in sides
    ]
    return near + far


def _box(point: Point, text: str, align: Align, dx_px: float, dy_px: float) -> Box:
    long = _CHAR_PX * len(text)
    at = point.x_px + dx_px
    left = {"left": at, "right": at - long, "center": at - long / 2}[align]
    middle = point.y_px + dy_px
    return (left, middle - _LINE_PX / 2, left + long, middle + _LINE_PX / 2)


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
