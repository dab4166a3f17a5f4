"""A month on machines of one's own: how many it takes at the service level, what they cost, draw and emit."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from warehouse.accounting import quantities as q
from warehouse.calculator_figure import Figure, Input, basis_of, facts_as_inputs, figure, own_input, unknown
from warehouse.calculator_inputs import Measured
from warehouse.formulas import carbon
from warehouse.formulas.breakeven import SECONDS_PER_MONTH, owned_usd_per_month, rented_usd_per_month
from warehouse.formulas.interval import AnyQuantity, Interval, between, exactly
from warehouse.formulas.price import electricity_usd
from warehouse.formulas.usage import Totals

# A mean of floats just above a whole number takes no machine more.
_WHOLE = 1e-9
G_PER_KG = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """What a month takes. Work is counted in output tokens, a prompt token being `prefill_ratio` of one."""

    count: Interval  # whole ones
    work: float  # of the month
    work_per_s: Interval  # of one machine, at which the service level was met
    usable_share: Interval  # of its time in which it can have work, as declared
    measured_work: float  # of the trial
    notes: tuple[str, ...]

    @property
    def busy_share(self) -> float:
        """Part of the month in which each of them has work, 0 to 1."""
        return self.work / (self.work_per_s.central * SECONDS_PER_MONTH * self.count.central)

    @property
    def capacity_work(self) -> Interval:
        """The most work that one of them does in a month."""
        return self.work_per_s * self.usable_share * SECONDS_PER_MONTH


def machines_needed(target: Measured, total: Totals, *, min_goodput_share: float) -> tuple[Machines | None, str | None]:
    """How many machines a month takes, or why that is not known.

    The speed of one is the largest rate at which a search found its service level met, else that of its trial, if as
    many of the trial's requests met it as are asked.

    Args:
        target: a target of ours.
        total: the month.
        min_goodput_share: part of the requests that must have met the service level, 0 to 1.
    """
    if not target.output_tokens or target.prompt_tokens is None or not target.requests:
        return None, "its speed is not known: no request was served and counted"
    if q.UTILISATION not in target.facts:
        return None, "no utilisation_share is declared in [site.hardware]"
    notes = []
    ratio = target.prefill_ratio or 0.0
    if target.prefill_ratio is None:
        notes.append("work is counted in output tokens alone: what a prompt token weighs is not known")
    else:
        notes.append(f"a prompt token weighs {ratio:.2g} of an output token: {target.prefill_source}")
    fresh = target.prompt_tokens - target.cached_tokens
    measured_work = target.output_tokens + ratio * fresh
    speed = target.figures.get("output_tokens_per_s")
    goodput = target.figures.get("goodput_share")
    if target.found_rate_rps is not None:
        per_s = target.found_rate_rps * (measured_work / target.requests)
        notes.append(f"speed: the {target.found_rate_rps.central:.3g} requests/s at which its service level is met")
    elif speed is None or goodput is None:
        return None, "its speed is not known"
    elif goodput.central < min_goodput_share:
        return None, (
            f"under this load {goodput.central:.0%} of its requests met the service level, {min_goodput_share:.0%} are"
            " asked: what it can serve is not known; `megatoken bench --find-rate` finds it"
        )
    else:
        per_s = speed * (measured_work / target.output_tokens)
        notes.append(f"speed: {speed.central:.3g} output tokens/s as measured, where {goodput.central:.0%} met it")
    usable = _fact(target, q.UTILISATION)
    if usable.low <= 0 or per_s.low <= 0:
        return None, "its speed or its utilisation_share may be 0"
    work = total.work(ratio)
    capacity = per_s * usable * SECONDS_PER_MONTH
    count = Interval(
        low=_machines(work, capacity.high),
        central=_machines(work, capacity.central),
        high=_machines(work, capacity.low),
    )
    return Machines(
        count=count,
        work=work,
        work_per_s=per_s,
        usable_share=usable,
        measured_work=measured_work,
        notes=tuple(notes),
    ), None


def own_usd(target: Measured, machines: Machines, *, count: Interval | None = None) -> Figure:
    """A month of so many machines doing the work: hardware or rent whatever they do, and their electricity."""
    hardware = [q.RENT, q.SHARE] if q.RENT in target.facts else [q.HARDWARE_PRICE, q.LIFETIME, q.SHARE]
    tariff = q.MEAN_TARIFF if q.MEAN_TARIFF in target.facts else q.TARIFF
    needed = [q.PUE, tariff, *hardware]
    inputs, missing = facts_as_inputs(target.facts, needed, target.target_id)
    energy_inputs, joules, notes = _energy(target, machines, count or machines.count)
    if missing or joules is None:
        return unknown(*missing, None if joules is not None else target.energy_missing, notes=machines.notes)

    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        if q.RENT in of:
            fixed = rented_usd_per_month(of[q.RENT], of[q.SHARE])
        else:
            fixed = owned_usd_per_month(of[q.HARDWARE_PRICE], of[q.LIFETIME], of[q.SHARE])
        return fixed * of["machines"] + electricity_usd(joules(of), of[q.PUE], of[tariff])

    return figure(
        {**inputs, **energy_inputs},
        formula,
        basis=basis_of(target.facts, needed, target.energy_basis),
        notes=[*machines.notes, *notes],
    )


def own_kg(target: Measured, machines: Machines) -> Figure:
    """What a month of them emits: running by location, and their part of being made, idle or not; kilograms CO2e."""
    needed = [q.PUE, q.GRID, q.HARDWARE_EMBODIED, q.LIFETIME, q.SHARE]
    inputs, missing = facts_as_inputs(target.facts, needed, target.target_id)
    energy_inputs, joules, notes = _energy(target, machines, machines.count)
    if missing or joules is None:
        return unknown(*missing, None if joules is not None else target.energy_missing, notes=machines.notes)

    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        operational = carbon.operational_gco2e(joules(of), of[q.PUE], of[q.GRID])
        each = carbon.embodied_gco2e(
            of[q.HARDWARE_EMBODIED], SECONDS_PER_MONTH, of[q.LIFETIME], of[q.SHARE], of["whole"]
        )
        return (operational + each * of["machines"]) / G_PER_KG

    return figure(
        {**inputs, **energy_inputs, "whole": own_input("whole", 1.0)},
        formula,
        basis=basis_of(target.facts, needed, target.energy_basis),
        notes=notes,
    )


class Joules:
    """IT energy of a month, joules: what the work takes, and what machines draw while they stand by."""

    def __init__(self, parts: "list[tuple[str, float, float]]") -> None:
        self._parts = parts  # name of its ratio, joules of the work, joules of a machine that stands by all month

    def __call__(self, of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        """The sum over the components; each is off by its ratio."""
        (name, work, idle), *others = self._parts
        total = of[name] * work + of[name] * of["machines"] * idle
        for name, work, idle in others:
            total = total + (of[name] * work + of[name] * of["machines"] * idle)
        return total


def _energy(target: Measured, machines: Machines, count: Interval) -> tuple[dict[str, Input], Joules | None, list[str]]:
    inputs = {"machines": own_input(f"machines of {target.target_id}", count)}
    if not target.energy or not target.window_s:
        return inputs, None, []
    has_idle = all(part.idle_j is not None and part.active_j is not None for part in target.energy)
    parts = []
    for part in target.energy:
        central = part.energy_j.central
        ratio = part.energy_j / central if central > 0 else exactly(1.0)
        inputs[part.key] = own_input(part.key, ratio)
        doing = max(part.active_j or 0.0, 0.0) if has_idle else central
        idle_w = (part.idle_j or 0.0) / target.window_s if has_idle else 0.0
        parts.append((part.key, doing / machines.measured_work * machines.work, idle_w * SECONDS_PER_MONTH))
    notes = (
        ["electricity of the hours without work is in it, at the idle power that was metered"]
        if has_idle
        else ["electricity of the hours without work is not in it: there is no idle baseline"]
    )
    return inputs, Joules(parts), notes


def _fact(target: Measured, quantity: str) -> Interval:
    fact = target.facts[quantity]
    return between(fact.low, fact.central, fact.high)


def _machines(work: float, capacity: float) -> float:
    return float(max(ceil(work / capacity - _WHOLE), 1))
