"""Did last night work? One run: verdict, figures, coverage, failures, trials, any trial; and the runs before it."""

from collections.abc import Mapping, Sequence

import streamlit as st

from ui import certificate, frame, markup, runs, runs_list, runs_snapshot, runs_trials, words
from ui.charts import attempts_chart
from ui.choices import url_choice
from ui.runs_chart import outcomes_chart
from ui.snapshot import Row

QUESTION = "Did last night work?"


def draw(at: frame.Frame) -> None:
    """The verdict, and then from the whole run down to one attempt."""
    found = runs_snapshot.runs(at.shown.path)
    if not found:
        raise frame.Nothing("No run to look at yet", "The published snapshot holds no run yet.")
    by_id = {run["run_id"]: run for run in found}
    # Nights before pulses and benches: the question is about the night, the others are there to be looked up.
    order = list(runs_list.KINDS)
    newest_first = sorted(by_id, key=lambda run_id: order.index(by_id[run_id]["run_kind"]))
    names = {run_id: runs.option(by_id[run_id]) for run_id in newest_first}
    run = by_id[at.box("Run", "run", newest_first, names, width=420)]
    at.beneath(_origin(run, at))
    at.download(runs_list.to_csv(found), "runs.csv", help="Every run, as the view runs_overview has it")
    st.html(markup.verdict(*runs.verdict(run)))
    due = runs_list.next_run(found, at.now)
    if due is not None:
        st.html(markup.verdict(*due))
    _orchestrator(run)
    st.html(markup.tiles(runs.tiles(run)))
    path, run_id = at.shown.path, run["run_id"]
    _coverage_and_failures(runs_snapshot.cells(path, run_id), runs_snapshot.failures(path, run_id))
    _runs_of_its_kind(found, run, dark=at.dark)
    trials = runs_snapshot.trials(path, run_id)
    st.html(markup.heading("Trials of this run, in the order in which they were measured"))
    if trials:
        st.html(markup.table(*runs_trials.trial_table(trials), label="Trials of the run"))
        st.html(markup.notes(runs_trials.weights_notes(trials)))
        _one_trial(at, trials, ad_hoc=bool(run["ad_hoc"]))
    else:
        st.html(markup.notes(["No trial of this run has landed."]))


def _orchestrator(run: Mapping[str, object]) -> None:
    """The way to the logs of the run, where its orchestrator is still there."""
    flow_run, url = run["flow_run_id"], str(run["flow_run_url"] or "")
    if url.startswith(("http://", "https://")):
        st.link_button("Logs of this run in Prefect", url, icon=":material/open_in_new:")
    elif flow_run:
        st.html(markup.notes([f"Prefect's flow run {flow_run}; its server was not kept, so there is no page of it."]))


def _coverage_and_failures(cells: Sequence[Row], failures: Sequence[Row]) -> None:
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


def _runs_of_its_kind(found: Sequence[Row], run: Row, *, dark: bool) -> None:
    kind = str(run["run_kind"])
    listed = runs_list.of_kind(found, kind)
    finding = runs_list.finding(listed, kind)
    there_are = sum(other["run_kind"] == kind for other in found)
    many = runs_list.KINDS[kind][1]
    beneath = f"The newest {len(listed)} of {there_are:,} {many}." if there_are > len(listed) else ""
    st.html(markup.heading(finding, beneath=beneath))
    chart = outcomes_chart(listed, dark=dark)
    if chart is not None:
        st.altair_chart(chart, alt=f"Planned trials of each run by what became of them. {finding}.")
    with st.expander(f"These {many} as a table", expanded=chart is None):
        st.html(markup.table(*runs_list.list_table(listed, run["run_id"]), label=f"The last {many}"))


def _one_trial(at: frame.Frame, trials: Sequence[Row], *, ad_hoc: bool) -> None:
    by_id = {trial["trial_id"]: trial for trial in trials}
    # A trial with attempts has something to show: those first.
    ids = sorted(by_id, key=lambda trial_id: not by_id[trial_id]["attempts"])
    heading, picker = st.columns([5, 4], vertical_alignment="bottom")
    with picker:
        chosen = url_choice("Trial", "trial", ids, show=lambda trial_id: _trial_option(by_id[trial_id]))
    attempts = runs_snapshot.attempts(at.shown.path, chosen.value)
    finding = runs_trials.attempts_finding(attempts)
    with heading:
        st.html(markup.heading(finding, beneath=_drawn(attempts)))
    if chosen.note:
        st.html(markup.notes([chosen.note]))
    chart = attempts_chart(attempts, by_id[chosen.value]["slo_ttft_s"], dark=at.dark)
    if chart is not None:
        st.altair_chart(chart, alt=f"Time to first token of each attempt over time. {finding}.")
        with st.expander("These attempts as a table"):
            st.dataframe(runs_trials.attempts_twin(attempts), hide_index=True, height=280, alt="Attempts of the trial")
    certified = runs_snapshot.certificate(at.shown.path, chosen.value)
    st.html(markup.heading("How far its load client can be trusted"))
    st.html(markup.verdict(*certificate.verdict(certified)))
    with st.expander("The evidence"):
        st.html(markup.table(*certificate.evidence_table(certified), label="Evidence of the load client"))
    facts = runs_snapshot.facts(at.shown.path, chosen.value)
    st.html(markup.heading("What its accounts rest on"))
    trial = by_id[chosen.value]
    if not ad_hoc and trial["energy_j"] is not None:
        where = {"workload": trial["workload_id"], "target": trial["target_id"]}
        st.html(markup.link(f"Where the grams of {trial['target_id']} come from, as measured last", "carbon", where))
    if facts:
        st.html(markup.table(*runs_trials.fact_table(facts), label="Facts behind the accounts"))
    else:
        st.html(markup.notes(["No fact was stated for this trial: its cost and its emissions are unknown."]))
    meters = runs_snapshot.meters(at.shown.path, chosen.value)
    if meters:
        st.html(markup.table(*runs_trials.meter_table(meters), label="Meters that watched the trial"))
    else:
        st.html(markup.notes(["No meter watched this trial."]))


def _trial_option(trial: Row) -> str:
    retry = f" {runs.MIDDLE} try {trial['try_number']}" if trial["try_number"] > 1 else ""
    return f"{trial['target_id']} {runs.MIDDLE} {trial['workload_id']}{retry}"


def _drawn(attempts: Sequence[Row]) -> str:
    if not attempts:
        return ""
    there_are = attempts[0]["all_attempts"]
    if there_are > len(attempts):
        return f"{len(attempts):,} of {there_are:,} attempts drawn, evenly taken in the order in which they were sent."
    return "Time to first token of each attempt, by when it was sent."


def _origin(run: Row, at: frame.Frame) -> str:
    parts = [
        run["run_id"],
        f"began {words.instant(run['started_at'])} ({words.age(run['started_at'], at.now)})",
        f"on {run['host_id']}",
        f"Megatoken {run['megatoken_version']}",
    ]
    return f" {runs.MIDDLE} ".join(parts)


frame.page(QUESTION, draw)
