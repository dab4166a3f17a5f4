"""Scores: figures on the scale on which a night adds the same to all, so turned that lower is better.

Logarithms, since a slow night makes everybody slower by a share; differences for shares, and where a figure may be 0.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from warehouse.formulas.paired_runs import Flags, Floats

Direction = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How figures of one metric become scores, and scores figures again."""

    direction: Direction = "lower"
    linear: bool = False

    def scores(self, figures: Floats) -> Floats:
        """The scores of figures of any shape; NaN stays NaN."""
        scored: Floats = self._sign * (figures if self.linear else np.log(figures))
        return scored

    def figures(self, scores: Floats) -> Floats:
        """The figures of scores of any shape."""
        turned = self._sign * scores
        unscored: Floats = np.asarray(turned if self.linear else np.exp(turned), dtype=np.float64)
        return unscored

    def figure(self, score: float) -> float:
        """The figure of one score."""
        return float(self.figures(np.asarray(score)))

    def check(self, figures: Floats) -> None:
        """See that figures can be scored; NaN can.

        Raises:
            ValueError: ratios are asked of a figure that is not above 0.
        """
        least = np.nanmin(figures, initial=np.inf)
        if not self.linear and least <= 0:
            raise ValueError(f"a figure of {least:g} has no ratio to others; compare differences instead")

    @property
    def _sign(self) -> float:
        return 1.0 if self.direction == "lower" else -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardScores:
    """One figure of a board, scored.

    `known` and `scores` have shape (members, runs), NaN where a member was not measured; `ends`, shape (2, members,
    runs), are those of the intervals within runs, the lower first; `floor`, shape (members,), is a least variance.
    """

    known: Flags
    scores: Floats
    ends: Floats
    floor: Floats


def board_scores(
    figures: Floats,
    scoring: Scoring,
    *,
    within_low: Floats,
    within_high: Floats,
    floor_variance: Floats | None,
    member: str,
) -> BoardScores:
    """Score the figures of a board and the intervals around them.

    Args:
        figures: shape (members, runs); NaN where one was not measured; each member has one figure at least.
        scoring: how.
        within_low: shape (members, runs); low end of the 95 % interval within the run, NaN if unknown.
        within_high: the same, high end.
        floor_variance: shape (members,); None for none.
        member: what an error calls one, such as endpoint.

    Raises:
        ValueError: a member has no figure, or ratios are asked of a figure that is not above 0.
    """
    known: Flags = ~np.isnan(figures)
    measured_once = known.any(axis=1)
    if not measured_once.all():
        raise ValueError(f"{member} {int(np.argmin(measured_once))} has no figure; leave it out")
    scoring.check(figures)
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.sort(np.stack([scoring.scores(within_low), scoring.scores(within_high)]), axis=0)
    floor = np.zeros(len(figures)) if floor_variance is None else floor_variance
    return BoardScores(known=known, scores=scoring.scores(figures), ends=ends, floor=floor)
