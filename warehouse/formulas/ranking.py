"""Rank bands, tie tiers and the chance of being first, out of the nights that endpoints were measured in together.

A band is wide where nothing better is known: its best rank is 1 and as many as are surely better, its worst the last
less those that are surely worse. Surely is family-wise: with 95 % confidence no pair of the whole board is told apart,
or put the wrong way round, by chance. Figures whose inputs have ranges are told apart only if the inputs allow it too;
an input that two endpoints share cannot make them tie, because it is drawn once for both.

Sources: Mogstad, Romano, Shaikh, Wilhelm: Inference for ranks, Review of Economic Studies 91, 2024 (bands from the
differences of pairs); `paired_runs` for the test of a pair and of the family.
"""

from dataclasses import dataclass
from math import isnan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from warehouse.formulas.paired_runs import (
    MIN_RUNS,
    ROUNDING,
    Flags,
    Floats,
    PairedRuns,
    additive_fit,
    holm,
    paired_runs,
    runs_to_separate,
)
from warehouse.formulas.rank_draws import first_shares, input_shift, input_tests, level_draws
from warehouse.formulas.scoring import Direction, Scoring, board_scores

LEVEL = 0.05

# between-runs: from how runs vary; within-run: from one or two runs, whose differences from night to night are unknown
Basis = Literal["between-runs", "within-run"]
WhyTied = Literal["runs", "few-runs", "inputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one endpoint stands; 1 is best. `figure` is its typical one, with the nights taken out.

    `low` and `high` are the 2.5th and 97.5th percentile of draws of that: how sure it is beside the others, not how far
    a night may be off. None where an endpoint of one or two runs has no interval within them.
    """

    figure: float
    low: float | None
    high: float | None
    rank_low: int
    rank_high: int
    tier: int  # 1 is best: not surely worse than the best of its tier
    p_first: float | None  # None where an endpoint has neither three runs nor an interval within its run
    runs: int
    basis: Basis
    next_better: int | None  # which endpoint is the next better one; None for the best
    # from that one: why they are not told apart (None if they are), and how many more runs would, if runs can
    tied_by: WhyTied | None
    runs_to_separate: int | None


def rank_bands(
    figures: Floats,
    *,
    direction: Direction,
    within_low: Floats,
    within_high: Floats,
    floor_variance: Floats | None = None,
    input_draws: Floats | None = None,
    linear: bool = False,
) -> list[Standing]:
    """Rank endpoints by one figure and say how sure that is.

    Args:
        figures: shape (endpoints, runs); one figure of each endpoint in each run, NaN where it was not measured; each
            endpoint has one at least.
        direction: which is better.
        within_low: shape (endpoints, runs); low end of its 95 % interval within the run, NaN if unknown.
        within_high: the same, high end.
        floor_variance: shape (endpoints,); see `paired_runs`. None for none.
        input_draws: shape (endpoints, draws); the figure under random draws of its inputs, the same draw of a shared
            input for all. None for figures without such inputs.
        linear: compare differences, not ratios: for shares, and where a figure may be 0.

    Returns:
        One for each endpoint, in the order given.

    Raises:
        ValueError: an endpoint has no figure, or ratios are asked of a figure that is not above 0.
    """
    scoring = Scoring(direction=direction, linear=linear)
    board = board_scores(
        figures,
        scoring,
        within_low=within_low,
        within_high=within_high,
        floor_variance=floor_variance,
        member="endpoint",
    )
    endpoints, floor, ends = len(figures), board.floor, board.ends
    measured = board.scores[:, board.known.any(axis=0)]
    levels, residuals = additive_fit(measured)
    pairs = paired_runs(measured, floor)
    better, p = _single_tests(pairs, ends)
    shift = input_shift(input_draws, scoring.scores)
    if shift is not None:
        p_inputs = input_tests(levels[:, None] + shift)
        p = np.maximum(p, p_inputs)
    upper = np.triu_indices(endpoints, 1)
    fallen, limit = holm(p[upper], LEVEL)
    apart = np.zeros((endpoints, endpoints), dtype=np.bool_)
    apart[upper] = fallen
    apart |= apart.T
    surely = apart & better
    order = np.argsort(np.round(levels / ROUNDING), kind="stable")
    tiers, runs = _tiers(order, surely), board.known.sum(axis=1)
    drawn = level_draws(levels, residuals, runs, floor, ends, shift)
    first = first_shares(drawn)
    spread = np.quantile(drawn, (LEVEL / 2, 1 - LEVEL / 2), axis=1)
    standings: dict[int, Standing] = {}
    for place, one in enumerate(order.tolist()):
        above = int(order[place - 1]) if place else None
        tied_by: WhyTied | None = None
        more = None
        if above is not None and not apart[above, one]:
            if shift is not None and p_inputs[above, one] > limit:
                tied_by = "inputs"
            elif pairs.runs[above, one] < MIN_RUNS:
                tied_by = "few-runs"
            else:
                tied_by, more = "runs", runs_to_separate(pairs, above, one, limit)
        low, high = sorted(map(scoring.figure, spread[:, one].tolist()))
        standings[one] = Standing(
            figure=scoring.figure(levels[one]),
            low=None if isnan(low) else low,
            high=None if isnan(high) else high,
            rank_low=1 + int(surely[:, one].sum()),
            rank_high=endpoints - int(surely[one].sum()),
            tier=tiers[one],
            p_first=None if first is None else float(first[one]),
            runs=int(runs[one]),
            basis="between-runs" if runs[one] >= MIN_RUNS else "within-run",
            next_better=above,
            tied_by=tied_by,
            runs_to_separate=more,
        )
    return [standings[one] for one in range(endpoints)]


def _single_tests(pairs: PairedRuns, ends: Floats) -> tuple[Flags, Floats]:
    """Of each pair: whether the row is the better one, and p; of too few runs 0 where the ranges lie apart, else 1."""
    known: Flags = ~(np.isnan(ends[0]) | np.isnan(ends[1]))
    low = np.where(known, ends[0], np.inf).min(axis=1)
    high = np.where(known, ends[1], -np.inf).max(axis=1)
    ranged = np.isfinite(low)
    both = ranged[:, None] & ranged
    below = (high[:, None] < low) & both
    few = np.isnan(pairs.p)
    better = np.where(few, below, pairs.difference < 0)
    p = np.where(few, np.where(below | below.T, 0.0, 1.0), pairs.p)
    return better, p


def _tiers(order: NDArray[np.int64], surely: Flags) -> dict[int, int]:
    """A tier begins with the first endpoint, in order, that the best of the tier before is surely better than."""
    tiers: dict[int, int] = {}
    leader, tier = int(order[0]), 1
    for one in order.tolist():
        if surely[leader, one]:
            leader, tier = one, tier + 1
        tiers[one] = tier
    return tiers
