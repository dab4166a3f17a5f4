"""The ranking as a table of ten columns, and as a CSV file."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ui import words
from ui.markup import Cell, Column, Row
from ui.ranking import Absent, Entry, too_few
from ui.ranking_cells import (
    DAGGER,
    DASH,
    MIDDLE,
    Look,
    evidence_cell,
    figure_cell,
    groups,
    head,
    place_cell,
    shown,
    target_cell,
    widest_move,
)
from warehouse.certificates import is_fit, why_unfit
from warehouse.decision import Board, flat_rows
from warehouse.metrics import UTILITY, Metric


def columns(look: Look) -> list[Column]:
    """Heads of the table; the column ranked by is marked."""
    return [
        Column(
            title="#",
            unit=f"tier {MIDDLE} chance",
            hint="The places that 95 % confidence leaves; who shares a tier is not told apart from the best of it; the"
            " chance of being first",
        ),
        Column(title="Target", unit=f"provider {MIDDLE} model"),
        *(head(group, look) for group in groups(look)),
        Column(title="Basis", unit=f"n {MIDDLE} grade {MIDDLE} age", hint="The grade is that of the load client"),
    ]


def table_rows(
    found: Sequence[Entry],
    missing: Sequence[Absent],
    reasons: Mapping[str, Mapping[str, Any]],
    look: Look,
    now: datetime,
) -> list[Row]:
    """Ranked targets, those that are not ranked, then, quietly, the ones that have nothing to rank.

    Args:
        found: targets, best first.
        missing: targets without figures.
        reasons: by target, why its cost, energy and emissions are unknown, where they are.
        look: what the table is asked for.
        now: for ages.
    """
    stale, widest = all_stale(found, now), widest_move(found, look.by)
    rows = []
    tier = 1
    for entry in found:
        said = reasons.get(entry.target_id, {})
        cells = [
            place_cell(entry),
            target_cell(entry, now, say_stale=not stale),
            *(figure_cell(group, entry, said, look, widest=widest) for group in groups(look)),
            evidence_cell(entry.row, now),
        ]
        of = entry.band.tier
        rows.append(Row(quiet=entry.rank is None, parted=of is not None and of != tier, cells=cells))
        tier = tier if of is None else of
    rest = [
        Row(
            quiet=True,
            cells=[
                Cell(main=DASH),
                Cell(main=item.target_id, badges=(words.state_badge(item.outcome),), strong=True, wide=True),
                Cell(main=item.reason, span=len(groups(look)) + 1, tone="quiet"),
            ],
        )
        for item in missing
    ]
    return [*rows, *rest]


def notes(
    found: Sequence[Entry],
    reasons: Mapping[str, Mapping[str, Any]],
    look: Look,
    now: datetime,
) -> list[str]:
    """The small print that the marks in this very table need."""
    lines = []
    if any(entry.rank is not None for entry in found):
        lines.append(
            f"{_ordered(found, look.by)}; the other columns are of the last measurement. Its dots are the nights of the"
            " window, oldest left, around the typical one, all rows on one scale."
        )
    for of in (of for group in groups(look) if UTILITY.id not in group for of in shown(group, look)):
        few = [entry for entry in found if too_few(of, entry.row)]
        if few and of.sample_column is not None:
            fewest = min(entry.row[of.sample_column] for entry in few)
            lines.append(
                f"{DAGGER} {of.title} of {words.count(fewest, 'attempt')} would say little more than the largest of"
                f" them: it is left blank below {of.min_attempts}."
            )
    lines += [f"{entry.target_id} is not ranked: {entry.band.reason}." for entry in found if entry.rank is None]
    lines += [
        f"{entry.target_id} is to be read with care: {why_unfit(entry.row)}."
        for entry in found
        if entry.rank is not None and not is_fit(entry.row)
    ]
    if any(entry.row["status"] != "completed" for entry in found):
        lines.append("timed out: the trial was ended at its deadline; the figures are of what it had measured by then.")
    if any(words.is_stale(entry.row["measured_at"], now) for entry in found) and not all_stale(found, now):
        lines.append("stale: not measured for two days.")
    if look.limits is not None:
        lines.append(
            f"In limits: attempts of the window that succeeded within {look.limits}, with a 95 % interval (Wilson's,"
            " over nights); who fails that for sure is listed and not ranked, who may keep it is ranked and marked."
        )
    lines += _unknowns(reasons)
    lines.append(
        f"Small figures are low {DASH} high. Basis is the weakest label among the inputs: measured, declared, modelled,"
        " estimated. Mtok: a million output tokens, the prompts of this workload included."
    )
    return lines


def all_stale(found: Sequence[Entry], now: datetime) -> bool:
    """Whether no night has measured anything for two days: said once above the table, not in each of its rows."""
    return bool(found) and all(words.is_stale(entry.row["measured_at"], now) for entry in found)


def to_csv(board: Board) -> str:
    """The ranking in base units, one row a target: every column of the view leaderboard, its place and its band."""
    rows = flat_rows([board])
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(rows[0])
    writer.writerows([_csv_value(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _unknowns(reasons: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Why figures are unknown, each reason said once with those it holds for."""
    holds: dict[tuple[str, str], list[str]] = {}
    for target, why in reasons.items():
        for what in ("cost", "energy", "emissions"):
            if why[what]:
                holds.setdefault((what, why[what]), []).append(target)
    return [f"Unknown {what} of {words.listed(targets)}: {reason}." for (what, reason), targets in holds.items()]


def _ordered(found: Sequence[Entry], by: Metric) -> str:
    """What the order, and the column that it is of, are of."""
    nights = max(entry.band.n_runs for entry in found)
    if nights < 2:
        return f"The order is of one night: how {by.title} varies from night to night shows after 3"
    return (
        f"The order, its bands and the column {by.title} are of the typical of {words.count(nights, 'night')}, with"
        " what a night did to all targets taken out"
    )


def _csv_value(value: Any) -> Any:  # noqa: ANN401 - a cell of a view: text, number, instant, boolean or nothing
    """A spreadsheet runs a text that begins like a formula: such a name gets an apostrophe before it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
