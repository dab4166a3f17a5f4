"""Draws of blocks of time, and what is needed to read an interval off them. Deterministic: the draws have a fixed seed.

Sources: Kuensch: The jackknife and the bootstrap for general stationary observations, Annals of Statistics 17, 1989
(blocks). Hall, Horowitz, Jing: On blocking rules for the bootstrap with dependent data, Biometrika 82, 1995 (length of
a block). Schmeiser: Batch size effects in the analysis of simulation output, Operations Research 30, 1982 (few long
blocks). Hesterberg: What teachers should know about the bootstrap, American Statistician 69, 2015, 4.4 (expanded
percentiles).
"""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]
Integers = np.ndarray[tuple[int], np.dtype[np.int64]]
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]

CONFIDENCE_SHARE = 0.95
# Many short blocks cut through what hangs together, and past a dozen the interval hardly gets narrower (Schmeiser).
_MAX_BLOCKS = 12
_DRAWS = 2000
_SEED = 20261122


def rank_of(n: int, share: float) -> int:
    """Nearest rank, from 1: the smallest at which `share` (0 to 1) of n values are reached, counted as DuckDB does."""
    return max(n - math.floor(n - share * n), 1)


def block_count(n: int, *, length_s: float, shortest_s: float) -> int:
    """Into how many stretches of equal length to cut a time in which n values arose; at least 1.

    n^(2/3), so that one holds n^(1/3) values, the order that loses least (Hall, Horowitz, Jing), up to twelve; fewer if
    they would be shorter than `shortest_s`, for which values are surely not independent: the length of an attempt.
    """
    wanted = min(round(math.pow(n, 2 / 3)), _MAX_BLOCKS)
    if shortest_s > 0:
        wanted = min(wanted, int(length_s / shortest_s))
    return max(wanted, 1)


def time_blocks(at_s: Floats, *, shortest_s: float) -> Integers:
    """Which stretch of time each value belongs to: equal stretches from the first value to the last.

    Args:
        at_s: shape (n,); when each value arose, seconds on any clock.
        shortest_s: as for `block_count`, seconds.

    Returns:
        Shape (n,); numbers of stretches in order of time, from 0; some may hold no value.
    """
    if len(at_s) == 0:
        return np.zeros(0, dtype=np.int64)
    start, length = float(at_s.min()), float(np.ptp(at_s))
    wanted = block_count(len(at_s), length_s=length, shortest_s=shortest_s)
    if length == 0:
        return np.zeros(len(at_s), dtype=np.int64)
    return np.minimum((at_s - start) / (length / wanted), wanted - 1).astype(np.int64)


@lru_cache(maxsize=64)
def draws(blocks: int) -> Matrix:
    """How often each block is in each draw: shape (draws, blocks), rows sum to `blocks`."""
    random = np.random.default_rng([_SEED, blocks])
    drawn = random.multinomial(blocks, np.full(blocks, 1 / blocks), size=_DRAWS).astype(np.float64)
    drawn.setflags(write=False)
    return drawn


def drawn_percentiles(values: Floats, block: Integers, blocks: int, share: float) -> Floats:
    """The percentile of each draw, by nearest rank: a search by halves, of all draws at once.

    Args:
        values: shape (n,).
        block: shape (n,); block of each value, 0 to blocks - 1, none of them empty.
        blocks: their number.
        share: 0.95 for a 95th percentile.
    """
    order = np.argsort(values, kind="stable")
    # held[i, b]: how many values of block b are among the i + 1 smallest
    held = np.zeros((len(values), blocks), dtype=np.int32)
    held[np.arange(len(values)), block[order]] = 1
    np.cumsum(held, axis=0, out=held)
    drawn = draws(blocks)
    total = weighted(drawn, held[-1])
    rank = np.maximum(total - np.floor(total - share * total), 1)
    low, high = np.zeros(len(drawn), dtype=np.int64), np.full(len(drawn), len(values) - 1)
    while (low < high).any():
        middle = (low + high) // 2
        reached = weighted(drawn, held[middle]) >= rank
        high = np.where(reached, middle, high)
        low = np.where(reached, low, np.minimum(middle + 1, high))
    found: Floats = values[order][low]
    return found


def weighted(drawn: Matrix, of_blocks: Matrix | Floats) -> Floats:
    """The sum of each draw, shape (draws,), over figures of the blocks that are the same for all draws or one row each.

    Not by BLAS, whose threads cost more than the sum where other processes use the cores.
    """
    sums: Floats = np.einsum("db,b->d" if of_blocks.ndim == 1 else "db,db->d", drawn, of_blocks)
    return sums


def ends(replicates: Floats, blocks: int) -> tuple[float, float]:
    """Low and high end among the figures of the draws: further out in the tails the fewer blocks there were."""
    tail = NormalDist().cdf(-math.sqrt(blocks / (blocks - 1)) * t_quantile(blocks - 1))
    low, high = np.quantile(replicates, (tail, 1 - tail))
    return float(low), float(high)


def t_quantile(freedom: int) -> float:
    """Student's t, 97.5th percentile; for 1 and 2 degrees of freedom exact, else by Cornish and Fisher's expansion.

    Source: Abramowitz, Stegun: Handbook of Mathematical Functions, 26.7.5; within 0.2 % from 3 degrees of freedom on.
    """
    p = (1 + CONFIDENCE_SHARE) / 2
    if freedom == 1:
        return math.tan(math.pi * (p - 0.5))
    if freedom == 2:
        return (2 * p - 1) * math.sqrt(2 / (4 * p * (1 - p)))
    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + float(sum(term / freedom**power for power, term in enumerate(terms, start=1)))
