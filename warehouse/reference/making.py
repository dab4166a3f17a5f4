"""What devices are made of and in which process, how long they last, and what providers declare of a prompt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from warehouse.errors import ReferenceDataError
from warehouse.formulas.device_model import GpuParts
from warehouse.formulas.fab import carbon_per_area_gco2e
from warehouse.formulas.interval import Interval, between, exactly
from warehouse.reference.ledgers import held, ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPrompt:
    """What a provider says that one of its prompts takes; None where it does not say."""

    prompt: str
    publisher: str
    energy_wh: float | None
    gco2e: float | None
    water_ml: float | None
    output_tokens: int | None
    boundary: str
    valid_from: str
    source: str
    tag: str


def fab_gco2e_per_cm2(node_nm: int, on: date | None = None) -> Interval:
    """Carbon per area of a process, by ACT's model; its ends are the ends of the abatement of process gases.

    Raises:
        ReferenceDataError: fab.csv does not have the node.
    """
    row = _row("fab", "node_nm", str(node_nm), on)
    return carbon_per_area_gco2e(
        fab_grid_gco2e_per_kwh=fab_constant("fab_grid_gco2e_per_kwh", on),
        epa_kwh_per_cm2=exactly(float(row["epa_kwh_per_cm2"])),
        gpa_gco2e_per_cm2=_range(row, "gpa_gco2e_per_cm2"),
        mpa_gco2e_per_cm2=exactly(float(row["mpa_gco2e_per_cm2"])),
        yield_share=fab_constant("fab_yield_share", on),
    )


def fab_constant(quantity: str, on: date | None = None) -> Interval:
    """A figure of fab_constants.csv, such as packaging_gco2e_per_ic."""
    row = _row("fab_constants", "quantity", quantity, on)
    return between(_figure(row["low"]), float(row["central"]), _figure(row["high"]))


def memory_gco2e_per_gb(technology: str, on: date | None = None) -> Interval:
    """Carbon per GB of a memory or storage technology of fab_memory.csv."""
    return _range(_row("fab_memory", "technology", technology, on), "gco2e_per_gb")


def gpu_parts(device: str, on: date | None = None) -> GpuParts:
    """What a GPU card is made of.

    Raises:
        ReferenceDataError: gpu_parts.csv does not have it.
    """
    row = _row("gpu_parts", "device", device, on)
    return GpuParts(
        die_mm2=float(row["die_mm2"]),
        memory_gb=float(row["memory_gb"]),
        memory_stacks_count=int(row["memory_stacks_count"]),
        casing_kg=float(row["casing_kg"]),
        heatsink_kg=float(row["heatsink_kg"]),
        board_cm2=float(row["board_cm2"]),
        mass_kg=float(row["mass_kg"]),
        boat_km=float(row["boat_km"]),
        truck_km=float(row["truck_km"]),
    )


def lifetime_years(kind: str, on: date | None = None) -> float:
    """How long a kind of hardware is held to last, see lifetimes.csv."""
    return float(_row("lifetimes", "kind", kind, on)["lifetime_years"])


def declared_prompts() -> tuple[DeclaredPrompt, ...]:
    """What providers have declared of a prompt, in the order of the file."""
    return tuple(
        DeclaredPrompt(
            prompt=row["prompt"],
            publisher=row["publisher"],
            energy_wh=_figure(row["energy_wh"]),
            gco2e=_figure(row["gco2e"]),
            water_ml=_figure(row["water_ml"]),
            output_tokens=int(row["output_tokens"]) if row["output_tokens"] else None,
            boundary=row["boundary"],
            valid_from=row["valid_from"],
            source=row["source"],
            tag=row["tag"],
        )
        for row in ledger("prompts_declared")
    )


def _row(name: str, column: str, key: str, on: date | None) -> Mapping[str, str]:
    rows = [row for row in ledger(name) if row[column] == key]
    if not rows:
        known = ", ".join(dict.fromkeys(row[column] for row in ledger(name)))
        raise ReferenceDataError(f"no {column} {key!r} in {name}.csv, which has {known}; add a row with its source")
    return held(rows, on, ledger_name=name, wanted=f"{column} {key!r}")[-1]


def _range(row: Mapping[str, str], column: str) -> Interval:
    return Interval(low=float(row[f"{column}_low"]), central=float(row[column]), high=float(row[f"{column}_high"]))


def _figure(cell: str) -> float | None:
    return float(cell) if cell else None
