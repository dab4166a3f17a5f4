"""What will my use cost and emit? A month of mine at every target that was measured."""

from collections.abc import Sequence
from typing import cast

import streamlit as st

from ui import calculator, frame, markup, words
from ui.calculator import MIDDLE
from ui.calculator_break_even import crossing_finding, crossing_table
from ui.calculator_charts import chosen_lines, month_chart, volume_chart
from ui.calculator_csv import to_csv
from ui.calculator_form import draw_form
from ui.calculator_snapshot import measured
from warehouse.break_even import MIN_GOODPUT_SHARE
from warehouse.calculator import By, Demand, Estimate, estimates
from warehouse.calculator_break_even import cost_lines, crossings
from warehouse.formulas.usage import Usage

TIERS = {"measured": "as measured", "flex": "flex", "priority": "priority"}


def draw(at: frame.Frame) -> None:
    """The form, targets ranked for it, and the volumes at which machines of ours become cheaper."""
    chosen = at.bar(workload=True, model=True, region=True)
    by = cast(
        "By", at.box("Rank by", "by", list(calculator.BY), {str(each): said for each, said in calculator.BY.items()})
    )
    tier = at.box("Served", "tier", list(TIERS), TIERS)
    targets = [
        each
        for each in measured(at.shown.path, chosen.workload)
        if chosen.admits({"model": each.model, "region": each.region})
    ]
    if not targets:
        raise frame.Nothing("Nothing to reckon with yet", f"No target has been measured under {chosen.workload} yet.")
    wanted = draw_form([each.target_id for each in targets])
    if wanted.usage is None:
        at.beneath(f"measured under {chosen.workload}")
        return
    demand = Demand(
        usage=wanted.usage,
        at=at.now,
        batch_share=wanted.batch_share,
        service_tier=None if tier == "measured" else tier,
        contracts=wanted.contracts,
    )
    found = estimates(targets, demand, by=by)
    newest = max(each.measured_at for each in targets)
    at.beneath(
        f"{words.count(len(found), 'target')} as last measured under {chosen.workload} {MIDDLE} newest"
        f" {words.age(newest, at.now)} {MIDDLE} prices of {at.now:%Y-%m-%d}"
    )
    at.download(to_csv(found), f"month-{chosen.workload}.csv", help="A row a target, with its ranges")
    _ranking(at, found, by, wanted.usage)
    _break_even(at, found, wanted.usage)
    with st.expander("What each figure rests on"):
        st.html(markup.table(*calculator.rests_on(found), label="What each figure rests on"))


def _ranking(at: frame.Frame, found: Sequence[Estimate], by: By, usage: Usage) -> None:
    finding = calculator.finding(found, by)
    st.html(markup.heading(finding, beneath=calculator.month_words(usage.total)))
    chart = month_chart(found[: calculator.SHOWN], by, at.providers, dark=at.dark)
    if chart is not None:
        st.altair_chart(chart, alt=f"{finding}. The same figures stand in the table below.")
    _table(at, found[: calculator.SHOWN], by, "A month of mine at each target")
    rest = found[calculator.SHOWN :]
    if rest:
        with st.expander(
            f"{len(found) - len(rest)} of {len(found)} targets are drawn and listed; the other {len(rest)}"
        ):
            _table(at, rest, by, "A month of mine at the other targets")
    st.html(
        markup.notes(
            [
                *calculator.unknowns(found),
                "Small figures are low to high, by the ranges of the inputs; a list price is exact. A rank such as"
                f" 1{calculator.DASH}2 says that those ranges leave two places; what targets share, such as their"
                " grid, ties none of them. Emissions are operational by location and embodied.",
            ]
        )
    )


def _table(at: frame.Frame, found: Sequence[Estimate], by: By, label: str) -> None:
    ages = {each.target.target_id: words.age(each.target.measured_at, at.now) for each in found}
    rows = calculator.table_rows(found, ages)
    st.html(markup.table(calculator.columns(by), rows, label=label, kind="mt-ranking"))


def _break_even(at: frame.Frame, found: Sequence[Estimate], usage: Usage) -> None:
    met = crossings(found, usage.total, min_goodput_share=MIN_GOODPUT_SHARE)
    if not met:
        return
    finding = crossing_finding(met, usage.total.requests)
    lines = chosen_lines(found, cost_lines(found, usage.total))
    chart = volume_chart(lines, found, met, usage.total.requests, at.providers, dark=at.dark)
    drawn = "" if len(lines) == len(found) else f"{len(lines)} of {len(found)} targets drawn, the cheapest. "
    beneath = f"{drawn}Dots: where both cost the same. The upright line: what you asked for."
    st.html(markup.heading(finding, beneath=beneath if chart is not None else ""))
    if chart is not None:
        st.altair_chart(chart, alt=f"Cost of a month by volume. {finding}. The crossings stand in the table below.")
    heads, rows = crossing_table(met, found)
    st.html(markup.table(heads, rows[: calculator.PAIRS], label="From which volume a machine of ours is cheaper"))
    left = rows[calculator.PAIRS :]
    if left:
        with st.expander(f"{calculator.PAIRS} of {len(rows)} pairs are listed; the other {len(left)}"):
            st.html(markup.table(heads, left, label="The other pairs of a machine of ours and an API"))
    st.html(
        markup.notes(
            [
                f"Only APIs of which {MIN_GOODPUT_SHARE:.0%} of the requests met the service level of the workload are"
                " alternatives. A machine serves the model that it was measured with: compare like with like."
            ]
        )
    )


frame.page("What will my use cost and emit?", draw)
