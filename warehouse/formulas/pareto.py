"""Who is on the front when several figures count at once, and how sure that is.

A target is dominated if another one is at least as good in every figure and better in one; those that nobody dominates
are the front. A target with an unknown figure is neither: it may be better or worse than all others.

Source: Kung, Luccio, Preparata: On finding the maxima of a set of vectors, Journal of the ACM 22, 1975.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.formulas.paired_runs import ROUNDING, Flags, Floats
from warehouse.formulas.scoring import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Where one target stands: None and nobody if a figure of it is unknown."""

    on_front: bool | None
    dominated_by: tuple[int, ...]  # positions of those that dominate it, in their order


def front(figures: Floats, directions: Sequence[Direction]) -> list[Placing]:
    """The front of a board.

    Args:
        figures: shape (figures, targets); NaN is unknown.
        directions: which is better, one a figure.

    Returns:
        One for each target. Targets with the same figures do not dominate each other.

    Raises:
        ValueError: there is no figure, or not one direction for each.
    """
    scores = _scores(figures, directions)
    known: Flags = ~np.isnan(scores.sum(axis=0))
    beats = np.stack([_dominates(scores, scores[:, one, None]) for one in range(scores.shape[1])], axis=1)
    return [
        Placing(
            on_front=not beats[:, one].any() if known[one] else None,
            dominated_by=tuple(np.flatnonzero(beats[:, one]).tolist()),
        )
        for one in range(scores.shape[1])
    ]


def front_shares(draws: Floats, directions: Sequence[Direction]) -> Floats:
    """In which share of draws each target is on the front; 1 less that share is P(dominated).

    Args:
        draws: shape (figures, targets, draws); a draw is one state of the world, the same for all figures and targets.
            A target with a NaN in a figure is unknown there, and dominates nobody in that draw.
        directions: which is better, one a figure.

    Returns:
        Shape (targets,), 0 to 1; NaN for a target with an unknown figure in any draw.

    Raises:
        ValueError: there is no figure, or not one direction for each.
    """
    scores = _scores(draws, directions)
    shares = np.full(scores.shape[1], np.nan)
    for one in np.flatnonzero(~np.isnan(scores.sum(axis=(0, 2)))):
        # a target at a time: all pairs of 50 in 4,096 draws at once would take 80 MB a figure
        shares[one] = 1.0 - _dominates(scores, scores[:, one, None, :]).any(axis=0).mean()
    return shares


def _scores(figures: Floats, directions: Sequence[Direction]) -> Floats:
    """Lower is better, and figures that differ by rounding alone are equal."""
    if not len(figures) or len(figures) != len(directions):
        raise ValueError(f"{len(figures)} figures and {len(directions)} directions; give one direction for each figure")
    signs = np.array([1.0 if direction == "lower" else -1.0 for direction in directions])
    scale = np.nanmax(np.abs(figures), axis=tuple(range(1, figures.ndim)), initial=0.0, keepdims=True)
    step = ROUNDING * np.where(scale > 0, scale, 1.0)
    scores: Floats = np.round(figures * signs.reshape(-1, *[1] * (figures.ndim - 1)) / step)
    return scores


def _dominates(scores: Floats, one: Floats) -> Flags:
    """Which targets dominate `one`: shape (targets, ...)."""
    not_worse = scores[0] <= one[0]
    better = scores[0] < one[0]
    for figure in range(1, len(scores)):
        not_worse &= scores[figure] <= one[figure]
        better |= scores[figure] < one[figure]
    found: Flags = not_worse & better
    return found
