"""Who serves a million tokens best? One workload at a time, ranked by one metric or by weights of one's own."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ui import frame, markup, providers, ranking, ranking_snapshot, ranking_weights, slo, snapshot, words
from ui.charts import ranking_chart
from ui.choices import url_choice
from ui.entries import url_number
from ui.ranking_cells import MIDDLE, Look
from ui.ranking_table import all_stale, columns, notes, table_rows, to_csv
from ui.workload_words import terms_words
from warehouse.certificates import is_fit
from warehouse.decision import Board, Rules
from warehouse.metrics import TASK_METRICS, UTILITY, metric
from warehouse.query import DEFAULT_METRIC
from warehouse.weights import Weights, parse_weights

QUESTION = "Who serves a million tokens best?"
_GRADES = {"ab": "graded A or B", "any": "of any grade"}
_WEIGHTS = "weights"
_LISTED = 30
_ROWS = {"30": f"the first {_LISTED}", "all": "all"}


def draw(at: frame.Frame) -> None:
    """The table, its small print, why a target stands where it does, and the chart of what it is ranked by."""
    chosen = at.bar(workload=True, model=True, window=True, percentile=True, region=True)
    offered = [of.id for of in snapshot.metrics(at.shown.path, chosen.workload)]
    ids = [DEFAULT_METRIC, *(one for one in offered if one != DEFAULT_METRIC), _WEIGHTS]
    asked = at.box("Rank by", "by", ids, {metric_id: _label(metric_id) for metric_id in ids})
    limits = slo.asked_limits(at, chosen.workload)
    weights = _weights(chosen.percentile) if asked == _WEIGHTS else None
    by = UTILITY if asked == _WEIGHTS else metric(asked)
    table = st.container()
    with st.container(horizontal=True, gap="small"):
        explain = st.container(width=320)
        grades = url_choice("Load client", "grades", list(_GRADES), show=_GRADES.__getitem__, width=180)
        rows = st.container(width=140)

    rules = Rules(
        by=DEFAULT_METRIC if weights is not None else by.id,
        weights=weights,
        limits=limits,
        any_grade=grades.value == "any",
        window=chosen.window,
    )
    everything = snapshot.leaderboard(at.shown.path, rules.by, chosen.workload, any_grade=rules.any_grade)
    target_ids = tuple(row["target_id"] for row in everything if chosen.admits(row))
    board = ranking_snapshot.board(at.shown.path, chosen.workload, rules, target_ids)
    outcomes = snapshot.latest_outcomes(at.shown.path, chosen.workload)
    found = ranking.entries(board, outcomes, by)
    # of what was never measured neither model nor region is known
    missing = ranking.absent(everything, outcomes) if chosen.admits_all else []
    own = tuple(of.id for of in TASK_METRICS if of.id in offered)
    look = Look(by=by, percentile=chosen.percentile, limits=limits, own=own)
    with rows:
        shown, note = _listed(found)
    at.beneath(_count(found, missing, chosen.window_words))
    at.download(
        to_csv(board),
        f"ranking-{chosen.workload}.csv",
        help="Every column of the view leaderboard in base units, with places and bands",
    )
    reasons = {row["target_id"]: row for row in snapshot.unknown_reasons(at.shown.path, chosen.workload)}
    with table:
        st.html(markup.notes([note for note in (grades.note, note) if note]))
        _table(at, shown, missing if len(shown) == len(found) else [], reasons, look, chosen.workload)
        if len(shown) < len(found):
            st.html(markup.notes([f"{len(shown)} of {len(found)} targets are listed; Rows lists them all."]))
    with explain:
        said = _explained(found, look)
    st.html(markup.notes(said))
    _chart(at, shown, look, board, weights)
    if weights is None and chosen.admits_all:
        ratios = ranking_snapshot.ratios(at.shown.path, chosen.workload, rules)
        st.html(markup.heading("Which provider, whatever the model?", beneath=providers.explained(ratios, by)))
        if ratios:
            st.html(markup.table(*providers.ratio_table(ratios, by), label="Providers on the models that both serve"))
    terms = terms_words(snapshot.workload_terms(at.shown.path, chosen.workload))
    listed_reasons = {entry.target_id: reasons[entry.target_id] for entry in shown if entry.target_id in reasons}
    small_print = [line for line in notes(shown, listed_reasons, look, at.now) if line not in said]
    st.html(markup.notes([terms, *small_print]))


def _table(
    at: frame.Frame,
    shown: Sequence[ranking.Entry],
    missing: Sequence[ranking.Absent],
    reasons: Mapping[str, Mapping[str, Any]],
    look: Look,
    workload: str,
) -> None:
    if all_stale(shown, at.now):
        newest = max(entry.row["measured_at"] for entry in shown)
        st.html(markup.verdict(*words.stale_verdict(newest, at.now)))
    st.html(
        markup.table(
            columns(look),
            table_rows(shown, missing, reasons, look, at.now),
            kind="mt-ranking",
            label=f"Ranking of targets under {workload}",
        )
    )


def _listed(found: Sequence[ranking.Entry]) -> tuple[Sequence[ranking.Entry], str | None]:
    """The first rows, or all; and a sentence if the address asked for neither."""
    if len(found) <= _LISTED:
        return found, None
    listed = url_choice("Rows", "rows", list(_ROWS), show=_ROWS.__getitem__)
    return found if listed.value == "all" else found[:_LISTED], listed.note


def _explained(found: Sequence[ranking.Entry], look: Look) -> list[str]:
    """Why one target stands where it does; the first one unless another is asked for."""
    if not found:
        return []
    target = url_choice("Explain the place of", "explain", [entry.target_id for entry in found])
    said = ranking.explained(found, target.value, look.by)
    return [said] if target.note is None else [target.note, said]


def _chart(at: frame.Frame, shown: Sequence[ranking.Entry], look: Look, board: Board, weights: Weights | None) -> None:
    finding = ranking.finding(shown, look.by)
    if weights is None:
        chart = ranking_chart(shown, look.by, at.providers, dark=at.dark)
        drawn = (
            "Dots are typical nights with their"
            if look.by.has_range
            else "Bars are typical nights; the table has their"
        )
        beneath = f"{drawn} 95 % interval beside the others."
        if any(entry.rank is None or not is_fit(entry.row) for entry in shown):
            beneath += " Hollow: not ranked, or measured by a load client graded C or D."
        st.html(markup.heading(finding, beneath=beneath if chart else ""))
        if chart is not None:
            st.altair_chart(chart, alt=f"{finding}. The same figures stand in the table above.")
        return
    chart = ranking_weights.contributions_chart(shown, weights, dark=at.dark)
    ranked = [entry for entry in shown if entry.rank is not None]
    beneath = ranking_weights.leeway_sentence(board.leeways, ranked[0].target_id) if ranked else ""
    st.html(markup.heading(finding, beneath=beneath))
    if chart is not None:
        st.altair_chart(chart, alt=f"{finding}. What each metric adds stands in the table below.")
        st.html(markup.table(*ranking_weights.contribution_table(shown, weights), label="What each weight adds"))
        st.html(markup.heading("How far can a weight move?", beneath="The other weights keep their proportions."))
        st.html(markup.table(*ranking_weights.leeway_table(board.leeways, weights), label="Leeway of the weights"))


def _weights(percentile: str) -> Weights | None:
    """The weights in their boxes; None, and a sentence, where all are 0."""
    asked: dict[str, float] = {}
    said = []
    with st.container(horizontal=True, gap="small"):
        for alias, default in ranking_weights.DEFAULTS.items():
            title = ranking_weights.TITLES[alias]
            asked[alias], note = url_number(
                title, f"w_{alias}", default=default, low=0, high=100, step=1, width=120, decimals=2
            )
            said.append(note)
    if not any(asked.values()):
        said.append("All weights are 0: these are equal weights of cost and first token.")
        asked |= {"cost": 1, "ttft": 1}
    st.html(markup.notes([note for note in said if note]))
    return parse_weights(ranking_weights.weights_of(asked, percentile))


def _label(metric_id: str) -> str:
    if metric_id == _WEIGHTS:
        return "weights of my own"
    of = metric(metric_id)
    return f"{of.title}, {of.shown_unit}"


def _count(found: Sequence[ranking.Entry], missing: Sequence[ranking.Absent], window: str) -> str:
    """How many, of how many nights, and who is left out and why."""
    ranked = [entry for entry in found if entry.rank is not None]
    out = [entry for entry in found if entry.rank is None]
    failing = sum(entry.verdict is not None and entry.verdict.standing == "fails" for entry in out)
    unfit = sum(entry.verdict is None and not is_fit(entry.row) for entry in out)
    parts = [f"{words.count(len(ranked), 'target')} ranked"]
    parts += [f"{failing} failing the service level"] if failing else []
    parts += [f"{unfit} kept out by the grade of the load client"] if unfit else []
    rest = len(out) - failing - unfit
    parts += [f"{rest} without a figure to rank"] if rest else []
    parts += [
        f"{number} {outcome}"
        for outcome in ("failed", "skipped", "waiting")
        if (number := sum(item.outcome == outcome for item in missing))
    ]
    nights = max((entry.band.n_runs for entry in found), default=0)
    parts.append(words.nights_ranked_by(nights, window))
    return f" {MIDDLE} ".join(parts)


frame.page(QUESTION, draw)
