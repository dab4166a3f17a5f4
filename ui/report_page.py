"""A report as one HTML file that asks nobody for anything: `ui.report_figures` in the tables of the pages."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Final

from ui import (
    canary,
    carbon,
    carbon_table,
    markup,
    method,
    method_words,
    overview,
    prices,
    ranking,
    ranking_table,
    runs,
    words,
)
from ui.markup import Column, Row
from ui.ranking_cells import MIDDLE, Look
from ui.report_charts import places_chart, provider_css, values_chart
from ui.report_figures import Report, WorkloadFigures
from ui.workload_words import terms_words
from warehouse.price_drifts import DRIFT_SHARE
from warehouse.price_shelf import on_day

TITLE: Final = "What a million tokens cost"
_FOLDER = Path(__file__).parent
_CHANGES = 30  # listed of a workload; an index of them is another command's


def html_of(report: Report, *, now: datetime, version: str) -> str:
    """The whole file.

    Args:
        report: the figures.
        now: when it is written; ages are counted to it.
        version: of Megatoken.
    """
    style = "".join(
        (
            (_FOLDER / "style.css").read_text(encoding="utf-8"),
            (_FOLDER / "report.css").read_text(encoding="utf-8"),
            provider_css(report.providers),
        )
    )
    script = (_FOLDER / "report.js").read_text(encoding="utf-8")
    # Nothing may be fetched; the two blocks below may run because their digests are named, and no other.
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; style-src-attr 'unsafe-inline'; script-src {_digest(script)};"
        " base-uri 'none'; form-action 'none'"
    )
    sections = [_workload(report, one, number, now) for number, one in enumerate(report.workloads)]
    body = [_head(report, now, version), *sections, _prices(report, now), _night(report, now), _method(report, version)]
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f'<meta name="generator" content="megatoken {escape(version)}">',
            f"<title>{TITLE}, {report.published_at:%Y-%m-%d}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>",
            *body,
            f"</main>\n<script>{script}</script>\n</body>\n</html>\n",
        )
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _head(report: Report, now: datetime, version: str) -> str:
    days = words.figure(report.window.total_seconds() / 86400)
    beneath = (
        f"Published {words.instant(report.published_at)} {MIDDLE} nights of the last {days} days"
        f" {MIDDLE} {words.count(len(report.workloads), 'workload')}"
        f" {MIDDLE} written {words.instant(now)}, to which ages are counted {MIDDLE} megatoken {version}"
    )
    links = [(f"w{number}", one.workload_id) for number, one in enumerate(report.workloads)]
    links += [("prices", "Prices"), ("night", "Last night"), ("method", "Method")]
    ways = "".join(f'<a href="#{ident}">{escape(said)}</a>' for ident, said in links)
    return (
        f"<header>{markup.heading(TITLE, level=1, beneath=beneath)}"
        f'<nav class="rp-toc" aria-label="Contents">{ways}</nav></header>'
    )


def _workload(report: Report, one: WorkloadFigures, number: int, now: datetime) -> str:
    """A workload: who leads, everyone's places, the ranking, the figures drawn, emissions, and what changed."""
    name = one.workload_id
    targets = overview.order(one.answers, report.asked)
    parts = [_heading(2, f"Workload {name}", f"{terms_words(one.terms).rstrip('.')}.")]
    if not targets:
        parts += _ranking(report, one, now)
        return _section(f"w{number}", parts)
    first = one.answers[report.asked[0].key]
    nights = words.count(max(entry.band.n_runs for entry in first), "night")
    measured = f"{words.count(len(targets), 'target')} {MIDDLE} {nights} of the window"
    if one.measured_at is not None:
        measured += f" {MIDDLE} newest measured {words.instant(one.measured_at)}, {words.age(one.measured_at, now)}"
    parts.append(f'<p class="mt-sub">{escape(measured)}</p>')
    if one.measured_at is not None and words.is_stale(one.measured_at, now):
        parts.append(markup.verdict(*words.stale_verdict(one.measured_at, now)))
    level = overview.level_words([entry.verdict for entry in first])
    if level is not None:
        parts.append(markup.verdict(level[0], f"{level[1]} Asked for: {one.limits}."))
    badges = {target: canary.changed_badge(report.canaries.get(target)) for target in targets}
    marks = {target: badge for target, badge in badges.items() if badge is not None}
    parts.append(markup.tiles([overview.tile(question, one.answers[question.key], marks) for question in report.asked]))
    parts.append(_heading(3, overview.finding(one.answers, report.asked), overview.READ_SO))
    parts.append(places_chart(one.answers, report.asked, targets))
    parts.append(_table(overview.table(one.answers, report.asked, targets, marks), f"Four questions, {name}"))
    parts += _ranking(report, one, now)
    parts.append(_heading(3, "The figures behind the places", _DOTS))
    parts.append(f'<div class="rp-grids">{"".join(_values(report, one, number))}</div>')
    parts += _emissions(one, now)
    parts += _changes(one)
    return _section(f"w{number}", parts)


_DOTS = (
    "Dots are typical nights with their 95 % interval beside the others. Hollow: not ranked, or measured by a load"
    " client graded C or D."
)


def _ranking(report: Report, one: WorkloadFigures, now: datetime) -> list[str]:
    question = report.asked[0]
    found, look = one.answers[question.key], Look(by=question.by, limits=one.limits)
    rows = ranking_table.table_rows(found, one.missing, one.reasons, look, now)
    return [
        _heading(3, ranking.finding(found, question.by), f"Ranked by {question.by.title.lower()}"),
        _table((ranking_table.columns(look), rows), f"Ranking, {one.workload_id}", kind="mt-ranking"),
        markup.notes(ranking_table.notes(found, one.reasons, look, now)),
    ]


def _values(report: Report, one: WorkloadFigures, number: int) -> list[str]:
    drawn = []
    for question in report.asked:
        found = one.answers[question.key]
        chart = values_chart(found, question.by, report.providers, name=f"c{number}-{question.key}")
        if chart:
            out = markup.notes([_not_ranked(found)]) if any(entry.rank is None for entry in found) else ""
            drawn.append(f"<div><h4>{escape(ranking.finding(found, question.by))}</h4>{chart}{out}</div>")
    return drawn


def _not_ranked(found: Sequence[ranking.Entry]) -> str:
    """Who is not ranked, by reason."""
    holds: dict[str, list[str]] = {}
    for entry in found:
        if entry.rank is None:
            holds.setdefault(entry.band.reason or "no reason is known", []).append(entry.target_id)
    said = "; ".join(f"{words.listed(targets)}: {reason}" for reason, targets in holds.items())
    return f"Not ranked: {said}."


def _emissions(one: WorkloadFigures, now: datetime) -> list[str]:
    per = carbon.PER["mtok"]
    found = carbon.entries(one.emitted, "location", per)
    rows = carbon_table.table_rows(found, one.missing, per, now)
    return [
        _heading(3, "Emissions", f"Operational and embodied, {per.title}, each with its range."),
        _table((carbon_table.columns("location", per), rows), f"Emissions, {one.workload_id}"),
        markup.notes(carbon_table.notes(found)),
    ]


def _changes(one: WorkloadFigures) -> list[str]:
    if not one.changes:
        return [_heading(3, "Nothing changed", "No shift, odd night or price in the window.")]
    newest = max(row["changed_on"] for row in one.changes)
    said = f"{words.count(len(one.changes), 'change')} in the window, the newest on {newest}"
    beneath = "Shifts that last, nights far from their neighbours, and prices; what else differed is no cause."
    return [
        _heading(3, said, beneath),
        _table(overview.change_rows(one.changes[:_CHANGES]), f"What changed, {one.workload_id}"),
        markup.notes([f"{_CHANGES} of {len(one.changes)} are listed; `megatoken watch` lists them all."])
        if len(one.changes) > _CHANGES
        else "",
    ]


def _prices(report: Report, now: datetime) -> str:
    day = now.date()
    rows = on_day(report.shelf, day, tolerance_share=DRIFT_SHARE)
    parts = [_heading(2, "Prices", f"As of {day}, UTC {MIDDLE} before tax unless it is said")]
    if rows:
        parts.append(_heading(3, prices.finding(rows, day)))
        parts.append(_table((prices.columns(rows), prices.table_rows(rows)), "Prices"))
    own = [f"Not bought by the token, but by electricity and hardware: {words.listed(list(report.shelf.own), most=8)}."]
    rule = "The first source that states a price rules: a contract, then the price file, then the list."
    parts.append(markup.notes([*prices.drift_words(rows), *(own if report.shelf.own else []), rule]))
    return _section("prices", parts)


def _night(report: Report, now: datetime) -> str:
    run = report.last_night
    if run is None:
        return _section("night", [_heading(2, "Did the last night work?", "No night has been run yet.")])
    began = f"Began {words.instant(run['started_at'])}, {words.age(run['started_at'], now)}; run {run['run_id']}."
    return _section("night", [_heading(2, "Did the last night work?", began), markup.verdict(*runs.verdict(run))])


def _method(report: Report, version: str) -> str:
    parts = [
        _heading(2, "Method", f"megatoken {version} {MIDDLE} snapshot {report.snapshot_name}"),
        _heading(3, "What each figure is"),
        _table(method.metric_table(report.definitions), "Metrics"),
        _heading(3, "Formulas and their versions"),
    ]
    if report.methods:
        parts.append(_table(method.formula_table(report.methods), "Formulas in use"))
    else:
        parts.append(markup.notes(["Nothing has been accounted for yet."]))
    parts.append(_heading(3, "What these figures do not know"))
    parts.append(markup.listing(method_words.LIMITS))
    return _section("method", parts)


def _heading(level: int, text: str, beneath: str = "") -> str:
    below = f'<p class="mt-sub">{escape(beneath)}</p>' if beneath else ""
    return f'<h{level} class="mt-h{level - 1}">{escape(text)}</h{level}>{below}'


def _section(ident: str, parts: Sequence[str]) -> str:
    return f'<section id="{ident}">{"".join(parts)}</section>'


def _table(of: tuple[Sequence[Column], Sequence[Row]], label: str, *, kind: str = "") -> str:
    """A table of a page; ways to other pages are left out, as none lies beside the file."""
    columns, rows = of
    still = [replace(row, cells=[replace(cell, link=None) for cell in row.cells]) for row in rows]
    return markup.table(columns, still, label=label, kind=kind)
