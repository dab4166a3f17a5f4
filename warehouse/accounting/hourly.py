"""The intensity of a grid over the very hours of a window, in place of its yearly mean."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from warehouse.accounting import quantities as q
from warehouse.accounting.account import Account, Fact
from warehouse.accounting.emissions import HOURLY
from warehouse.formulas.carbon import hourly_gco2e_per_kwh
from warehouse.formulas.interval import Interval

HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GridHour:
    """Average intensity of a zone in one hour, gCO2e/kWh: the latest figure, and the span of its sources."""

    gco2e_per_kwh: Interval
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A measured window on the monotonic clock, and what must be added to that clock for UTC, nanoseconds."""

    start_ns: int
    end_ns: int
    clock_offset_ns: int | None  # None: what landed does not say, so its hours are not known


def hour_slices(window: Window) -> list[tuple[int, int, int]]:
    """(hour, start, end) of each hour that a window touches: hours since 1970 UTC, nanoseconds of its own clock.

    Empty if the clock's offset is not known.
    """
    slices: list[tuple[int, int, int]] = []
    if window.clock_offset_ns is None:
        return slices
    start = window.start_ns + window.clock_offset_ns
    end = window.end_ns + window.clock_offset_ns
    for hour in range(start // HOUR_NS, max(start, end - 1) // HOUR_NS + 1):
        first, last = max(start, hour * HOUR_NS), min(end, (hour + 1) * HOUR_NS)
        slices.append((hour, first - window.clock_offset_ns, last - window.clock_offset_ns))
    return slices


def hourly_fact(
    yearly: Fact,
    hours: Mapping[int, GridHour],
    window: Window,
    energy_between: Callable[[int, int], Account | None],
) -> tuple[Fact | None, str | None]:
    """The intensity of the hours of a window, weighted by the energy of each, as a fact.

    Args:
        yearly: the yearly figure of the same zone, which stands where hours are missing.
        hours: what is known of the zone, by hours since 1970.
        window: the measured window.
        energy_between: energy from one reading of the clock to another, by the meters; None or unknown where they
            cannot tell. The energy is then taken to be spread evenly.

    Returns:
        The fact, or None if an hour is missing; and what a reader should know.
    """
    slices = hour_slices(window)
    missing = [hour for hour, _, _ in slices if hour not in hours]
    if len(missing) == len(slices):
        return None, None
    if missing:
        return None, (
            f"{len(missing)} of the {len(slices)} hours of the window are not in grid_hours for"
            f" {yearly.ledger_key}, the first at {_words(missing[0])}: the yearly mean stands"
        )
    shares, how = _shares(slices, window, energy_between)
    known = [hours[hour] for hour, _, _ in slices]
    mixed = hourly_gco2e_per_kwh(shares, [hour.gco2e_per_kwh for hour in known])
    count = "1 hour" if len(slices) == 1 else f"{len(slices)} hours{how}"
    return Fact(
        quantity=q.GRID,
        low=mixed.low,
        central=mixed.central,
        high=mixed.high,
        basis="estimated",
        valid_from=_words(slices[0][0]),
        source=f"{'; '.join(dict.fromkeys(hour.source for hour in known))}: {yearly.ledger_key}, {count}"
        f" from {_words(slices[0][0])}",
        ledger=HOURLY,
        ledger_key=yearly.ledger_key,
    ), None


def _shares(
    slices: Sequence[tuple[int, int, int]], window: Window, energy_between: Callable[[int, int], Account | None]
) -> tuple[list[float], str]:
    if len(slices) == 1:
        return [1.0], ""
    accounts = [energy_between(start, end) for _, start, end in slices]
    known = [one.value.central for one in accounts if one is not None and one.value is not None]
    if len(known) == len(slices) and sum(known) > 0:
        return [joules / sum(known) for joules in known], ", weighted by the energy metered in each,"
    length = window.end_ns - window.start_ns
    return [(end - start) / length for _, start, end in slices], ", weighted by time,"


def _words(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%dT%H:00Z}"
