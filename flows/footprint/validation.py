"""The method against trainings whose footprint was published: `megatoken footprint validate`."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.footprint.show import MOST_COLUMNS, note_list
from flows.footprint.words import significant
from warehouse.formulas.carbon import embodied_gco2e, operational_gco2e
from warehouse.formulas.interval import exactly
from warehouse.formulas.llmcarbon import part_gco2e
from warehouse.formulas.mlco2 import mlco2_kgco2e, mlco2_kwh
from warehouse.formulas.training import achieved_tflops, training_device_s, training_energy_j, training_flop
from warehouse.reference.training import ValidationModel, parts, published, published_value, validation_models

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

S_PER_YEAR = 365 * 86_400.0
S_PER_DAY = 86_400.0
ROOMY_COLUMNS = 84  # what the table needs with two spaces between its columns
BLOOM, LLAMA, XLM = "BLOOM-176B", "LLaMA-65B", "XLM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """One training: what the formulas predict, what was reported, and what others predicted."""

    model: str
    predicted_tco2e: float
    actual_tco2e: float
    deviation_share: float  # predicted / actual - 1
    peak_efficiency_deviation_share: float  # with peak x efficiency instead of what was achieved
    published_tco2e: float  # by LLMCarbon's paper
    published_deviation_share: float
    ex_ante_deviation_share: float | None  # LLMCarbon's earlier table, in which operations are predicted too
    predicted_days: float
    reported_days: float
    mlco2_formula_tco2e: float
    mlco2_published_tco2e: float  # as LLMCarbon's paper has it, which does not follow from the formula


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Another published figure, and what our formulas make of its published inputs."""

    what: str
    predicted: float
    published: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The five models of LLMCarbon's table, other published figures, and what a reader must know of them."""

    models: tuple[Validated, ...]
    checks: tuple[Checked, ...]
    notes: tuple[str, ...]


def validation() -> Validation:
    """Everything recomputed from the ledgers' inputs.

    Raises:
        ReferenceDataError: a ledger lacks a row; names it.
    """
    return Validation(
        models=tuple(_validated(each) for each in validation_models()),
        checks=(_xlm_embodied(), *_bloom(), *_llama()),
        notes=_notes(),
    )


def as_json(found: Validation) -> dict[str, Any]:
    """What `--json` prints."""
    return dataclasses.asdict(found)


def _validated(model: ValidationModel) -> Validated:
    by_peak = achieved_tflops(exactly(model.peak_tflops), exactly(model.efficiency_share)).central
    device_s, predicted = _predict(model, model.achieved_tflops)
    early = published(model.model, "llmcarbon-ex-ante", "operational_tco2e")
    kwh = mlco2_kwh(model.tdp_w, model.device_count * model.reported_days * 24)
    return Validated(
        model=model.model,
        predicted_tco2e=predicted,
        actual_tco2e=model.actual_tco2e,
        deviation_share=predicted / model.actual_tco2e - 1,
        peak_efficiency_deviation_share=_predict(model, by_peak)[1] / model.actual_tco2e - 1,
        published_tco2e=published_value(model.model, "llmcarbon", "operational_tco2e"),
        published_deviation_share=published_value(model.model, "llmcarbon", "deviation_share"),
        ex_ante_deviation_share=None if early is None else early.value / model.actual_tco2e - 1,
        predicted_days=device_s / model.device_count / S_PER_DAY,
        reported_days=model.reported_days,
        mlco2_formula_tco2e=mlco2_kgco2e(kwh, model.grid_gco2e_per_kwh / 1000) / 1000,
        mlco2_published_tco2e=published_value(model.model, "mlco2", "operational_tco2e"),
    )


def _predict(model: ValidationModel, tflops: float) -> tuple[float, float]:
    """Device-seconds, and tonnes of running."""
    flop = training_flop(exactly(model.active_params), exactly(model.tokens))
    device_s = training_device_s(flop, exactly(tflops))
    energy_j = training_energy_j(device_s, exactly(model.system_power_w))
    grams = operational_gco2e(energy_j, exactly(model.pue), exactly(model.grid_gco2e_per_kwh))
    return device_s.central, grams.central / 1e6


def _xlm_embodied() -> Checked:
    xlm = next(each for each in validation_models() if each.model == XLM)
    machines = sum(part_gco2e(each.units, each.gco2e_per_unit) * each.part_count for each in parts() if each.part_count)
    years = published_value(XLM, "llmcarbon", "hardware_lifetime_years")
    used_s = xlm.reported_days * S_PER_DAY
    share = embodied_gco2e(exactly(machines), used_s, exactly(years * S_PER_YEAR), exactly(1), exactly(1))
    reported = published_value(XLM, "llmcarbon", "reported_embodied_tco2e")
    return Checked(what="XLM, embodied, by part", predicted=share.central / 1e6, published=reported, unit="tCO2e")


def _bloom() -> tuple[Checked, ...]:
    def value(quantity: str) -> float:
        return published_value(BLOOM, "bloom", quantity)

    used_s = value("device_hours") * 3600
    grid = exactly(value("grid_gco2e_per_kwh"))
    dynamic = operational_gco2e(training_energy_j(exactly(used_s), exactly(value("device_power_w"))), exactly(1), grid)
    idle = operational_gco2e(exactly(value("idle_kwh") * 3.6e6), exactly(1), grid)
    machine = value("device_embodied_gco2e") + value("server_embodied_gco2e") / value("devices_per_server_count")
    lifetime_s = exactly(value("hardware_lifetime_years") * S_PER_YEAR)
    utilisation = exactly(value("hardware_utilisation_share"))
    hardware = embodied_gco2e(exactly(machine), used_s, lifetime_s, exactly(1), utilisation)
    return tuple(
        Checked(what=f"BLOOM, {what}", predicted=grams.central / 1e6, published=value(quantity), unit="tCO2e")
        for what, grams, quantity in (
            ("dynamic (GPU hours x TDP)", dynamic, "dynamic_tco2e"),
            ("idle and infrastructure", idle, "idle_tco2e"),
            ("embodied", hardware, "embodied_tco2e"),
        )
    )


def _llama() -> tuple[Checked, ...]:
    def value(quantity: str) -> float:
        return published_value(LLAMA, "llama", quantity)

    energy_j = training_energy_j(exactly(value("device_hours") * 3600), exactly(value("device_power_w")))
    grams = operational_gco2e(energy_j, exactly(value("pue")), exactly(value("grid_gco2e_per_kwh")))
    return (
        Checked(
            what="LLaMA-65B, energy",
            predicted=energy_j.central / 3.6e9 * value("pue"),
            published=value("reported_mwh"),
            unit="MWh",
        ),
        Checked(
            what="LLaMA-65B, operational",
            predicted=grams.central / 1e6,
            published=value("operational_tco2e"),
            unit="tCO2e",
        ),
    )


def _notes() -> tuple[str, ...]:
    survey = published("GPT-3", "survey", "actual_tco2e")
    survey_mlco2 = published("GPT-3", "survey", "mlco2_deviation_share")
    xlm_cell = published(XLM, "mlco2", "deviation_share")
    noted = [
        "near-circular: efficiency, devices, system power, grid and PUE are the measured ones; what is tested is 6PD"
        " against the reported operations. `ex ante` is LLMCarbon's earlier table, which predicts operations and days"
        " too: the honest error before a training",
        "the columns of the paper are recalled, not read again; its inputs were read in its repository. T5: the paper"
        " prints 500 billion tokens, but its result follows from the repository's 600",
        "mlco2, paper: cited as LLMCarbon prints it; mlco2's own formula, TDP x hours x intensity, gives the column"
        " beside it",
    ]
    if survey is not None and survey_mlco2 is not None:
        noted.append(
            f"Dong and Xie (2024) misquote GPT-3: {significant(survey.value, 5)} t as actual ({survey.note}), and mlco2"
            f" {survey_mlco2.value:.0%} too high ({survey_mlco2.note})"
        )
    if xlm_cell is not None:
        noted.append(f"mlco2's cell of XLM, {xlm_cell.value:+.0%}: {xlm_cell.note}")
    return tuple(noted)


def print_validation(console: "Console", found: Validation) -> None:
    """The five as one table, the other checks, and the notes."""
    from rich.text import Text

    width = min(console.width, MOST_COLUMNS)
    console.print(Text("Operational emissions of five trainings, tCO2e", style="bold"), width=width)
    console.print(_model_table(found, gap=2 if width >= ROOMY_COLUMNS else 1), width=width)
    console.print()
    console.print(Text("Other published figures, from their published inputs", style="bold"), width=width)
    console.print(_check_table(found), width=width)
    console.print()
    console.print(note_list("notes", found.notes), width=width)


def _model_table(found: Validation, *, gap: int) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    for head in (
        "pre-\ndicted", "\nactual", "\ndelta", "by peak\nx eff.", "\npaper", "paper's\ndelta", "\nex ante",
        "mlco2,\npaper", "mlco2,\nformula",
    ):  # fmt: skip
        table.add_column(head, justify="right", no_wrap=True)
    for each in found.models:
        table.add_row(
            each.model,
            f"{each.predicted_tco2e:.2f}",
            f"{each.actual_tco2e:.1f}",
            _percent(each.deviation_share),
            _percent(each.peak_efficiency_deviation_share),
            f"{each.published_tco2e:.2f}",
            _percent(each.published_deviation_share),
            _percent(each.ex_ante_deviation_share),
            f"{each.mlco2_published_tco2e:.1f}",
            f"{each.mlco2_formula_tco2e:.1f}",
        )
    return table


def _check_table(found: Validation) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    for head in ("predicted", "published", "", "delta"):
        table.add_column(head, justify="left" if not head else "right", no_wrap=True)
    for each in found.checks:
        delta = _percent(each.predicted / each.published - 1)
        table.add_row(each.what, significant(each.predicted), significant(each.published), each.unit, delta)
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:+.2%}"
