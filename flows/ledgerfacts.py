"""Facts of the ledgers, each with the row that it was taken from and the version of that row.

A fact that was landed is never changed; `today` says what its row holds now, for an account under today's factors.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from flows.errors import ConfigError
from probes.errors import ProbeError
from warehouse.rows import FactRow

if TYPE_CHECKING:
    from probes.factors import GridIntensity
    from warehouse.accounting import Fact
    from warehouse.factors import Factor

GRID = "grid_gco2e_per_kwh"
EMBODIED = "hardware_embodied_gco2e"
PRICE_FILE = "price-file"  # a project's own, named in its config
OF_ZONE = ("wue_grid_l_per_kwh", "grid_adpe_kgsbeq_per_kwh", "grid_primary_mj_per_kwh")
# Where the column of a ledger has another name than the fact.
_COLUMNS = {("grid_intensity", GRID): "gco2e_per_kwh"}


def ledger_fact(quantity: str, ledger: str, key: str, *, trial_id: str, on: date, said: str = "") -> FactRow | None:
    """A fact as a row of a ledger gives it on a day; None if no row does.

    Args:
        quantity: name of the fact.
        ledger: name of the ledger.
        key: name of the row.
        trial_id: whose fact it is.
        on: day on which it is to hold.
        said: what to add to its source.
    """
    from warehouse.factors import current

    found = current(ledger, key, _COLUMNS.get((ledger, quantity), quantity), on=on)
    if found is None:
        return None
    return FactRow(
        trial_id=trial_id,
        quantity=quantity,
        low=found.low,
        central=found.central,
        high=found.high,
        basis="estimated",
        valid_from=found.valid_from,
        source=found.source + said,
        ledger=ledger,
        ledger_key=key,
        factor_version=found.factor_version,
    )


def yearly_grid_fact(zone: str, *, trial_id: str, on: date, where: str, said: str = "") -> FactRow:
    """Yearly grid intensity of a zone: the range of the published ones, else codecarbon's annual table.

    Raises:
        ConfigError: no table knows the zone, or none on that day: says which row to add.
    """
    found = ledger_fact(GRID, "grid_intensity", zone.upper(), trial_id=trial_id, on=on, said=said)
    if found is not None:
        return found
    from warehouse.errors import ReferenceDataError
    from warehouse.factors import version_of
    from warehouse.reference import published_grid_intensity

    try:
        published_grid_intensity(zone, on)
    except ReferenceDataError as error:  # the ledger has the zone: a table of a later year is no stand-in for a day
        raise ConfigError([f"{where} = {zone!r}: {error}"]) from None
    annual = _annual(zone, where)
    return FactRow(
        trial_id=trial_id,
        quantity=GRID,
        low=None,
        central=annual.gco2e_per_kwh,
        high=None,
        basis="estimated",
        valid_from=_first_day(annual),
        source=annual.source + said,
        ledger="codecarbon",
        ledger_key=zone,
        factor_version=version_of("codecarbon", zone, GRID),
    )


def zone_facts(zone: str, *, trial_id: str, on: date, said: str = "") -> Iterator[FactRow]:
    """Water, materials and primary energy of a grid: our ledger's, else EcoLogits'; none of a zone that neither has."""
    for quantity in OF_ZONE:
        for ledger in ("grid_impacts", "ecologits"):
            found = ledger_fact(quantity, ledger, zone.upper(), trial_id=trial_id, on=on, said=said)
            if found is not None:
                yield found
                break


def device_fact(counts: Mapping[str, float], *, trial_id: str, on: date) -> FactRow:
    """What making some devices emitted: their ranges times their counts, added up.

    Raises:
        ConfigError: a device is not in the ledger, or not on that day: names the row to add.
    """
    found = _devices(counts, on)
    missing = [name for name, factor in found.items() if factor is None]
    if missing:
        raise ConfigError(
            [
                f"site hardware devices: {name!r} is not in embodied.csv on {on}; add a row with its source to"
                " warehouse/reference/embodied.csv, or give embodied_kgco2e for the whole machine"
                for name in missing
            ]
        )
    known = {name: factor for name, factor in found.items() if factor is not None}
    return FactRow(
        trial_id=trial_id,
        quantity=EMBODIED,
        low=sum(counts[name] * (f.central if f.low is None else f.low) for name, f in known.items()),
        central=sum(counts[name] * f.central for name, f in known.items()),
        high=sum(counts[name] * (f.central if f.high is None else f.high) for name, f in known.items()),
        basis="estimated",
        valid_from=max(f.valid_from or "" for f in known.values()) or None,
        source="; ".join(f"{counts[name]:g} x {name} ({f.source})" for name, f in known.items()),
        ledger="embodied",
        ledger_key=" + ".join(f"{count:g} x {name}" for name, count in counts.items()),
        factor_version="+".join(f.factor_version for f in known.values()),
    )


def today(fact: "Fact") -> "Fact":
    """What the row of a fact holds today; the fact itself if it was declared, or its row is gone.

    A price stays: it is what was asked on that day, and no better knowledge of it comes later. Hours of a grid are
    not facts of a ledger: an account takes those that are known when it is made.
    """
    from datetime import UTC, datetime

    from warehouse.factors import current

    if fact.ledger is None or fact.ledger_key is None or fact.ledger in ("genai-prices", PRICE_FILE):
        return fact
    on = datetime.now(UTC).date()
    if fact.ledger == "embodied":
        row = _devices_today(fact.ledger_key, on)
        return fact if row is None else _as_of(fact, row)
    if fact.ledger == "codecarbon":
        return _codecarbon_today(fact)
    found = current(fact.ledger, fact.ledger_key, _COLUMNS.get((fact.ledger, fact.quantity), fact.quantity), on=on)
    return fact if found is None else _as_of(fact, found)


def _annual(zone: str, where: str) -> "GridIntensity":
    from probes.factors import grid_intensity

    try:
        return grid_intensity(zone)
    except ProbeError as error:
        raise ConfigError(
            [f"{where} = {zone!r}: {error}, or add a row for it to warehouse/reference/grid_intensity.csv"]
        ) from None


def _first_day(annual: "GridIntensity") -> str | None:
    return None if annual.year is None else f"{annual.year}-01-01"


def _codecarbon_today(fact: "Fact") -> "Fact":
    from warehouse.factors import version_of

    version = version_of("codecarbon", fact.ledger_key or "", GRID)
    if version == fact.factor_version:
        return fact
    annual = _annual(fact.ledger_key or "", "zone")
    return replace(
        fact,
        central=annual.gco2e_per_kwh,
        valid_from=_first_day(annual),
        source=annual.source,
        factor_version=version,
    )


def _devices(counts: Mapping[str, float], on: date) -> "dict[str, Factor | None]":
    from warehouse.factors import current

    return {name: current("embodied", name, "embodied_gco2e", on=on) for name in counts}


def _devices_today(ledger_key: str, on: date) -> FactRow | None:
    counts = {}
    for part in ledger_key.split(" + "):
        count, _, name = part.partition(" x ")
        counts[name] = float(count)
    if None in _devices(counts, on).values():
        return None
    return device_fact(counts, trial_id="", on=on)


def _as_of(fact: "Fact", row: "FactRow | Factor") -> "Fact":
    if row.factor_version == fact.factor_version:
        return fact
    return replace(
        fact,
        low=row.low,
        central=row.central,
        high=row.high,
        valid_from=row.valid_from,
        source=row.source,
        factor_version=row.factor_version,
    )
