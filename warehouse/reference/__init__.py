"""Dated facts with their sources, one CSV a ledger, looked up as of a day.

A ledger says of each row from when it holds (`valid_from`), where it was taken from and when (`source`,
`retrieved_on`). A new figure is a new row; rows are not edited, so that an old account can be explained.
"""

from dataclasses import dataclass
from datetime import date

from warehouse.errors import ReferenceDataError
from warehouse.reference.devices import Device, device
from warehouse.reference.ledgers import FOLDER, held, ledger

__all__ = [
    "FOLDER",
    "Device",
    "ReferenceRange",
    "device",
    "embodied_range",
    "ledger",
    "published_grid_intensity",
    "pue_range",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRange:
    """A figure with its range, in the unit of its ledger's column."""

    low: float
    central: float
    high: float
    valid_from: str  # ISO date
    source: str
    retrieved_on: str  # ISO date


def published_grid_intensity(zone: str, on: date | None = None) -> ReferenceRange | None:
    """Yearly grid intensity of a zone, gCO2e/kWh, spanned by the figures that several sources publish for it.

    Args:
        zone: ISO 3166 alpha-3 code of a country, or `WORLD`.
        on: day for which it is asked; the newest figures, if None.

    Returns:
        The range, or None if the ledger does not have the zone at all: other sources may.

    Raises:
        ReferenceDataError: the ledger has the zone, but only from a later day on.
    """
    rows = [row for row in ledger("grid_intensity") if row["zone"] == zone.upper()]
    if not rows:
        return None
    holding = held(rows, on, ledger_name="grid_intensity", wanted=f"grid intensity for zone {zone!r}")
    holding = list({row["publisher"]: row for row in holding}.values())  # the newest of each publisher
    figures = [float(row["gco2e_per_kwh"]) for row in holding]
    central = next((row for row in holding if row["is_central"] == "true"), holding[-1])
    return ReferenceRange(
        low=min(figures),
        central=float(central["gco2e_per_kwh"]),
        high=max(figures),
        valid_from=central["valid_from"],
        source="; ".join(f"{row['gco2e_per_kwh']}: {row['source']}" for row in holding),
        retrieved_on=central["retrieved_on"],
    )


def embodied_range(device: str, on: date | None = None) -> ReferenceRange:
    """Emissions of making a device (or a GB, a TB of it: see column `per`), gCO2e.

    Raises:
        ReferenceDataError: the ledger does not have the device, or not on that day.
    """
    return _range("embodied", "device", device, "embodied_gco2e", on)


def pue_range(hosting: str, on: date | None = None) -> ReferenceRange:
    """Power usage effectiveness of a kind of hosting.

    Raises:
        ReferenceDataError: the ledger does not have that kind, or not on that day.
    """
    return _range("pue", "hosting", hosting, "pue", on)


def _range(ledger_name: str, key: str, wanted: str, column: str, on: date | None) -> ReferenceRange:
    rows = [row for row in ledger(ledger_name) if row[key] == wanted]
    if not rows:
        known = ", ".join(dict.fromkeys(row[key] for row in ledger(ledger_name)))
        raise ReferenceDataError(
            f"no {key} {wanted!r} in {ledger_name}.csv, which has {known}; add a row with its source"
        )
    row = held(rows, on, ledger_name=ledger_name, wanted=f"{column} of {wanted!r}")[-1]
    return ReferenceRange(
        low=float(row[f"{column}_low"]),
        central=float(row[column]),
        high=float(row[f"{column}_high"]),
        valid_from=row["valid_from"],
        source=row["source"],
        retrieved_on=row["retrieved_on"],
    )
