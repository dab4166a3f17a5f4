"""Energy as a function of time, from the readings of one meter or of several together.

Between two readings a counter rises evenly and power runs straight, as `formulas.energy` has it; so energy is a
polynomial of second degree in each step, and curves of several meters add step by step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyCurve:
    """Energy spent since the first of its instants, in steps.

    Attributes:
        t_s: shape (n + 1,), n >= 1; where the steps begin and the last one ends, strictly rising.
        energy_j: shape (n + 1,); spent until then.
        power_w: shape (n,); at the start of each step.
        slope_w_per_s: shape (n,); by which power rises within the step.
    """

    t_s: Floats
    energy_j: Floats
    power_w: Floats
    slope_w_per_s: Floats

    def at(self, t_s: Floats) -> Floats:
        """Joules spent until each instant; instants before the first and after the last count as those."""
        return self.at_places(*self.places(t_s))

    def places(self, t_s: Floats) -> tuple[NDArray[np.intp], Floats]:
        """The step of each instant, and the seconds since that step began: the same for all curves of these steps."""
        inside = np.clip(t_s, self.t_s[0], self.t_s[-1])
        step = np.minimum(np.searchsorted(self.t_s, inside, side="right") - 1, self.power_w.size - 1)
        return step, inside - self.t_s[step]

    def at_places(self, step: NDArray[np.intp], since_s: Floats) -> Floats:
        """Joules spent until instants that have been found in the steps."""
        return self.energy_j[step] + (self.power_w[step] + 0.5 * self.slope_w_per_s[step] * since_s) * since_s

    def scaled(self, factor: float) -> "EnergyCurve":
        """The same shape with so many times the energy."""
        return EnergyCurve(
            t_s=self.t_s,
            energy_j=self.energy_j * factor,
            power_w=self.power_w * factor,
            slope_w_per_s=self.slope_w_per_s * factor,
        )


def power_curve(t_s: Floats, power_w: Floats, start_s: float, end_s: float) -> EnergyCurve:
    """The curve of sampled power in a window, as `energy.power_window_j` integrates it.

    Args:
        t_s: shape (n,), n >= 2; strictly rising seconds.
        power_w: shape (n,); watts at those instants; before the first and after the last the nearest holds.
        start_s: start of the window, seconds.
        end_s: its end, after start_s.

    Returns:
        A curve from start_s to end_s.
    """
    times = _in_window(t_s, start_s, end_s)
    powers = np.interp(times, t_s, power_w)
    return _from_steps(times, powers[:-1], np.diff(powers) / np.diff(times))


def counter_curve(t_s: Floats, energy_j: Floats, start_s: float, end_s: float) -> EnergyCurve:
    """The curve of a counter in a window, as `energy.counter_window_j` takes its difference.

    Args:
        t_s: shape (n,), n >= 2; strictly rising seconds.
        energy_j: shape (n,); the counter, never falling; before the first and after the last reading the mean power of
            all of them holds.
        start_s: start of the window, seconds.
        end_s: its end, after start_s.

    Returns:
        A curve from start_s to end_s.
    """
    times = _in_window(t_s, start_s, end_s)
    mean_w = (energy_j[-1] - energy_j[0]) / (t_s[-1] - t_s[0])
    outside_s = np.minimum(times - t_s[0], 0.0) + np.maximum(times - t_s[-1], 0.0)
    counter = np.interp(times, t_s, energy_j) + mean_w * outside_s
    return _from_steps(times, np.diff(counter) / np.diff(times), np.zeros(times.size - 1))


def together(curves: Sequence[EnergyCurve]) -> EnergyCurve:
    """The sum of curves over one and the same window.

    Raises:
        ValueError: no curve, or curves of different windows.
    """
    if not curves:
        raise ValueError("a sum of energy curves needs at least one of them")
    if len({(curve.t_s[0], curve.t_s[-1]) for curve in curves}) > 1:
        raise ValueError("energy curves of different windows cannot be added")
    if len(curves) == 1:
        return curves[0]
    times = np.unique(np.concatenate([curve.t_s for curve in curves]))
    power_w, slope = np.zeros(times.size - 1), np.zeros(times.size - 1)
    for curve in curves:
        step = np.minimum(np.searchsorted(curve.t_s, times[:-1], side="right") - 1, curve.power_w.size - 1)
        power_w += curve.power_w[step] + curve.slope_w_per_s[step] * (times[:-1] - curve.t_s[step])
        slope += curve.slope_w_per_s[step]
    return _from_steps(times, power_w, slope)


def _in_window(t_s: Floats, start_s: float, end_s: float) -> Floats:
    if not end_s > start_s:
        raise ValueError(f"an energy curve needs a window; this one goes from {start_s} s to {end_s} s")
    return np.concatenate(([start_s], t_s[(t_s > start_s) & (t_s < end_s)], [end_s]))


def _from_steps(t_s: Floats, power_w: Floats, slope_w_per_s: Floats) -> EnergyCurve:
    widths_s = np.diff(t_s)
    spent_j = (power_w + 0.5 * slope_w_per_s * widths_s) * widths_s
    return EnergyCurve(
        t_s=t_s,
        energy_j=np.concatenate(([0.0], np.cumsum(spent_j))),
        power_w=power_w,
        slope_w_per_s=slope_w_per_s,
    )
