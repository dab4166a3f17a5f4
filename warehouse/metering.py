"""Energy of a trial from the readings of its meters: pure.

A component (cpu, ram, gpu) may be watched by meters of several methods; the most trusted method whose meters all hold
is used, its devices added up. A meter of the whole machine replaces the meters of its parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from warehouse.accounting import EnergyAccount, Fact
from warehouse.formulas import energy
from warehouse.formulas.basis import BASES
from warehouse.formulas.interval import Interval, exactly

Floats = NDArray[np.float64]
MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Readings of one meter in one phase, in order of time; NaN where a reading has no such value."""

    t_ns: NDArray[np.int64]
    energy_j: Floats
    power_w_low: Floats
    power_w: Floats
    power_w_high: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One meter of a trial with what it read."""

    meter: str
    component: str
    basis: str
    method: str
    source: str
    invalid_reason: str | None  # None: it holds
    idle: Readings
    load: Readings


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterEnergy:
    """What one meter says of a window, joules; `idle_j` is None without an idle baseline."""

    energy_j: Interval
    idle_j: float | None


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
    """Energy of one meter in a window.

    Raises:
        ValueError: the meter does not hold, or its readings do not cover the window; says which.
    """
    if meter.invalid_reason is not None:
        raise ValueError(meter.invalid_reason)
    window_s = (end_ns - start_ns) / 1e9
    if _is_counter(meter.load):
        t_s, counter = _series(meter.load, meter.load.energy_j, start_ns)
        value = exactly(energy.counter_window_j(t_s, counter, 0.0, window_s))
    else:
        central = _window_j(meter.load, meter.load.power_w, start_ns, window_s)
        value = Interval(
            low=min(central, _bound_j(meter.load, meter.load.power_w_low, start_ns, window_s, central)),
            central=central,
            high=max(central, _bound_j(meter.load, meter.load.power_w_high, start_ns, window_s, central)),
        )
    return MeterEnergy(energy_j=value, idle_j=_idle_j(meter.idle, window_s))


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
        total = exactly(0.0)
        for found in read.values():
            total += found.energy_j
        idles = [found.idle_j for found in read.values()]
        idle_j = None if None in idles else float(sum(idle for idle in idles if idle is not None))
        notes = [f"not used: {reason}" for reason in reasons]
        if idle_j is None:
            notes.append(f"{component}: no idle baseline, so idle and active energy are not known")
        return EnergyAccount(
            component=component,
            value=total,
            basis=max((meter.basis for meter in own), key=BASES.index),
            method=method,
            note="; ".join(notes) or None,
            factors=tuple(_reading_fact(meter, read[meter.meter].energy_j) for meter in own),
            in_total=True,
            idle_j=idle_j,
            active_j=None if idle_j is None else energy.active_energy_j(total.central, idle_j),
        )
    return _unknown(component, methods[0], "; ".join(reasons), in_total=True)


def _idle_j(idle: Readings, window_s: float) -> float | None:
    """Idle power times window, joules; None if the idle phase cannot give a mean power."""
    values, is_counter = (idle.energy_j, True) if _is_counter(idle) else (idle.power_w, False)
    known = ~np.isnan(values)
    if int(known.sum()) < 2:
        return None
    t_s, series = _series(idle, values, int(idle.t_ns[0]))
    duration_s = float(t_s[-1] - t_s[0])
    if is_counter:
        spent_j = energy.counter_window_j(t_s, series, float(t_s[0]), float(t_s[-1]))
    else:
        spent_j = energy.integrate_power_j(t_s, series)
    return energy.idle_energy_j(energy.mean_power_w(spent_j, duration_s), window_s)


def _window_j(readings: Readings, power_w: Floats, start_ns: int, window_s: float) -> float:
    t_s, series = _series(readings, power_w, start_ns)
    return energy.power_window_j(t_s, series, 0.0, window_s)


def _bound_j(readings: Readings, power_w: Floats, start_ns: int, window_s: float, central_j: float) -> float:
    """The same under a bound of the power; the central value where the meter gives no bound."""
    if np.isnan(power_w).all():
        return central_j
    return _window_j(readings, power_w, start_ns, window_s)


def _series(readings: Readings, values: Floats, origin_ns: int) -> tuple[list[float], list[float]]:
    # seconds from the origin, not from boot: nanoseconds since boot do not fit a double to the last digit
    known = ~np.isnan(values)
    return list((readings.t_ns[known] - origin_ns) / 1e9), list(values[known])


def _is_counter(readings: Readings) -> bool:
    return bool(readings.energy_j.size) and not bool(np.isnan(readings.energy_j).all())


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
