"""Energy of a trial from the readings of its meters: pure.

A component (cpu, ram, gpu) may be watched in several ways; the most trusted whose meters all hold is used, its devices
added up. Cards that their drivers meter add up whatever the method, since a driver sees its own card only: a counter of
one says nothing of the next. A meter of the whole machine replaces the meters of its parts.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from warehouse.accounting import EnergyAccount, Fact
from warehouse.formulas import energy
from warehouse.formulas.basis import BASES
from warehouse.formulas.client_limits import CPU_SHARE_OTHERS_LOCAL
from warehouse.formulas.interval import Interval, exactly
from warehouse.meter_energy import Meter, MeterEnergy, Readings, meter_energy

__all__ = ["Meter", "Readings", "energy_accounts"]

MACHINE = "machine"
# Between the methods of cards that are not metered in one way, as the method of their account is stored.
AND = " + "
# An idle baseline that is shorter, or was taken while the CPU was busier than this, is used, and its account says so.
STEADY_IDLE_S = 30.0
_OWN = "hook-"  # how the methods of a meter that the user put there begin
QUIET_CPU_SHARE = CPU_SHARE_OTHERS_LOCAL.b


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


def _component(component: str, meters: Sequence[Meter], start_ns: int | None, end_ns: int | None) -> EnergyAccount:
    ways = sorted(_ways(meters), key=_preference)
    if start_ns is None or end_ns is None:
        return _unknown(component, _method(ways[0]), "the trial has no measured window", in_total=True)
    reasons: list[str] = []
    for own in ways:
        method = _method(own)
        try:
            read = {meter.meter: meter_energy(meter, start_ns, end_ns) for meter in own}
        except ValueError as error:
            reasons.append(f"{method}: {error}")
            continue
        return _account(component, method, own, read, reasons, _others_of_busy(meters, start_ns, end_ns))
    return _unknown(component, _method(ways[0]), "; ".join(reasons), in_total=True)


def _ways(meters: Sequence[Meter]) -> list[list[Meter]]:
    """The meters of a component in groups, each of which sees all of it: by method, and cards together."""
    ways: dict[str, list[Meter]] = {}
    for meter in meters:
        is_card = meter.component == "gpu" and not meter.method.startswith(_OWN)
        ways.setdefault("cards" if is_card else meter.method, []).append(meter)
    return list(ways.values())


def _method(way: Sequence[Meter]) -> str:
    return AND.join(sorted({meter.method for meter in way}))


def _preference(way: Sequence[Meter]) -> tuple[int, bool, bool, str]:
    """The best basis first; then a meter that the user put there: not without a reason; then counters."""
    basis, method = max(BASES.index(meter.basis) for meter in way), _method(way)
    return basis, not method.startswith(_OWN), not method.endswith("-counter"), method


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
    busy_share = _mean_load(meters) if component == "cpu" and idle_j is not None else None
    if busy_share is not None and busy_share > QUIET_CPU_SHARE:
        notes.append(
            f"cpu: it was {busy_share:.0%} busy with other work while idle power was metered, so idle_j is too high and"
            " active_j too low"
        )
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


def _mean_load(meters: Sequence[Meter]) -> float | None:
    """Load of a device in its idle phase, 0 to 1, where a meter reports one."""
    loads = np.concatenate([meter.idle.load_share for meter in meters])
    known = loads[~np.isnan(loads)]
    return float(known.mean()) if known.size else None


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
