"""Where do the grams come from? Targets under one workload, operational and embodied, and any of them in detail."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from ui import (
    carbon,
    carbon_detail,
    carbon_snapshot,
    carbon_table,
    carbon_words,
    jobs,
    markup,
    ranking,
    snapshot,
    words,
)
from ui.carbon_charts import drivers_chart, steps_chart, targets_chart
from ui.choices import url_choice
from warehouse.errors import WarehouseError

QUESTION = "Where do the grams come from?"
MIDDLE = carbon_table.MIDDLE


def page() -> None:
    """Draw the page, or say in one sentence why there is nothing to draw."""
    tone: markup.Tone = "plain"
    drawn_from = None
    try:
        shown = snapshot.current()
        drawn_from = shown.path
        workloads, metered = snapshot.workloads(shown.path), carbon_snapshot.jobs(shown.path)
        if workloads or metered:
            draw(shown, workloads, metered)
            snapshot.watch(drawn_from)
            return
        title, sentence = (
            "No grams to account for yet",
            "The published snapshot holds no night and no metered job yet.",
        )
    except WarehouseError as error:
        title, sentence, tone = "There is no snapshot to show", str(error), "warn"
    st.html(markup.heading(QUESTION, level=1))
    st.html(markup.panel(title, words.sentence(sentence), tone=tone, code="megatoken night"))
    snapshot.watch(drawn_from)


def draw(shown: snapshot.Snapshot, workloads: Sequence[str], metered: Sequence[snapshot.Row]) -> None:
    """Targets side by side, one of them in detail, and the jobs."""
    if workloads:
        _targets(shown, workloads)
    else:
        st.html(markup.heading(QUESTION, level=1, beneath="No night has been measured yet; these are metered jobs."))
    if metered:
        st.html(markup.heading("Metered jobs", beneath="Commands run under megatoken track, such as trainings."))
        st.html(markup.table(*jobs.job_table(metered), label="Metered jobs"))


def _targets(shown: snapshot.Snapshot, workloads: Sequence[str]) -> None:
    now = datetime.now(UTC)
    title, workload_box, per_box, convention_box = st.columns([5, 2, 3, 2], vertical_alignment="bottom")
    with workload_box:
        workload = url_choice("Workload", "workload", workloads)
    with per_box:
        chosen_per = url_choice("Count", "per", list(carbon.PER), show=lambda name: carbon.PER[name].title)
    with convention_box:
        convention = url_choice(
            "Operational by",
            "convention",
            list(carbon.CONVENTIONS),
            show=carbon.CONVENTIONS.__getitem__,
            side_by_side=True,
        )
    per = carbon.PER[chosen_per.value]
    rows = carbon_snapshot.emitted(shown.path, workload.value)
    found = carbon.entries(rows, convention.value, per)
    missing = ranking.absent(rows, snapshot.latest_outcomes(shown.path, workload.value))
    with title:
        st.html(markup.heading(QUESTION, level=1, beneath=_origin(rows, shown, now)))
    for note in (workload.note, chosen_per.note, convention.note):
        if note:
            st.html(markup.notes([note]))
    if carbon_table.all_stale(found, now):
        newest = max(entry.row["measured_at"] for entry in found)
        badge = markup.Badge(text="stale", tone="warn")
        st.html(
            markup.verdict(badge, f"Nothing here was measured since {words.instant(newest)}, {words.age(newest, now)}.")
        )
    dark = st.context.theme.type == "dark"
    finding = carbon_words.finding(found, per)
    chart = targets_chart(found, per, dark=dark)
    beneath = (
        f"Operational by {convention.value} and embodied, {per.title}, with the range of their sum."
        " Pale: only one of the two is known."
    )
    st.html(markup.heading(finding, beneath=beneath if chart is not None else ""))
    if chart is not None:
        st.altair_chart(chart, alt=f"{finding}. The same figures stand in the table below.")
    st.html(
        markup.table(
            carbon_table.columns(convention.value, per),
            carbon_table.table_rows(found, missing, per, now),
            label=f"Emissions of targets under {workload.value}",
        )
    )
    st.html(markup.notes(carbon_table.notes(found)))
    if found:
        _one_target(shown, found, convention.value, per, dark=dark)


def _one_target(
    shown: snapshot.Snapshot, found: Sequence[carbon.Entry], convention: str, per: carbon.Per, *, dark: bool
) -> None:
    by_id = {entry.target_id: entry for entry in found}
    heading, picker = st.columns([6, 3], vertical_alignment="bottom")
    with picker:
        chosen = url_choice("Target", "target", list(by_id))
    entry = by_id[chosen.value]
    trial_id = entry.row["trial_id"]
    with heading:
        st.html(markup.heading(f"{entry.target_id}, step by step", beneath=carbon_words.who(entry.row)))
    if chosen.note:
        st.html(markup.notes([chosen.note]))
    if entry.reason:
        badge = markup.Badge(text="unknown in part" if entry.operational or entry.embodied else "unknown", tone="warn")
        st.html(markup.verdict(badge, f"{words.sentence(entry.reason).rstrip('.')}."))
    _way(shown, entry, convention, per, dark=dark)

    components = carbon_snapshot.components(shown.path, trial_id) if entry.row["kind"] == "local" else []
    if components:
        st.html(markup.heading("The energy of the machine, by component"))
        st.html(markup.table(*carbon_detail.component_table(components), label="Energy by component"))
        said = [f"{note}." for note in (entry.row["energy_note"],) if note]
        st.html(markup.notes(said + carbon_detail.attribution(carbon_snapshot.attribution(shown.path, trial_id))))
    impacts = carbon_snapshot.impacts(shown.path, trial_id)
    if impacts:
        st.html(markup.heading("Water, materials and primary energy"))
        columns, known = carbon_detail.impact_table(impacts, entry, per)
        if known:
            st.html(markup.table(columns, known, label="Other impacts"))
        st.html(markup.notes(carbon_detail.unknown_impacts(impacts)))
    factors = carbon_snapshot.factors(shown.path, trial_id)
    st.html(markup.heading("What these figures rest on"))
    if factors:
        st.html(markup.table(*carbon_detail.factor_table(factors), label="Factors used"))
    else:
        st.html(markup.notes(["No factor was used: nothing is accounted for this target yet."]))


def _way(shown: snapshot.Snapshot, entry: carbon.Entry, convention: str, per: carbon.Per, *, dark: bool) -> None:
    """From energy to the total, and what makes the total wide."""
    trial_id = entry.row["trial_id"]
    steps = carbon.steps(entry, carbon_snapshot.parts(shown.path, trial_id))
    if not steps:
        return
    spread = carbon_snapshot.spread(shown.path, trial_id)
    shares = (spread["variance_shares"] if spread else None) or []
    left, right = st.columns(2, gap="medium")
    with left:
        reckoned = carbon_words.reckoning(entry, convention, per)
        st.html(markup.heading(f"From joules to {per.unit}", beneath=reckoned))
        st.altair_chart(steps_chart(steps, per, dark=dark), alt=f"Steps from energy to the total. {reckoned}")
    with right:
        finding = carbon_words.drivers_finding(spread)
        beneath = carbon_words.likely(spread, entry, per) if spread is not None else ""
        st.html(markup.heading(finding, beneath=beneath))
        if shares:
            st.altair_chart(drivers_chart(shares, dark=dark), alt=f"{finding}.")
    with st.expander("Both charts as tables"):
        first, second = st.columns(2, gap="medium")
        with first:
            st.html(markup.table(*carbon_detail.step_table(steps, per), label="Steps from energy to the total"))
        with second:
            if shares:
                st.html(markup.table(*carbon_detail.driver_table(shares), label="Inputs by share of the variance"))


def _origin(rows: Sequence[snapshot.Row], shown: snapshot.Snapshot, now: datetime) -> str:
    parts = [words.count(len(rows), "target")]
    if rows:
        times = [row["measured_at"] for row in rows]
        parts.append(f"measured {words.span(min(times), max(times))}")
    parts.append(f"snapshot of {words.instant(shown.published_at)} ({words.age(shown.published_at, now)})")
    return f" {MIDDLE} ".join(parts)


page()
