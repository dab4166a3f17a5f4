"""What one meter says of a window: its energy, the most by which that can be wrong, and its idle baseline. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse.formulas import energy, energy_error
from warehouse.formulas.interval import Interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Readings of one meter in one phase, in order of time; NaN where a reading has no such value."""

    t_ns: NDArray[np.int64]
    energy_j: Floats
    power_w_low: Floats
    power_w: Floats
    power_w_high: Floats
    load_share: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One meter of a trial with what it read. `idle` may have been read for an earlier trial of the same target."""

    meter: str
    component: str
    basis: str
    method: str
    source: str
    invalid_reason: str | None  # None: it holds
    resolution_s: float | None = None  # how much older than its instant a reading may be; None: not known
    power_w_max: float | None = None
    others_cpu_share: float | None = None  # of the machine's CPU, taken by processes that are not ours
    busy_cpu_share: float | None = None  # of it, taken by anyone; None: by the loads that a meter read
    idle: Readings
    load: Readings


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterEnergy:
    """What one meter says of a window, joules; what idle energy it saw is None without an idle baseline."""

    energy_j: Interval  # its range holds the error bound
    error_bound_j: float
    idle_j: float | None
    idle_window_s: float | None
    note: str | None


def meter_energy(meter: Meter, start_ns: int, end_ns: int) -> MeterEnergy:
    """Energy of one meter in a window, with the most by which reading it at instants can be wrong.

    Raises:
        ValueError: the meter does not hold, its readings do not cover the window, or the window is shorter than what
            the meter can tell apart; says which.
    """
    if meter.invalid_reason is not None:
        raise ValueError(meter.invalid_reason)
    window_s = (end_ns - start_ns) / 1e9
    _check_resolved(meter, window_s)
    if is_counter(meter.load):
        value, error_bound_j, note = _counted(meter, start_ns, window_s)
    else:
        value, error_bound_j, note = _sampled(meter, start_ns, window_s)
    idle_j, idle_window_s = _idle(meter.idle, window_s)
    return MeterEnergy(
        energy_j=value, error_bound_j=error_bound_j, idle_j=idle_j, idle_window_s=idle_window_s, note=note
    )


def is_counter(readings: Readings) -> bool:
    """Whether the readings are those of a cumulative counter."""
    return bool(readings.energy_j.size) and not bool(np.isnan(readings.energy_j).all())


def series_from(readings: Readings, values: Floats, origin_ns: int) -> tuple[Floats, Floats]:
    """Seconds since an instant, and the readings that were made then."""
    # seconds from the origin, not from boot: nanoseconds since boot do not fit a double to the last digit
    known = ~np.isnan(values)
    return (readings.t_ns[known] - origin_ns) / 1e9, values[known]


def _counted(meter: Meter, start_ns: int, window_s: float) -> tuple[Interval, float, str | None]:
    t_s, counter = series_from(meter.load, meter.load.energy_j, start_ns)
    central = energy.counter_window_j(t_s, counter, 0.0, window_s)
    resolution_s, note = _resolution(meter, t_s)
    bound_j = energy_error.counter_error_j(t_s, counter, 0.0, window_s, resolution_s, meter.power_w_max)
    return Interval(low=max(central - bound_j, 0.0), central=central, high=central + bound_j), bound_j, note


def _resolution(meter: Meter, t_s: Floats) -> tuple[float, str | None]:
    """How old a reading may be, seconds; where that is not known the step between readings, and a note that says so."""
    if meter.resolution_s is not None:
        return meter.resolution_s, None
    step_s = energy_error.typical_step_s(t_s)
    return step_s, f"how old a reading may be is not known; taken as the {step_s:.3g} s between readings"


def _sampled(meter: Meter, start_ns: int, window_s: float) -> tuple[Interval, float, str | None]:
    """Energy of the central curve; its range reaches from the low to the high curve, each with its own bound."""
    found = {}
    note = None
    for end, power_w in (
        ("central", meter.load.power_w),
        ("low", meter.load.power_w_low),
        ("high", meter.load.power_w_high),
    ):
        if end == "central" or not np.isnan(power_w).all():
            t_s, series = series_from(meter.load, power_w, start_ns)
            value_j = energy.power_window_j(t_s, series, 0.0, window_s)
            # what a device can draw bounds its own power, not that of a model's low or high curve
            most_w = meter.power_w_max if end == "central" else None
            resolution_s, note = _resolution(meter, t_s)
            bound_j = energy_error.power_error_j(t_s, series, 0.0, window_s, resolution_s, most_w)
            found[end] = (value_j, bound_j)
    central_j, bound_j = found["central"]
    low_j, high_j = found.get("low", found["central"]), found.get("high", found["central"])
    return (
        Interval(
            low=max(min(central_j - bound_j, low_j[0] - low_j[1]), 0.0),
            central=central_j,
            high=max(central_j + bound_j, high_j[0] + high_j[1]),
        ),
        bound_j,
        note,
    )


def _check_resolved(meter: Meter, window_s: float) -> None:
    if meter.resolution_s is not None and window_s < meter.resolution_s:
        raise ValueError(
            f"the window of {window_s:.3g} s is shorter than the {meter.resolution_s:.3g} s that {meter.meter} can tell"
            " apart; run for longer"
        )


def _idle(idle: Readings, window_s: float) -> tuple[float | None, float | None]:
    """Idle power times window, joules, and how long that power was metered for, seconds.

    Both None if the idle phase cannot give a mean power.
    """
    counted = is_counter(idle)
    values = idle.energy_j if counted else idle.power_w
    if int((~np.isnan(values)).sum()) < 2:
        return None, None
    t_s, series = series_from(idle, values, int(idle.t_ns[0]))
    duration_s = float(t_s[-1] - t_s[0])
    if counted:
        spent_j = energy.counter_window_j(t_s, series, float(t_s[0]), float(t_s[-1]))
    else:
        spent_j = energy.integrate_power_j(t_s, series)
    return energy.idle_energy_j(energy.mean_power_w(spent_j, duration_s), window_s), duration_s
