"""Differences between all pairs of endpoints, each measured in the same runs.

A run is one draw of the night: its network, its load, its neighbours. Attempts within it are not independent, so one
figure of each endpoint and run goes in, and what both endpoints suffered in a run falls out of their difference. With
three to ten runs resampling them covers too little, Student's t covers what it says: the benchmark ranking_speed in
tests/benchmarks reports both.

Sources: Student: The probable error of a mean, Biometrika 6, 1908. Holm: A simple sequentially rejective multiple test
procedure, Scandinavian Journal of Statistics 6, 1979. Cameron, Gelbach, Miller: Bootstrap-based improvements for
inference with clustered errors, Review of Economics and Statistics 90, 2008 (few clusters).
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse.formulas.student import two_sided_p

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MIN_RUNS = 3
# Differences that are smaller come from rounding, not from nights; on the scale of logarithms a part in 10^9.
ROUNDING = 1e-9
# Nobody waits longer to tell two endpoints apart.
MAX_RUNS = 365
# Every number of nights up to 40, then steps of about 5 %.
_LADDER = np.unique(np.rint(np.concatenate([np.arange(MIN_RUNS, 41), np.geomspace(41, MAX_RUNS, 45)])).astype(np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRuns:
    """Of each pair (row - column): shape (endpoints, endpoints); NaN where it has fewer than `MIN_RUNS` common runs."""

    difference: Floats
    deviation: Floats  # of one run's difference
    runs: NDArray[np.int64]  # in which both were measured
    p: Floats  # two-sided


def paired_runs(scores: Floats, floor_variance: Floats) -> PairedRuns:
    """Student's t of each pair over the runs that it has in common.

    Args:
        scores: shape (endpoints, runs); NaN where an endpoint was not measured.
        floor_variance: shape (endpoints,); of a score in one run, at least: shares of few attempts may be equal in all
            nights by chance. 0 for what is never equal by chance.
    """
    known = ~np.isnan(scores)
    there = known.astype(np.float64)
    # without the night, or squares would lose the digits that differ
    nights = np.where(known, scores, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    values = np.where(known, scores - nights, 0.0)
    runs = there @ there.T
    enough = runs >= MIN_RUNS
    n = np.where(enough, runs, np.nan)
    sums, squares = values @ there.T, values**2 @ there.T
    difference = (sums - sums.T) / n
    spread = squares + squares.T - 2 * values @ values.T - n * difference**2
    variance = np.maximum(spread / (n - 1), floor_variance[:, None] + floor_variance) + ROUNDING**2
    t = difference / np.sqrt(variance / n)
    p = np.full(t.shape, np.nan)
    for count in np.unique(runs[enough]):
        these = runs == count
        p[these] = two_sided_p(t[these], int(count) - 1)
    return PairedRuns(difference=difference, deviation=np.sqrt(variance), runs=runs.astype(np.int64), p=p)


def runs_to_separate(pairs: PairedRuns, one: int, other: int, limit: float) -> int | None:
    """How many more runs like those there were would bring the p of a pair to `limit`; None if a year would not."""
    size = abs(float(pairs.difference[one, other])) / float(pairs.deviation[one, other])
    now = int(pairs.runs[one, other])
    ladder: list[int] = _LADDER[np.searchsorted(_LADDER, now, side="right") :].tolist()

    def separates(n: int) -> bool:
        return float(two_sided_p(np.array(size * np.sqrt(n)), n - 1)) <= limit

    # more runs never tell less apart
    found = bisect_left(ladder, True, key=separates)
    return ladder[found] - now if found < len(ladder) else None


def holm(p: Floats, level: float) -> tuple[Flags, float]:
    """Which hypotheses of a family fall, if a wrong one may fall in `level` (0 to 1) of families only.

    Args:
        p: shape (n,); none NaN.
        level: 0.05 for 95 % confidence in the family.

    Returns:
        Which fall, shape (n,); and the level that the next one would have had to reach, 0 if all fall.
    """
    order = np.argsort(p, kind="stable")
    limits = level / np.arange(len(p), 0, -1)
    held = np.flatnonzero(p[order] > limits)
    first = int(held[0]) if len(held) else len(p)
    fallen = np.zeros(len(p), dtype=np.bool_)
    fallen[order[:first]] = True
    return fallen, float(limits[first]) if first < len(p) else 0.0


def additive_fit(scores: Floats) -> tuple[Floats, Floats]:
    """Level of each endpoint with the nights taken out, and what is left of each score: least squares of a sum of both.

    With every endpoint in every run the levels are plain means. An endpoint that was measured on bad nights only is not
    blamed for them.

    Args:
        scores: shape (endpoints, runs); NaN where an endpoint was not measured; each endpoint and run has one.

    Returns:
        Levels, shape (endpoints,); residuals, shape (endpoints, runs), 0 where nothing was measured.
    """
    known = ~np.isnan(scores)
    centre = float(scores[known].mean())
    endpoint, run = np.nonzero(known)
    endpoints, runs = scores.shape
    design = np.zeros((len(endpoint), endpoints + runs))
    rows = np.arange(len(endpoint))
    design[rows, endpoint] = 1.0
    design[rows, endpoints + run] = 1.0
    # levels and nights can be shifted against each other; of all such, the smallest: then nights have mean about 0.
    # That shift is 0 but for rounding among the eigenvalues, and numpy's own limit sometimes takes it for more
    solved = np.linalg.pinv(design.T @ design, rcond=ROUNDING, hermitian=True) @ (design.T @ (scores[known] - centre))
    shift = float(solved[endpoints:].mean())
    levels = solved[:endpoints] + shift + centre
    residuals = np.zeros(scores.shape)
    residuals[known] = scores[known] - (levels[endpoint] + solved[endpoints + run] - shift)
    return levels, residuals
