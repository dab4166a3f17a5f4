"""Certificates of loaded trials: the evidence that the view finds, and what is written down."""

from dataclasses import replace

import pytest

from tests.warehouse.builders import BOOT_NS, SECOND_NS, attempt_row, failed_row, trial_row
from warehouse.certificates import certify_trials

MS = 1_000_000
TRIAL = "night-1.alpha.chat.1"
# All that a client of today writes down, with nothing to hold against it.
GOOD = {
    "stamp_source": "kernel",
    "clock_offset_start_ns": 5,
    "clock_offset_end_ns": 6,
    "clock_step_ns": 0,
    "receive_lag_p99_ns": 100_000,
    "receive_lag_max_ns": 900_000,
    "loop_busy_share": 0.1,
    "suspended_ns": 1_000_000,
    "load_average_1m": 1.0,
    "cpu_threads": 2,
    "selftest_streams": 64,
    "selftest_ttft_error_p99_ns": 50_000,
    "selftest_tpot_error_p99_ns": 1_000,
    "selftest_concurrency_share": 0.999,
}


def clean(row):
    return replace(row, coalesced_chunks=0)


def closed(*, attempts=8, concurrency=2, **changes):
    """Two slots, each with one answer of 1.01 s after the other."""
    trial = trial_row(**{**GOOD, "concurrency": concurrency, **changes})
    rows = [clean(attempt_row(n, start_s=(n // concurrency) * 1.01, trial_id=trial.trial_id)) for n in range(attempts)]
    return [trial, *rows]


def paced(*, late_ms=(0,) * 10, **changes):
    """An open loop, one send due every 0.1 s."""
    trial = trial_row(**{**GOOD, "arrivals": "constant", "concurrency": None, "rate_rps": 10.0, **changes})
    rows = []
    for n, late in enumerate(late_ms):
        row = clean(attempt_row(n, start_s=n / 10 + late / 1000))
        rows.append(replace(row, t_sched_ns=BOOT_NS + n * SECOND_NS // 10))
    return [trial, *rows]


def certified(con, trial_id=TRIAL):
    certify_trials(con)
    names = [name for name, *_ in con.execute("DESCRIBE certificate").fetchall()]
    values = con.execute("SELECT * FROM certificate WHERE trial_id = ?", [trial_id]).fetchone()
    return dict(zip(names, values, strict=True))


def test_a_trial_with_all_its_evidence_and_nothing_against_it_is_an_a(warehouse):
    found = certified(warehouse(closed()))
    assert (found["grade"], found["reasons"]) == ("A", [])
    assert found["concurrency_share"] == pytest.approx(1.0)
    assert found["receive_lag_p99_s"] == 0.0001
    assert found["suspended_s"] == 0.001
    assert found["clock_step_s"] == 0.0
    assert found["cached_token_share"] == 0.0
    assert found["selftest_tpot_error_p99_s"] == 1e-6
    assert (found["ttft_p50_s"], found["tpot_p50_s"]) == (0.5, 0.05)
    assert found["send_lag_p99_s"] is None


def test_a_trial_of_schema_1_is_a_b_with_what_is_missing(warehouse):
    found = certified(
        warehouse([trial_row(stamp_source="kernel"), *map(clean, [attempt_row(0), attempt_row(1, start_s=1.01)])])
    )
    assert found["grade"] == "B"
    assert "no self-test at this load" in found["reasons"]
    assert all("not recorded" in reason or "self-test" in reason for reason in found["reasons"])
    assert len(found["reasons"]) == 4


def test_slots_that_stood_empty_show_as_concurrency_not_reached(warehouse):
    rows = closed(attempts=8, concurrency=2)
    # The second slot sends its last three requests late: half a second apart from the answer before.
    rows = [
        row if n % 2 or n < 4 else replace(row, t_start_ns=row.t_start_ns + SECOND_NS // 2)
        for n, row in enumerate(rows)
    ]
    found = certified(warehouse(rows))
    assert found["concurrency_share"] < 0.95
    assert found["grade"] in "CD"
    assert "the concurrency reached" in found["reasons"][0]


def test_the_drain_after_the_last_send_is_not_held_against_the_client(warehouse):
    rows = closed()
    rows[-1] = replace(rows[-1], t_end_ns=rows[-1].t_end_ns + 3600 * SECOND_NS)
    assert certified(warehouse(rows))["concurrency_share"] == pytest.approx(1.0)


def test_too_few_requests_for_the_slots_say_nothing_about_the_concurrency(warehouse):
    found = certified(warehouse(closed(attempts=3, concurrency=2)))
    assert found["concurrency_share"] is None
    assert found["grade"] == "B"


def test_people_who_think_between_two_turns_need_not_be_in_flight(warehouse):
    assert certified(warehouse(closed(conversation_turns=4)))["concurrency_share"] is None


def test_late_sends_of_an_open_loop_count_with_those_never_made(warehouse):
    rows = paced(late_ms=(0, 1, 2, 3, 61, 0, 0, 0, 0, 0))
    rows[-1] = replace(failed_row(9), t_sched_ns=BOOT_NS + 9 * SECOND_NS // 10, t_start_ns=None)
    found = certified(warehouse(rows))
    assert found["send_lag_p99_s"] == 0.061
    assert found["missed_share"] == 0.2
    assert found["streams"] > 0
    assert found["concurrency_share"] is None
    assert found["grade"] == "D"
    assert any(reason.startswith("sends were up to 61 ms late (p99)") for reason in found["reasons"])


def test_an_open_loop_on_time_is_an_a(warehouse):
    found = certified(warehouse(paced(late_ms=(1,) * 10, sends_planned=10, sends_missed=0)))
    assert (found["grade"], found["reasons"]) == ("A", [])
    assert found["missed_share"] == 0.0
    assert found["rate_share"] == pytest.approx(1.0, abs=0.01)


def test_what_the_client_counted_as_missed_goes_before_what_the_attempts_show(warehouse):
    found = certified(warehouse(paced(sends_planned=20, sends_missed=10)))
    assert found["missed_share"] == 0.5


def test_a_step_of_the_clock_is_found_in_the_offsets_of_an_older_trial(warehouse):
    found = certified(warehouse(closed(clock_step_ns=None, clock_offset_end_ns=5 - 2 * SECOND_NS)))
    assert found["clock_step_s"] == -2.0
    assert found["reasons"] == ["the wall clock was set by 2 s meanwhile, 1 ms is the limit for A"]


def test_cached_tokens_count_against_the_prompts_whose_cache_is_known(warehouse):
    rows = closed()
    rows[1:] = [replace(row, cached_tokens=60 if n == 0 else None if n < 4 else 0) for n, row in enumerate(rows[1:])]
    assert certified(warehouse(rows))["cached_token_share"] == pytest.approx(60 / 500)


def test_a_group_is_judged_by_its_rounds(warehouse):
    def member(target, rounds):
        trial = trial_row(**GOOD, trial_id=target, target_id=target, group_id="g", kind="endpoint")
        return [trial, *(replace(clean(attempt_row(n, trial_id=target)), pair_id=f"g.{n}") for n in rounds)]

    con = warehouse([*member("a", range(10)), *member("b", range(9))])
    whole, part = certified(con, "a"), certified(con, "b")
    assert (whole["grade"], whole["rounds_share"], whole["concurrency_share"]) == ("A", 1.0, None)
    assert (part["grade"], part["rounds_share"]) == ("C", 0.9)
    assert part["reasons"] == ["it took part in 90 % of the rounds of its group, 95 % is the limit for B"]


def test_a_trial_that_was_never_set_up_is_a_d(warehouse):
    con = warehouse([trial_row(status="setup_failed", status_reason="no such weights", window_start_ns=None)])
    found = certified(con)
    assert (found["grade"], found["reasons"]) == ("D", ["the trial could not be set up: no such weights"])


def test_certificates_are_made_once_a_version_and_the_latest_is_read(warehouse):
    con = warehouse(closed())
    first = certified(con)
    assert certify_trials(con) == 0
    assert certify_trials(con, recompute=True) == 1
    con.execute(
        "UPDATE certificates SET grade = 'C', method_version = 'old' WHERE recorded_at = ?", [first["recorded_at"]]
    )
    assert certified(con)["grade"] == "A"
    assert con.execute("SELECT count(*) FROM certificates").fetchone() == (2,)


def test_nothing_to_certify_is_no_error(warehouse):
    con = warehouse([])
    assert certify_trials(con) == 0


def test_many_trials_are_certified_together_as_each_by_itself(warehouse):
    rows = []
    for n in range(20):
        trial = trial_row(**GOOD, trial_id=f"t{n:02d}", concurrency=1)
        rows += [trial, *(clean(attempt_row(k, trial_id=trial.trial_id, start_s=1.01 * k)) for k in range(n % 3 + 1))]
    con = warehouse(rows)
    con.execute("DELETE FROM certificates")
    assert certify_trials(con) == 20
    together = con.execute("SELECT trial_id, grade, reasons FROM certificates ORDER BY ALL").fetchall()
    assert {grade for _, grade, _ in together} == {"A", "B"}
    con.execute("DELETE FROM certificates WHERE trial_id > 't05'")
    assert certify_trials(con) == 14
    con.execute("DELETE FROM certificates WHERE trial_id <= 't05'")
    assert certify_trials(con) == 6
    assert con.execute("SELECT trial_id, grade, reasons FROM certificates ORDER BY ALL").fetchall() == together
