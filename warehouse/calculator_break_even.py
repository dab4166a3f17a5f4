"""From how many requests a month machines of one's own are cheaper than an API, for a mix of one's own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from warehouse.calculator import Estimate
from warehouse.calculator_machines import Machines, own_usd
from warehouse.formulas.breakeven import break_even, cheaper_for_good
from warehouse.formulas.interval import Interval, exactly
from warehouse.formulas.price import TOKENS_PER_MTOK
from warehouse.formulas.usage import Totals

# How far a chart of costs reaches to either side of the volume that was asked for, and in how many points.
REACH_RATIO = 100.0
POINTS = 121


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A machine of ours beside an API; `requests` a month at which both cost the same, None where they never do.

    `for_good` is the volume from which it stays cheaper although further machines are needed; None if it never does.
    """

    own_id: str
    api_id: str
    requests_low: float | None
    requests: float | None
    requests_high: float | None
    for_good: float | None
    usd: float | None  # a month, at the crossing
    reason: str | None  # why there is none, or what to know of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a target costs by volume: (requests a month, US dollars a month), the volumes rising."""

    target_id: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    fixed_usd: Interval  # of one machine, a month
    work_usd: Interval  # of a million output tokens
    capacity_mtok: Interval


def crossings(found: Sequence[Estimate], total: Totals, *, min_goodput_share: float) -> list[Crossing]:
    """Every machine of ours whose cost is known beside every API whose price is, at the same service level.

    Args:
        found: estimates of a month.
        total: that month.
        min_goodput_share: part of an API's requests that must have met the service level, 0 to 1.
    """
    if total.output_tokens <= 0:
        return []
    own = [(each, of) for each in found if each.machines and (of := _own(each, each.machines, total)) is not None]
    apis = [each for each in found if each.machines is None and each.usd.value is not None]
    return [_crossing(each, of, api, total, min_goodput_share) for each, of in own for api in apis]


def cost_lines(found: Sequence[Estimate], total: Totals) -> list[Line]:
    """The cost of a month of this mix at every volume around the one asked for, of each target whose cost is known."""
    factors = [REACH_RATIO ** (2 * n / (POINTS - 1) - 1) for n in range(POINTS)]
    lines = []
    for each in found:
        if each.usd.value is None:
            continue
        usd: list[float] | None = None
        if each.machines is None:
            usd = [each.usd.value.central * factor for factor in factors]
        else:
            usd = _own_usd_by(each, each.machines, factors)
        if usd is not None:
            points = tuple((total.requests * factor, cost) for factor, cost in zip(factors, usd, strict=True))
            lines.append(Line(target_id=each.target.target_id, points=points))
    return lines


def _own_usd_by(each: Estimate, machines: Machines, factors: Sequence[float]) -> list[float] | None:
    fixed, work = _fixed_usd(each, machines), _work_usd(each, machines)
    if fixed is None or work is None:
        return None
    capacity = machines.capacity_work.central
    return [
        max(math.ceil(machines.work * factor / capacity - 1e-9), 1) * fixed.central + work.central * factor
        for factor in factors
    ]


def _fixed_usd(each: Estimate, machines: Machines) -> Interval | None:
    return own_usd(each.target, replace(machines, work=0.0), count=exactly(1.0)).value


def _work_usd(each: Estimate, machines: Machines) -> Interval | None:
    return own_usd(each.target, machines, count=exactly(0.0)).value


def _own(each: Estimate, machines: Machines, total: Totals) -> _Own | None:
    fixed, work = _fixed_usd(each, machines), _work_usd(each, machines)
    if fixed is None or work is None:
        return None
    output_mtok = total.output_tokens / TOKENS_PER_MTOK
    return _Own(
        fixed_usd=fixed,
        work_usd=work / output_mtok,
        capacity_mtok=machines.capacity_work * (output_mtok / machines.work),
    )


def _crossing(own: Estimate, of: _Own, api: Estimate, total: Totals, min_goodput_share: float) -> Crossing:
    ids = {"own_id": own.target.target_id, "api_id": api.target.target_id}
    nowhere = Crossing(
        **ids, requests_low=None, requests=None, requests_high=None, for_good=None, usd=None, reason=None
    )
    goodput = api.target.figures.get("goodput_share")
    if goodput is None or goodput.central < min_goodput_share:
        met = "it is not known how many" if goodput is None else f"{goodput.central:.0%}"
        return replace(
            nowhere,
            reason=f"the API does not meet the service level: {met} of its requests did, {min_goodput_share:.0%} are"
            " asked",
        )
    assert api.usd.value is not None  # only such are compared
    output_mtok = total.output_tokens / TOKENS_PER_MTOK
    asked = api.usd.value / output_mtok
    result = break_even(
        fixed_usd_per_month=of.fixed_usd,
        own_usd_per_mtok=of.work_usd,
        api_usd_per_mtok=asked,
        capacity_mtok=of.capacity_mtok,
    )
    if result.mtok is None:
        return replace(nowhere, reason=result.reason)
    per_mtok = total.requests / output_mtok
    for_good = cheaper_for_good(result.mtok, result.capacity_mtok) if result.mtok > 0 else 0.0
    return Crossing(
        **ids,
        requests_low=None if result.mtok_low is None else result.mtok_low * per_mtok,
        requests=result.mtok * per_mtok,
        requests_high=None if result.mtok_high is None else result.mtok_high * per_mtok,
        for_good=None if for_good is None else for_good * per_mtok,
        usd=result.mtok * asked.central,
        reason=result.note,
    )
