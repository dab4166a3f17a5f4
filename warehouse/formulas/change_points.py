"""Where the level of a nightly series shifted, which is not the same as one bad night.

A series is cut into stretches of one level each, so that squared distances to the levels plus a penalty for every cut
are least. A distance counts up to a bound only: one bad night, or two, can then never pay for a cut, and three nights
at a new level can. The bound is chosen for that (`NIGHTS_THAT_COUNT`); the optimum is exact over levels that the series
itself has taken, by dynamic programming over all series at once.

The penalty is fixed by simulation of quiet nights, see `penalty`. Nights that hang together (a slow day follows a slow
day) look like shifts: how much they do is estimated over the whole board, and the penalty grows by it.

What that buys, after 30 quiet nights with a spread of 10 %: a shift of 20 % is found after 10 nights in 0.6 of cases
and after 14 in 0.8 on a board of a dozen series, after 14 in 0.45 and after 21 in 0.75 on one of 1,300; a shift of 50 %
is found after 5 nights in 0.95 and 0.9. Its night is exact in 0.6 of cases and within earliest to latest in 0.87, its
size within low to high in 0.95 or more. In short records, most of whose series shift at once, it takes longer.

What a weekday does each week is taken away first, where days are given: see `weekdays`.

Sources: Fearnhead, Rigaill: Changepoint detection in the presence of outliers, Journal of the American Statistical
Association 114, 2019 (bounded loss, and why its bound and the penalty go together); Rigaill: A pruned dynamic
programming algorithm, Journal de la SFdS 156, 2015 (costs as functions of the last level).
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from warehouse.formulas.resampling import Floats, Integers, Matrix, t_quantile
from warehouse.formulas.weekdays import weekday_effects

# Change it with any change of what these functions return: changes are then looked for anew.
METHOD_VERSION = "2"
MIN_NIGHTS = 10
NIGHTS_THAT_COUNT = 3  # at a new level before it can be a shift
# What quiet nights may raise in 30 nights: over the whole board, and over a dozen of its series.
FALSE_ALARMS_A_BOARD = 0.5
FALSE_ALARMS_A_DOZEN = 0.1
# Simulated: a quiet series with 10, 30 or 90 nights behind it that is looked at every night raises an alarm in the next
# 30 nights with a chance of about _CHANCE * exp(-_DECAY * penalty): 0.040 at 13, 0.014 at 16.35, 0.003 at 20.
_CHANCE, _DECAY = 4.1, 0.356
_MAX_LEVELS = 96
_CUT_OFF = 2.5  # of differences, in units of their median: what lies beyond is a shift or a bad night, not noise
_CUT_OFF_VARIANCE = 0.9113  # of a standard normal without what lies beyond
_NEARLY = 4.0  # a cut elsewhere that costs no more than this above the best one is as good
_AT_ONCE = 256  # series, whose cuts are held in memory together


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A lasting change of level, in the units of the values; nights are numbered as in the series.

    `night` is the first at the new level, and a cut anywhere from `earliest` to `latest` would do nearly as well.
    `low` to `high` is the 95 % interval of `after - before`.
    """

    night: int
    earliest: int
    latest: int
    before: float
    after: float
    low: float
    high: float
    nights_before: int
    nights_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OddNight:
    """A night far from the level of its `neighbours`, which are so many; it did not last.

    `level` is the usual one of its weekday, where that has one of its own.
    """

    night: int
    neighbours: int
    level: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a series did: its shifts and its odd nights, the oldest first; `scale` is its spread from night to night."""

    shifts: tuple[Shift, ...]
    odd_nights: tuple[OddNight, ...]
    scale: float


def courses(
    values: Matrix, least_scale: Floats, *, days: Integers | None = None, board: int | None = None
) -> list[Course | None]:
    """Shifts and odd nights of every series of a board.

    Args:
        values: shape (series, nights); on a scale on which noise is alike at all levels, such as logarithms; NaN is a
            night that is not known.
        days: shape (nights,); the calendar day of each night, a count of days: what a weekday does week after week is
            then no news (`weekday_effects`). None where it is not asked.
        least_scale: shape (series,); positive; what is less than this from night to night is no noise at all.
        board: how many series the board has, if these are not all of them.

    Returns:
        One a series; None of one with fewer than `MIN_NIGHTS` known nights.
    """
    known = np.isfinite(values)
    enough = np.flatnonzero(known.sum(axis=1) >= MIN_NIGHTS)
    found: list[Course | None] = [None] * len(values)
    if not len(enough):
        return found
    usual = np.zeros_like(values) if days is None else weekday_effects(values, days)
    places, packed = _packed((values - usual)[enough], known[enough])
    scales, hang = _scales(packed)
    scale = np.maximum(scales, least_scale[enough])
    cost_of_a_cut = penalty(board or len(values), hang)
    for start in range(0, len(enough), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        standard = (packed[some] / scale[some, None]).astype(np.float64)
        cuts = _cuts(standard, cost_of_a_cut)
        for row, series in enumerate(enough[some].tolist()):
            line = standard[row]
            first = int(np.argmax(np.isfinite(line)))
            found[series] = _course(
                line[first:],
                places[start + row, first:],
                np.flatnonzero(cuts[row, first:]),
                cost_of_a_cut,
                hang,
                float(scale[start + row]),
                usual[series],
            )
    return found


def penalty(board: int, hang_together: float = 0.0) -> float:
    """What a cut must save, in squared standard deviations of a night.

    Simulated with normal noise, with heavier tails (Student's t, 4 degrees of freedom), with one night in twenty off by
    six standard deviations, and with neighbours correlated by 0.3: none of these alarms more often than the first by
    more than a third. A board of `board` series raises about `FALSE_ALARMS_A_BOARD` in 30 quiet nights, or fewer;
    twelve of its series about `FALSE_ALARMS_A_DOZEN`, or fewer.

    Args:
        board: number of series, at least 1.
        hang_together: correlation of a night with the next one, 0 to below 1: the variance of a mean of many nights is
            (1 + r) / (1 - r) times that of independent ones.
    """
    of_dozen = math.log(12 * _CHANCE / FALSE_ALARMS_A_DOZEN) / _DECAY
    of_board = math.log(board * _CHANCE / FALSE_ALARMS_A_BOARD) / _DECAY
    return max(of_dozen, of_board) * _long_run(hang_together)


def _long_run(hang_together: float) -> float:
    return (1 + hang_together) / (1 - hang_together)


def _bound(cost_of_a_cut: float) -> float:
    """Up to where a distance counts: two nights at it stay below the penalty, three exceed it."""
    return math.sqrt(cost_of_a_cut / (NIGHTS_THAT_COUNT - 0.5))


def _packed(values: Matrix, known: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]") -> tuple[Integers, Matrix]:
    """Known nights without gaps, ending together; and the night that each of them was."""
    order = np.argsort(known, axis=1, kind="stable")  # unknown ones first, else as they came
    packed: Matrix = np.take_along_axis(values, order, axis=1)
    return order, packed


def _scales(values: Matrix) -> tuple[Floats, float]:
    """The spread of nights of each series, and how nights of the board hang together (0 to 0.8).

    By differences of nights 2 to 4 apart, in which a shift stands out and is left out; those of neighbours are smaller
    where nights hang together, and by how much says how much they do.
    """
    by_lag = [_of_differences(values, lag) for lag in (1, 2, 3, 4)]
    apart = np.sqrt(np.mean(np.square(by_lag[1:]), axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        together = 1 - np.square(by_lag[0] / apart)
    together = together[np.isfinite(together)]
    hang = float(np.clip(np.median(together), 0.0, 0.8)) if len(together) else 0.0
    return apart, hang


def _of_differences(values: Matrix, lag: int) -> Floats:
    apart = np.abs(values[:, lag:] - values[:, :-lag])
    limit = _CUT_OFF * 1.4826 * np.nanmedian(apart, axis=1)
    # NaN is not beyond: it stays what it is
    kept = np.where(apart > limit[:, None], np.nan, apart)
    spread: Floats = np.sqrt(np.nanmean(kept**2, axis=1) / _CUT_OFF_VARIANCE / 2)
    return spread


def _cuts(standard: Matrix, cost_of_a_cut: float) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """Where each series is cut: True at the first night of a new level; shape as `standard`, where NaN costs nothing.

    The cost of the best course so far is kept for every level that it may end at; a night adds its distance to each,
    and it pays to have changed level where the best other course plus the penalty is cheaper.
    """
    levels = _levels(standard)
    series, nights = standard.shape
    limit = _bound(cost_of_a_cut) ** 2
    cost = np.zeros_like(levels)
    changed = np.zeros((nights, *levels.shape), dtype=np.bool_)
    came_from = np.zeros((nights, series), dtype=np.int64)
    rows = np.arange(series)
    for night in range(nights):
        if night:
            came_from[night] = cost.argmin(axis=1)
            anew = (cost[rows, came_from[night]] + cost_of_a_cut)[:, None]
            np.greater(cost, anew, out=changed[night])
            np.minimum(cost, anew, out=cost)
        distance = np.minimum((standard[:, night, None] - levels) ** 2, limit)
        cost += np.nan_to_num(distance, nan=0.0)
    at = cost.argmin(axis=1)
    cuts = np.zeros(standard.shape, dtype=np.bool_)
    for night in range(nights - 1, 0, -1):
        cuts[:, night] = changed[night, rows, at]
        at = np.where(cuts[:, night], came_from[night], at)
    return cuts


def _levels(standard: Matrix) -> Matrix:
    """Levels to choose from: values that a series has taken, evenly by rank; of a short one all of them."""
    ordered = np.sort(standard, axis=1)  # NaN last
    known = np.isfinite(ordered).sum(axis=1)
    count = min(standard.shape[1], _MAX_LEVELS)
    ranks = np.rint(np.linspace(0, 1, count)[None, :] * (known[:, None] - 1)).astype(np.int64)
    levels: Matrix = np.take_along_axis(ordered, ranks, axis=1)
    return levels


def _course(
    line: Floats,
    nights: Integers,
    cuts: Integers,
    cost_of_a_cut: float,
    hang_together: float,
    scale: float,
    usual: Floats,
) -> Course:
    """Levels, shifts and odd nights of one series without gaps, which is in standard deviations of `scale`."""
    bound = _bound(cost_of_a_cut)
    spans = list(itertools.pairwise([0, *cuts.tolist(), len(line)]))
    levels = [_level(line[start:end], bound) for start, end in spans]
    t = t_quantile(len(line) - len(spans))
    shifts = []
    for (start, cut), (_, end), before, after in zip(spans[:-1], spans[1:], levels[:-1], levels[1:], strict=True):
        earliest, latest = _as_good(line[start:end], cut - start, before, after, bound)
        half = t * math.sqrt((1 / (cut - start) + 1 / (end - cut)) * _long_run(hang_together))
        shifts.append(
            Shift(
                night=int(nights[cut]),
                earliest=int(nights[start + earliest]),
                latest=int(nights[start + latest]),
                before=before * scale,
                after=after * scale,
                low=(after - before - half) * scale,
                high=(after - before + half) * scale,
                nights_before=cut - start,
                nights_after=end - cut,
            )
        )
    odd = [
        OddNight(
            night=int(nights[start + night]),
            neighbours=end - start - 1,
            level=level * scale + float(usual[nights[start + night]]),
            value=float(line[start + night]) * scale + float(usual[nights[start + night]]),
        )
        for (start, end), level in zip(spans, levels, strict=True)
        for night in np.flatnonzero((line[start:end] - level) ** 2 > cost_of_a_cut).tolist()
    ]
    return Course(shifts=tuple(shifts), odd_nights=tuple(odd), scale=scale)


def _level(stretch: Floats, bound: float) -> float:
    """The mean of the nights that lie within the bound of their median."""
    middle = float(np.median(stretch))
    near = stretch[np.abs(stretch - middle) <= bound]
    return float(near.mean()) if len(near) else middle


def _as_good(stretch: Floats, cut: int, before: float, after: float, bound: float) -> tuple[int, int]:
    """The first and the last cut around `cut` that cost hardly more, the levels being what they are."""
    old = np.minimum((stretch - before) ** 2, bound**2)
    new = np.minimum((stretch - after) ** 2, bound**2)
    # costs[u]: nights before u at the old level, from u on at the new one
    costs = np.concatenate(([0.0], np.cumsum(old - new)))
    fine = costs <= costs[cut] + _NEARLY
    earliest = latest = cut
    while earliest > 1 and fine[earliest - 1]:
        earliest -= 1
    while latest < len(stretch) - 1 and fine[latest + 1]:
        latest += 1
    return earliest, latest
