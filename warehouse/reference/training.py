"""Trainings whose footprint somebody published: typed rows of ledgers."""

from dataclasses import dataclass
from typing import Literal

from warehouse.errors import ReferenceDataError
from warehouse.reference.ledgers import ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationModel:
    """One of the five trainings that LLMCarbon was validated with: its inputs, and what was reported of it."""

    model: str
    kind: Literal["dense", "MoE"]
    params: float
    active_params: float
    tokens: float
    grid_gco2e_per_kwh: float
    pue: float
    device: str
    tdp_w: float
    system_power_w: float  # average, per device
    peak_tflops: float
    achieved_tflops: float
    efficiency_share: float
    device_count: int
    reported_zettaflop: float  # 10^21 operations
    reported_days: float
    reported_mwh: float
    actual_tco2e: float
    source: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a machine as LLMCarbon accounts for it: area or capacity x emissions per unit."""

    part: str
    process: str
    per: Literal["cm2", "gb"]
    units: float  # of area (cm2) or capacity (GB), of one part
    gco2e_per_unit: float
    part_count: int | None  # in the machines that trained XLM; None if it was not among them
    printed_gco2e: float  # for one part, as the table has it: two of them are not units x emissions per unit
    source: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One figure that somebody printed about a training, in the unit that its quantity names."""

    model: str
    publisher: str
    quantity: str
    value: float
    note: str  # "" if nothing
    source: str
    tag: str


def validation_models() -> tuple[ValidationModel, ...]:
    """The five, in the order of LLMCarbon's table."""
    return tuple(
        ValidationModel(
            model=row["model"],
            kind="MoE" if row["kind"] == "MoE" else "dense",
            params=float(row["params"]),
            active_params=float(row["active_params"]),
            tokens=float(row["tokens"]),
            grid_gco2e_per_kwh=float(row["grid_gco2e_per_kwh"]),
            pue=float(row["pue"]),
            device=row["device"],
            tdp_w=float(row["tdp_w"]),
            system_power_w=float(row["system_power_w"]),
            peak_tflops=float(row["peak_tflops"]),
            achieved_tflops=float(row["achieved_tflops"]),
            efficiency_share=float(row["efficiency_share"]),
            device_count=int(row["device_count"]),
            reported_zettaflop=float(row["reported_zettaflop"]),
            reported_days=float(row["reported_days"]),
            reported_mwh=float(row["reported_mwh"]),
            actual_tco2e=float(row["actual_tco2e"]),
            source=row["source"],
            tag=row["tag"],
        )
        for row in ledger("training_validation")
    )


def parts() -> tuple[Part, ...]:
    """Every part of LLMCarbon's table, those of XLM's machines first."""
    return tuple(
        Part(
            part=row["part"],
            process=row["process"],
            per="gb" if row["per"] == "gb" else "cm2",
            units=float(row["units"]),
            gco2e_per_unit=float(row["gco2e_per_unit"]),
            part_count=int(row["part_count"]) if row["part_count"] else None,
            printed_gco2e=float(row["printed_gco2e"]),
            source=row["source"],
            tag=row["tag"],
        )
        for row in ledger("training_parts")
    )


def published(model: str, publisher: str, quantity: str) -> Published | None:
    """What a publisher printed of a training; None if it is not in the ledger."""
    wanted = (model, publisher, quantity)
    for row in ledger("training_published"):
        if (row["model"], row["publisher"], row["quantity"]) == wanted:
            return Published(
                model=model,
                publisher=publisher,
                quantity=quantity,
                value=float(row["value"]),
                note=row["note"],
                source=row["source"],
                tag=row["tag"],
            )
    return None


def published_value(model: str, publisher: str, quantity: str) -> float:
    """The same, where the ledger must have it.

    Raises:
        ReferenceDataError: it does not.
    """
    found = published(model, publisher, quantity)
    if found is None:
        raise ReferenceDataError(
            f"no {quantity} of {model} by {publisher} in training_published.csv; add a row with its source"
        )
    return found.value
