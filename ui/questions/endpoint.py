"""Tell me all about this target: its nights under one workload, what changed, what failed, prices and provenance."""

from collections.abc import Sequence

import streamlit as st

from ui import (
    canary,
    charts,
    endpoint,
    endpoint_charts,
    endpoint_check,
    endpoint_provenance,
    endpoint_snapshot,
    frame,
    markup,
    snapshot,
    words,
)
from warehouse.metrics import TASK_METRICS, Metric, metric
from warehouse.watch import Change

QUESTION = "What is this target like, night after night?"
_TIMES = {"ttft": "time to first token", "tpot": "time per output token", "e2e": "whole answer"}


def draw(at: frame.Frame) -> None:
    """The course of a figure with its changes, then how it scatters, fails, costs and what it is made of."""
    path = at.shown.path
    known = endpoint_snapshot.targets(path)
    if not known:
        raise frame.Nothing("No target yet", "The published snapshot holds no night and no check yet.")
    target = at.box("Target", "target", known)
    if not snapshot.planned(path):  # checked before the first night
        endpoint_check.section(at, target)
        return
    chosen = at.bar(workload=True, window=True)
    figures = {of.id: f"{of.title}, {of.shown_unit}" for of in snapshot.metrics(path, chosen.workload)}
    of = metric(at.box("Figure", "figure", list(figures), figures))
    every = endpoint_snapshot.nights(path, target, chosen.workload)
    if not every:
        _unmeasured(at, target, chosen.workload)
        endpoint_check.section(at, target)
        return
    newest = every[-1]
    nights = [row for row in every if row["night"] > newest["night"] - chosen.window]
    changes = endpoint_snapshot.changes_of(path, target)
    found = [change for change in changes if change.workload_id in (None, chosen.workload)]
    of_figure = [change for change in found if change.metric_id == of.id]
    shown = list(endpoint.visible(found, nights))
    at.beneath(_caption(newest, len({row["night"] for row in nights}), chosen))
    st.html(markup.verdict(*endpoint.verdict_of(shown, nights)))
    st.html(markup.tiles(endpoint.tiles(newest)))
    colour = charts.provider_colour(newest["provider"], at.providers, dark=at.dark)
    _trend(at, nights, of, of_figure, colour)
    _changes(shown)
    _scatter(at, nights, of, colour)
    _errors(at, nights)
    _prices(path, target)
    endpoint_check.section(at, target)
    canary.section(at, target)
    st.html(markup.heading("What it is, and since when"))
    st.html(markup.table(*endpoint_provenance.provenance_table(every), label=f"Provenance of {target}"))
    st.html(markup.heading("The newest nights", beneath="A night leads to its run, with every attempt of the trial."))
    st.html(markup.table(*endpoint.night_table(nights, of), label=f"Newest nights of {target}"))
    with st.expander("All nights as a table"):
        st.dataframe(endpoint.twin(nights), hide_index=True, height=320, alt=f"Figures of {target}, a row a night")
    st.html(markup.heading("Measure the newest cell again"))
    st.code(endpoint_provenance.command_of(newest), language=None, wrap_lines=True)
    at.download(endpoint.to_csv(nights), f"{target}-{chosen.workload}.csv", help="Every night's figures, base units")


def _caption(newest: endpoint.Night, nights: int, chosen: frame.Filters) -> str:
    made = [newest["model"], newest["quantisation"], newest["provider"], newest["region"]]
    parts = [*(str(part) for part in made if part), words.count(nights, "night"), chosen.window_words]
    return f" {frame.MIDDLE} ".join(parts)


def _unmeasured(at: frame.Frame, target: str, workload: str) -> None:
    rows = endpoint_snapshot.status(at.shown.path, target, workload)
    if rows:
        reason = f": {rows[0]['reason']}" if rows[0]["reason"] else ""
        last = f"The night of {words.instant(rows[0]['started_at'])} says {rows[0]['outcome']}{reason}."
    else:
        last = "No night has planned it; choose another workload."
    sentence = f"There is no measured night of {target} under {workload}. {last}"
    st.html(markup.panel("No figures of this target under this workload", sentence, tone="warn"))


def _trend(at: frame.Frame, nights: Sequence[endpoint.Night], of: Metric, found: Sequence[Change], colour: str) -> None:
    finding = endpoint.finding(nights, of, found)
    chart = endpoint_charts.trend_chart(nights, of, found, colour=colour, dark=at.dark)
    spans = {
        "sample": "with its 95 % interval",
        "inputs": "with the range of its inputs",
        None: "no range is known for this figure",
    }[of.range_of]
    beneath = f"A dot a night, {spans}; dashed: the level between shifts; a diamond: one night unlike its neighbours."
    st.html(markup.heading(finding, beneath=beneath if chart is not None else ""))
    if chart is not None:
        st.altair_chart(chart, alt=f"{finding}. The same figures stand in the table of all nights.")


def _changes(shown: Sequence[Change]) -> None:
    if shown:
        st.html(markup.heading("What changed", beneath="Facts of the same night stand beside; they need not be why."))
        st.html(markup.table(*endpoint.change_table(shown), label="Changes, the newest first"))


def _scatter(at: frame.Frame, nights: Sequence[endpoint.Night], of: Metric, colour: str) -> None:
    time = next((name for name in _TIMES if of.id.startswith(name)), "e2e" if of in TASK_METRICS else "ttft")
    chart = endpoint_charts.box_chart(nights, time, colour=colour, dark=at.dark)
    title = f"How attempts scattered in each night: {_TIMES[time]}"
    if chart is None:
        st.html(markup.heading(title))
        st.html(markup.notes(["Not known: too few attempts a night, or they were loaded before this was kept."]))
        return
    beneath = (
        "Box: the middle half of the attempts, with the median; line: 10th to 90th percentile (30 attempts or more)."
    )
    st.html(markup.heading(title, beneath=beneath))
    st.altair_chart(chart, alt=f"{title}. The same figures stand in the table of all nights.")


def _errors(at: frame.Frame, nights: Sequence[endpoint.Night]) -> None:
    failed = sum(row["attempts"] - row["ok"] for row in nights)
    attempts = sum(row["attempts"] for row in nights)
    if not failed:
        st.html(markup.heading(f"None of {attempts:,} attempts failed"))
        return
    title = f"{failed:,} of {attempts:,} attempts failed ({words.share(failed / attempts)})"
    st.html(markup.heading(title))
    chart = endpoint_charts.errors_chart(nights, dark=at.dark)
    if chart is not None:
        st.altair_chart(chart, alt=f"{title}, by kind and night. The same counts stand in the table of all nights.")


def _prices(path: str, target: str) -> None:
    found = endpoint_snapshot.prices(path, target)
    if not found:
        return
    st.html(markup.heading("Prices on record"))
    st.html(markup.table(*endpoint.price_table(found), label=f"Prices of {target}"))
    st.html(markup.link("By tier, by length of prompt, and where sources disagree", "prices", {"target": target}))


frame.page(QUESTION, draw)
