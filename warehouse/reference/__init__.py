"""Dated facts with their sources, one CSV a ledger, looked up as of a day.

A ledger says of each row from when it holds (`valid_from`), where it was taken from and when (`source`,
`retrieved_on`). A new figure is a new row; rows are not edited, so that an old account can be explained.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from warehouse.errors import ReferenceDataError

FOLDER = Path(__file__).parent


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
    held = _held(rows, on, ledger_name="grid_intensity", wanted=f"grid intensity for zone {zone!r}")
    held = list({row["publisher"]: row for row in held}.values())  # the newest of each publisher
    figures = [float(row["gco2e_per_kwh"]) for row in held]
    central = next((row for row in held if row["is_central"] == "true"), held[-1])
    return ReferenceRange(
        low=min(figures),
        central=float(central["gco2e_per_kwh"]),
        high=max(figures),
        valid_from=central["valid_from"],
        source="; ".join(f"{row['gco2e_per_kwh']}: {row['source']}" for row in held),
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


@cache
def ledger(name: str) -> tuple[Mapping[str, str], ...]:
    """All rows of `NAME.csv`, as text, in the order of the file."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _range(ledger_name: str, key: str, wanted: str, column: str, on: date | None) -> ReferenceRange:
    rows = [row for row in ledger(ledger_name) if row[key] == wanted]
    if not rows:
        known = ", ".join(dict.fromkeys(row[key] for row in ledger(ledger_name)))
        raise ReferenceDataError(
            f"no {key} {wanted!r} in {ledger_name}.csv, which has {known}; add a row with its source"
        )
    row = _held(rows, on, ledger_name=ledger_name, wanted=f"{column} of {wanted!r}")[-1]
    return ReferenceRange(
        low=float(row[f"{column}_low"]),
        central=float(row[column]),
        high=float(row[f"{column}_high"]),
        valid_from=row["valid_from"],
        source=row["source"],
        retrieved_on=row["retrieved_on"],
    )


def _held(
    rows: Sequence[Mapping[str, str]], on: date | None, *, ledger_name: str, wanted: str
) -> list[Mapping[str, str]]:
    """Rows that hold on a day, the newest last."""
    in_order = sorted(rows, key=lambda row: row["valid_from"])
    held = [row for row in in_order if on is None or row["valid_from"] <= on.isoformat()]
    if not held:
        raise ReferenceDataError(
            f"no {wanted} on {on}; {ledger_name}.csv starts {in_order[0]['valid_from']}, add a row with its source"
        )
    return held
