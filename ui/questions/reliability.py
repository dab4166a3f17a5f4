"""Can I depend on it? Uptime and service of every target under one workload, out of nights and pulses."""

import streamlit as st

from ui import frame, markup, reliability, reliability_lists, reliability_snapshot, words
from ui.reliability_chart import classes_chart, days_chart
from warehouse.reliability import Reliability, ReliabilityReport

QUESTION = "Can I depend on it?"


def draw(at: frame.Frame) -> None:
    """The targets day by day, then as a table, then what failed."""
    chosen = at.bar(workload=True, model=True, window=True, region=True)
    names = {name: f"{name} % good" for name in reliability.OBJECTIVES}
    objective = at.box("Objective", "objective", list(reliability.OBJECTIVES), names)
    report = reliability_snapshot.report(at.shown.path, chosen.workload, chosen.window)
    found = [of for of in report.targets if chosen.admits({"model": of.model, "region": of.region})]
    # of what was never measured neither model nor region is known
    absent = report.absent if chosen.admits_all else []
    if not found and not absent:
        raise frame.Nothing(
            "Nothing was asked of anybody",
            f"No night and no pulse has planned an attempt under {chosen.workload} at such a target.",
            code="megatoken pulse",
        )
    at.beneath(_caption(found, report, chosen.window_words))
    if found:
        _days(at, report, reliability.worst_first(found))
    st.html(
        markup.table(
            reliability.columns(objective),
            reliability.table_rows(found, absent, objective, at.now),
            label=f"Reliability of targets under {chosen.workload}",
        )
    )
    st.html(markup.notes(reliability.notes(report)))
    _classes(at, reliability.worst_first(found))
    at.download(
        reliability_lists.to_csv(found), f"{chosen.workload}-reliability.csv", help="Counts and intervals, base units"
    )


def _caption(found: list[Reliability], report: ReliabilityReport, window: str) -> str:
    if not found:
        return f"nothing was sent in {window}"
    trials, pulses = sum(of.trials for of in found), sum(of.pulses for of in found)
    parts = [
        words.count(len(found), "target"),
        f"{sum(of.attempts for of in found):,} attempts in {trials - pulses:,} night trials and {pulses:,} of pulses",
        f"{words.span(min(of.oldest_at for of in found), max(of.newest_at for of in found))} ({window})",
    ]
    if report.absent:
        parts.append(f"{len(report.absent)} never asked")
    return f" {frame.MIDDLE} ".join(parts)


def _days(at: frame.Frame, report: ReliabilityReport, found: list[Reliability]) -> None:
    finding = reliability.finding(found)
    order = [of.target_id for of in found]
    made = days_chart(
        [row for row in report.days if row["target_id"] in set(order)],
        order,
        day_length=report.day_length,
        dark=at.dark,
    )
    if made is None:
        return
    chart, drawn = made
    cells = "A week" if report.day_length == 7 else "A day"
    beneath = f"{cells} a cell; the number in it is how many attempts were not served; a stroke: no data."
    if drawn < len(order):
        beneath += f" The {drawn} worst of {len(order)} targets drawn."
    st.html(markup.heading(finding, beneath=beneath))
    st.altair_chart(chart, alt=f"{finding}. The same figures stand, for the whole window, in the table below.")


def _classes(at: frame.Frame, found: list[Reliability]) -> None:
    table = reliability_lists.class_table(found)
    chart = classes_chart(found, dark=at.dark)
    if table is None or chart is None:
        return
    columns, rows = table
    commonest = rows[0].cells[0].main
    title = f"What failed: mostly {commonest}" if len(rows) > 1 else f"What failed: {commonest}"
    st.html(markup.heading(title))
    st.altair_chart(chart, alt=f"{title}. The same figures stand in the table below.")
    st.html(markup.table(columns, rows, label="Failures by class"))


frame.page(QUESTION, draw)
