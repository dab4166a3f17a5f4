"""What changed my bill: two spans of time, the parts of the difference, and a row a target."""

from collections.abc import Sequence

import streamlit as st

from ui import frame, markup, prices_bill, prices_snapshot
from ui.prices_bill_chart import bill_chart
from warehouse import bill_words
from warehouse.bill_periods import BilledRun, months, weeks

_SPANS = {"7d": "7 days", "28d": "28 days", "week": "calendar weeks", "month": "months", "run": "runs"}


def draw(at: frame.Frame) -> None:
    """The choice of two spans of time; the verdict, the way from one bill to the other, and every target."""
    model = at.bar(model=True).model
    runs = prices_snapshot.runs(at.shown.path)
    if not runs:
        raise frame.Nothing("Nothing billed yet", "No run has measured anything yet.")
    change = prices_snapshot.bill(at.shown.path, _names(at, runs), model)
    at.beneath(bill_words.coverage_words(change))
    at.download(
        prices_bill.to_csv(change),
        f"bill-{change.before.name}-{change.after.name}.csv",
        help="Both bills of every target and all parts of the difference, US dollars, not rounded",
    )
    finding = bill_words.verdict(change)
    st.html(markup.verdict(prices_bill.badge(change), finding))
    chart = bill_chart(change, dark=at.dark)
    if chart is not None:
        st.html(markup.heading("From one bill to the next", beneath=_BENEATH))
        st.altair_chart(chart, alt=f"The parts between two bills. {finding}. The same parts stand in the table below.")
        st.html(markup.table(*prices_bill.part_table(change), label="Parts of the difference"))
    if change.targets or change.unknown:
        st.html(markup.heading("Target by target"))
        st.html(
            markup.table(prices_bill.target_columns(change), prices_bill.target_rows(change), label="Bills by target")
        )
    st.html(markup.notes([bill_words.left_out_words(change), _HOW]))


_BENEATH = "Each part is what changes when that alone changes, the mean over all orders in which they may (Shapley)."
_HOW = (
    "Parts sum to the difference, and are rounded so that they do in each row. A price is the one paid on average, so"
    " longer prompts that pay a higher one are price too. Costs that are unknown are in no sum."
)


def _names(at: frame.Frame, runs: Sequence[BilledRun]) -> tuple[str, ...]:
    """One name for the last days against those before, else two, the earlier first."""
    span = at.box("Bill of", "of", list(_SPANS), _SPANS, width=150)
    if span.endswith("d"):
        return (span,)
    offered = {
        "week": weeks(runs),
        "month": months(runs),
        "run": [run.run_id for run in reversed(runs)],
    }[span]
    if len(offered) < 2:
        raise frame.Nothing(
            "Nothing to compare yet",
            f"All that was measured is of one {span}, {offered[0]}; two are needed.",
        )
    width = 230 if span == "run" else 130
    later = at.box("This", f"this_{span}", offered, width=width)
    others = [name for name in offered if name != later]
    older = offered[offered.index(later) + 1 :]
    against = at.box("Against", f"against_{span}", others, default=older[0] if older else None, width=width)
    return against, later
