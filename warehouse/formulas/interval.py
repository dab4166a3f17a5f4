"""Figures with a range, and the arithmetic that keeps the range honest.

Interval arithmetic: the ends of a result are its smallest and largest values over all combinations of the inputs' ends.
It assumes nothing about how inputs depend on each other, so it is never too narrow.

Source: Moore, R. E.: Interval Analysis, Prentice-Hall 1966.
"""

import math
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar


class Quantity(Protocol):
    """What a formula reckons with: an `Interval`, or random `Draws` of the same figure (`uncertainty`)."""

    @property
    def low(self) -> float:
        """Nothing of it is below."""
        ...

    @property
    def high(self) -> float:
        """Nothing of it is above."""
        ...

    def __add__(self, other: Self, /) -> Self: ...

    def __mul__(self, other: Self | float, /) -> Self: ...

    def __truediv__(self, other: Self | float, /) -> Self: ...


# A formula that is written for any quantity gives the range and the draws of its result: it exists once.
AnyQuantity = TypeVar("AnyQuantity", bound=Quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure, `low <= central <= high`, all finite and none negative: no quantity of ours can be."""

    low: float
    central: float
    high: float

    def __post_init__(self) -> None:
        if not (0 <= self.low <= self.central <= self.high < math.inf):
            raise ValueError(
                f"low {self.low} <= central {self.central} <= high {self.high} must hold, from 0 up, finite"
            )

    def __add__(self, other: "Interval") -> "Interval":
        return Interval(low=self.low + other.low, central=self.central + other.central, high=self.high + other.high)

    def __mul__(self, other: "Interval | float") -> "Interval":
        by = exactly(other) if isinstance(other, int | float) else other
        return Interval(low=self.low * by.low, central=self.central * by.central, high=self.high * by.high)

    def __truediv__(self, other: "Interval | float") -> "Interval":
        by = exactly(other) if isinstance(other, int | float) else other
        if by.low <= 0:
            raise ValueError(f"cannot divide by a figure that may be {by.low}; it must be above 0")
        return Interval(low=self.low / by.high, central=self.central / by.central, high=self.high / by.low)


def exactly(value: float) -> Interval:
    """A figure without a range."""
    return Interval(low=value, central=value, high=value)


def between(low: float | None, central: float, high: float | None) -> Interval:
    """A figure whose ends may not have been given: an end that was not is the central value."""
    return Interval(low=central if low is None else low, central=central, high=central if high is None else high)
