"""Energy of a trial from the readings of its meters: pure.

A component (cpu, ram, gpu) may be watched by meters of several methods; the most trusted method whose meters all hold
is used, its devices added up. A meter of the whole machine replaces the meters of its parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from warehouse.accounting import EnergyAccount, Fact
from warehouse.formulas import energy, energy_error
from warehouse.formulas.basis import BASES
from warehouse.formulas.interval import Interval, exactly

Floats = NDArray[np.float64]
MACHINE = "machine"
# An idle baseline shorter than this is used, and its account says how short it was.
STEADY_IDLE_S = 30.0


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


def energy_accounts(meters: Sequence[Meter], start_ns: int | None, end_ns: int | None) -> list[EnergyAccount]:
    """One account for each component that was metered; one that says so if none was.

    Args:
        meters: every meter that watched the trial.
        start_ns: start of the measured window on the clock of the readings, nanoseconds; None if there was none.
        end_ns: its end, nanoseconds.
    """
    if not meters:
        return [_unknown(MACHINE, "none", "no meter watched this trial", in_total=True)]
    components = sorted({meter.component for meter in meters})
    accounts = []
    for component in components:
        own = [meter for meter in meters if meter.component == component]
        accounts.append(_component(component, own, start_ns, end_ns))
    by_machine = any(account.component == MACHINE and account.value is not None for account in accounts)
    only_machine = components == [MACHINE]
    return [
        replace(account, in_total=only_machine or (account.component == MACHINE) == by_machine) for account in accounts
    ]


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
        value, error_bound_j = _sampled(meter, start_ns, window_s)
        note = None
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


def _component(component: str, meters: Sequence[Meter], start_ns: int | None, end_ns: int | None) -> EnergyAccount:
    methods = sorted({meter.method for meter in meters})
    methods.sort(key=lambda method: min(BASES.index(m.basis) for m in meters if m.method == method))
    if start_ns is None or end_ns is None:
        return _unknown(component, methods[0], "the trial has no measured window", in_total=True)
    reasons: list[str] = []
    for method in methods:
        own = [meter for meter in meters if meter.method == method]
        try:
            read = {meter.meter: meter_energy(meter, start_ns, end_ns) for meter in own}
        except ValueError as error:
            reasons.append(f"{method}: {error}")
            continue
        return _account(component, method, own, read, reasons, _others_of_busy(meters, start_ns, end_ns))
    return _unknown(component, methods[0], "; ".join(reasons), in_total=True)


def _account(
    component: str,
    method: str,
    meters: Sequence[Meter],
    read: dict[str, MeterEnergy],
    refused: Sequence[str],
    others_and_busy: tuple[float, float] | None,
) -> EnergyAccount:
    """The account of a component whose meters all hold."""
    total = exactly(0.0)
    for found in read.values():
        total += found.energy_j
    idles = [found.idle_j for found in read.values()]
    idle_j = None if None in idles else float(sum(idle for idle in idles if idle is not None))
    idle_window_s = min((found.idle_window_s for found in read.values() if found.idle_window_s), default=None)
    active_j = None if idle_j is None else energy.active_energy_j(total.central, idle_j)
    notes = [f"not used: {reason}" for reason in refused]
    notes += [f"{name}: {found.note}" for name, found in read.items() if found.note is not None]
    if idle_j is None:
        notes.append(f"{component}: no idle baseline, so idle and active energy are not known")
    elif idle_window_s is not None and idle_window_s < STEADY_IDLE_S - energy.MAX_EDGE_GAP_S:
        notes.append(f"{component}: idle power was metered for {idle_window_s:.3g} s, {STEADY_IDLE_S:g} s are steady")
    others_active_j = None
    if active_j is not None and others_and_busy is not None:
        try:
            others_active_j = energy.others_active_j(active_j, *others_and_busy)
        except ValueError as error:
            notes.append(f"{component}: what other processes drew is not known, {error}")
    return EnergyAccount(
        component=component,
        value=total,
        basis=max((meter.basis for meter in meters), key=BASES.index),
        method=method,
        note="; ".join(notes) or None,
        factors=tuple(_reading_fact(meter, read[meter.meter].energy_j) for meter in meters),
        in_total=True,
        idle_j=idle_j,
        active_j=active_j,
        others_active_j=others_active_j,
        idle_window_s=None if idle_j is None else idle_window_s,
        error_bound_j=sum(found.error_bound_j for found in read.values()),
    )


def _counted(meter: Meter, start_ns: int, window_s: float) -> tuple[Interval, float, str | None]:
    t_s, counter = series_from(meter.load, meter.load.energy_j, start_ns)
    central = energy.counter_window_j(t_s, counter, 0.0, window_s)
    resolution_s, note = meter.resolution_s, None
    if resolution_s is None:
        resolution_s = energy_error.typical_step_s(t_s)
        note = f"how old a reading may be is not known; taken as the {resolution_s:.3g} s between readings"
    bound_j = energy_error.counter_error_j(t_s, counter, 0.0, window_s, resolution_s, meter.power_w_max)
    return Interval(low=max(central - bound_j, 0.0), central=central, high=central + bound_j), bound_j, note


def _sampled(meter: Meter, start_ns: int, window_s: float) -> tuple[Interval, float]:
    """Energy of the central curve; its range reaches from the low to the high curve, each with its own bound."""
    found = {}
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
            bound_j = energy_error.power_error_j(t_s, series, 0.0, window_s, meter.resolution_s or 0.0, most_w)
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
    )


def _check_resolved(meter: Meter, window_s: float) -> None:
    if meter.resolution_s is not None and window_s < meter.resolution_s:
        raise ValueError(
            f"the window of {window_s:.3g} s is shorter than the {meter.resolution_s:.3g} s that {meter.meter} can tell"
            " apart; send for longer"
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


def _others_of_busy(meters: Sequence[Meter], start_ns: int, end_ns: int) -> tuple[float, float] | None:
    """Shares of the machine's CPU in the window: taken by others, and by anyone; None where one is not known."""
    for meter in meters:
        in_window = meter.load.load_share[(meter.load.t_ns > start_ns) & (meter.load.t_ns <= end_ns)]
        known = in_window[~np.isnan(in_window)]
        busy = meter.busy_cpu_share
        if busy is None and known.size:
            busy = float(known.mean())
        if meter.component == "cpu" and meter.others_cpu_share is not None and busy is not None:
            return meter.others_cpu_share, busy
    return None


def _reading_fact(meter: Meter, value: Interval) -> Fact:
    return Fact(
        quantity=f"energy_j of {meter.meter}",
        low=value.low,
        central=value.central,
        high=value.high,
        basis=meter.basis,
        valid_from=None,
        source=meter.source,
    )


def _unknown(component: str, method: str, missing: str, *, in_total: bool) -> EnergyAccount:
    return EnergyAccount(component=component, value=None, basis=None, method=method, missing=missing, in_total=in_total)
