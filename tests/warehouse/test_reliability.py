"""Reliability of targets over a window: counts, intervals over days, outages, and who was never asked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.warehouse.builders import STARTED_AT, attempt_row, failed_row, planned_row, run_row, trial_row
from warehouse.reliability import reliability

HOUR = timedelta(hours=1)


def probe(number, outcomes, *, target="a", every=3 * HOUR, **changes):
    """A pulse: a `.` for each attempt that was served, `x` for one that failed, `r` for one that was refused."""
    at, run_id = STARTED_AT + number * every, f"pulse-{number}"
    trial_id = f"{run_id}.{target}.chat.1"
    made = {".": attempt_row(), "x": failed_row(error_class="server_error"), "r": failed_row(), "k": failed_row()}
    made["k"] = replace(made["k"], error_class="auth")
    rows = [
        replace(made[each], trial_id=trial_id, attempt_id=f"{trial_id}.{n}", seq=n) for n, each in enumerate(outcomes)
    ]
    named = {"trial_id": trial_id, "run_id": run_id, "target_id": target, "started_at": at}
    return [run_row(run_id=run_id, started_at=at, run_kind="pulse"), trial_row(**named | changes), *rows]


@pytest.fixture
def report(warehouse):
    def of(rows, window=timedelta(days=28)):
        unique = {row.run_id: row for row in rows if type(row).__name__ == "RunRow"}
        con = warehouse([*unique.values(), *(row for row in rows if type(row).__name__ != "RunRow")])
        return reliability(con, "chat", window)

    return of


def test_an_outage_is_found_between_its_runs_and_refusals_are_none(report):
    outcomes = ["...", "rrr", "...", "xxx", "xx.", "...", "..x", "..."]
    rows = [row for number, each in enumerate(outcomes) for row in probe(number, each)]
    (found,) = report(rows).targets
    assert (found.repairs.outages, found.repairs.low_s, found.repairs.high_s) == (1, 3 * 3600.0, 9 * 3600.0)
    assert (found.ok, found.down_count, found.limited_count) == (15, 6, 3)
    assert found.uptime.central == pytest.approx(15 / 21)
    assert found.served.central == pytest.approx(15 / 24)
    assert found.down_since_at is None
    assert found.between.failures == 1
    assert found.errors == {"server_error": 6, "rate_limited": 3}


def test_what_missed_the_service_level_is_failed_or_slow_and_the_level_is_named(report):
    slow = [replace(row, slo_ttft_s=0.01) if hasattr(row, "slo_ttft_s") else row for row in probe(1, "..x")]
    found = report(probe(0, "..xr") + slow)
    (target,) = found.targets
    assert (target.offered_attempts, target.ok, target.slow_count) == (7, 4, 2)
    assert target.good.central == pytest.approx(1 - (7 - 4) / 7 - 2 / 7)
    assert [ttft_s for ttft_s, _ in found.limits] == [0.01, 1.0]


def test_a_target_that_is_down_now_says_since_when(report):
    rows = [row for number, each in enumerate(["...", "...", "xxx", "xxx"]) for row in probe(number, each)]
    (found,) = report(rows).targets
    assert found.down_since_at == STARTED_AT + 6 * HOUR
    assert found.repairs.unfinished == 1


def test_intervals_are_over_days_so_a_bad_day_widens_them(report):
    spread = [row for day in range(10) for row in probe(day, "." * 9 + "x", every=24 * HOUR)]
    lumped = [row for day in range(10) for row in probe(day, "x" * 10 if day == 4 else "." * 10, every=24 * HOUR)]
    (even,), (uneven,) = report(spread).targets, report(lumped).targets
    assert even.uptime.central == uneven.uptime.central == pytest.approx(0.9)
    assert uneven.uptime.high - uneven.uptime.low > 1.5 * (even.uptime.high - even.uptime.low)


def test_the_window_ends_with_the_newest_trial_and_short_ones_have_intervals_over_runs(report):
    rows = [row for number in range(60) for row in probe(number, "...")]
    day = report(rows, timedelta(days=1))
    assert (day.blocks, day.targets[0].trials) == ("runs", 8)
    month = report(rows)
    assert (month.blocks, month.targets[0].trials, len(month.days)) == ("days", 60, 8)


def test_only_faults_of_this_client_leave_the_uptime_unknown(report):
    (found,) = report(probe(0, "kkk")).targets
    assert (found.own_count, found.uptime.central, found.served.central) == (3, None, None)


def test_who_was_never_asked_is_listed_with_the_newest_reason(report):
    rows = probe(0, "...")
    skipped = planned_row(run_id="pulse-0", target_id="m", workload_id="chat", skip_reason="M_KEY is not set")
    broken = probe(1, "", target="broken", status="setup_failed", status_reason="no weights")
    asked = planned_row(run_id="pulse-1", target_id="a", workload_id="chat", skip_reason="the machine was taken")
    found = report([*rows, *broken, skipped, asked])
    assert [(row["target_id"], row["reason"]) for row in found.absent] == [
        ("broken", "no weights"),
        ("m", "M_KEY is not set"),
    ]
    assert [of.target_id for of in found.targets] == ["a"]
