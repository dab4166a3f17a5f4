"""The training formulas against trainings whose emissions were published: predicted, actual, and the difference."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from ui import words
from ui.charts import bare, ink, inline
from ui.markup import Cell, Column, Row
from warehouse.formulas.carbon import operational_gco2e
from warehouse.formulas.interval import exactly
from warehouse.formulas.training import training_device_s, training_energy_j, training_flop
from warehouse.reference.training import ValidationModel, published, validation_models

GRAMS_PER_TONNE = 1e6
PREDICTED, ACTUAL = "Predicted", "Reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """One training, in tonnes of CO2 equivalent."""

    of: ValidationModel
    predicted_tco2e: float

    @property
    def deviation_share(self) -> float:
        """How far the prediction is off, as a share of what was reported."""
        return self.predicted_tco2e / self.of.actual_tco2e - 1


def validated() -> list[Validated]:
    """Every training of the ledger, by the formulas that `megatoken footprint train` uses.

    Raises:
        ReferenceDataError: a row of the ledger lacks a figure.
    """
    found = []
    for model in validation_models():
        flop = training_flop(exactly(model.active_params), exactly(model.tokens))
        device_s = training_device_s(flop, exactly(model.achieved_tflops))
        energy_j = training_energy_j(device_s, exactly(model.system_power_w))
        grams = operational_gco2e(energy_j, exactly(model.pue), exactly(model.grid_gco2e_per_kwh))
        found.append(Validated(of=model, predicted_tco2e=grams.central / GRAMS_PER_TONNE))
    return found


def forecast(found: Sequence[Validated]) -> str:
    """How far off a true forecast was, where its authors printed one: with predicted operations, speed and devices."""
    said = []
    for one in found:
        early = published(one.of.model, "llmcarbon-ex-ante", "operational_tco2e")
        if early is not None:
            said.append(f"{one.of.model} {100 * (early.value / one.of.actual_tco2e - 1):+.1f} %")
    return f"LLMCarbon's own earlier forecasts, operations predicted too: {', '.join(said)}." if said else ""


def finding(found: Sequence[Validated]) -> str:
    """What the comparison shows, in one sentence."""
    worst = max(found, key=lambda one: abs(one.deviation_share))
    return (
        f"{words.count(len(found), 'published training')}: each predicted to within"
        f" {words.share(abs(worst.deviation_share))} of what was reported"
    )


def table(found: Sequence[Validated]) -> tuple[list[Column], list[Row]]:
    """The comparison as a table, with the inputs that it rests on."""
    columns = [
        Column(title="Training"),
        Column(title="Predicted", unit="tCO2e", right=True),
        Column(title="Reported", unit="tCO2e", right=True),
        Column(title="Difference", unit="%", right=True),
        Column(title="Inputs"),
        Column(title="Source"),
    ]
    return columns, [_row(one) for one in found]


def chart(found: Sequence[Validated], *, dark: bool = False) -> alt.LayerChart:
    """Predicted beside reported, on a log axis: they span two orders of magnitude."""
    inks = ink(dark)
    drawn = [
        {"model": one.of.model, "what": what, "tonnes": tonnes, "shown": f"{words.figure(tonnes)} tCO2e"}
        for one in found
        for what, tonnes in ((ACTUAL, one.of.actual_tco2e), (PREDICTED, one.predicted_tco2e))
    ]
    ends = [
        {"model": one.of.model, "reach": max(one.predicted_tco2e, one.of.actual_tco2e), "shown": _percent(one)}
        for one in found
    ]
    scale = alt.Scale(type="log", nice=False, padding=28)
    order = [one.of.model for one in found]
    y = alt.Y(
        "model:N",
        sort=order,
        axis=alt.Axis(title=None, domain=False, ticks=False, labelPadding=10, labelColor=inks["text"]),
    )
    x_axis = alt.Axis(
        title="tCO2e, operational (log axis)",
        values=[5, 10, 20, 50, 100, 200, 500],
        gridColor=inks["grid"],
        domain=False,
    )
    points = (
        alt.Chart(inline(drawn))
        .mark_point(filled=True, size=120, opacity=1)
        .encode(
            y=y,
            x=alt.X("tonnes:Q", scale=scale, axis=x_axis),
            color=alt.Color(
                "what:N",
                scale=alt.Scale(domain=[ACTUAL, PREDICTED], range=[inks["text"], inks["late"]]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            shape=alt.Shape(
                "what:N", scale=alt.Scale(domain=[ACTUAL, PREDICTED], range=["circle", "diamond"]), legend=None
            ),
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("what:N", title="figure"),
                alt.Tooltip("shown:N", title="value"),
            ],
        )
    )
    label = (
        alt.Chart(inline(ends))
        .mark_text(align="left", dx=12, fontWeight=600, color=inks["text"])
        .encode(y=y, x=alt.X("reach:Q", scale=scale), text="shown:N")
    )
    return bare(alt.LayerChart(layer=[points, label], height=34 * len(found) + 80), dark=dark)


def _row(one: Validated) -> Row:
    of = one.of
    inputs = (
        f"{words.figure(of.active_params / 1e9)} B parameters{' active' if of.kind == 'MoE' else ''},"
        f" {words.figure(of.tokens / 1e9)} B tokens, {words.figure(of.achieved_tflops)} TFLOP/s and"
        f" {words.figure(of.system_power_w)} W a {of.device}, PUE {words.figure(of.pue)},"
        f" {words.figure(of.grid_gco2e_per_kwh)} g/kWh"
    )
    return Row(
        cells=[
            Cell(main=of.model, beneath=of.kind, strong=True),
            Cell(main=words.figure(one.predicted_tco2e, 4)),
            Cell(main=words.figure(of.actual_tco2e, 4)),
            Cell(main=_percent(one)),
            Cell(main=inputs, wide=True),
            Cell(main=of.source, beneath=of.tag, wide=True),
        ]
    )


def _percent(one: Validated) -> str:
    return f"{100 * one.deviation_share:+.1f} %"
