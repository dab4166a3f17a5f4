"""From how many tokens a month a machine of one's own is cheaper than an API that serves the same at the same level."""

import math
from dataclasses import dataclass

from warehouse.formulas.interval import AnyQuantity, Interval
from warehouse.formulas.price import TOKENS_PER_MTOK

SECONDS_PER_MONTH = 365.25 / 12 * 86_400
HOURS_PER_MONTH = SECONDS_PER_MONTH / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Output tokens a month at which both cost the same, 10^6; above it one's own machine is cheaper.

    `mtok` is None where it never is, and `reason` says why. `mtok_high` is None where at the far ends of the ranges it
    never is.
    """

    mtok_low: float | None
    mtok: float | None
    mtok_high: float | None
    capacity_mtok: float
    reason: str | None
    note: str | None = None


def owned_usd_per_month(price_usd: AnyQuantity, lifetime_s: AnyQuantity, resource_share: AnyQuantity) -> AnyQuantity:
    """What a month of a bought machine costs, idle or not: straight-line over its life, US dollars.

    Utilisation is not in it: hours without work cost what they cost, and show as tokens not made.

    Raises:
        ValueError: a share above 1, or a lifetime that may be 0.
    """
    return price_usd * _share(resource_share) * SECONDS_PER_MONTH / lifetime_s


def rented_usd_per_month(usd_per_h: AnyQuantity, resource_share: AnyQuantity) -> AnyQuantity:
    """What a month of a rented machine costs, kept all month, US dollars.

    Raises:
        ValueError: a share above 1.
    """
    return usd_per_h * _share(resource_share) * HOURS_PER_MONTH


def capacity_mtok_per_month(output_tokens_per_s: AnyQuantity, utilisation_share: AnyQuantity) -> AnyQuantity:
    """The most that a machine makes in a month: its measured speed in the part of the month in which it has work, 10^6.

    Raises:
        ValueError: a share above 1.
    """
    return output_tokens_per_s * _share(utilisation_share) * (SECONDS_PER_MONTH / TOKENS_PER_MTOK)


def break_even(
    *, fixed_usd_per_month: Interval, own_usd_per_mtok: Interval, api_usd_per_mtok: Interval, capacity_mtok: Interval
) -> BreakEven:
    """The volume V at which fixed + V x own = V x API, so V = fixed / (API - own).

    Args:
        fixed_usd_per_month: of the machine, whatever it makes.
        own_usd_per_mtok: what a million output tokens add to that, their prompts included: electricity.
        api_usd_per_mtok: what the API asks for a million output tokens of the same workload, their prompts included.
        capacity_mtok: the most that the machine makes in a month, 10^6 output tokens.

    Returns:
        The volume with its range, over all combinations of the ends.
    """
    capacity = capacity_mtok.central
    saved = api_usd_per_mtok.central - own_usd_per_mtok.central
    if saved <= 0:
        return BreakEven(
            mtok_low=None,
            mtok=None,
            mtok_high=None,
            capacity_mtok=capacity,
            reason=f"never: electricity alone costs {own_usd_per_mtok.central:.3g} USD per million tokens,"
            f" the API asks {api_usd_per_mtok.central:.3g}",
        )
    volume = fixed_usd_per_month.central / saved
    if volume > capacity:
        return BreakEven(
            mtok_low=None,
            mtok=None,
            mtok_high=None,
            capacity_mtok=capacity,
            reason=f"never: it would take {_count(volume)} million tokens a month, and the machine makes"
            f" {_count(capacity)} at its stated utilisation",
        )
    most_saved = api_usd_per_mtok.high - own_usd_per_mtok.low
    least_saved = api_usd_per_mtok.low - own_usd_per_mtok.high
    high = fixed_usd_per_month.high / least_saved if least_saved > 0 else None
    beyond = high is None or high > capacity_mtok.low
    return BreakEven(
        mtok_low=fixed_usd_per_month.low / most_saved,
        mtok=volume,
        mtok_high=high,
        capacity_mtok=capacity,
        reason=None,
        note="at the far ends of the ranges it never is" if beyond else None,
    )


def cheaper_for_good(volume: float, capacity: float) -> float | None:
    """From which volume machines stay cheaper, although each further one makes them dearer for a while.

    n machines cost as much as the API at n x `volume`, and the next one is needed beyond n x `capacity`: between that
    and (n + 1) x `volume` they are dearer again. The last such gap ends before n = volume / (capacity - volume).

    Args:
        volume: at which one machine costs what the API does; above 0.
        capacity: the most that one machine makes, in the same unit.

    Returns:
        The volume; None if every further machine makes them dearer again.

    Raises:
        ValueError: the volume is beyond what one machine makes.
    """
    if not 0 < volume <= capacity:
        raise ValueError(f"a break-even at {volume:g} must be above 0 and within the capacity of {capacity:g}")
    if volume == capacity:
        return None
    machines = max(math.ceil(volume / (capacity - volume) - 1e-9), 1)
    return machines * volume


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _share(value: AnyQuantity) -> AnyQuantity:
    if value.high > 1:
        raise ValueError(f"a share of {value.high} is above 1; give it as a share, 0 to 1")
    return value
