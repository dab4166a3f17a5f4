"""Emissions as the page `carbon` shows them: by a convention, per a unit, in parts and step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from ui import words
from ui.quantities import COMPONENTS

Record = Mapping[str, Any]
Side = Literal["operational", "embodied"]
CONVENTIONS: Mapping[str, str] = MappingProxyType({"location": "Location", "market": "Market"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Per:
    """What emissions are counted for: shown value = grams of the window / `served` of its row * scale."""

    id: str
    title: str
    unit: str
    served: str | None  # column of the row; None counts the window once
    scale: float = 1.0
    water_unit: str = "L"
    water_scale: float = 1.0


PER: Mapping[str, Per] = MappingProxyType(
    {
        "mtok": Per(
            id="mtok", title="per million output tokens", unit="gCO2e/Mtok", served="output_mtok", water_unit="L/Mtok"
        ),
        "request": Per(
            id="request",
            title="per answered request",
            unit="mgCO2e/request",
            served="requests",
            scale=1e3,
            water_unit="mL/request",
            water_scale=1e3,
        ),
        "window": Per(id="window", title="of the measured window", unit="gCO2e", served=None),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A figure from low to high, in the unit in which it is shown."""

    low: float
    central: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One target under one convention; a part that is None is unknown, and `reason` says why."""

    target_id: str
    row: Record
    operational: Range | None
    embodied: Range | None
    total: Range | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the way from energy to the total: a bar from `start` to `end`, in the unit shown."""

    label: str
    start: float
    end: float
    kind: Literal["operational", "embodied", "sum"]
    low: float | None = None
    high: float | None = None
    energy_j: float | None = None
    basis: str = ""

    @property
    def size(self) -> float:
        """What the step adds, or, of a sum, all up to it."""
        return self.end - self.start


def entries(rows: Sequence[Record], convention: str, per: Per) -> list[Entry]:
    """Targets with the lowest known total first, then those known in part, then by name."""
    found = [_entry(row, convention, per) for row in rows]
    return sorted(found, key=_by_total)


def per_unit(row: Record, column: str, per: Per) -> Range | None:
    """A quantity of the window per what it is counted for; None if either is unknown."""
    central = row[column]
    served = 1.0 if per.served is None else row[per.served]
    if central is None or not served:
        return None
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    each = per.scale / served
    return Range(
        low=(central if low is None else low) * each,
        central=central * each,
        high=(central if high is None else high) * each,
    )


def steps(entry: Entry, parts: Sequence[Record]) -> list[Step]:
    """From the energy of each component over the building to operational, and on to embodied and the total.

    Args:
        entry: the target, by the convention and per the unit that are shown.
        parts: its rows of the view carbon_breakdown, which is by location; what was bought has another intensity but
            the same energy and the same building, so each part keeps its share.
    """
    found: list[Step] = []
    at = 0.0
    operational = [part for part in parts if part["side"] == "operational"]
    whole = sum(part["gco2e"] for part in operational)
    if entry.operational is not None and whole:
        for part in operational:
            size = part["gco2e"] / whole * entry.operational.central
            if size or part["energy_j"] is None:
                step = Step(
                    label=_part_label(part, entry.row),
                    start=at,
                    end=at + size,
                    kind="operational",
                    energy_j=part["energy_j"],
                    basis=part["basis"],
                )
                found.append(step)
                at += size
        found.append(_sum("= Operational", entry.operational, entry.row["operational_basis"]))
    elif entry.operational is not None:
        found.append(_sum("Operational", entry.operational, entry.row["operational_market_basis"]))
    at = 0.0 if entry.operational is None else entry.operational.central
    if entry.embodied is not None:
        found.append(
            Step(
                label="Embodied",
                start=at,
                end=at + entry.embodied.central,
                kind="embodied",
                low=at + entry.embodied.low,
                high=at + entry.embodied.high,
                basis=entry.row["embodied_basis"],
            )
        )
    if entry.total is not None:
        found.append(_sum("= Total", entry.total, entry.row["basis"]))
    return found


def _entry(row: Record, convention: str, per: Per) -> Entry:
    column = "operational_gco2e" if convention == "location" else "operational_market_gco2e"
    operational, embodied = per_unit(row, column, per), per_unit(row, "embodied_gco2e", per)
    total = None
    if operational is not None and embodied is not None:
        total = Range(
            low=operational.low + embodied.low,
            central=operational.central + embodied.central,
            high=operational.high + embodied.high,
        )
    why = [row["market_reason"]] if convention == "market" and operational is None else []
    why += [row["reason"]] if (embodied is None or convention == "location") and total is None else []
    return Entry(
        target_id=row["target_id"],
        row=row,
        operational=operational,
        embodied=embodied,
        total=total,
        reason="; ".join(reason for reason in why if reason),
    )


def _by_total(entry: Entry) -> tuple[int, float, str]:
    if entry.total is not None:
        return 0, entry.total.central, entry.target_id
    return (1 if entry.operational or entry.embodied else 2), 0.0, entry.target_id


def _sum(label: str, of: Range, basis: str | None) -> Step:
    return Step(label=label, start=0.0, end=of.central, kind="sum", low=of.low, high=of.high, basis=basis or "")


def _part_label(part: Record, row: Record) -> str:
    name: str = part["part"]
    if part["energy_j"] is None:
        return f"+ Building (PUE {words.figure(row['pue'])})" if row["pue"] is not None else "+ Building (PUE)"
    component, _, state = name.partition(" ")
    said = words.sentence(COMPONENTS.get(component, component))
    return f"{said}, {state}" if state else said
