"""Runs side by side: what their list, their chart and their schedule say; the page over nights, pulses and benches."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.ui.test_pages import opened, published, text
from tests.warehouse.builders import STARTED_AT, end_row, failed_row, planned_row, run_row, trial_row
from ui import runs, runs_chart, runs_list
from ui.markup import table

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def run(number: int = 1, **changes: object) -> dict[str, object]:
    began = datetime(2026, 11, number, 2, 15, tzinfo=UTC)
    base = {
        "run_id": f"night-{number}", "run_kind": "night", "ad_hoc": False, "config_name": "c", "started_at": began,
        "ended_at": began + timedelta(minutes=30), "state": "completed", "state_reason": None, "trials_planned": 4,
        "trials_done": 4, "trials_failed": 0, "trials_skipped": 0, "trials_waiting": 0, "quote_usd_worst": 0.5,
        "max_usd": 1.0, "spent_usd": 0.25, "unpriced_trials": 0, "host_id": "host", "megatoken_version": "1",
        "flow_run_id": None, "flow_run_url": None, "next_run_at": None,
    }  # fmt: skip
    return {**base, **changes}


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ([run()], "The one night here measured all that it had planned"),
        ([run(trials_done=0)], "The one night here did not measure all that it had planned"),
        ([run(1), run(2)], "Each of the last 2 nights measured all that it had planned"),
        ([run(1), run(2, trials_done=3, trials_failed=1)], "1 of the last 2 nights measured all that was planned"),
        ([run(1, trials_done=0), run(2, trials_done=0)], "None of the last 2 nights measured all that was planned"),
    ],
)
def test_the_finding_counts_the_runs_that_measured_all_that_was_planned(listed, said):
    assert runs_list.finding(listed, "night") == said


@pytest.mark.parametrize(
    ("newest", "now", "said"),
    [
        (run(2, next_run_at=NOW + timedelta(hours=17)), NOW, "The next night is due at 2026-11-03 02:00 UTC."),
        (run(2, next_run_at=NOW - timedelta(minutes=30)), NOW, "The next night is due at"),
        (run(1, next_run_at=NOW - timedelta(hours=2)), NOW, "nothing of it has been published"),
        (run(1, next_run_at=NOW - timedelta(hours=2), ended_at=None), NOW, None),
        (run(1, next_run_at=NOW - timedelta(hours=2), ended_at=NOW), NOW, None),
        (run(2), NOW, None),
    ],
)
def test_the_next_night_is_due_or_overdue_and_nothing_is_said_where_nobody_knows(newest, now, said):
    older = run(1, run_id="older", next_run_at=NOW - timedelta(days=1))
    found = runs_list.next_run([newest, older], now)
    assert (found is None) if said is None else (found is not None and said in found[1])


def test_a_pulse_s_schedule_is_not_that_of_the_nights():
    assert runs_list.next_run([run(2, run_kind="pulse", next_run_at=NOW + timedelta(hours=1))], NOW) is None


def test_the_list_shows_money_beside_its_limit_and_unknown_as_unknown():
    listed = [
        run(1),
        run(2, spent_usd=None, unpriced_trials=4, state="failed_targets", state_reason="<b>failed</b>"),
        run(3, max_usd=None, ended_at=None, state="unfinished"),
    ]
    shown = table(*runs_list.list_table(listed, "night-2"), label="runs")
    for expected in (
        "30 min",
        ">25<",
        "of 1.00 USD",
        "unknown",
        "4 not known",
        "&lt;b&gt;",
        "no limit",
        "not ended",
        "shown",
    ):
        assert expected in shown
    assert [runs_list.budget_share(each) for each in listed] == [0.25, None, None]
    assert [runs_list.took_s(each) for each in listed] == [1800.0, 1800.0, None]


def test_the_csv_has_every_run_and_unknown_is_empty():
    first, second = runs_list.to_csv([run(1, spent_usd=None)]).splitlines()
    row = dict(zip(first.split(","), second.split(","), strict=True))
    assert (row["run_id"], row["spent_usd"], row["max_usd"], row["next_run_at"]) == ("night-1", "", "1.0", "")
    assert row["started_at"] == "2026-11-01T02:15:00+00:00"


def test_of_a_kind_the_newest_are_listed():
    many = [run(1, run_id=f"n{number}") for number in range(runs_list.LISTED + 5)]
    found = runs_list.of_kind([run(1, run_kind="pulse"), *many], "night")
    assert [each["run_id"] for each in found] == [each["run_id"] for each in many[: runs_list.LISTED]]


def test_the_chart_has_a_bar_a_run_with_what_became_of_its_trials_and_none_for_one_run():
    assert runs_chart.outcomes_chart([run()]) is None
    assert runs_chart.outcomes_chart([run(1, trials_done=0), run(2, trials_done=0)]) is None
    chart = runs_chart.outcomes_chart([run(2, trials_done=3, trials_failed=1), run(1)])
    (drawn,) = chart.to_dict()["datasets"].values()
    assert [(each["run"], each["outcome"], each["trials"]) for each in drawn] == [
        ("night-1", "done", 4), ("night-2", "done", 3), ("night-2", "failed", 1),
    ]  # fmt: skip


def test_a_pulse_that_gave_way_is_neither_a_success_nor_a_failure():
    skipped = run(state="skipped", trials_done=0, trials_skipped=4, run_kind="pulse")
    assert (runs.answer_badge(skipped).text, runs.answer_badge(skipped).tone) == ("Gave way", "quiet")


def test_the_page_leads_to_the_logs_says_what_is_due_and_keeps_pulses_apart_from_nights(tmp_path, monkeypatch):
    later = STARTED_AT + timedelta(hours=3)
    rows = [
        run_row(flow_run_id="11", flow_run_url="http://127.0.0.1:4200/runs/flow-run/11", next_run_at=STARTED_AT),
        planned_row(),
        trial_row(),
        failed_row(0, start_s=0.0),
        end_row(),
        run_row(run_id="p-1", started_at=later, run_kind="pulse", flow_run_id="22", flow_run_url="javascript:alert(1)"),
        planned_row(run_id="p-1"),
        end_row(run_id="p-1", state="skipped", reason="another run was measuring on this machine"),
    ]
    published(tmp_path, rows)
    page = opened("runs", tmp_path, monkeypatch)
    shown = text(page)
    assert page.selectbox[0].value == "night-1"
    assert "A night was due at 2026-11-01 02:15 UTC" in shown
    assert "1 attempt failed" in shown
    (link,) = page.get("link_button")
    assert link.proto.url == "http://127.0.0.1:4200/runs/flow-run/11"
    pulse = opened("runs", tmp_path, monkeypatch, run="p-1")
    assert "Gave way" in text(pulse)
    assert "The one pulse here" in text(pulse)
    assert "flow run 22" in text(pulse)
    assert not pulse.get("link_button")
