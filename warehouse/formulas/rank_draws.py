"""Random draws of a board, by a fixed seed: of the levels of endpoints, as their runs vary, and of uncertain inputs."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from warehouse.formulas.paired_runs import MIN_RUNS, ROUNDING, Floats

DRAWS = 4096
SEED = 20261124
_Z = NormalDist().inv_cdf(0.975)


def input_shift(input_draws: Floats | None, scored: Callable[[Floats], Floats]) -> Floats | None:
    """How far each draw of the inputs moves each score: shape (endpoints, draws)."""
    if input_draws is None:
        return None
    drawn = scored(input_draws)
    moved: Floats = drawn - np.median(drawn, axis=1, keepdims=True)
    return moved


def input_tests(drawn: Floats) -> Floats:
    """Twice the share of draws in which a pair stands the other way round; 1 for equal figures."""
    # a row at a time: all pairs of 50 endpoints at once would take 80 MB
    before = np.stack([(one < drawn).mean(axis=1) for one in drawn])
    equal = 1 - before - before.T
    p: Floats = np.minimum(2 * np.minimum(before, before.T) + equal, 1.0)
    return p


def first_shares(
    levels: Floats, residuals: Floats, runs: NDArray[np.int64], floor: Floats, ends: Floats, shift: Floats | None
) -> Floats | None:
    """In which share of draws each endpoint is the best: levels drawn from Student's t, runs drawn for all at once.

    A normal weight for each run, the same for all endpoints, keeps what they share in it; one chi-square for all gives
    the tails that so few runs have. None if an endpoint of one or two runs has no interval within them.
    """
    random = np.random.default_rng(SEED)
    weights = random.standard_normal((residuals.shape[1], DRAWS))
    between = runs >= MIN_RUNS
    n = np.maximum(runs, 2)[:, None]
    drawn = residuals @ weights / np.sqrt(n * (n - 1))
    freedom = max(int(runs[between].min()) - 1, 1) if between.any() else 1
    drawn *= np.sqrt(freedom / random.chisquare(freedom, DRAWS))
    seen = (residuals**2).sum(axis=1, keepdims=True) / (n - 1)
    lacking = np.sqrt(np.maximum(floor[:, None] - seen, 0.0) / n)
    own = random.standard_normal(drawn.shape)
    drawn += lacking * own
    few = ~between
    if few.any():
        half = ends[1, few] - ends[0, few]
        known = ~np.isnan(half)
        if not known.any(axis=1).all():
            return None
        widest = np.where(known, half, 0.0).max(axis=1, keepdims=True)
        drawn[few] = widest / (2 * _Z) * own[few]
    drawn += levels[:, None] + (0.0 if shift is None else shift)
    best = drawn <= drawn.min(axis=0) + ROUNDING
    shares: Floats = (best / best.sum(axis=0)).mean(axis=1)
    return shares
