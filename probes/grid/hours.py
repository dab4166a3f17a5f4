"""Hours of a grid as somebody published them: means over whole hours, in UTC."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from probes.errors import ProbeError

Signal = Literal["average", "marginal"]
HOUR = timedelta(hours=1)
# Lignite, the dirtiest fuel in use, burns at 1.1 to 1.3 kg/kWh: what is far above it is in another unit.
MAX_GCO2E_PER_KWH = 3000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GridHour:
    """Mean intensity of a grid in one hour."""

    hour_at: datetime  # start of the hour, UTC
    gco2e_per_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Whole hours in order of time, and how many hours were left out because parts of them were missing."""

    hours: tuple[GridHour, ...]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Mean intensity of a grid from an instant (with its zone) on; `where` names it in a sentence, such as 'row 7'."""

    at: datetime
    gco2e_per_kwh: float
    where: str


def checked_intensity(value: object, where: str) -> float:
    """A figure that can be an intensity in gCO2e/kWh.

    Raises:
        ProbeError: it is no number, is negative, or is above what any grid emits; names `where`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ProbeError(f"{where}: gCO2e/kWh = {value!r} is not a number")
    if not 0 <= value <= MAX_GCO2E_PER_KWH:
        raise ProbeError(
            f"{where}: {value:g} gCO2e/kWh must be between 0 and {MAX_GCO2E_PER_KWH:g}; is it in another unit?"
        )
    return float(value)


def whole_hours(points: Iterable[Point], *, period: timedelta | None = None) -> Hours:
    """Average points of a fixed step into hours; an hour that lacks a point is left out, never filled.

    Args:
        points: in any order.
        period: how long each holds, a part of an hour or an hour; the shortest step between two points, if None.

    Raises:
        ProbeError: two points of the same instant, a step that does not divide an hour, or a point off the step.
    """
    by_instant: dict[datetime, Point] = {}
    for point in points:
        at = point.at.astimezone(UTC)
        there = by_instant.setdefault(at, point)
        if there is not point:
            raise ProbeError(f"{point.where} repeats {at:%Y-%m-%dT%H:%MZ} of {there.where}; keep one of them")
    instants = sorted(by_instant)
    step = period or _step(instants)
    if step <= timedelta(0) or HOUR % step:
        raise ProbeError(f"the points are {step.total_seconds() / 60:g} minutes apart, which is no part of an hour")
    parts: dict[datetime, list[float]] = defaultdict(list)
    for at in instants:
        hour_at = at.replace(minute=0, second=0, microsecond=0)
        if (at - hour_at) % step:
            raise ProbeError(
                f"{by_instant[at].where}: {at:%Y-%m-%dT%H:%M:%SZ} does not start a step of"
                f" {step.total_seconds() / 60:g} minutes"
            )
        parts[hour_at].append(by_instant[at].gco2e_per_kwh)
    needed = HOUR // step
    whole = {hour_at: values for hour_at, values in parts.items() if len(values) == needed}
    return Hours(
        hours=tuple(
            GridHour(hour_at=hour_at, gco2e_per_kwh=math.fsum(values) / needed) for hour_at, values in whole.items()
        ),
        left_out=len(parts) - len(whole),
    )


def _step(instants: Sequence[datetime]) -> timedelta:
    gaps = [later - earlier for earlier, later in itertools.pairwise(instants)]
    return min([HOUR, *gaps])
