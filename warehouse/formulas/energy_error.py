"""How wrong an energy can be because its meter was read at instants only: bounds from the readings themselves.

Both bounds place the true energy between two ends that follow from what must hold, and give the larger distance from
the stated energy to an end. Bounds of several meters add.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from warehouse.formulas.energy import counter_window_j, power_window_j

Floats = NDArray[np.float64]
Series = Sequence[float] | Floats

# Power at an edge that no reading reaches is taken from the readings of this long before or after it.
_LOCAL_S = 1.0
_ROUNDING = float(np.finfo(np.float64).eps)  # of each addition, relative


def counter_error_j(
    t_s: Series, energy_j: Series, start_s: float, end_s: float, resolution_s: float, power_w_max: float | None = None
) -> float:
    """The most by which `counter_window_j` can be wrong, if each reading is at most `resolution_s` old.

    A counter never falls, so the energy spent until an instant x is at least what the last reading before x says, and
    at most what the first reading after x + resolution_s says: each edge is wrong by at most resolution_s x the power
    there, and by what was spent between the readings beside it. Where no reading comes that late (or that early), the
    device is taken to draw `power_w_max` in the seconds that are missing; where that is not known, the highest of the
    mean powers of the second beside the edge and of the whole curve, which is an assumption.

    Args:
        t_s: shape (n,), n >= 2; monotonic clock, seconds, strictly rising.
        energy_j: shape (n,); the counter, unwrapped, joules.
        start_s: start of the window on the same clock, seconds.
        end_s: its end, seconds.
        resolution_s: how much older than its instant a reading may be, seconds.
        power_w_max: the most that the device can draw, watts; None if it is not known.

    Returns:
        Joules.

    Raises:
        ValueError: as `counter_window_j`, or a resolution below 0 s.
    """
    _check_resolution(resolution_s)
    stated_j = counter_window_j(t_s, energy_j, start_s, end_s)
    times, counter = np.asarray(t_s, dtype=np.float64), np.asarray(energy_j, dtype=np.float64)
    start_low, start_high = _spent_until(times, counter, start_s, resolution_s, power_w_max)
    end_low, end_high = _spent_until(times, counter, end_s, resolution_s, power_w_max)
    return max(stated_j - (end_low - start_high), (end_high - start_low) - stated_j, 0.0)


def power_error_j(
    t_s: Series,
    power_w: Series,
    start_s: float,
    end_s: float,
    resolution_s: float = 0.0,
    power_w_max: float | None = None,
) -> float:
    """The most by which `power_window_j` can be wrong for a power that rises or falls monotonically between readings.

    Such a power lies between the two readings around it, so a step of dt contributes at most 1/2 dt |dP|. Where
    readings may be up to `resolution_s` old, it lies between the lowest and the highest of the readings that can be of
    its time. A burst that begins and ends between two readings is in neither of them: no bound can be had for it from
    readings, and that the device has none is the assumption. Beyond the first and last reading power is taken to lie
    between 0 and `power_w_max`, or twice the nearest reading where that is not known.

    Args:
        t_s: shape (n,), n >= 2; monotonic clock, seconds, strictly rising.
        power_w: shape (n,); watts at those instants.
        start_s: start of the window on the same clock, seconds.
        end_s: its end, seconds.
        resolution_s: how much older than its instant a reading may be, seconds.
        power_w_max: the most that the device can draw, watts; None if it is not known.

    Returns:
        Joules; without a resolution and from reading to reading, 1/2 sum of dt |dP|.

    Raises:
        ValueError: as `power_window_j`, or a resolution below 0 s.

    Source: the trapezoidal rule on a monotone function lies between its lower and upper Riemann sums.
    """
    _check_resolution(resolution_s)
    stated_j = power_window_j(t_s, power_w, start_s, end_s)
    times, powers = np.asarray(t_s, dtype=np.float64), np.asarray(power_w, dtype=np.float64)
    inside_s = np.clip(np.minimum(times[1:], end_s) - np.maximum(times[:-1], start_s), 0.0, None)
    lowest, highest = _envelope(times, powers, resolution_s)
    missed_s = (max(0.0, times[0] - start_s), max(0.0, end_s - times[-1]))
    most_w = (2 * powers[0], 2 * powers[-1]) if power_w_max is None else (power_w_max, power_w_max)
    high_j = float(highest @ inside_s) + missed_s[0] * most_w[0] + missed_s[1] * most_w[1]
    bound_j = float(max(stated_j - float(lowest @ inside_s), high_j - stated_j))
    # A power that never changes has no such error; its sums differ by what adding them up in another order rounds.
    return bound_j if bound_j > _ROUNDING * times.size * abs(stated_j) else 0.0


def typical_step_s(t_s: Series) -> float:
    """Seconds between readings: their median; 0 for fewer than two."""
    return float(np.median(np.diff(t_s))) if len(t_s) > 1 else 0.0


def _spent_until(
    times: Floats, counter: Floats, at_s: float, resolution_s: float, power_w_max: float | None
) -> tuple[float, float]:
    """Least and most that the counter can have stood at in truth at an instant, joules."""
    before = int(np.searchsorted(times, at_s, side="right")) - 1
    after = int(np.searchsorted(times, at_s + resolution_s, side="left"))
    most_w = _local_power_w(times, counter, at_s) if power_w_max is None else power_w_max
    low = counter[before] if before >= 0 else counter[0] - most_w * (times[0] - at_s)
    if after < times.size:
        return float(low), float(counter[after])
    return float(low), float(counter[-1] + most_w * (at_s + resolution_s - times[-1]))


def _local_power_w(times: Floats, counter: Floats, at_s: float) -> float:
    first = max(int(np.searchsorted(times, at_s - _LOCAL_S, side="right")) - 1, 0)
    last = min(int(np.searchsorted(times, at_s + _LOCAL_S, side="left")), times.size - 1)
    whole_w = (counter[-1] - counter[0]) / (times[-1] - times[0])
    if last <= first:
        return float(whole_w)
    return float(max(whole_w, (counter[last] - counter[first]) / (times[last] - times[first])))


def _envelope(times: Floats, powers: Floats, resolution_s: float) -> tuple[Floats, Floats]:
    """Lowest and highest power that can have held in each step, given readings that may be old."""
    steps = np.arange(times.size - 1)
    # the first reading that must be of the end of the step or later
    last = np.minimum(np.searchsorted(times, times[1:] + resolution_s, side="left"), times.size - 1)
    lowest, highest = powers[:-1].copy(), powers[:-1].copy()
    for ahead in range(1, int((last - steps).max()) + 1):
        reading = powers[np.minimum(steps + ahead, last)]
        np.minimum(lowest, reading, out=lowest)
        np.maximum(highest, reading, out=highest)
    return lowest, highest


def _check_resolution(resolution_s: float) -> None:
    if not resolution_s >= 0:
        raise ValueError(f"a meter's resolution cannot be {resolution_s} s; it must be 0 s or more")
