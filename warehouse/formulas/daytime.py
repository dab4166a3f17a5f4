"""Whether a figure depends on the hour, or only seems to: windows of the day, and what shuffling the hours makes of it.

Of twenty-four windows one is always the slowest. What a reader needs is whether the slowest is slower than it would
come to be by chance: hours are therefore shuffled among the measurements of each day, so that a bad day stays one.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HOURS = 24
_SHUFFLES, _SHUFFLES_OF_MANY, _MANY = 999, 299, 1000  # enough to tell 0.01 from chance, in a tenth of a second
_SEED = 20261123


def window_means(values: Floats, hour: Integers, *, width: int) -> Floats:
    """Mean of the values in each window of the day.

    Args:
        values: shape (n,); none NaN.
        hour: shape (n,); hour of the day of each, 0 to 23.
        width: hours in a window, 1 to 24; windows run over midnight.

    Returns:
        Shape (24,), by the first hour of the window; NaN where nothing lies in it.
    """
    means: Floats = _means(values[None, :], hour[None, :], width)[0]
    return means


def hour_matters_p(values: Floats, hour: Integers, day: Integers, *, width: int) -> float | None:
    """How often windows would differ as much if the hour did not matter; None where no day has two hours.

    The statistic is the distance of the highest from the lowest mean rank of all windows, so that the choice of the two
    is in the figure. Ranks, because one value may be hundreds of times the others.

    Args:
        values: shape (n,); none NaN.
        hour: shape (n,); hour of the day of each, 0 to 23.
        day: shape (n,); its day; hours are shuffled within days.
        width: hours in a window.

    Source: Fisher's permutation test within blocks: Edgington, Onghena, Randomization Tests, 2007, chapter 5; p never
    0: Phipson, Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010.
    """
    n = len(values)
    _, dense = np.unique(day, return_inverse=True)
    spread = np.zeros(dense.max() + 1 if n else 0, dtype=np.int64)
    np.add.at(spread, np.unique(np.stack([dense, hour]), axis=1)[0], 1)
    if n < 2 or spread.max() < 2:
        return None
    ranks = _middle_ranks(values)
    seen = _distance(_means(ranks[None, :], hour[None, :], width))[0]
    random = np.random.default_rng([_SEED, n])
    shuffles = _SHUFFLES if n <= _MANY else _SHUFFLES_OF_MANY
    # sorting by day and chance puts the members of each day in a random order, and the days where they were
    order = np.argsort(dense, kind="stable")
    shuffled = np.argsort(dense[order] + random.random((shuffles, n)), axis=1)
    by_chance = _distance(_means(np.broadcast_to(ranks[order], (shuffles, n)), hour[order][shuffled], width))
    return float((1 + (by_chance >= seen - 1e-9).sum()) / (1 + shuffles))


def _means(values: Floats, hour: Integers, width: int) -> Floats:
    """Shape (draws, 24) of values and hours of shape (draws, n)."""
    draws = len(values)
    cells = (np.arange(draws)[:, None] * HOURS + hour).ravel()
    sums = np.bincount(cells, values.ravel(), minlength=draws * HOURS).reshape(draws, HOURS)
    counts = np.bincount(cells, minlength=draws * HOURS).reshape(draws, HOURS).astype(np.float64)
    all_sums = sum(np.roll(sums, -step, axis=1) for step in range(width))
    all_counts = sum(np.roll(counts, -step, axis=1) for step in range(width))
    means: Floats = np.where(all_counts > 0, all_sums / np.maximum(all_counts, 1), np.nan)
    return means


def _distance(means: Floats) -> Floats:
    found: Floats = np.nanmax(means, axis=1) - np.nanmin(means, axis=1)
    return found


def _middle_ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middles: Floats = (ends - (counts - 1) / 2).astype(np.float64)
    return middles[inverse]
