"""Counts that are kept for each trial, and the views of reliability and of the hours of the week upon them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from probes.load.errors import ERROR_CLASSES
from tests.warehouse.builders import STARTED_AT, attempt_row, fact_row, failed_row, run_row, trial_row


def trial_with(trial_id, attempts, **changes):
    run_id = changes.pop("run_id", "night-1")
    rows = [replace(row, trial_id=trial_id, attempt_id=f"{trial_id}.{n}", seq=n) for n, row in enumerate(attempts)]
    return [trial_row(trial_id=trial_id, run_id=run_id, **changes), *rows]


def test_what_a_trial_came_to_is_counted(warehouse):
    con = warehouse(trial_with("a", [attempt_row(), failed_row(), failed_row(error_class="stall")]))
    (found,) = con.execute(
        "SELECT attempts, ok, offered_attempts, good_count, errors, output_tokens, chunked_tokens, chunks"
        " FROM trial_metrics"
    ).fetchall()
    assert found == (3, 1, 3, 1, {"rate_limited": 1, "stall": 1}, 11, 11, 10)


def test_counts_agree_with_what_every_attempt_says(warehouse):
    rows = trial_with("a", [attempt_row(), attempt_row(t_first_ns=None), failed_row(), attempt_row(phase="warmup")])
    rows += trial_with("b", [], status="setup_failed", window_start_ns=None, window_end_ns=None)
    rows += trial_with("c", [attempt_row(output_tokens=None)], sends_planned=4)
    con = warehouse(rows)
    differing = con.execute(
        """
        WITH counted AS (
            SELECT
                trial_id,
                count(*) AS attempts,
                count(*) FILTER (ok) AS ok,
                count(*) FILTER (slo_met AND NOT sent_late) AS good_count
            FROM attempt_metrics
            GROUP BY trial_id
        )
        SELECT trial_id FROM trial_metrics AS m LEFT JOIN counted AS c USING (trial_id)
        WHERE (coalesce(c.attempts, 0), coalesce(c.ok, 0), coalesce(c.good_count, 0))
            IS DISTINCT FROM (m.attempts, m.ok, m.good_count)
            OR m.good_count / nullif(m.offered_attempts, 0) IS DISTINCT FROM m.goodput_share
        """
    ).fetchall()
    assert differing == []
    assert con.execute("SELECT count(*) FROM trial_metrics").fetchall() == [(3,)]


def test_every_class_of_failures_is_somebodys(warehouse):
    con = warehouse([trial_row()])
    known = {name for (name,) in con.execute("SELECT error_class FROM reliability_classes").fetchall()}
    assert known == set(ERROR_CLASSES)


def test_refusals_for_rate_lower_what_is_served_and_not_the_uptime_and_our_own_faults_neither(warehouse):
    attempts = [
        *(attempt_row() for _ in range(6)),
        failed_row(error_class="server_error"),
        failed_row(error_class="a_class_of_tomorrow"),
        failed_row(error_class="rate_limited"),
        failed_row(error_class="rate_limited"),
        failed_row(error_class="auth"),
    ]
    con = warehouse(trial_with("a", attempts))
    (day,) = con.execute("SELECT uptime_share, served_share, down_count, own_count FROM reliability_days").fetchall()
    assert day == pytest.approx((0.75, 0.6, 2, 1))


def test_a_pulse_is_kept_out_of_the_board_and_in_reliability_and_a_bench_is_in_neither(warehouse):
    rows = [
        run_row(),
        run_row(run_id="pulse-run", run_kind="pulse"),
        run_row(run_id="bench-1", run_kind="bench"),
        run_row(run_id="bench-2"),
        *trial_with("n", [attempt_row()]),
        *trial_with("p", [attempt_row()], run_id="pulse-run", started_at=STARTED_AT + timedelta(hours=3)),
        *trial_with("b", [attempt_row()], run_id="bench-1", started_at=STARTED_AT + timedelta(hours=4)),
        *trial_with("o", [attempt_row()], run_id="bench-2", started_at=STARTED_AT + timedelta(hours=5)),
    ]
    con = warehouse(rows)
    assert con.execute("SELECT trial_id FROM leaderboard").fetchall() == [("n",)]
    assert con.execute("SELECT trial_id, run_kind FROM reliability_trials ORDER BY 1").fetchall() == [
        ("n", "night"),
        ("p", "pulse"),
    ]
    assert con.execute("SELECT run_id, run_kind FROM runs_overview ORDER BY 1").fetchall() == [
        ("bench-1", "bench"),
        ("bench-2", "bench"),
        ("night-1", "night"),
        ("pulse-run", "pulse"),
    ]


def test_an_hour_of_the_week_has_medians_of_trials_under_one_load_and_what_they_cost(warehouse):
    def slow(factor):
        first_ns = attempt_row().t_start_ns + round(factor * 5e8)
        return attempt_row(t_first_ns=first_ns, t_last_ns=first_ns + 500_000_000)

    facts = [fact_row("price_usd_per_input_mtok", 1.0), fact_row("price_usd_per_output_mtok", 2.0)]
    rows = []
    for number, factor in enumerate((1, 2, 4)):
        at = STARTED_AT + timedelta(weeks=number)
        rows += trial_with(f"t{number}", [slow(factor)], kind="endpoint", started_at=at)
        rows += [replace(fact, trial_id=f"t{number}") for fact in facts]
    rows += trial_with("loaded", [slow(8)], kind="endpoint", concurrency=64)
    con = warehouse(rows)
    found = con.execute(
        "SELECT concurrency, trials, ttft_p50_s, usd_per_output_mtok, weekday_number, hour_number"
        " FROM hour_of_week ORDER BY concurrency"
    ).fetchall()
    at = (STARTED_AT.isoweekday(), STARTED_AT.hour)
    assert found == [
        (1, 3, pytest.approx(1.0), pytest.approx(122 / 11), *at),
        (64, 1, pytest.approx(4.0), None, *at),
    ]
