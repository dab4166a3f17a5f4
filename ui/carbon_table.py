"""The twin of the chart of emissions: what each target's grams rest on, in ten columns, and as a CSV file."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ui import words
from ui.carbon import Entry, Per, Range, per_unit
from ui.carbon_words import who
from ui.certificate import grade_badge
from ui.markup import Badge, Cell, Column, Row
from ui.ranking import Absent
from warehouse.certificates import is_fit, why_unfit
from warehouse.energy_words import unlike_energies
from warehouse.metrics import UNKNOWN
from warehouse.range_words import range_words

Record = Mapping[str, Any]
DASH = "\N{EN DASH}"
MIDDLE = "\N{MIDDLE DOT}"


def columns(convention: str, per: Per) -> list[Column]:
    """Heads of the table; the side that the total counts is marked."""
    return [
        Column(title="Target", unit=f"provider {MIDDLE} model"),
        Column(title="Energy", unit="J/token", right=True, hint="IT energy in the window / output tokens"),
        Column(title="Grid", unit="gCO2e/kWh, PUE", right=True, hint="Intensity of the grid, and what it rests on"),
        Column(
            title="Operational",
            unit="by location",
            right=True,
            ranked_by=convention == "location",
            hint="Energy x PUE x intensity of the grid at the place",
        ),
        Column(
            title="Operational",
            unit="by market",
            right=True,
            ranked_by=convention == "market",
            hint="Energy x PUE x intensity of the electricity that was bought",
        ),
        Column(title="Embodied", unit=per.unit, right=True, hint="Its share of making the hardware"),
        Column(title="Total", unit=per.unit, right=True, hint=f"Operational by {convention}, and embodied"),
        Column(
            title="SCI",
            unit="mgCO2e/request",
            right=True,
            hint="Software Carbon Intensity, ISO/IEC 21031: by location, per answered request",
        ),
        Column(title="Water", unit=per.water_unit, right=True, hint="Operational: the site's and the grid's"),
        Column(
            title="Basis", unit=f"n {MIDDLE} age", hint="Weakest label among the inputs of operational and embodied"
        ),
    ]


def all_stale(found: Sequence[Entry], now: datetime) -> bool:
    """Whether no night has measured anything for two days: said once above the table, not in each of its rows."""
    return bool(found) and all(words.is_stale(entry.row["measured_at"], now) for entry in found)


def table_rows(found: Sequence[Entry], missing: Sequence[Absent], per: Per, now: datetime) -> list[Row]:
    """Targets in the order of the chart, then, quietly, those that have not been measured."""
    ranked = [_row(entry, per, now, say_stale=not all_stale(found, now)) for entry in found]
    rest = [
        Row(
            quiet=True,
            cells=[
                Cell(main=item.target_id, badges=(words.state_badge(item.outcome),), strong=True, wide=True),
                Cell(main=item.reason, span=9, tone="quiet"),
            ],
        )
        for item in missing
    ]
    return [*ranked, *rest]


def notes(found: Sequence[Entry]) -> list[str]:
    """Why figures are unknown, each reason once with the targets it holds for, and what the words mean."""
    holds: dict[str, list[str]] = {}
    for entry in found:
        row = entry.row
        for what, reason in (
            ("", row["reason"]),
            ("Operational by market", row["market_reason"]),
            ("Water", row["water_reason"]),
        ):
            # what lacks the energy lacks all that follows from it: said once is enough
            if reason and (not what or row["reason"] is None):
                text = f"{what}: {reason}" if what else words.sentence(reason)
                holds.setdefault(text, []).append(entry.target_id)
    lines = [f"Unknown for {words.listed(targets)}. {reason.rstrip('.')}." for reason, targets in holds.items()]
    lines += [
        f"{words.listed(targets)}: {note}."
        for note, targets in _grouped((entry.row["note"], entry.target_id) for entry in found if entry.row["note"])
    ]
    lines += [
        f"{entry.target_id} is to be read with care: {why_unfit(entry.row)}."
        for entry in found
        if not is_fit(entry.row)
    ]
    lines += [f"{words.sentence(caution)}." for caution in unlike_energies([entry.row for entry in found])]
    lines.append(
        f"Small figures are low {DASH} high. By location: the grid at the place; by market: the electricity that was"
        " bought, never filled with the other. Basis, from strong to weak: measured, declared, modelled, estimated."
    )
    return lines


def ranged(of: Range | None, *, hint: str = "", beneath: str = "") -> Cell:
    """A figure with its range beneath it, or unknown with its reason on hovering."""
    if of is None:
        return Cell(main=UNKNOWN, tone="quiet", hint=hint or "not known")
    return Cell(main=words.figure(of.central), beneath=beneath or ends(of.low, of.central, of.high))


def ends(low: float | None, central: float | None, high: float | None, scale: float = 1.0) -> str:
    """`0.11 - 0.19`, `exact` without any width, its width where rounding hides it; nothing where no range is known."""
    if low is None or central is None or high is None:
        return ""
    first, last = words.figure(low * scale), words.figure(high * scale)
    return range_words(low, high, (first, last), between=f" {DASH} ")


def _row(entry: Entry, per: Per, now: datetime, *, say_stale: bool) -> Row:
    row = entry.row
    return Row(
        cells=[
            Cell(
                main=entry.target_id,
                beneath=who(row),
                badges=_marks(row, now, say_stale=say_stale),
                strong=True,
                wide=True,
            ),
            _energy(row),
            _grid(row),
            ranged(per_unit(row, "operational_gco2e", per), hint=row["reason"] or ""),
            ranged(per_unit(row, "operational_market_gco2e", per), hint=row["market_reason"] or ""),
            ranged(per_unit(row, "embodied_gco2e", per), hint=row["reason"] or ""),
            ranged(entry.total, hint=entry.reason),
            _sci(row),
            _water(row, per),
            Cell(
                main=row["basis"] or UNKNOWN,
                beneath=f"n {row['n']} {MIDDLE} {words.age(row['measured_at'], now)}",
                tone="plain" if row["basis"] else "quiet",
                hint=words.instant(row["measured_at"]),
            ),
        ]
    )


def _energy(row: Record) -> Cell:
    if row["j_per_output_token"] is None:
        return Cell(main=UNKNOWN, tone="quiet", hint=row["energy_reason"] or "not known")
    low, central, high = (row[f"j_per_output_token{end}"] for end in ("_low", "", "_high"))
    return Cell(main=words.figure(central), beneath=ends(low, central, high), hint=f"basis: {row['energy_basis']}")


def _grid(row: Record) -> Cell:
    pue = f"PUE {words.figure(row['pue'])}" if row["pue"] is not None else "PUE unknown"
    if row["grid_gco2e_per_kwh"] is None:
        return Cell(main=UNKNOWN, beneath=pue, tone="quiet", hint=row["reason"] or "not known")
    return Cell(
        main=words.figure(row["grid_gco2e_per_kwh"]),
        beneath=f"{row['grid_kind']} {MIDDLE} {pue}",
        hint=row["grid_source"] or "",
    )


def _sci(row: Record) -> Cell:
    if row["sci_gco2e"] is None:
        return Cell(main=UNKNOWN, tone="quiet", hint=row["reason"] or "not known")
    low, central, high = (1e3 * row[f"sci_gco2e{end}"] for end in ("_low", "", "_high"))
    return ranged(Range(low=low, central=central, high=high))


def _water(row: Record, per: Per) -> Cell:
    served = 1.0 if per.served is None else row[per.served]
    if row["water_l"] is None or not served:
        return Cell(main=UNKNOWN, tone="quiet", hint=row["water_reason"] or "not known")
    each = per.water_scale / served
    return Cell(
        main=words.figure(row["water_l"] * each),
        beneath=ends(row["water_l_low"], row["water_l"], row["water_l_high"], each),
        hint=f"basis: {row['water_basis']}",
    )


def _marks(row: Record, now: datetime, *, say_stale: bool) -> tuple[Badge, ...]:
    marks = [] if is_fit(row) else [grade_badge(row["client_grade"], row["client_reasons"])]
    if say_stale and words.is_stale(row["measured_at"], now):
        marks.append(Badge(text="stale", tone="warn", hint="not measured for two days"))
    return tuple(marks)


def _grouped(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for text, target in pairs:
        found.setdefault(text, []).append(target)
    return list(found.items())
