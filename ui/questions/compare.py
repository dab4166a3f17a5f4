"""A or B? Two to four targets of one workload, each difference with its interval and a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ui import (
    compare,
    compare_facts,
    compare_hours,
    compare_snapshot,
    compare_words,
    frame,
    markup,
    tradeoff,
    tradeoff_snapshot,
    words,
)
from ui.compare_chart import curves_chart
from warehouse.comparison import MOST, Comparison
from warehouse.metrics import metric

QUESTION = "A or B?"
NOBODY = "nobody"
_LETTERS = ("a", "b", "c", "d")


def draw(at: frame.Frame) -> None:
    """Choices, a table of differences for each pair, curves, hours of the week, prices, and what was measured."""
    chosen = at.bar(workload=True, window=True)
    measured = tradeoff_snapshot.measured(at.shown.path, chosen.workload)
    if len(measured) < 2:
        raise frame.Nothing(
            "Nothing to compare yet",
            f"Only {words.count(len(measured), 'target')} of workload {chosen.workload} has been measured; two are"
            " needed.",
        )
    row_of = {row["target_id"]: row for row in measured}
    target_ids = _chosen(at, _in_order(at, chosen, measured))
    found = compare_snapshot.compared(at.shown.path, chosen.workload, target_ids, chosen.window)
    nights = ", ".join(f"{found.nights[one]} of {one}" for one in target_ids)
    at.beneath(f"nights of the last {chosen.window_words}: {nights}")
    at.download(
        compare.to_csv(found.differences),
        f"compare-{chosen.workload}.csv",
        help="Every difference in base units, with its interval and its verdict",
    )
    for other in target_ids[1:]:
        _pair(found, other, is_first=other == target_ids[1])
    st.html(markup.notes(_notes(found)))
    _rounds(at, chosen.workload, target_ids)
    newest = {one: found.newest.get(one, row_of[one]["trial_id"]) for one in target_ids}
    _curves(at, newest, {one: row_of[one]["provider"] for one in target_ids})
    compare_hours.draw(at, chosen.workload, target_ids, chosen)
    _facts(at, found, [row_of[one] for one in target_ids])


def _in_order(at: frame.Frame, chosen: frame.Filters, measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those on the front of cost and speed first: what somebody who asks `A or B` most likely means."""
    ids = tuple(row["target_id"] for row in measured)
    axes = ("usd_per_output_mtok", "output_tokens_per_s")
    points = tradeoff_snapshot.points(at.shown.path, chosen.workload, ids, axes, chosen.window)
    return [entry.target_id for entry in tradeoff.entries(measured, points, {}, metric(axes[0]))]


def _chosen(at: frame.Frame, ids: Sequence[str]) -> tuple[str, ...]:
    """Two targets, and a third and a fourth if somebody asks for them; none of them twice."""
    picked: list[str] = []
    for number, letter in enumerate(_LETTERS[:MOST]):
        left = [one for one in ids if one not in picked]
        options = left if number < 2 else [NOBODY, *left]
        value = at.box(f"Target {letter.upper()}", letter, options)
        if value == NOBODY:
            break
        picked.append(value)
        if len(picked) == len(ids):
            break
    return tuple(picked)


def _pair(found: Comparison, other: str, *, is_first: bool) -> None:
    differences = [one for one in found.differences if one.target_b == other]
    st.html(
        markup.heading(
            compare.finding(differences),
            beneath="Both in the same night, night by night: what the night did to both falls out. Each interval is for"
            " its own line: by chance one line in twenty is wrong."
            if is_first
            else "",
        )
    )
    st.html(
        markup.table(
            compare.difference_columns(differences[0].target_a, other),
            compare.difference_rows(differences),
            label=f"{differences[0].target_a} beside {other}",
        )
    )


def _notes(found: Comparison) -> list[str]:
    lines = [
        "Figures are typical of the nights of each target, with their 95 % interval. The difference is of the nights"
        " that both share, so it may differ a little from that of the two figures. Where inputs have ranges, one that"
        " both share is the same for both. Points are percentage points.",
    ]
    lines += [
        f"{one}: only a load client of grade C or D has measured it; what is said of it may be the client's doing."
        for one in found.untrusted
    ]
    return lines


def _rounds(at: frame.Frame, workload: str, target_ids: tuple[str, ...]) -> None:
    rounds = compare_snapshot.rounds(at.shown.path, workload, target_ids)
    if not rounds:
        return
    st.html(
        markup.heading(
            "Side by side, attempt by attempt",
            beneath=f"They took turns in run {rounds[0].run_id}: attempts of one round are pairs, medians of their"
            " differences.",
        )
    )
    st.html(markup.listing([words.sentence(compare_words.rounds_sentence(one)) for one in rounds]))


def _curves(at: frame.Frame, newest: Mapping[str, str], provider_of: Mapping[str, str]) -> None:
    rows = compare_snapshot.curves(at.shown.path, tuple(newest.values()))
    curves = {
        metric_id: {
            target_id: [row for row in rows if row["trial_id"] == trial_id and row["metric_id"] == metric_id]
            for target_id, trial_id in newest.items()
        }
        for metric_id in compare.TIMES
    }
    for side, (metric_id, title) in zip(st.columns(2), compare.TIMES.items(), strict=True):
        with side:
            finding = compare.curve_finding(curves[metric_id], metric_id)
            beneath = "Every attempt of the newest trial. One that failed never came: its curve ends below 100 %."
            st.html(markup.heading(finding, beneath=beneath))
            chart = curves_chart(curves[metric_id], provider_of, at.providers, title, dark=at.dark)
            if chart is None:
                st.html(markup.notes([f"No {title} to draw: no attempt of the newest trials succeeded."]))
            else:
                st.altair_chart(chart, alt=f"{finding}. {beneath} The table below has quantiles of the same attempts.")
    st.html(
        markup.table(
            compare.quantile_columns(), compare.quantile_rows(curves), label="Times of the newest trials, by quantile"
        )
    )


def _facts(at: frame.Frame, found: Comparison, rows: Sequence[Mapping[str, Any]]) -> None:
    st.html(markup.heading("What they charge today"))
    kinds = {row["target_id"]: row["kind"] for row in rows}
    prices = compare_snapshot.prices(at.shown.path, found.target_ids)
    st.html(
        markup.table(
            compare_facts.price_columns(),
            compare_facts.price_rows(prices, found.target_ids, kinds),
            label="Prices of today",
        )
    )
    st.html(markup.heading("What was measured, and when"))
    st.html(
        markup.table(
            compare_facts.measured_columns(),
            compare_facts.measured_rows(rows, found.nights, at.now),
            label="What was measured",
        )
    )


frame.page(QUESTION, draw)
