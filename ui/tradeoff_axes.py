"""The axes of a scatter: their ends, whether they are logarithmic, and where a figure stands in pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from ui.charts import log_ticks
from warehouse.metrics import Metric

_LOG_FROM_RATIO = 8.0
_PAD_SHARE = 0.07


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis, in shown units. `low` and `high` are the ends of its drawing."""

    of: Metric
    low: float
    high: float
    is_log: bool
    ticks: tuple[float, ...]  # of a logarithmic one

    @property
    def title(self) -> str:
        """What it shows, its unit and which way is better."""
        log = ", log axis" if self.is_log else ""
        return f"{self.of.title}, {self.of.shown_unit} ({self.of.direction} is better{log})"

    @property
    def best(self) -> float:
        """Its better end."""
        return self.low if self.of.direction == "lower" else self.high

    @property
    def worst(self) -> float:
        """Its worse end."""
        return self.high if self.of.direction == "lower" else self.low

    def share(self, value: float) -> float:
        """How far along the axis a value stands, 0 to 1."""
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def at(self, share: float) -> float:
        """The value that stands so far along."""
        if self.is_log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + share * (self.high - self.low)

    def scale(self) -> alt.Scale:
        """For Vega-Lite."""
        return alt.Scale(type="log" if self.is_log else "linear", domain=[self.low, self.high], nice=False, zero=False)


def axis(of: Metric, values: Sequence[float]) -> Axis:
    """An axis that holds all values, in shown units, and a margin; logarithmic where small ones would be crushed."""
    low, high = min(values), max(values)
    is_log = low > 0 and high / low > _LOG_FROM_RATIO
    if is_log:
        margin = (high / low) ** _PAD_SHARE
        low, high = low / margin, high * margin
        return Axis(
            of=of, low=low, high=high, is_log=True, ticks=tuple(_thinned(log_ticks([{"low": low, "high": high}])))
        )
    margin = _PAD_SHARE * (high - low) or 0.1 * abs(high) or 1.0
    return Axis(
        of=of, low=low - margin if low < 0 else max(low - margin, 0.0), high=high + margin, is_log=False, ticks=()
    )


def _thinned(ticks: Sequence[float]) -> list[float]:
    """Powers of ten alone where 1, 2 and 5 of each would be too many."""
    if len(ticks) <= 9:
        return list(ticks)
    powers = [tick for tick in ticks if math.isclose(math.log10(tick), round(math.log10(tick)), abs_tol=1e-9)]
    return powers if len(powers) > 2 else list(ticks)
