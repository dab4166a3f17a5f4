"""The ranking as a table of ten columns, and as a CSV file."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ui import words
from ui.certificate import grade_badge
from ui.markup import Badge, Cell, Column, Row
from ui.ranking import Absent, Entry, range_text, too_few
from warehouse.certificates import is_fit, why_unfit
from warehouse.metrics import UNKNOWN, Metric, format_value, metric

# Metrics that share a column: the first is shown large, or whichever the ranking is by; the next one stands beneath it.
_COLUMNS: tuple[tuple[str, ...], ...] = (
    ("ttft_p50_s", "ttft_p95_s", "e2e_p50_s"),
    ("output_tokens_per_s", "tpot_p50_s"),
    ("goodput_share", "failed_share", "qoe_mean_share"),
    ("usd_per_output_mtok",),
    ("j_per_output_token",),
    ("operational_gco2e_per_output_mtok",),
    ("embodied_gco2e_per_output_mtok",),
)
_BASIS_OF = {
    "usd_per_output_mtok": "usd_basis",
    "j_per_output_token": "energy_basis",
    "operational_gco2e_per_output_mtok": "emissions_basis",
    "embodied_gco2e_per_output_mtok": "emissions_basis",
}
_REASON_OF = {
    "usd_per_output_mtok": "cost",
    "j_per_output_token": "energy",
    "operational_gco2e_per_output_mtok": "emissions",
    "embodied_gco2e_per_output_mtok": "emissions",
}
DAGGER = "\N{DAGGER}"
ABOUT = "\N{ALMOST EQUAL TO}"
DASH = "\N{EN DASH}"
MIDDLE = "\N{MIDDLE DOT}"


def columns(by: Metric) -> list[Column]:
    """Heads of the table; the column ranked by is marked."""
    shown = [_shown(group, by)[0] for group in _COLUMNS]
    return [
        Column(title="#", hint="Rank within this workload; equal values share a rank"),
        Column(title="Target", unit=f"provider {MIDDLE} model"),
        *(
            Column(
                title=of.title,
                unit=of.shown_unit,
                right=True,
                ranked_by=of.id == by.id,
                hint=f"{of.direction} is better",
            )
            for of in shown
        ),
        Column(title="Basis", unit=f"n {MIDDLE} grade {MIDDLE} age", hint="The grade is that of the load client"),
    ]


def table_rows(
    found: Sequence[Entry],
    missing: Sequence[Absent],
    reasons: Mapping[str, Mapping[str, Any]],
    by: Metric,
    now: datetime,
) -> list[Row]:
    """Ranked targets, then, quietly, the ones that have nothing to rank.

    Args:
        found: ranked targets, best first.
        missing: targets without figures.
        reasons: by target, why its cost, energy and emissions are unknown, where they are.
        by: the metric ranked by.
        now: for ages.
    """
    ranked = [
        _entry_row(entry, reasons.get(entry.target_id, {}), by, now, say_stale=not all_stale(found, now))
        for entry in found
    ]
    rest = [
        Row(
            quiet=True,
            cells=[
                Cell(main=DASH),
                Cell(main=item.target_id, badges=(words.state_badge(item.outcome),), strong=True, wide=True),
                Cell(main=item.reason, span=len(_COLUMNS) + 1, tone="quiet"),
            ],
        )
        for item in missing
    ]
    return [*ranked, *rest]


def notes(found: Sequence[Entry], reasons: Mapping[str, Mapping[str, Any]], by: Metric, now: datetime) -> list[str]:
    """The small print that the marks in this very table need."""
    lines = []
    if any(entry.overlaps for entry in found):
        lines.append(f"{ABOUT} Its range overlaps with that of a neighbour: the order between the two is not sure.")
    shown = [of for group in _COLUMNS for of in _shown(group, by)]
    for of in shown:
        few = [entry for entry in found if too_few(of, entry.row)]
        if few and of.sample_column is not None:
            fewest = min(entry.row[of.sample_column] for entry in few)
            lines.append(
                f"{DAGGER} {of.title} of {words.count(fewest, 'attempt')} would say little more than the largest of"
                f" them: it is left blank below {of.min_attempts}."
            )
    lines += [
        f"{entry.target_id} is {'not ranked' if entry.rank is None else 'to be read with care'}:"
        f" {why_unfit(entry.row)}."
        for entry in found
        if not is_fit(entry.row)
    ]
    if any(entry.row["status"] != "completed" for entry in found):
        lines.append("timed out: the trial was ended at its deadline; the figures are of what it had measured by then.")
    if any(words.is_stale(entry.row["measured_at"], now) for entry in found) and not all_stale(found, now):
        lines.append("stale: not measured for two days.")
    lines += _unknowns(reasons)
    lines.append(
        f"Small figures are low {DASH} high. Basis is the weakest label among the inputs: measured, declared, modelled,"
        " estimated. Mtok: a million output tokens, the prompts of this workload included."
    )
    return lines


def all_stale(found: Sequence[Entry], now: datetime) -> bool:
    """Whether no night has measured anything for two days: said once above the table, not in each of its rows."""
    return bool(found) and all(words.is_stale(entry.row["measured_at"], now) for entry in found)


def to_csv(found: Sequence[Entry]) -> str:
    """The ranking in base units, one row a target, with every column of the view leaderboard."""
    if not found:
        return ""
    out = io.StringIO()
    names = list(found[0].row)
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([_csv_value(entry.row[name]) for name in names] for entry in found)
    return out.getvalue()


def _unknowns(reasons: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Why figures are unknown, each reason said once with those it holds for."""
    holds: dict[tuple[str, str], list[str]] = {}
    for target, why in reasons.items():
        for what in ("cost", "energy", "emissions"):
            if why[what]:
                holds.setdefault((what, why[what]), []).append(target)
    return [f"Unknown {what} of {words.listed(targets)}: {reason}." for (what, reason), targets in holds.items()]


def _shown(group: tuple[str, ...], by: Metric) -> list[Metric]:
    first = by.id if by.id in group else group[0]
    return [metric(first), *[metric(other) for other in group if other != first][:1]]


def _entry_row(entry: Entry, reasons: Mapping[str, Any], by: Metric, now: datetime, *, say_stale: bool) -> Row:
    row = entry.row
    rank = DASH if entry.rank is None else str(entry.rank)
    return Row(
        cells=[
            Cell(main=f"{rank} {ABOUT}" if entry.overlaps else rank, strong=True),
            Cell(
                main=entry.target_id,
                beneath=_who(row),
                badges=_marks(entry, now, say_stale=say_stale),
                strong=True,
                wide=True,
            ),
            *(_figure_cell(_shown(group, by), row, reasons) for group in _COLUMNS),
            _evidence(row, now),
        ]
    )


def _figure_cell(shown: Sequence[Metric], row: Mapping[str, Any], reasons: Mapping[str, Any]) -> Cell:
    of = shown[0]
    value = row[of.column]
    if value is None and too_few(of, row):
        return Cell(main=f"{DASH} {DAGGER}", tone="quiet", hint=f"it needs {of.min_attempts} attempts")
    if value is None:
        reason = reasons.get(_REASON_OF.get(of.id, ""))
        return Cell(main=UNKNOWN, tone="quiet", hint=reason or "not known")
    beneath = range_text(of, row)
    if len(shown) > 1:
        other = shown[1]
        blank = too_few(other, row)
        text = DASH if blank else format_value(other, row[other.column])
        unit = "" if blank or other.shown_unit == of.shown_unit else f" {other.shown_unit}"
        name = other.title.split()[-1] if other.title.split()[0] == of.title.split()[0] else other.title
        beneath = f"{name} {text}{unit}{f' {DAGGER}' if blank else ''}"
    basis = row.get(_BASIS_OF.get(of.id, ""))
    return Cell(main=format_value(of, value), beneath=beneath, hint=f"basis: {basis}" if basis else "")


def _who(row: Mapping[str, Any]) -> str:
    parts = [row["provider"], row["model"], row["quantisation"], row["device"] or row["region"]]
    return f" {MIDDLE} ".join(str(part) for part in parts if part)


def _marks(entry: Entry, now: datetime, *, say_stale: bool) -> tuple[Badge, ...]:
    marks = []
    if not is_fit(entry.row):
        marks.append(grade_badge(entry.row["client_grade"], entry.row["client_reasons"]))
    if entry.row["status"] != "completed":
        marks.append(words.state_badge(entry.row["status"]))
    if entry.failed_since is not None:
        marks.append(Badge(text="failed since", tone="bad", hint=entry.failed_since))
    if say_stale and words.is_stale(entry.row["measured_at"], now):
        marks.append(Badge(text="stale", tone="warn", hint="not measured for two days"))
    return tuple(marks)


def _evidence(row: Mapping[str, Any], now: datetime) -> Cell:
    return Cell(
        main=row["basis"] or UNKNOWN,
        beneath=f"n {row['n']} {MIDDLE} {row['client_grade'] or '?'} {MIDDLE} {words.age(row['measured_at'], now)}",
        hint="; ".join((words.instant(row["measured_at"]), *(row["client_reasons"] or ()))),
        tone="plain" if row["basis"] else "quiet",
    )


def _csv_value(value: Any) -> Any:  # noqa: ANN401 - a cell of a view: text, number, instant, boolean or nothing
    """A spreadsheet runs a text that begins like a formula: such a name gets an apostrophe before it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
