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


def first_shares(drawn: Floats) -> Floats | None:
    """In which share of draws each endpoint is the best; None if one cannot be drawn, see `level_draws`."""
    if np.isnan(drawn).any():
        return None
    best = drawn <= drawn.min(axis=0) + ROUNDING
    shares: Floats = (best / best.sum(axis=0)).mean(axis=1)
    return shares


def level_draws(
    levels: Floats,
    residuals: Floats,
    runs: NDArray[np.int64],
    floor: Floats,
    ends: Floats,
    shift: Floats | None,
    *,
    figure_number: int = 0,
) -> Floats:
    """Levels of endpoints drawn from Student's t, runs drawn for all at once.

    A normal weight for each run, the same for all endpoints, keeps what they share in it; one chi-square for all gives
    the tails that so few runs have. An endpoint of one or two runs is drawn from its interval within them.

    Args:
        levels: shape (endpoints,); scores, as of `additive_fit`.
        residuals: shape (endpoints, runs); 0 where nothing was measured. Several figures of one board that have their
            runs in the same columns get the same weights, so that what a run did to all of them stays together.
        runs: shape (endpoints,); in how many each was measured.
        floor: shape (endpoints,); the least variance of a score in one run.
        ends: shape (2, endpoints, runs); ends of the 95 % intervals within runs, NaN if unknown.
        shift: shape (endpoints, `DRAWS`); how far draws of the inputs move the scores; None for no such inputs.
        figure_number: another for each figure of a board: what endpoints vary by themselves is drawn apart.

    Returns:
        Shape (endpoints, `DRAWS`); NaN for an endpoint of one or two runs without an interval within them.
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
    if figure_number:
        random = np.random.default_rng([SEED, figure_number])
    own = random.standard_normal(drawn.shape)
    drawn += lacking * own
    few = ~between
    if few.any():
        half = ends[1, few] - ends[0, few]
        known = ~np.isnan(half)
        widest = np.where(known, half, 0.0).max(axis=1, keepdims=True)
        drawn[few] = np.where(known.any(axis=1, keepdims=True), widest / (2 * _Z) * own[few], np.nan)
    drawn += levels[:, None] + (0.0 if shift is None else shift)
    return np.asarray(drawn, dtype=np.float64)
