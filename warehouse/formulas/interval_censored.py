"""How long something lasts, where each length is known to an interval only, and of some only that they were longer."""

import itertools
from collections.abc import Sequence

import numpy as np

from warehouse.formulas.resampling import Floats

_CLOSE = 1e-9  # of the share of one length: then the shares stand still
_MOST_STEPS = 20_000
_HALF_WITHIN = 1e-4  # a share this near to a half is one


def length_shares(low: Sequence[float], high: Sequence[float]) -> tuple[Floats, Floats, Floats]:
    """The likeliest distribution of lengths that lie in intervals, without any shape assumed.

    It can only be told by how much it rises over each of some gaps, not where in them.

    Args:
        low: shape (n,), n >= 1; each length is longer than this, at least 0.
        high: shape (n,); and at most this; infinite where its end was not seen.

    Returns:
        Ends and shares of the gaps, three arrays of one shape, rising; shares sum to 1.

    Raises:
        ValueError: there are no lengths, or one is not above its low end; names the first.

    Source: Turnbull: The empirical distribution function with arbitrarily grouped, censored and truncated data, Journal
    of the Royal Statistical Society B 38, 1976 (self-consistency, solved by expectation and maximisation).
    """
    if len(low) != len(high) or not len(low):
        raise ValueError(f"{len(low)} low and {len(high)} high ends; give one of both for each of one length or more")
    for number, (left, right) in enumerate(zip(low, high, strict=True)):
        if not 0 <= left < right:
            raise ValueError(f"length {number} is above {left:g} and at most {right:g}; the first must be the smaller")
    # at one place an interval ends before the next begins: it holds its high end, and not its low one
    ends = sorted([(value, 0) for value in high] + [(value, 1) for value in low])
    gaps = [
        (left, right) for (left, is_low), (right, is_low_too) in itertools.pairwise(ends) if is_low and not is_low_too
    ]
    gap_low, gap_high = (np.array(column) for column in zip(*gaps, strict=True))
    holds = (np.asarray(low)[:, None] <= gap_low) & (gap_high <= np.asarray(high)[:, None])
    shares = np.full(len(gaps), 1 / len(gaps))
    for _ in range(_MOST_STEPS):
        parts = holds * shares
        new = (parts / parts.sum(axis=1, keepdims=True)).mean(axis=0)
        still = bool(np.abs(new - shares).max() < _CLOSE)
        shares = new
        if still:
            break
    return gap_low, gap_high, shares


def median_length(low: Sequence[float], high: Sequence[float]) -> tuple[float, float, float]:
    """The median of the lengths: bounds that hold wherever each lies in its interval, and the likeliest within them.

    The bounds leave out chance: they are of these very lengths.

    Args:
        low, high: as for `length_shares`.

    Returns:
        Low bound, likeliest, high bound. The last two are infinite where too many ends were not seen.
    """
    gap_low, gap_high, shares = length_shares(low, high)
    reached = np.cumsum(shares)
    first = int(np.argmax(reached >= 0.5 - _HALF_WITHIN))
    # where exactly half is reached, the median is anywhere up to what comes next
    beyond = reached > 0.5 + _HALF_WITHIN
    last = int(np.argmax(beyond)) if beyond.any() else len(reached) - 1
    n = len(low)
    return (
        float(sorted(low)[(n - 1) // 2]),
        float(gap_low[first] + gap_high[last]) / 2,
        float(sorted(high)[n // 2]),
    )
