"""How far apart two targets are in one figure: a ratio, or a difference, with its 95 % interval.

With three or more runs in common each run is one pair, and what it did to both falls out (Student's t, as the rank
bands test it). With one or two there is only what varied within them: the interval is of those runs, and says nothing
of other nights. Where inputs have ranges their draws are added, one draw for an input that both share.

Sources: Student 1908, see `paired_runs`; Zou, Donner: Construction of confidence limits about effect measures: a
general approach, Statistics in Medicine 27, 2008 (the interval of a difference out of two intervals).
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from warehouse.formulas.paired_runs import MIN_RUNS, ROUNDING, Flags, Floats, paired_runs, runs_to_separate
from warehouse.formulas.rank_draws import DRAWS, SEED, input_shift
from warehouse.formulas.resampling import t_quantile
from warehouse.formulas.scoring import Scoring

LEVEL = 0.05
_Z = NormalDist().inv_cdf(1 - LEVEL / 2)
# Two figures that are nearer than this, and surely so, are the same: a part in a million.
_SAME = 1e-6

Basis = Literal["between-runs", "within-run"]
WhyTied = Literal["runs", "few-runs", "inputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDifference:
    """Two targets in one figure: first / second if `is_ratio`, else first - second.

    `low` and `high` are None where nothing tells how the figures vary. `sure` says that the interval does not hold 1,
    or 0; `same` that it holds nothing else. `tied_by` says why the two are not told apart, None if they are, and
    `runs_to_separate` about how many more runs would, None if a year of them would not.
    """

    low: float | None
    central: float
    high: float | None
    is_ratio: bool
    runs: int  # in common
    basis: Basis
    sure: bool
    same: bool
    tied_by: WhyTied | None
    runs_to_separate: int | None


def pair_difference(
    figures: Floats,
    *,
    within_low: Floats,
    within_high: Floats,
    floor_variance: Floats | None = None,
    input_draws: Floats | None = None,
    linear: bool = False,
) -> PairDifference | None:
    """Compare two targets over the runs that they have in common.

    Args:
        figures: shape (2, runs); NaN where one was not measured.
        within_low: shape (2, runs); low end of the 95 % interval within the run, NaN if unknown.
        within_high: the same, high end.
        floor_variance: shape (2,); see `paired_runs`. None for none.
        input_draws: shape (2, draws); figures under draws of their inputs, the same draw of a shared input for both.
        linear: a difference, not a ratio: for shares, and where a figure may be 0.

    Returns:
        The difference; None if they have no run in common.

    Raises:
        ValueError: a ratio is asked of a figure that is not above 0.
    """
    common: Flags = ~np.isnan(figures.sum(axis=0))
    n = int(common.sum())
    if n == 0:
        return None
    met = figures[:, common]
    scoring = Scoring(linear=linear)
    scoring.check(met)
    floor = np.zeros(2) if floor_variance is None else floor_variance
    shift = input_shift(input_draws, scoring.scores)
    moved = None if shift is None else shift[0] - shift[1]
    if moved is not None and np.ptp(moved) < ROUNDING:
        moved = None
    scores = scoring.scores(met)
    central = float((scores[0] - scores[1]).mean())
    random = np.random.default_rng(SEED)
    pairs = paired_runs(scores, floor)
    ends: tuple[float, float] | None
    error: float | None
    if n >= MIN_RUNS:
        error = float(pairs.deviation[0, 1]) / np.sqrt(n)
        reach = t_quantile(n - 1) * error
        ends = central - reach, central + reach
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = scoring.scores(within_low[:, common]), scoring.scores(within_high[:, common])
        ends = _of_intervals(scores, low, high)
        error = None if ends is None else (ends[1] - ends[0]) / (2 * _Z)
    if error is not None and moved is not None:
        varied = random.standard_t(n - 1, DRAWS) if n >= MIN_RUNS else random.standard_normal(DRAWS)
        low_end, high_end = np.quantile(error * varied + moved, [LEVEL / 2, 1 - LEVEL / 2]).tolist()
        ends = central + low_end, central + high_end
    sure = ends is not None and (ends[0] > ROUNDING or ends[1] < -ROUNDING)
    same = ends is not None and max(abs(ends[0]), abs(ends[1])) < _SAME
    tied_by: WhyTied | None = None
    if not sure:
        tied_by = "few-runs" if n < MIN_RUNS else "inputs" if _holds(central, moved) else "runs"

    separate = None
    if tied_by == "runs" and not same:
        separate = runs_to_separate(pairs, 0, 1, LEVEL)

    return PairDifference(
        low=None if ends is None else scoring.figure(ends[0]),
        central=scoring.figure(central),
        high=None if ends is None else scoring.figure(ends[1]),
        is_ratio=not linear,
        runs=n,
        basis="between-runs" if n >= MIN_RUNS else "within-run",
        sure=sure,
        same=same,
        tied_by=tied_by,
        runs_to_separate=separate,
    )


def _of_intervals(scores: Floats, low: Floats, high: Floats) -> tuple[float, float] | None:
    """The interval of a difference out of those of its two sides; None if one of them is not known."""
    below, above = scores - low, high - scores
    if (np.isnan(below).all(axis=1) | np.isnan(above).all(axis=1)).any():
        return None
    below, above = np.nanmax(below, axis=1), np.nanmax(above, axis=1)
    central = float((scores[0] - scores[1]).mean())
    return central - float(np.hypot(below[0], above[1])), central + float(np.hypot(above[0], below[1]))


def _holds(central: float, moved: Floats | None) -> bool:
    """Whether the draws of the inputs alone leave it open which of the two is better."""
    if moved is None:
        return False
    low, high = np.quantile(central + moved, [LEVEL / 2, 1 - LEVEL / 2])
    return bool(low <= 0 <= high)
