"""Where do the grams come from? Targets under one workload, operational and embodied, and any of them in detail."""

from collections.abc import Sequence

import streamlit as st

from ui import (
    carbon,
    carbon_detail,
    carbon_snapshot,
    carbon_table,
    carbon_words,
    frame,
    jobs,
    markup,
    ranking,
    snapshot,
    words,
)
from ui.carbon_charts import drivers_chart, steps_chart, targets_chart
from ui.choices import url_choice
from warehouse.energy_words import boundary_words

QUESTION = "Where do the grams come from?"
MIDDLE = carbon_table.MIDDLE


def draw(at: frame.Frame) -> None:
    """Targets side by side, one of them in detail, and the jobs."""
    metered = carbon_snapshot.jobs(at.shown.path)
    if snapshot.workloads(at.shown.path):
        _targets(at)
    elif metered:
        at.beneath("No night has been measured yet; these are metered jobs.")
    else:
        raise frame.Nothing(
            "No grams to account for yet", "The published snapshot holds no night and no metered job yet."
        )
    if metered:
        st.html(markup.heading("Metered jobs", beneath="Commands run under megatoken track, such as trainings."))
        st.html(markup.table(*jobs.job_table(metered), label="Metered jobs"))


def _targets(at: frame.Frame) -> None:
    chosen = at.bar(workload=True, model=True, region=True)
    per = carbon.PER[at.box("Count", "per", list(carbon.PER), {name: of.title for name, of in carbon.PER.items()})]
    convention = at.box("Operational by", "convention", list(carbon.CONVENTIONS), carbon.CONVENTIONS)
    everything = carbon_snapshot.emitted(at.shown.path, chosen.workload)
    rows = [row for row in everything if chosen.admits(row)]
    found = carbon.entries(rows, convention, per)
    # of what was never measured neither model nor region is known
    absent = ranking.absent(everything, snapshot.latest_outcomes(at.shown.path, chosen.workload))
    missing = absent if chosen.admits_all else []
    at.beneath(_origin(rows))
    if carbon_table.all_stale(found, at.now):
        newest = max(entry.row["measured_at"] for entry in found)
        st.html(markup.verdict(*words.stale_verdict(newest, at.now)))
    finding = carbon_words.finding(found, per)
    chart = targets_chart(found, per, dark=at.dark)
    beneath = (
        f"Operational by {convention} and embodied, {per.title}, with the range of their sum."
        " Pale: only one of the two is known."
    )
    st.html(markup.heading(finding, beneath=beneath if chart is not None else ""))
    if chart is not None:
        st.altair_chart(chart, alt=f"{finding}. The same figures stand in the table below.")
    st.html(
        markup.table(
            carbon_table.columns(convention, per),
            carbon_table.table_rows(found, missing, per, at.now),
            label=f"Emissions of targets under {chosen.workload}",
        )
    )
    st.html(markup.notes(carbon_table.notes(found)))
    if found:
        _one_target(at.shown, found, convention, per, dark=at.dark)


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
        boundary = boundary_words([part["component"] for part in components if part["in_total"]])
        said = [f"{note}." for note in (boundary and f"It is {boundary}", entry.row["energy_note"]) if note]
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


def _origin(rows: Sequence[snapshot.Row]) -> str:
    parts = [words.count(len(rows), "target")]
    if rows:
        times = [row["measured_at"] for row in rows]
        parts.append(f"measured {words.span(min(times), max(times))}")
    return f" {MIDDLE} ".join(parts)


frame.page(QUESTION, draw)
