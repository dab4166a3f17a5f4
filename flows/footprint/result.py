"""What `megatoken footprint` answers, whatever was asked."""

from dataclasses import dataclass

from warehouse.formulas.interval import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One figure that an answer rests on."""

    quantity: str  # named with its unit, e.g. grid_gco2e_per_kwh
    value: Interval
    source: str  # where it was taken from, or 'command line'
    tag: str | None = None  # read, computed or recalled, see table `factors`
    factor_version: str | None = None  # of the ledger's row, see table `factors`


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Energy, emissions and what they rest on. None is unknown, and `missing` says why."""

    subject: str  # what was asked, in words
    energy_kwh: Interval | None  # of the facility: IT energy x PUE
    operational_gco2e: Interval | None
    embodied_gco2e: Interval | None
    water_l: Interval | None
    duration_s: float | None
    method: str
    method_version: str
    formulas: tuple[str, ...]  # one line for each step, with the paper it is from
    sources: tuple[Source, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # plausibility, cross-checks, what a reader should know
