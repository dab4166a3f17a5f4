"""A footprint as people read it, and as machines do."""

import dataclasses
from typing import TYPE_CHECKING, Any

from flows.footprint.result import Footprint, Source
from flows.footprint.words import COUNTS, scale_of, significant
from warehouse.formulas.interval import Interval

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MOST_COLUMNS = 100
SMALLEST_ALIKE_SHARE = 0.001


def total_gco2e(footprint: Footprint) -> Interval | None:
    """Operational and embodied; None unless both are known."""
    if footprint.operational_gco2e is None or footprint.embodied_gco2e is None:
        return None
    return footprint.operational_gco2e + footprint.embodied_gco2e


def as_json(footprint: Footprint) -> dict[str, Any]:
    """What `--json` prints: base units, each figure {low, central, high} or None."""
    shown = dataclasses.asdict(footprint)
    total = total_gco2e(footprint)
    shown["total_gco2e"] = None if total is None else dataclasses.asdict(total)
    shown["sources"] = [
        {
            "quantity": each.quantity,
            **dataclasses.asdict(each.value),
            "source": each.source,
            "tag": each.tag,
            "factor_version": each.factor_version,
        }
        for each in footprint.sources
    ]
    return shown


def print_footprint(console: "Console", footprint: Footprint) -> None:
    """Figures with their ranges, the steps, what they rest on, and what a reader should know."""
    from rich.text import Text

    width = min(console.width, MOST_COLUMNS)
    console.print(Text(footprint.subject, style="bold"), width=width)
    console.print()
    console.print(_figures(footprint), width=width)
    for head, lines in (("how", footprint.formulas), ("missing", footprint.missing), ("notes", footprint.notes)):
        if lines:
            console.print()
            console.print(note_list(head, lines), width=width)
    console.print()
    console.print(_facts(footprint), width=width)
    console.print(Text(f"method {footprint.method}, version {footprint.method_version}", style="dim"), width=width)


def _figures(footprint: Footprint) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    for head in ("low", "central", "high"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    emissions = (footprint.operational_gco2e, footprint.embodied_gco2e)
    most = max((each.central for each in emissions if each is not None), default=0.0)
    for name, value, unit in (
        ("energy", footprint.energy_kwh, "kWh"),
        ("operational", footprint.operational_gco2e, "gCO2e"),
        ("embodied", footprint.embodied_gco2e, "gCO2e"),
        ("total", total_gco2e(footprint), "gCO2e"),
        ("water", footprint.water_l, "l"),
    ):
        if value is None:
            table.add_row(name, "", Text("unknown", style="yellow"), "", "")
            continue
        # emissions are compared, so they share a unit while the smaller still has digits in it
        alike = unit == "gCO2e" and value.central > SMALLEST_ALIKE_SHARE * most
        by, shown_unit = scale_of(most if alike else value.central, unit)
        style = "bold" if name == "total" else ""
        shown = ("", significant(value.central / by), "")
        if value.low < value.high:  # three equal figures would look like a range
            shown = (significant(value.low / by), shown[1], significant(value.high / by))
        figures = [Text(each, style=style) for each in shown]
        table.add_row(Text(name, style=style), *figures, shown_unit)
    if footprint.duration_s is not None:
        by, shown_unit = scale_of(footprint.duration_s, "s")
        table.add_row("duration", "", significant(footprint.duration_s / by), "", shown_unit)
    return table


def note_list(head: str, lines: tuple[str, ...]) -> "Table":
    """A line each, wrapped under itself, with the head on the first."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(width=8, no_wrap=True, style="dim")
    table.add_column()
    for number, line in enumerate(lines):
        table.add_row(head if number == 0 else "", Text(line))
    return table


def _facts(footprint: Footprint) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("from", no_wrap=True)
    table.add_column("low - central - high", no_wrap=True)
    table.add_column("source")
    for each in footprint.sources:
        tag = f" ({each.tag})" if each.tag else ""
        table.add_row(each.quantity, _range(each), Text(f"{each.source}{tag}"))
    return table


def _range(source: Source) -> str:
    """A fact's range; of a mass or a count, which may be large, in the unit that suits it."""
    value = source.value
    if source.quantity.endswith("_gco2e"):
        by, unit = scale_of(value.central, "gCO2e")
    else:
        by, unit = next((scale for scale in COUNTS if value.central >= scale[0]), (1.0, ""))
    ends = (value.central,) if value.low == value.high else (value.low, value.central, value.high)
    return f"{' - '.join(significant(each / by) for each in ends)} {unit}".rstrip()
