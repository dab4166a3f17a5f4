"""Scales on which the noise of a nightly figure is about even at all its levels, and ways back from them.

Source of the arcsine: Anscombe: The transformation of Poisson, binomial and negative-binomial data, Biometrika 35,
1948.
"""

import math
from dataclasses import dataclass

import numpy as np

from warehouse.formulas.resampling import Floats

# A change of the least size that counts stands out of the noise by as much: what varies by less does not vary.
_STANDS_OUT = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Times, speeds, money, energy: they vary by a share of themselves. `least` is the relative change that counts."""

    least: float

    @property
    def least_scale(self) -> float:
        """What is less than this from night to night is no noise."""
        return math.log1p(self.least) / _STANDS_OUT

    def to(self, figures: Floats) -> Floats:
        """Positive figures on the scale."""
        logs: Floats = np.log(figures)
        return logs

    def back(self, level: float) -> float:
        """The figure of a level."""
        return math.exp(level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Figures that may be 0 or negative, as they are; `least` is the change that counts, in their unit."""

    least: float

    @property
    def least_scale(self) -> float:
        """What is less than this from night to night is no noise; of a figure that is always 0, anything positive."""
        return self.least / _STANDS_OUT or 1.0

    def to(self, figures: Floats) -> Floats:
        """The same."""
        return figures

    def back(self, level: float) -> float:
        """The same."""
        return level


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of so many attempts a night: with few of them, one failure more or less is chance."""

    attempts: float

    @property
    def least_scale(self) -> float:
        """The standard deviation that chance alone gives on this scale, whatever the share."""
        return math.sqrt(1 / (4 * self.attempts + 2))

    def to(self, figures: Floats) -> Floats:
        """Shares, 0 to 1, on the scale."""
        angles: Floats = np.arcsin(np.sqrt((figures * self.attempts + 0.375) / (self.attempts + 0.75)))
        return angles

    def back(self, level: float) -> float:
        """The share of a level, 0 to 1."""
        square = math.sin(min(max(level, 0.0), math.pi / 2)) ** 2
        # the way there and back leaves 1e-17 of a share of 0
        return round(min(max((square * (self.attempts + 0.75) - 0.375) / self.attempts, 0.0), 1.0), 12)


Scale = Log | Plain | Share
