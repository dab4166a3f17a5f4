"""What a target takes by the hour of the week, and which hours of the day are best and worst, out of samples."""

import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from warehouse.formulas.daytime import hour_matters_p, window_means
from warehouse.formulas.statistics import MIN_TRIALS, Estimate, percentile_interval, ratio_interval, share_interval

WINDOW_HOURS = 3  # as far apart as pulses: each day has about one in every window
How = Literal["median", "share", "ratio", "mean"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value at an instant: `above` of `below` (1 where it is not a ratio), so that sums of both make sense."""

    at: datetime
    above: float
    below: float = 1.0

    @property
    def value(self) -> float:
        """What it came to."""
        return self.above / self.below


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """An hour of the week: weekday 0 is Monday; `value` is None where nothing was measured."""

    weekday: int
    hour: int
    n: int
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWindow:
    """Some hours of the day, from `first_hour` on, with the figure of all samples in them."""

    first_hour: int
    estimate: Estimate

    @property
    def last_hour(self) -> int:
        """The hour at which it ends."""
        return (self.first_hour + WINDOW_HOURS) % 24


@dataclass(frozen=True, slots=True, kw_only=True)
class DayShape:
    """The windows of the day with the lowest and the highest figure.

    `p` is how often shuffled hours differ as much; None where no day has two hours. `flat` says that every sample has
    the same value.
    """

    lowest: DayWindow
    highest: DayWindow
    p: float | None
    flat: bool
    n: int
    hours_seen: int


def zone_named(name: str) -> zoneinfo.ZoneInfo:
    """A time zone of the IANA database.

    Raises:
        ValueError: this machine knows none of that name.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone that this machine knows; UTC and Europe/Paris are names") from error


def week_cells(samples: Sequence[Sample], zone: zoneinfo.ZoneInfo, how: How) -> list[Cell]:
    """All 168 hours of the week, Monday first, in a zone."""
    held: dict[tuple[int, int], list[Sample]] = {}
    for sample in samples:
        local = sample.at.astimezone(zone)
        held.setdefault((local.weekday(), local.hour), []).append(sample)
    return [
        Cell(weekday=weekday, hour=hour, n=len(found), value=_together(found, how) if found else None)
        for weekday in range(7)
        for hour in range(24)
        for found in [held.get((weekday, hour), [])]
    ]


def hour_cells(samples: Sequence[Sample], zone: zoneinfo.ZoneInfo, how: How) -> list[Cell]:
    """The 24 hours of the day, all days together; their weekday says nothing."""
    held: dict[int, list[Sample]] = {}
    for sample in samples:
        held.setdefault(sample.at.astimezone(zone).hour, []).append(sample)
    return [
        Cell(weekday=0, hour=hour, n=len(found), value=_together(found, how) if found else None)
        for hour in range(24)
        for found in [held.get(hour, [])]
    ]


def day_shape(samples: Sequence[Sample], zone: zoneinfo.ZoneInfo, how: How) -> DayShape | None:
    """The best and the worst hours of the day; None where fewer than two hours of the day were seen.

    Figures have 95 % intervals over days, whose attempts hang together. They are of the very windows that were chosen
    for being extreme, so both lie further out than new measurements of them will: `p` takes that into account.
    """
    if not samples:
        return None
    local = [sample.at.astimezone(zone) for sample in samples]
    hour = np.array([at.hour for at in local])
    day = np.array([at.toordinal() for at in local])
    if len(np.unique(hour)) < 2:
        return None
    values = np.array([sample.value for sample in samples])
    means = window_means(values, hour, width=WINDOW_HOURS)
    lowest, highest = int(np.nanargmin(means)), int(np.nanargmax(means))
    return DayShape(
        lowest=_window(samples, hour, day, lowest, how),
        highest=_window(samples, hour, day, highest, how),
        p=hour_matters_p(values, hour, day, width=WINDOW_HOURS),
        flat=bool(np.ptp(values) <= 1e-9 * np.abs(values).max()),
        n=len(samples),
        hours_seen=len(np.unique(hour)),
    )


def trial_samples(measure_id: str, trials: Sequence[Mapping[str, Any]]) -> list[Sample]:
    """Samples of one measure out of rows of trials; a trial in which it is not known gives none.

    Args:
        measure_id: ttft, speed, failed or price.
        trials: rows with started_at, ttft_p50_s, tpot_p50_s, attempts, down_count, limited_count, own_count, usd and
            output_tokens.
    """
    found = []
    for row in trials:
        above, below = _PAIRS[measure_id](row)
        if above is not None and below > 0:
            found.append(Sample(at=row["started_at"].astimezone(UTC), above=above, below=below))
    return found


def _together(samples: Sequence[Sample], how: How) -> float:
    if how == "median":
        return float(np.median([sample.value for sample in samples]))
    return sum(sample.above for sample in samples) / sum(sample.below for sample in samples)


def _window(samples: Sequence[Sample], hour: Any, day: Any, first: int, how: How) -> DayWindow:  # noqa: ANN401 - arrays
    inside = np.flatnonzero((hour - first) % 24 < WINDOW_HOURS)
    some = [samples[int(index)] for index in inside]
    _, block = np.unique(day[inside], return_inverse=True)
    above, below = np.array([s.above for s in some]), np.array([s.below for s in some])
    if how == "median":
        values = above / below
        estimate = percentile_interval(values, block, 0.5)
    else:
        of_above, of_below = (np.bincount(block, each).astype(np.float64) for each in (above, below))
        if how == "share":
            estimate = share_interval(of_above, of_below, min_blocks=MIN_TRIALS)
        else:
            estimate = ratio_interval(of_above, of_below, n=len(some))
    return DayWindow(first_hour=first, estimate=estimate)


_Pair = tuple[float | None, float]
_PAIRS: Mapping[str, Callable[[Mapping[str, Any]], _Pair]] = {
    "ttft": lambda row: (row["ttft_p50_s"], 1.0),
    "speed": lambda row: (1.0, row["tpot_p50_s"] or 0.0),  # tokens per second of a stream: the inverse of its TPOT
    "failed": lambda row: (
        float(row["down_count"] + row["limited_count"]),
        float(row["attempts"] - row["own_count"]),
    ),
    "price": lambda row: (row["usd"], (row["output_tokens"] or 0) / 1e6),
}
