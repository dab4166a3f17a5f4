"""One order out of several figures by weights of one's own, on ratios and never on raw units.

The loss of an endpoint is the weighted mean of the logarithms of how many times worse than the best it is in each
figure; its utility is exp(-loss), 1 for one that is the best in everything. Units fall out of ratios, and what two
endpoints differ by does not depend on who else is on the board, so nobody who joins or leaves changes their order. That
is the weighted product model; a weighted sum of figures that were scaled to 0 to 1 has neither.

Sources: Bridgman: Dimensional Analysis, 1922 (products of powers alone keep an order under any units). Tofallis: Add or
multiply? A tutorial on ranking and choosing with multiple criteria, INFORMS Transactions on Education 14, 2014.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.formulas.paired_runs import Floats
from warehouse.formulas.scoring import Direction, Scoring


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The share of all weight (0 to 1) beyond which another endpoint comes first, and which."""

    weight_share: float
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sway:
    """How far one weight can move, the others keeping their proportions, before first place changes; None: never."""

    weight_share: float
    below: Turn | None
    above: Turn | None


def weight_shares(weights: Sequence[float]) -> Floats:
    """Weights in proportion, with sum 1.

    Raises:
        ValueError: there is none, one is negative or not finite, or all are 0.
    """
    given = np.asarray(weights, dtype=np.float64)
    if not len(given) or not np.isfinite(given).all() or given.min() < 0 or given.sum() <= 0:
        raise ValueError(f"weights {list(weights)}; they must be finite, none negative and one at least above 0")
    shares: Floats = given / given.sum()
    return shares


def scores(figures: Floats, direction: Direction) -> Floats:
    """The logarithm of a figure, with its sign turned so that lower is better; NaN stays NaN.

    Raises:
        ValueError: a figure is not above 0, so that it has no ratio to others.
    """
    scoring = Scoring(direction=direction)
    scoring.check(figures)
    return scoring.scores(figures)


def contributions(levels: Floats, weights: Sequence[float]) -> Floats:
    """What each figure adds to the loss of each endpoint.

    Args:
        levels: shape (endpoints, figures); `scores`, none NaN.
        weights: shape (figures,); as for `weight_shares`.

    Returns:
        Shape (endpoints, figures), none negative: the share of the weight times the logarithm of how many times worse
        than the best. Their sum over figures is the loss.
    """
    behind: Floats = (levels - levels.min(axis=0)) * weight_shares(weights)
    return behind


def sways(levels: Floats, weights: Sequence[float]) -> list[Sway]:
    """For each figure, where first place changes as its weight moves and the others are scaled to fill the rest.

    The loss of an endpoint is then linear in the share of the moved weight, so each rival overtakes the first at one
    share at most, and the nearest of these on either side is what counts. Exactly there both are first.

    Args:
        levels: shape (endpoints, figures); `scores`, none NaN.
        weights: shape (figures,); as for `weight_shares`.

    Returns:
        One for each figure. Where it holds all the weight there are no others to scale, and nothing turns.
    """
    shares = weight_shares(weights)
    behind = levels - levels.min(axis=0)
    first = int(np.argmin(behind @ shares))
    found = []
    for number, share in enumerate(shares.tolist()):
        rest = shares.copy()
        rest[number] = 0.0
        if rest.sum() <= 0:
            found.append(Sway(weight_share=share, below=None, above=None))
            continue
        # of a rival, how much less it loses than the first: by the others alone, and by this figure alone
        others = (behind[first] - behind) @ (rest / rest.sum())
        own = behind[first, number] - behind[:, number]
        slope = own - others
        with np.errstate(divide="ignore", invalid="ignore"):
            at = np.where(slope != 0, -others / slope, np.nan)
        # equal losses, up to rounding, turn at once
        rising = np.where((slope > 0) & (at < 1), np.maximum(at, share), np.inf)
        falling = np.where((slope < 0) & (at > 0), np.minimum(at, share), -np.inf)
        above, below = int(np.argmin(rising)), int(np.argmax(falling))
        found.append(
            Sway(
                weight_share=share,
                below=Turn(weight_share=float(falling[below]), first=below) if falling[below] > -np.inf else None,
                above=Turn(weight_share=float(rising[above]), first=above) if rising[above] < np.inf else None,
            )
        )
    return found
