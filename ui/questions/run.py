"""Did last night work? One run: verdict, figures, coverage, failures, trials, and any trial in detail."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from ui import certificate, markup, runs, snapshot, words
from ui.charts import attempts_chart
from ui.choices import url_choice
from warehouse.errors import WarehouseError

QUESTION = "Did last night work?"


def page() -> None:
    """Draw the page, or say in one sentence why there is nothing to draw."""
    tone: markup.Tone = "plain"
    drawn_from = None
    try:
        shown = snapshot.current()
        drawn_from = shown.path
        found = snapshot.runs(shown.path)
        if found:
            draw(shown, found)
            snapshot.watch(drawn_from)
            return
        title, sentence = "No run to look at yet", "The published snapshot holds no run yet."
    except WarehouseError as error:
        title, sentence, tone = "There is no snapshot to show", str(error), "warn"
    st.html(markup.heading(QUESTION, level=1))
    st.html(markup.panel(title, words.sentence(sentence), tone=tone, code="megatoken night"))
    snapshot.watch(drawn_from)


def draw(shown: snapshot.Snapshot, found: Sequence[snapshot.Row]) -> None:
    """Title and picker, the verdict, and then from the whole run down to one attempt."""
    now = datetime.now(UTC)
    by_id = {run["run_id"]: run for run in found}
    # Nights before benches: the question is about the night, a bench is there to be looked up.
    newest_first = sorted(by_id, key=lambda run_id: bool(by_id[run_id]["ad_hoc"]))
    title, picker = st.columns([5, 4], vertical_alignment="bottom")
    with picker:
        chosen = url_choice("Run", "run", newest_first, show=lambda run_id: runs.option(by_id[run_id]))
    run = by_id[chosen.value]
    with title:
        st.html(markup.heading(QUESTION, level=1, beneath=_origin(run, shown, now)))
    if chosen.note:
        st.html(markup.notes([chosen.note]))
    st.html(markup.verdict(*runs.verdict(run)))
    st.html(markup.tiles(runs.tiles(run)))

    cells = snapshot.cells(shown.path, run["run_id"])
    failures = snapshot.failures(shown.path, run["run_id"])
    trials = snapshot.trials(shown.path, run["run_id"])
    _coverage_and_failures(cells, failures)
    st.html(markup.heading("Trials, in the order of the night"))
    if trials:
        st.html(markup.table(*runs.trial_table(trials), label="Trials of the run"))
        st.html(markup.notes(runs.weights_notes(trials)))
        _one_trial(shown, trials, ad_hoc=bool(run["ad_hoc"]))
    else:
        st.html(markup.notes(["No trial of this run has landed."]))


def _coverage_and_failures(cells: Sequence[snapshot.Row], failures: Sequence[snapshot.Row]) -> None:
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.html(markup.heading("What was planned, and what became of it"))
        if cells:
            st.html(markup.table(*runs.coverage(cells), label="Coverage: targets by workloads"))
        else:
            st.html(markup.notes(["This run planned nothing."]))
    with right:
        attempts = sum(row["failed_attempts"] for row in failures)
        heading = f"{words.count(attempts, 'attempt')} failed" if attempts else "No measured attempt failed"
        st.html(markup.heading(heading))
        if failures:
            st.html(markup.table(*runs.failure_table(failures), label="Failed attempts by class"))


def _one_trial(shown: snapshot.Snapshot, trials: Sequence[snapshot.Row], *, ad_hoc: bool) -> None:
    by_id = {trial["trial_id"]: trial for trial in trials}
    # A trial with attempts has something to show: those first.
    ids = sorted(by_id, key=lambda trial_id: not by_id[trial_id]["attempts"])
    heading, picker = st.columns([5, 4], vertical_alignment="bottom")
    with picker:
        chosen = url_choice("Trial", "trial", ids, show=lambda trial_id: _trial_option(by_id[trial_id]))
    attempts = snapshot.attempts(shown.path, chosen.value)
    finding = runs.attempts_finding(attempts)
    with heading:
        st.html(markup.heading(finding, beneath=_drawn(attempts)))
    if chosen.note:
        st.html(markup.notes([chosen.note]))
    chart = attempts_chart(attempts, by_id[chosen.value]["slo_ttft_s"], dark=st.context.theme.type == "dark")
    if chart is not None:
        st.altair_chart(chart, alt=f"Time to first token of each attempt over time. {finding}.")
        with st.expander("These attempts as a table"):
            st.dataframe(runs.attempts_twin(attempts), hide_index=True, height=280, alt="Attempts of the trial")
    certified = snapshot.certificate(shown.path, chosen.value)
    st.html(markup.heading("How far its load client can be trusted"))
    st.html(markup.verdict(*certificate.verdict(certified)))
    with st.expander("The evidence"):
        st.html(markup.table(*certificate.evidence_table(certified), label="Evidence of the load client"))
    facts = snapshot.facts(shown.path, chosen.value)
    st.html(markup.heading("What its accounts rest on"))
    trial = by_id[chosen.value]
    if not ad_hoc and trial["energy_j"] is not None:
        where = {"workload": trial["workload_id"], "target": trial["target_id"]}
        st.html(markup.link(f"Where the grams of {trial['target_id']} come from, as measured last", "carbon", where))
    if facts:
        st.html(markup.table(*runs.fact_table(facts), label="Facts behind the accounts"))
    else:
        st.html(markup.notes(["No fact was stated for this trial: its cost and its emissions are unknown."]))
    meters = snapshot.meters(shown.path, chosen.value)
    if meters:
        st.html(markup.table(*runs.meter_table(meters), label="Meters that watched the trial"))
    else:
        st.html(markup.notes(["No meter watched this trial."]))


def _trial_option(trial: snapshot.Row) -> str:
    retry = f" {runs.MIDDLE} try {trial['try_number']}" if trial["try_number"] > 1 else ""
    return f"{trial['target_id']} {runs.MIDDLE} {trial['workload_id']}{retry}"


def _drawn(attempts: Sequence[snapshot.Row]) -> str:
    if not attempts:
        return ""
    there_are = attempts[0]["all_attempts"]
    if there_are > len(attempts):
        return f"{len(attempts):,} of {there_are:,} attempts drawn, evenly taken in the order in which they were sent."
    return "Time to first token of each attempt, by when it was sent."


def _origin(run: snapshot.Row, shown: snapshot.Snapshot, now: datetime) -> str:
    parts = [
        run["run_id"],
        f"began {words.instant(run['started_at'])} ({words.age(run['started_at'], now)})",
        f"on {run['host_id']}",
        f"Megatoken {run['megatoken_version']}",
        f"snapshot of {words.instant(shown.published_at)}",
    ]
    return f" {runs.MIDDLE} ".join(parts)


page()
