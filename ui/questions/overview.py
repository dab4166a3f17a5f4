"""What should I use today? Four answers among those that keep the service level, and what changed since."""

import streamlit as st

from ui import (
    canary,
    canary_snapshot,
    endpoint_check,
    endpoint_check_snapshot,
    frame,
    markup,
    overview,
    overview_snapshot,
    ranking,
    ranking_snapshot,
    runs,
    slo,
    snapshot,
    words,
)
from ui.overview_chart import places_chart
from warehouse.decision import Rules

QUESTION = "What should I use today?"
_LISTED = 30
_CHANGES = 6
_WAYS = (
    ("ranking", "Ranked by one figure, or by weights of my own"),
    ("tradeoff", "What speed costs, and who is on the front"),
    ("calculator", "What my own month would cost and emit"),
    ("time", "When it is slow, dear or dirty"),
    ("reliability", "Whether it can be depended on"),
)


def draw(at: frame.Frame) -> None:
    """The answers, how sure they are, what changed, and whether the last night worked."""
    chosen = at.bar(workload=True, model=True, window=True, percentile=True, region=True)
    limits = slo.asked_limits(at, chosen.workload, default="own")
    asked = overview.questions(chosen.percentile)
    answers = {}
    for question in asked:
        rules = Rules(by=question.by.id, limits=limits, window=chosen.window)
        rows = snapshot.leaderboard(at.shown.path, question.by.id, chosen.workload, any_grade=False)
        ids = tuple(sorted(row["target_id"] for row in rows if chosen.admits(row)))
        board = ranking_snapshot.board(at.shown.path, chosen.workload, rules, ids)
        answers[question.key] = ranking.entries(board, [], question.by)
    targets = overview.order(answers, asked)
    if not targets:
        raise frame.Nothing("Nothing to choose from yet", "No target has a measurement under this workload yet.")
    first = answers[asked[0].key]
    nights = max(entry.band.n_runs for entry in first)
    seen = words.nights_ranked_by(nights, chosen.window_words)
    at.beneath(f"{words.count(len(targets), 'target')} {frame.MIDDLE} {seen}")
    newest = max(entry.row["measured_at"] for entry in first)
    if words.is_stale(newest, at.now):
        st.html(markup.verdict(*words.stale_verdict(newest, at.now)))
    level = overview.level_words([entry.verdict for entry in first])
    if level is not None:
        st.html(markup.verdict(*level))
    listed = targets[:_LISTED]
    verdicts = canary_snapshot.verdicts(at.shown.path)
    badges = {one: canary.changed_badge(verdicts.get(one)) for one in targets}
    marks = {one: badge for one, badge in badges.items() if badge is not None}
    st.html(markup.tiles([overview.tile(question, answers[question.key], marks) for question in asked]))
    finding = overview.finding(answers, asked)
    chart = places_chart(answers, asked, listed, dark=at.dark)
    st.html(markup.heading(finding, beneath="" if chart is None else overview.READ_SO))
    st.html(markup.notes(overview.why_nobody(answers)))
    if chart is not None:
        st.altair_chart(chart, alt=f"{finding}. The places stand in the table below.")
    st.html(markup.table(*overview.table(answers, asked, listed, marks), label="Targets in the four questions"))
    if len(listed) < len(targets):
        st.html(markup.notes([f"{len(listed)} of {len(targets)} targets are listed; Ranking has them all."]))
    _changes(at, chosen, nights)
    _night(at)
    _checks(at)
    st.html(markup.heading("Where to look next"))
    st.html("".join(markup.link(said, page, {"workload": chosen.workload}) for page, said in _WAYS))


def _changes(at: frame.Frame, chosen: frame.Filters, nights: int) -> None:
    found = overview_snapshot.changes(at.shown.path, chosen.workload, chosen.window)
    found = [row for row in found if chosen.admits(row)]
    if not found:
        text, beneath = overview.unchanged(nights, chosen.window_words)
        st.html(markup.heading(text, beneath=beneath))
        return
    newest = found[0]["changed_on"]
    st.html(
        markup.heading(
            f"{words.count(len(found), 'change')} in the last {chosen.window_words}, the newest on {newest}",
            beneath="Shifts that last, nights far from their neighbours, and prices; what else differed is no cause.",
        )
    )
    st.html(markup.table(*overview.change_rows(found[:_CHANGES]), label="What changed"))
    if len(found) > _CHANGES:
        st.html(markup.notes([f"{_CHANGES} of {len(found)} are listed; `megatoken watch` lists them all."]))


def _night(at: frame.Frame) -> None:
    run = overview_snapshot.last_night(at.shown.path)
    if run is None:
        return
    began = f"Began {words.instant(run['started_at'])}, {words.age(run['started_at'], at.now)}."
    st.html(markup.heading("Did the last night work?", beneath=began))
    st.html(markup.verdict(*runs.verdict(run)))
    st.html(markup.link("The whole night", "runs", {"run": run["run_id"]}))


def _checks(at: frame.Frame) -> None:
    found = endpoint_check_snapshot.deviating(at.shown.path)
    if not found:
        return
    do = "does" if len(found) == 1 else "do"
    title = f"{words.count(len(found), 'target')} {do} not all that standards require, when last checked"
    st.html(markup.heading(title))
    lines = [
        markup.link(endpoint_check.deviation_words(row), "endpoint", {"target": row["target_id"]})
        for row in found[:_CHANGES]
    ]
    st.html("".join(lines))
    if len(found) > _CHANGES:
        st.html(markup.notes([f"{_CHANGES} of {len(found)} are listed: SELECT * FROM latest_checks has them all."]))


frame.page(QUESTION, draw)
