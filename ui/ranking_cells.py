"""Cells of the ranking: which metrics share a column, what is shown large, and the nights as a line."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ui import words
from ui.certificate import grade_badge
from ui.markup import Badge, Cell, Column
from ui.ranking import Entry, ends_text, range_text, too_few
from warehouse.certificates import is_fit
from warehouse.metrics import UNKNOWN, UTILITY, Metric, format_value, metric
from warehouse.service_level import Limits, Verdict

_SPEED = ("output_tokens_per_s", "tpot_p50_s", "tpot_p95_s")
# Metrics that share a column: the first is shown large, or whichever the ranking is by; the next one stands beneath it.
_COLUMNS: tuple[tuple[str, ...], ...] = (
    ("ttft_p50_s", "ttft_p95_s", "e2e_p50_s", "e2e_p95_s"),
    _SPEED,
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
_VERDICTS = {
    "passes": Badge(text="keeps the level", tone="good"),
    "may-pass": Badge(text="may keep it", tone="warn"),
    "fails": Badge(text="fails the level", tone="bad"),
    "unknown": Badge(text="level unknown"),
}
DAGGER = "\N{DAGGER}"
DASH = "\N{EN DASH}"
MIDDLE = "\N{MIDDLE DOT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the table is asked for.

    `by` is the metric ranked by, or `UTILITY`; `percentile` that of the first token; `limits` the service level that is
    asked for, whose shares then stand in place of goodput; `own` the metrics of a task that is no chat, whose column
    then stands in place of that of output speed.
    """

    by: Metric
    percentile: Literal["p50", "p95"] = "p50"
    limits: Limits | None = None
    own: tuple[str, ...] = ()


def groups(look: Look) -> Sequence[tuple[str, ...]]:
    """The columns of figures; utility takes the place of energy, of which emissions say most."""
    own = look.own and look.by.id not in _SPEED
    columns = tuple(look.own if own and group == _SPEED else group for group in _COLUMNS)
    if look.by.id != UTILITY.id:
        return columns
    return ((UTILITY.id,), *(group for group in columns if group != ("j_per_output_token",)))


def shown(group: tuple[str, ...], look: Look) -> list[Metric]:
    """The metrics of a column, the first of them large."""
    of_ttft = f"ttft_{look.percentile}_s"
    first = look.by.id if look.by.id in group else of_ttft if of_ttft in group else group[0]
    return [metric(first), *[metric(other) for other in group if other != first][:1]]


def head(group: tuple[str, ...], look: Look) -> Column:
    """The head of a column."""
    if UTILITY.id in group:
        hint = "100 is the best in everything that has a weight; higher is better"
        return Column(title=UTILITY.title, unit="% of the best", right=True, ranked_by=True, hint=hint)
    of, by = shown(group, look)[0], look.by
    if _is_of_limits(group, look):
        return Column(title="In limits", unit="%", right=True, hint=f"share of attempts within {look.limits}")
    unit = f"{of.shown_unit}, typical" if of.id == by.id else of.shown_unit
    return Column(title=of.title, unit=unit, right=True, ranked_by=of.id == by.id, hint=f"{of.direction} is better")


def _is_of_limits(group: tuple[str, ...], look: Look) -> bool:
    return look.limits is not None and "goodput_share" in group and look.by.id not in group


def place_cell(entry: Entry) -> Cell:
    """Its band, its tier and its chance of being first."""
    if entry.rank is None:
        return Cell(main=DASH, strong=True)
    band = entry.band
    chance = "?" if band.p_first is None else words.chance(band.p_first)
    return Cell(main=entry.places, beneath=f"{band.tier} {MIDDLE} {chance}", strong=True)


def figure_cell(group: tuple[str, ...], entry: Entry, reasons: Mapping[str, Any], look: Look, *, widest: float) -> Cell:
    """A column's figure of one target: typical where it is ranked by, else of the last measurement.

    Args:
        group: one of `groups`.
        entry: the target.
        reasons: why its cost, energy and emissions are unknown, where they are.
        look: what the table is asked for.
        widest: of `widest_move`.
    """
    if UTILITY.id in group or (look.by.id in group and entry.rank is not None):
        return _ranked_cell(entry, look.by, widest)
    if _is_of_limits(group, look):
        return _limits_cell(entry.verdict)
    return _last_cell(shown(group, look), entry.row, reasons)


def _ranked_cell(entry: Entry, by: Metric, widest: float) -> Cell:
    if entry.value is None:
        return Cell(main=UNKNOWN, tone="quiet", hint=entry.band.reason or "")
    last = "" if by.id == UTILITY.id else f", last {format_value(by, entry.row[by.column])}"
    return Cell(
        main=format_value(by, entry.value),
        beneath=ends_text(by, entry.low, entry.high),
        hint=f"typical of {words.count(entry.band.n_runs, 'night')}{last}",
        spark=_spark(entry, by, widest),
    )


def _limits_cell(verdict: Verdict | None) -> Cell:
    if verdict is None or verdict.share is None:
        return Cell(main=UNKNOWN, tone="quiet", hint="" if verdict is None else verdict.reason or "")
    of = metric("goodput_share")
    return Cell(
        main=format_value(of, verdict.share),
        beneath=ends_text(of, verdict.low, verdict.high),
        hint=f"{verdict.good} of {verdict.offered} attempts of {words.count(verdict.trials, 'trial')}",
    )


def widest_move(found: Sequence[Entry], by: Metric) -> float:
    """How far a night is at most from the typical one, of all rows: as a ratio, of shares as a difference."""
    moves = [abs(move) for entry in found for move in _moves(entry, by) if move is not None]
    return max(moves, default=0.0)


def _moves(entry: Entry, by: Metric) -> list[float | None]:
    middle, nights = entry.value, entry.band.nights
    if entry.rank is None or middle is None:
        return []
    if by.unit == "share" and by.id != UTILITY.id:
        return [None if night is None else night - middle for night in nights]
    return [None if night is None or night <= 0 or middle <= 0 else math.log(night / middle) for night in nights]


def _spark(entry: Entry, by: Metric, widest: float) -> tuple[float | None, ...]:
    return tuple(None if move is None else 0.5 + move / (2 * max(widest, 1e-9)) for move in _moves(entry, by))


def _last_cell(metrics: Sequence[Metric], row: Mapping[str, Any], reasons: Mapping[str, Any]) -> Cell:
    of = metrics[0]
    value = row[of.column]
    if value is None and too_few(of, row):
        return Cell(main=f"{DASH} {DAGGER}", tone="quiet", hint=f"it needs {of.min_attempts} attempts")
    if value is None:
        reason = reasons.get(_REASON_OF.get(of.id, ""))
        return Cell(main=UNKNOWN, tone="quiet", hint=reason or "not known")
    beneath = range_text(of, row)
    if len(metrics) > 1:
        other = metrics[1]
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
    marks = [] if entry.verdict is None else [_VERDICTS[entry.verdict.standing]]
    if not is_fit(entry.row):
        marks.append(grade_badge(entry.row["client_grade"], entry.row["client_reasons"]))
    if entry.row["status"] != "completed":
        marks.append(words.state_badge(entry.row["status"]))
    if entry.failed_since is not None:
        marks.append(Badge(text="failed since", tone="bad", hint=entry.failed_since))
    if say_stale and words.is_stale(entry.row["measured_at"], now):
        marks.append(Badge(text="stale", tone="warn", hint="not measured for two days"))
    return tuple(marks)


def target_cell(entry: Entry, now: datetime, *, say_stale: bool) -> Cell:
    """Its name, who serves what, and what is to be known of it."""
    marks = _marks(entry, now, say_stale=say_stale)
    return Cell(main=entry.target_id, beneath=_who(entry.row), badges=marks, strong=True, wide=True)


def evidence_cell(row: Mapping[str, Any], now: datetime) -> Cell:
    """What kind of figures these are, of how many attempts, by how good a client, and how old."""
    return Cell(
        main=row["basis"] or UNKNOWN,
        beneath=f"n {row['n']} {MIDDLE} {row['client_grade'] or '?'} {MIDDLE} {words.age(row['measured_at'], now)}",
        hint="; ".join((words.instant(row["measured_at"]), *(row["client_reasons"] or ()))),
        tone="plain" if row["basis"] else "quiet",
    )
