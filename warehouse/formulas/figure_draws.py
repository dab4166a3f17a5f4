"""Typical figures of the targets of a board and draws of them, by the very model that rank bands are made of.

Several figures of one board may be drawn together: a run is then drawn once for all of them, so that what a bad night
did to the first token and to the speed stays together.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from warehouse.formulas.paired_runs import MIN_RUNS, ROUNDING, Flags, Floats, additive_fit
from warehouse.formulas.rank_draws import DRAWS, SEED, input_shift, level_draws
from warehouse.formulas.resampling import t_quantile
from warehouse.formulas.scoring import Direction, Scoring, board_scores

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypicalFigures:
    """Of each target, in the unit of the figures.

    `figures`, shape (targets,), has the runs taken out: a target is not blamed for the bad nights that it alone saw.
    `draws`, shape (targets, `DRAWS`), serve to compare targets: what a night did to all of them is not in them.
    `low` and `high`, shape (targets,), serve to read one target alone: its 95 % interval over its own nights and its
    inputs. Draws and interval are NaN for one or two runs without an interval within them.
    """

    figures: Floats
    draws: Floats
    low: Floats
    high: Floats


def typical_figures(
    figures: Floats,
    *,
    direction: Direction,
    within_low: Floats,
    within_high: Floats,
    floor_variance: Floats | None = None,
    input_draws: Floats | None = None,
    linear: bool = False,
    figure_number: int = 0,
) -> TypicalFigures:
    """The typical figure of each target, draws of it, and its interval.

    Args:
        figures: shape (targets, runs); NaN where a target was not measured; each target has one figure at least. A run
            without any figure may have its column, so that the columns of several figures are the same runs.
        direction: which is better.
        within_low: shape (targets, runs); low end of the 95 % interval within the run, NaN if unknown.
        within_high: the same, high end.
        floor_variance: shape (targets,); see `paired_runs`. None for none.
        input_draws: shape (targets, draws); the figure under draws of its inputs. None for no such inputs.
        linear: differences count, not ratios: for shares, and where a figure may be 0.
        figure_number: another for each figure of a board.

    Raises:
        ValueError: a target has no figure, or ratios are asked of a figure that is not above 0.
    """
    scoring = Scoring(direction=direction, linear=linear)
    board = board_scores(
        figures, scoring, within_low=within_low, within_high=within_high, floor_variance=floor_variance, member="target"
    )
    known, values, floor, ends = board.known, board.scores, board.floor, board.ends
    used: Flags = np.asarray(known.any(axis=0))
    levels, left = additive_fit(values[:, used])
    residuals = np.zeros(figures.shape)
    residuals[:, used] = left
    shift = input_shift(input_draws, scoring.scores)
    drawn = level_draws(levels, residuals, known.sum(axis=1), floor, ends, shift, figure_number=figure_number)
    alone = np.stack(
        [
            _alone(
                levels[one], values[one, known[one]], floor[one], ends[:, one], None if shift is None else shift[one]
            )
            for one in range(len(figures))
        ]
    )
    low, high = np.sort(scoring.figures(alone), axis=1).T
    return TypicalFigures(figures=scoring.figures(levels), draws=scoring.figures(drawn), low=low, high=high)


def _alone(level: float, scores: Floats, floor: float, ends: Floats, shift: Floats | None) -> Floats:
    """Both ends of the interval of one level, by its own runs."""
    n = len(scores)
    if n >= MIN_RUNS:
        error = float(np.sqrt(max(float(scores.var(ddof=1)), floor) / n))
        reach = t_quantile(n - 1) * error
    else:
        half = ends[1] - ends[0]
        if np.isnan(half).all():
            return np.full(2, np.nan)
        reach = float(np.nanmax(half)) / 2
        error = reach / _Z
    if shift is None or np.ptp(shift) < ROUNDING:
        return np.array([level - reach, level + reach])
    random = np.random.default_rng(SEED)
    varied = random.standard_t(n - 1, DRAWS) if n >= MIN_RUNS else random.standard_normal(DRAWS)
    return np.asarray(level + np.quantile(error * varied + shift, [0.025, 0.975]), dtype=np.float64)
