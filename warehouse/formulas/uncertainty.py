"""How wide a figure is and what makes it so: Monte Carlo over the ranges of its inputs, with a fixed seed.

The distribution of an input, low - central - high, is a split triangle: half of it lies on each side of the central
value, and falls in a straight line to nothing at the ends. Reasons: what a source calls its central figure is then the
median, so that a figure and its p50 agree; the ends are the extremes of what was published or declared, so that they
are the least likely; and nothing but the three numbers goes in. The usual triangle and PERT take the central value for
the mode and move the median towards the longer side: an H100 of 164 - 273 - 575 kg would have a p50 of 326 kg that
nobody published. Where an end is the central value itself (a PUE of 1.0 - 1.0 - 1.6), half of the draws are that value.

Inputs are independent. Interval arithmetic (`interval`) says what is possible; this says what is likely.
"""

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from warehouse.formulas.interval import AnyQuantity, Interval

DRAWS = 4096
SEED = 20261123
PERCENTILES = (0.05, 0.50, 0.95)

Floats = NDArray[np.float64]


class Formula(Protocol):
    """A figure from its inputs by name."""

    def __call__(self, of: Mapping[str, AnyQuantity], /) -> AnyQuantity: ...


@dataclass(frozen=True, slots=True)
class Draws:
    """Random draws of a figure, shape (n,) or (1,) for one that is exact; reckons as `Interval` does."""

    values: Floats

    @property
    def low(self) -> float:
        """The least of them."""
        return float(self.values.min())

    @property
    def high(self) -> float:
        """The largest of them."""
        return float(self.values.max())

    def __add__(self, other: Self) -> Self:
        return type(self)(self.values + other.values)

    def __mul__(self, other: Self | float) -> Self:
        return type(self)(self.values * (other.values if isinstance(other, Draws) else other))

    def __truediv__(self, other: Self | float) -> Self:
        return type(self)(self.values / (other.values if isinstance(other, Draws) else other))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What the draws of a figure say; `variance_shares` has the inputs with a range, the largest share first."""

    p05: float
    p50: float
    p95: float
    variance_shares: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    draws: Draws
    mean: Draws  # what stands for it in an expectation, shape (1,)
    edges: Draws  # two values of it, shape (2,)
    linear: Floats  # the draws, or 1 over them
    variance: float  # of these
    step: float  # between the two values, likewise


def spread(inputs: Mapping[str, Interval], formula: Formula, *, divisors: Collection[str] = ()) -> Spread:
    """Percentiles of a figure over `DRAWS` draws, and the share of its variance that each input brings by itself.

    A share is Var(E[Y | X_i]) / Var(Y), the first-order index of Sobol. Our figures are sums of products in which an
    input stands at most once, so E[Y | X_i] is a straight line in X_i (in 1/X_i for a divisor) and two values of the
    formula give it; the variance of the whole is that of these lines and, by the draws, of what is left of the figure
    without them. Shares add up to less than 1 by that rest: what inputs bring only together.

    Args:
        inputs: the range of each input of the formula; one without a range is exact.
        formula: gives the figure from its inputs, linear in each of them or in 1 over it.
        divisors: inputs that it divides by.

    Raises:
        ValueError: the formula refuses an input.

    Source: Sobol, I. M.: Sensitivity estimates for nonlinear mathematical models (1993); McKay, Beckman and Conover:
        Latin hypercube sampling (1979).
    """
    drawn = {
        name: _drawn(name, one.low, one.central, one.high, name in divisors)
        for name, one in inputs.items()
        if one.low < one.high
    }
    exact = {name: Draws(np.array([one.central])) for name, one in inputs.items() if name not in drawn}
    figure = formula({**exact, **{name: of.draws for name, of in drawn.items()}}).values
    low, middle, high = _percentiles(figure)
    means = {name: of.mean for name, of in drawn.items()}
    variances = {}
    together = figure
    for name, of in drawn.items():
        first, last = formula({**exact, **means, name: of.edges}).values
        slope = float(last - first) / of.step
        variances[name] = slope**2 * of.variance
        together = together - slope * of.linear
    # parts by single inputs are exact, so only what they bring together is left to the draws
    whole = sum(variances.values()) + float(together.var())
    shares = sorted(((name, part / whole if whole else 0.0) for name, part in variances.items()), key=_by_share)
    return Spread(p05=low, p50=middle, p95=high, variance_shares=tuple(shares))


def _by_share(one: tuple[str, float]) -> tuple[float, str]:
    return -one[1], one[0]


def drawn(name: str, value: Interval) -> Draws:
    """Draws of an input by its name alone: the same in every figure that has it, whoever's the figure is."""
    if value.low == value.high:
        return Draws(np.array([value.central]))
    return Draws(_within(_halves_of(name), value.low, value.central, value.high))


# A night's trials share most of their facts.
@lru_cache(maxsize=256)
def _drawn(name: str, low: float, central: float, high: float, divides: bool) -> _Drawn:
    values = _within(_halves_of(name), low, central, high)
    linear = 1 / values if divides else values
    mean = float(linear.mean())
    return _Drawn(
        draws=Draws(values),
        mean=Draws(np.array([1 / mean if divides else mean])),
        edges=Draws(np.array([low, high])),
        linear=linear,
        variance=float(linear.var()),
        step=1 / high - 1 / low if divides else high - low,
    )


def split_triangle(uniform: Floats, low: float, central: float, high: float) -> Floats:
    """The inverse of its distribution function: what the figure is below in a share (0 to 1) of cases.

    Args:
        uniform: shape (n,); shares, 0 to 1.
        low: the lower end, share 0.
        central: the median, share 0.5.
        high: the upper end, share 1.

    Returns:
        Shape (n,); figures.
    """
    return _within(_halves(uniform), low, central, high)


def _halves(uniform: Floats) -> tuple[Floats, Floats]:
    """How far shares are up the lower half and up the upper half, each 0 to 1."""
    return np.sqrt(2 * np.minimum(uniform, 0.5)), 1 - np.sqrt(2 * np.minimum(1 - uniform, 0.5))


def _within(halves: tuple[Floats, Floats], low: float, central: float, high: float) -> Floats:
    below, above = halves
    return np.asarray(low + (central - low) * below + (high - central) * above, dtype=np.float64)


@lru_cache(maxsize=64)
def _halves_of(name: str) -> tuple[Floats, Floats]:
    """Draws of an input by its name alone, one in each of `DRAWS` equal parts: the same in all its figures."""
    random = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    return _halves((random.permutation(DRAWS) + random.random(DRAWS)) / DRAWS)


def _percentiles(values: Floats) -> list[float]:
    """`PERCENTILES` of draws, between the two next to each in a straight line; exact values have one."""
    if values.size == 1:
        return [float(values[0])] * len(PERCENTILES)
    at = [share * (values.size - 1) for share in PERCENTILES]
    # np.quantile does the same in four times the time
    ranks = sorted({rank for each in at for rank in (int(each), int(each) + 1)})
    placed = np.partition(values, ranks)
    return [float(placed[int(each)] + (each % 1) * (placed[int(each) + 1] - placed[int(each)])) for each in at]
