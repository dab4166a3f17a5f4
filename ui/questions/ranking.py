"""Who serves a million tokens best? One workload at a time, ranked by one metric."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from ui import markup, ranking, snapshot, words
from ui.charts import ranking_chart
from ui.choices import url_choice
from ui.ranking_table import MIDDLE, all_stale, columns, notes, table_rows, to_csv
from warehouse.certificates import is_fit
from warehouse.errors import WarehouseError
from warehouse.metrics import METRICS, Metric, metric
from warehouse.query import DEFAULT_METRIC

QUESTION = "Who serves a million tokens best?"
_GRADES = {"ab": "graded A or B", "any": "of any grade"}


def page() -> None:
    """Draw the page, or say in one sentence why there is nothing to draw."""
    tone: markup.Tone = "plain"
    drawn_from = None
    try:
        shown = snapshot.current()
        drawn_from = shown.path
        workloads = snapshot.workloads(shown.path)
        if workloads:
            draw(shown, workloads)
            snapshot.watch(drawn_from)
            return
        title, sentence = (
            "Nothing to rank yet",
            "The published snapshot holds no night yet: no target was planned under any workload.",
        )
    except WarehouseError as error:
        title, sentence, tone = "There is no snapshot to show", str(error), "warn"
    st.html(markup.heading(QUESTION, level=1))
    st.html(markup.panel(title, words.sentence(sentence), tone=tone, code="megatoken night"))
    snapshot.watch(drawn_from)


def draw(shown: snapshot.Snapshot, workloads: Sequence[str]) -> None:
    """Title and choices, the table, its small print, and the chart of the metric ranked by."""
    now = datetime.now(UTC)
    title, workload_box, metric_box, grades_box = st.columns([5, 2, 2, 2], vertical_alignment="bottom")
    with workload_box:
        workload = url_choice("Workload", "workload", workloads)
    with metric_box:
        ids = [DEFAULT_METRIC, *(of.id for of in METRICS if of.id != DEFAULT_METRIC)]
        chosen = url_choice("Rank by", "by", ids, show=_metric_label)
    with grades_box:
        grades = url_choice("Load client", "grades", list(_GRADES), show=_GRADES.__getitem__)
    by = metric(chosen.value)

    rows = snapshot.leaderboard(shown.path, by.id, workload.value, any_grade=grades.value == "any")
    outcomes = snapshot.latest_outcomes(shown.path, workload.value)
    found = ranking.entries(rows, outcomes, by)
    missing = ranking.absent(rows, outcomes)
    reasons = {row["target_id"]: row for row in snapshot.unknown_reasons(shown.path, workload.value)}

    with title:
        st.html(markup.heading(QUESTION, level=1, beneath=_terms(snapshot.workload_terms(shown.path, workload.value))))
    for note in (workload.note, chosen.note, grades.note):
        if note:
            st.html(markup.notes([note]))
    if all_stale(found, now):
        newest = max(entry.row["measured_at"] for entry in found)
        badge = markup.Badge(text="stale", tone="warn")
        st.html(
            markup.verdict(badge, f"Nothing here was measured since {words.instant(newest)}, {words.age(newest, now)}.")
        )
    st.html(
        markup.table(
            columns(by),
            table_rows(found, missing, reasons, by, now),
            kind="mt-ranking",
            label=f"Ranking of targets under {workload.value}",
        )
    )
    st.html(markup.notes([_window(rows, missing, shown, now)]))
    _chart(found, by, snapshot.providers(shown.path))
    st.html(markup.notes(notes(found, reasons, by, now)))
    st.download_button(
        "Download CSV",
        to_csv(found),
        file_name=f"ranking-{workload.value}.csv",
        mime="text/csv",
        disabled=not found,
        help="Every column of the view leaderboard, in base units",
    )


def _chart(found: Sequence[ranking.Entry], by: Metric, providers: Sequence[str]) -> None:
    chart = ranking_chart(found, by, providers, dark=st.context.theme.type == "dark")
    finding = ranking.finding(found, by)
    beneath = {
        "inputs": "Dots with the range from low to high.",
        "sample": "Dots with the 95 % interval, from resampled stretches of the trial.",
        None: "One night's figure; no range is known for this metric.",
    }[by.range_of]
    if any(not is_fit(entry.row) for entry in found):
        beneath += " Hollow: measured by a load client graded C or D."
    st.html(markup.heading(finding, beneath=beneath if chart else ""))
    if chart is not None:
        st.altair_chart(chart, alt=f"{finding}. The same figures stand in the table above.")


def _metric_label(metric_id: str) -> str:
    of = metric(metric_id)
    return f"{of.title}, {of.shown_unit}"


def _terms(terms: Sequence[Mapping[str, Any]]) -> str:
    """The workload's parameters in words."""
    if not terms:
        return "No target has been measured under this workload."
    said = [
        f"{_arrivals(t)} {MIDDLE} prompts of {t['prompt_tokens_asked']:,} tokens,"
        f" answers of {t['output_tokens_asked']:,}"
        f" {MIDDLE} service level: first token within {words.duration(t['slo_ttft_s'])},"
        f" then at most {words.figure(1e3 * t['slo_tpot_s'])} ms a token"
        for t in terms
    ]
    if len(said) == 1:
        return said[0]
    return "The workload's config changed between these measurements: " + "; or ".join(said)


def _arrivals(terms: Mapping[str, Any]) -> str:
    if terms["arrivals"] != "closed":
        return f"{words.figure(terms['rate_rps'])} requests/s ({terms['arrivals']})"
    return "One request at a time" if terms["concurrency"] == 1 else f"{terms['concurrency']} requests in flight"


def _window(
    rows: Sequence[Mapping[str, Any]], missing: Sequence[ranking.Absent], shown: snapshot.Snapshot, now: datetime
) -> str:
    """When, how many, how old."""
    failed = sum(item.outcome == "failed" for item in missing)
    ranked = sum(row["rank"] is not None for row in rows)
    parts = [f"{words.count(ranked, 'target')} ranked"]
    if ranked < len(rows):
        unfit = sum(row["rank"] is None and not is_fit(row) for row in rows)
        unknown = len(rows) - ranked - unfit
        parts += [f"{unfit} kept out by the grade of the load client"] if unfit else []
        parts += [f"{unknown} without a known value"] if unknown else []
    parts.append(f"{failed} failed")
    parts += [
        f"{number} {outcome}"
        for outcome in ("skipped", "waiting")
        if (number := sum(item.outcome == outcome for item in missing))
    ]
    if rows:
        times = [row["measured_at"] for row in rows]
        parts.append(f"measured {words.span(min(times), max(times))}")
    parts.append(f"snapshot of {words.instant(shown.published_at)} ({words.age(shown.published_at, now)})")
    return f" {MIDDLE} ".join(parts)


page()
