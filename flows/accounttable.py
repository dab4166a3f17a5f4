"""An account as people read it in a terminal."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.accountreasons import numbered_reasons, reasons_table, sentence_of, unknown_text
from warehouse.account_report import AccountReport, ReportedFigure, ReportedSpread
from warehouse.accounting import Fact
from warehouse.energy_words import boundary_words

MOST_COLUMNS = 120
UNITS = {
    "energy_j": "J", "cost_usd": "USD", "usd": "USD", "emissions_gco2e": "gCO2e", "gco2e": "gCO2e", "water_l": "L",
    "adpe_kgsbeq": "kgSbeq", "primary_energy_mj": "MJ",
}  # fmt: skip
TITLES = {"water_l": "water", "adpe_kgsbeq": "materials (ADPe)", "primary_energy_mj": "primary energy"}
COMPONENTS = {
    "operational": "operational, location-based",
    "operational_market": "operational, market-based",
}
SPREADS = {"energy_j": "energy", "usd": "cost", "gco2e": "emissions", "water_l": "water"}
# What an input is called in a sentence; the name of the fact stands beside it.
INPUTS = {
    "hardware_embodied_gco2e": "the embodied estimate of the hardware",
    "endpoint_embodied_gco2e_per_output_mtok": "the embodied estimate per token",
    "endpoint_j_per_output_token": "the estimated energy per token",
    "grid_gco2e_per_kwh": "the intensity of the grid",
    "pue": "the PUE",
    "electricity_usd_per_kwh": "the tariff",
    "hardware_usd": "the price of the hardware",
    "wue_site_l_per_kwh": "the water of cooling",
    "wue_grid_l_per_kwh": "the water of the grid",
}
LEAST_SHARE = 0.01


def print_account(console: Console, report: AccountReport) -> None:
    """Figures by group, scores, what makes them uncertain in words, and every factor with its source."""
    width = min(console.width, MOST_COLUMNS)
    console.print(Text(report.trial_id, style="bold"))
    window = "no measured window" if report.window_s is None else f"window of {number(report.window_s)} s"
    console.print(
        Text(
            f"{report.started_at:%Y-%m-%d %H:%M} UTC, {window}; method {report.method_version},"
            f" accounted {report.recorded_at:%Y-%m-%d %H:%M} UTC",
            style="dim",
        )
    )
    console.print()
    console.print(figures_table(report), width=width)
    console.print()
    boundary = boundary_words([one.component for one in report.figures if one.group == "energy" and one.in_total])
    if boundary is not None:
        console.print(Text(f"Energy is {boundary}", style="dim"), width=width)
        console.print()
    if report.scores:
        console.print(scores_table(report), width=width)
        console.print()
    reasons = numbered_reasons(report)
    if reasons:
        console.print(Text("Unknown for want of", style="bold"))
        console.print(reasons_table(reasons), width=width)
        console.print()
    console.print(Text("How sure, and why", style="bold"))
    unknown = sentence_of(SPREADS.get(one.figure, one.figure) for one in report.spreads if one.missing is not None)
    if unknown:
        console.print(Text(unknown), width=width)
    for spread in (one for one in report.spreads if one.missing is None):
        console.print(Text(f"{SPREADS.get(spread.figure, spread.figure)}: {sure_words(spread)}"), width=width)
    exact = [fact.quantity for fact in report.factors if fact.basis == "estimated" and fact.low == fact.high]
    if exact:
        said = f"taken as exact, since their sources give no range: {', '.join(exact)}"
        console.print(Text(said, style="dim"), width=width)
    for note in dict.fromkeys(figure.note for figure in report.figures if figure.note is not None):
        console.print(Text(note, style="dim"), width=width)
    console.print()
    if not report.factors:
        console.print(Text("No factor is known of it.", style="dim"))
        console.print()
        return
    console.print(factors_table(report.factors), width=width)
    sources = Table.grid(padding=(0, 1, 0, 0))
    for source, label in _sources(report.factors).items():
        sources.add_row(Text(label, style="dim"), Text(source, style="dim"))
    console.print(sources, width=width)
    console.print()


def figures_table(report: AccountReport) -> Table:
    """A row a figure, in groups; an unknown one names its reasons by their numbers."""
    reasons = numbered_reasons(report)
    table = plain_table("")
    table.add_column("", overflow="fold")
    for head in ("low", "central", "high"):
        table.add_column(head, justify="right", no_wrap=True, style="bold" if head == "central" else "")
    table.add_column("unit", no_wrap=True, style="dim")
    table.add_column("basis", no_wrap=True)
    table.add_column("method", overflow="fold", style="dim")
    for group, members in groupby(report.figures, key=lambda figure: figure.group):
        table.add_row(Text(group, style="bold"))
        for figure in members:
            name = COMPONENTS.get(figure.component, figure.component)
            if figure.unit in TITLES:
                name = f"{TITLES[figure.unit]}, {figure.component}"
            if not figure.in_total:
                name += " (not in the total)"
            table.add_row(
                f"  {name}",
                number(figure.low),
                number(figure.central),
                number(figure.high),
                UNITS.get(figure.unit, figure.unit),
                figure.basis or "",
                figure.method.replace("-", " ") if figure.missing is None else unknown_text(figure.missing, reasons),
            )
            _add_parts(table, figure)
    return table


def _add_parts(table: Table, figure: ReportedFigure) -> None:
    for name, joules, said in (
        ("idle", figure.idle_j, "what it draws without requests, over the window"),
        ("active", figure.active_j, "on top of idle"),
        ("reading error", figure.error_bound_j, "at most, by reading the meter at instants"),
    ):
        if joules is not None:
            table.add_row(f"    {name}", "", number(joules), "", "J", "", said, style="dim")


def scores_table(report: AccountReport) -> Table:
    """Software Carbon Intensity, a row a functional unit; an unknown one names its reasons by their numbers."""
    reasons = numbered_reasons(report)
    table = plain_table("Software Carbon Intensity, (O + M) per R, location-based")
    table.add_column("R", no_wrap=True)
    table.add_column("served", justify="right", no_wrap=True)
    for head in ("low", "gCO2e per R", "high"):
        table.add_column(head, justify="right", no_wrap=True, style="" if head in ("low", "high") else "bold")
    table.add_column("", overflow="fold")
    for score in report.scores:
        table.add_row(
            score.functional_unit,
            number(score.functional_units),
            number(score.low),
            number(score.central),
            number(score.high),
            unknown_text(score.missing, reasons) if score.missing else "",
        )
    return table


def factors_table(factors: Sequence[Fact]) -> Table:
    """Every factor with its value, label, date and version; its source goes by a number."""
    labels = _sources(factors)
    table = plain_table("Factors")
    table.add_column("factor", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True, style="bold")
    table.add_column("low-high", justify="right", no_wrap=True, style="dim")
    table.add_column("basis", no_wrap=True)
    table.add_column("from", no_wrap=True)
    table.add_column("version", overflow="fold", style="dim")
    table.add_column("source", no_wrap=True, style="dim")
    for fact in factors:
        ranged = fact.low != fact.high
        table.add_row(
            fact.quantity,
            number(fact.central),
            f"{number(fact.low)}-{number(fact.high)}" if ranged else "",
            fact.basis,
            fact.valid_from or "",
            fact.factor_version or "",
            labels[fact.source],
        )
    return table


def _sources(factors: Sequence[Fact]) -> dict[str, str]:
    return {source: f"[{nth}]" for nth, source in enumerate(dict.fromkeys(f.source for f in factors), start=1)}


def sure_words(spread: ReportedSpread) -> str:
    """What the draws of a figure say, in a sentence."""
    unit = UNITS.get(spread.figure, spread.figure)
    if not spread.variance_shares:
        return f"{number(spread.p50)} {unit}; no input of it has a range"
    likely = f"{number(spread.p05)} to {number(spread.p95)} {unit} in 90 % of {spread.draws} draws"
    parts = [
        f"{input_words(quantity)} ({round(share * 100)} % of the variance)"
        for quantity, share in spread.variance_shares
        if share >= LEAST_SHARE
    ]
    first, *others = parts or ["many small parts"]
    then = f", then {', '.join(others)}" if others else ""
    return f"{likely}, median {number(spread.p50)}; mostly {first}{then}"


def input_words(quantity: str) -> str:
    """An input of a figure as a sentence has it."""
    if quantity.startswith("energy_j of "):
        return f"the energy of the {quantity.removeprefix('energy_j of ')}"
    return INPUTS.get(quantity, quantity)


def number(value: float | None) -> str:
    """Four significant digits; a dash for what is not known."""
    if value is None:
        return "-"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        from flows.commands.explain import significant

        return significant(value)
    return f"{value:.3e}"


def plain_table(title: str) -> Table:
    """A table without lines; its title may be empty."""
    return Table(
        title=title or None, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False,
        padding=(0, 2, 0, 0),
    )  # fmt: skip
