"""What do I give up for price or carbon? Two metrics at once, and who nobody beats in both."""

from collections.abc import Mapping, Sequence

import streamlit as st

from ui import frame, markup, ranking, slo, snapshot, tradeoff, tradeoff_snapshot, tradeoff_table, tradeoff_words, words
from ui.choices import url_choice
from ui.tradeoff_chart import LANDSCAPE_AXES, tradeoff_chart, unnamed
from warehouse.metrics import Metric, metric
from warehouse.reference.landscape import landscape_2024
from warehouse.service_level import Verdict

QUESTION = "What do I give up for price or carbon?"


def draw(at: frame.Frame) -> None:
    """The choices, the chart, its table twin and the small print."""
    chosen = at.bar(workload=True, model=True, window=True, region=True)
    axes = at.box("Trade", "axes", [*tradeoff.PRESETS, tradeoff.OWN], _labels())
    limits = slo.asked_limits(at, chosen.workload)
    x, y = (
        _own_axes(snapshot.metrics(at.shown.path, chosen.workload))
        if axes == tradeoff.OWN
        else (metric(one) for one in tradeoff.PRESETS[axes][1:])
    )

    everything = tradeoff_snapshot.measured(at.shown.path, chosen.workload)
    rows = [row for row in everything if chosen.admits(row)]
    kept: Mapping[str, Verdict] = {}
    if limits is not None:
        kept = tradeoff_snapshot.kept(at.shown.path, chosen.workload, limits, chosen.window)
    admitted = {row["target_id"] for row in rows}
    failing = {one: verdict for one, verdict in kept.items() if verdict.standing == "fails" and one in admitted}
    asked = tuple(row["target_id"] for row in rows if row["target_id"] not in failing)
    if x.id == y.id:
        st.html(markup.notes([f"Both axes are {x.title}: choose two different metrics to see what is traded."]))
    points = tradeoff_snapshot.points(at.shown.path, chosen.workload, asked, (x.id, y.id), chosen.window)
    found = tradeoff.entries(rows, points, kept, x)
    missing = []
    if chosen.model is None and chosen.region is None:
        missing = ranking.absent(everything, snapshot.latest_outcomes(at.shown.path, chosen.workload))

    at.beneath(tradeoff_words.caption(found, failing, chosen.window_words))
    at.download(
        tradeoff_table.to_csv(found, x, y),
        f"tradeoff-{chosen.workload}.csv",
        help="Figures typical of the nights, in base units, with their intervals",
    )
    if not found and not failing and not missing:
        raise frame.Nothing("Nothing to trade yet", "No target of this choice has been measured under this workload.")
    newest = max((row["measured_at"] for row in rows), default=None)
    all_stale = newest is not None and words.is_stale(newest, at.now)
    if newest is not None and all_stale:
        st.html(markup.verdict(*words.stale_verdict(newest, at.now)))
    _chart(at, found, x, y)
    st.html(
        markup.table(
            tradeoff_table.columns(x, y),
            tradeoff_table.table_rows(found, failing, missing, x, y, at.now, say_stale=not all_stale),
            label=f"Front of {x.title} and {y.title} under {chosen.workload}",
        )
    )
    is_drawn = {x.id, y.id} == LANDSCAPE_AXES and any(entry.is_drawn for entry in found)
    drawn_behind = landscape_2024() if is_drawn else ()
    st.html(markup.notes([*tradeoff_words.notes(found, limits), *tradeoff_words.landscape_notes(drawn_behind)]))


def _chart(at: frame.Frame, found: Sequence[tradeoff.Entry], x: Metric, y: Metric) -> None:
    landscape = landscape_2024() if {x.id, y.id} == LANDSCAPE_AXES else ()
    chart = None if x.id == y.id else tradeoff_chart(found, x, y, at.providers, landscape=landscape, dark=at.dark)
    finding = tradeoff.finding(found, x, y)
    said = tradeoff_words.legend(found, landscape, unnamed(found, x, y, landscape)) if chart is not None else ""
    st.html(markup.heading(finding, beneath=said))
    if chart is not None:
        st.altair_chart(chart, alt=f"{finding}. {said} The same figures stand in the table below.")


def _own_axes(offered: Sequence[Metric]) -> tuple[Metric, Metric]:
    ids = [of.id for of in offered]
    across, upward, _ = st.columns([2, 2, 6], vertical_alignment="bottom")
    with across:
        x = url_choice("Across", "x", ids, show=tradeoff.metric_label, default="usd_per_output_mtok")
    with upward:
        y = url_choice("Upward", "y", ids, show=tradeoff.metric_label, default="output_tokens_per_s")
    for note in (x.note, y.note):
        if note:
            st.html(markup.notes([note]))
    return metric(x.value), metric(y.value)


def _labels() -> dict[str, str]:
    return {name: tradeoff.axes_label(name) for name in (*tradeoff.PRESETS, tradeoff.OWN)}


frame.page(QUESTION, draw)
