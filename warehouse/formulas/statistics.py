"""How far a figure of one sample can be trusted: intervals by resampling blocks of time, or whole trials.

Attempts of one trial share the network, the queue and the neighbours of their moment. They are not independent, and an
interval that took them for independent would be too narrow. What is drawn here are stretches of time (or whole trials),
each with all that happened in it; sources and draws are in `resampling`.

Source: Efron, Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.formulas.resampling import (
    Floats,
    Integers,
    block_count,
    drawn_percentiles,
    draws,
    ends,
    rank_of,
    t_quantile,
    weighted,
)

# Change it with any change of what these functions return: intervals are then computed anew.
METHOD_VERSION = "1"
# The range of five independent results holds their median in 94 % of cases, that of six in 97 %.
MIN_BLOCKS = 6
MIN_TRIALS = 3
# So many values must lie beyond a percentile, or its far end is the largest value and the interval too short: with
# five, and neighbours that share half their variance, it held the 95th percentile in 87 % of simulations, with ten in
# 91 %.
_MIN_BEYOND = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure and the interval it lies in with `CONFIDENCE_SHARE`; without one, `reason` says why.

    `n` is how many values are behind it and `blocks` how many independent parts they were taken to come in.
    """

    central: float | None
    low: float | None
    high: float | None
    n: int
    blocks: int
    method: str
    reason: str | None = None


def nearest_rank(values: Floats, share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed; equals DuckDB's `quantile_disc`.

    Args:
        values: shape (n,), n >= 1, in any order.
        share: 0.95 for a 95th percentile.
    """
    return float(np.sort(values)[rank_of(len(values), share) - 1])


def percentile_interval(values: Floats, block: Integers, share: float) -> Estimate:
    """A percentile by nearest rank, and its interval by resampling blocks.

    Args:
        values: shape (n,); NaN counts as not there.
        block: shape (n,); the block of each value.
        share: 0.95 for a 95th percentile.
    """
    method = "block-bootstrap"
    known = ~np.isnan(values)
    values, block = values[known], block[known]
    n = len(values)
    if n == 0:
        return _refused(method, 0, 0, None, "nothing was measured")
    central = nearest_rank(values, share)
    numbers, dense = np.unique(block, return_inverse=True)
    blocks = len(numbers)
    if blocks < MIN_BLOCKS:
        return _refused(method, n, blocks, central, f"{blocks} independent blocks; an interval needs {MIN_BLOCKS}")
    needed = math.ceil(_MIN_BEYOND / min(share, 1 - share) - 1e-9)
    if n < needed:
        return _refused(method, n, blocks, central, f"{n} values; the interval of this percentile needs {needed}")
    return _around(method, central, drawn_percentiles(values, dense, blocks, share), n, blocks)


def ratio_interval(above: Floats, below: Floats, *, n: int) -> Estimate:
    """Sum of one quantity over the sum of another (tokens over seconds), and its interval by resampling blocks.

    Args:
        above: shape (blocks,); the part of each block.
        below: shape (blocks,); the same of the divisor, none negative.
        n: how many values are behind them.
    """
    method = "block-bootstrap"
    blocks, total = len(above), float(below.sum())
    if total <= 0:
        return _refused(method, n, blocks, None, "there is nothing to divide by")
    central = float(above.sum()) / total
    if blocks < MIN_BLOCKS:
        return _refused(method, n, blocks, central, f"{blocks} independent blocks; an interval needs {MIN_BLOCKS}")
    drawn_below = weighted(draws(blocks), below)
    defined = drawn_below > 0
    return _around(method, central, weighted(draws(blocks), above)[defined] / drawn_below[defined], n, blocks)


def share_interval(good: Floats, offered: Floats, *, min_blocks: int = MIN_BLOCKS) -> Estimate:
    """A share of successes that come in blocks: Wilson's interval for as many tries as the blocks are worth.

    Resampling would say that a share of 30 in 30 is exactly 1; Wilson's interval says 0.85 to 1. The worth is n over
    the design effect, which is the variance between blocks over that of independent tries, never below 1.

    Args:
        good: shape (blocks,); successes in each block.
        offered: shape (blocks,); tries in each block, each at least 1.
        min_blocks: refuse with fewer; `MIN_TRIALS` where blocks are whole trials.

    Source: Wilson, JASA 22, 1927; design effect: Kish, Survey Sampling, 1965; together, with Student's t: Korn,
    Graubard, Survey Methodology 24, 1998.
    """
    method = "wilson-design-effect"
    n, blocks = int(offered.sum()), len(offered)
    if n == 0:
        return _refused(method, 0, 0, None, "nothing was measured")
    share = float(good.sum()) / n
    if blocks < min_blocks:
        return _refused(method, n, blocks, share, f"{blocks} independent blocks; an interval needs {min_blocks}")
    between = blocks / (blocks - 1) * float(((good - share * offered) ** 2).sum()) / n**2
    independent = share * (1 - share) / n
    worth = n / max(between / independent, 1.0) if independent > 0 else float(n)
    least, most = wilson(share, worth, t_quantile(blocks - 1))
    low, high = min(max(least, 0.0), share), max(min(most, 1.0), share)
    return Estimate(central=share, low=low, high=high, n=n, blocks=blocks, method=method)


def wilson(share: float, tries: float, quantile: float) -> tuple[float, float]:
    """Both ends of the interval of a share of independent tries, whose number need not be whole.

    Args:
        share: successes / tries.
        tries: above 0.
        quantile: of the two-sided level; 1.96 for 95 % by the normal distribution.

    Source: Wilson, JASA 22, 1927.
    """
    square = quantile**2
    middle = (share + square / (2 * tries)) / (1 + square / tries)
    half = quantile / (1 + square / tries) * math.sqrt(share * (1 - share) / tries + square / (4 * tries**2))
    return middle - half, middle + half


def over_trials(figures: Sequence[float]) -> Estimate:
    """The mean of one figure over repeated trials, and its interval by resampling whole trials.

    Three to five trials are too few to draw from: Student's t on the logarithms, which supposes that figures of
    repeated trials scatter like a log-normal quantity, and pays for their number with a wide interval.

    Args:
        figures: one of each trial, none negative.
    """
    values = np.asarray(figures, dtype=np.float64)
    trials = len(values)
    central = float(values.mean()) if trials else None
    if central is not None and trials >= MIN_BLOCKS:
        return _around("trial-bootstrap", central, weighted(draws(trials), values) / trials, trials, trials)
    method = "log-student-t"
    if central is None or trials < MIN_TRIALS:
        return _refused(method, trials, trials, central, f"{trials} trials; an interval over trials needs {MIN_TRIALS}")
    if values.min() <= 0:
        reason = f"a figure of 0 has no logarithm; an interval needs {MIN_BLOCKS} trials then"
        return _refused(method, trials, trials, central, reason)
    spread = math.exp(t_quantile(trials - 1) * float(np.log(values).std(ddof=1)) / math.sqrt(trials))
    return Estimate(
        central=central, low=central / spread, high=central * spread, n=trials, blocks=trials, method=method
    )


def paired_difference(a: Floats, b: Floats) -> Estimate:
    """The median of a - b over pairs that were measured in one moment, and its interval by resampling blocks of pairs.

    What both suffered in that moment falls out of the difference, so far fewer pairs tell two targets apart than
    unpaired attempts would.

    Args:
        a: shape (n,); in the order of time; NaN where this one is not known: the pair is then left out.
        b: shape (n,); the partner of each.
    """
    differences = a - b
    differences = differences[~np.isnan(differences)]
    n = len(differences)
    if n == 0:
        return _refused("block-bootstrap", 0, 0, None, "no pair in which both succeeded")
    blocks = block_count(n, length_s=float(n), shortest_s=0.0)
    return percentile_interval(differences, np.arange(n) * blocks // n, 0.5)


def relative_half_width(estimate: Estimate) -> float | None:
    """Half the width of the interval over the size of the figure; None without an interval, or of a figure of 0."""
    if estimate.low is None or estimate.high is None or not estimate.central:
        return None
    return (estimate.high - estimate.low) / 2 / abs(estimate.central)


def narrow_enough(estimate: Estimate, *, within_share: float) -> bool:
    """Whether a figure is known to within +- `within_share` of itself: when repeating may stop."""
    width = relative_half_width(estimate)
    return width is not None and width <= within_share


def _around(method: str, central: float, replicates: Floats, n: int, blocks: int) -> Estimate:
    low, high = ends(replicates, blocks)
    # of a skewed sample all replicates but a few may lie on one side; an interval holds its own figure
    return Estimate(central=central, low=min(low, central), high=max(high, central), n=n, blocks=blocks, method=method)


def _refused(method: str, n: int, blocks: int, central: float | None, reason: str) -> Estimate:
    return Estimate(central=central, low=None, high=None, n=n, blocks=blocks, method=method, reason=reason)
