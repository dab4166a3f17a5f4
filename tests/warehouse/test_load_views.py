"""Views of the load client's figures: failures that count, planned sends, the steady window, searches."""

import math
from dataclasses import replace

import pytest

from tests.warehouse.builders import BOOT_NS, SECOND_NS, attempt_row, failed_row, search_row, trial_row

MS = 1_000_000


def one(con, columns, view="trial_metrics"):
    (row,) = con.execute(f"SELECT {columns} FROM {view}").fetchall()
    return row


def answered(seq, *, ttft_ms=500, due_s=None, late_ms=0, **changes):
    """A success with a time to first token, and for an open loop a planned send and how late it was made."""
    start_ns = BOOT_NS if due_s is None else BOOT_NS + round(due_s * SECOND_NS) + late_ms * MS
    row = attempt_row(seq)
    return replace(
        row,
        t_sched_ns=None if due_s is None else BOOT_NS + round(due_s * SECOND_NS),
        t_start_ns=start_ns,
        t_first_ns=start_ns + ttft_ms * MS,
        t_last_ns=start_ns + ttft_ms * MS + SECOND_NS // 2,
        t_end_ns=start_ns + ttft_ms * MS + SECOND_NS // 2,
        **changes,
    )


# percentiles that are blank, and failures that count


@pytest.mark.parametrize(
    ("n", "known"), [(1, (True, False, False)), (59, (True, False, False)), (60, (True, True, False)),
                     (299, (True, True, False)), (300, (True, True, True))],
)  # fmt: skip
def test_a_percentile_is_blank_below_the_attempts_it_needs_and_the_maximum_never_is(warehouse, n, known):
    con = warehouse([trial_row(), *(answered(seq) for seq in range(n))])
    for key in ("ttft", "tpot", "e2e", "ttft_all", "e2e_all"):
        row = one(con, f"{key}_p50_s, {key}_p95_s, {key}_p99_s")
        assert tuple(value is not None for value in row) == known, key
    assert one(con, "ttft_max_s, e2e_max_s") == pytest.approx((0.5, 1.0))


def test_a_failure_is_infinitely_long_among_all_attempts_and_not_there_among_the_successful(warehouse):
    rows = [answered(seq, ttft_ms=seq + 1) for seq in range(300)]
    rows += [failed_row(300 + seq) for seq in range(15)]
    con = warehouse([trial_row(), *rows])
    assert one(con, "n_ttft, ttft_p50_s, ttft_p95_s, ttft_p99_s") == pytest.approx((300, 0.150, 0.285, 0.297))
    # of 315 the 158th, the 300th and the 312th, which is a failure
    assert one(con, "n_ttft_all, ttft_all_p50_s, ttft_all_p95_s, ttft_all_p99_s") == (315, 0.158, 0.3, math.inf)
    assert one(con, "ttft_all_p99_s <= 1e9") == (False,)


def test_an_answer_without_a_first_token_is_unknown_and_not_infinite(warehouse):
    silent = attempt_row(1, t_first_ns=None, t_last_ns=None, streamed_tokens=0)
    con = warehouse([trial_row(), attempt_row(0), silent])
    assert one(con, "n_ttft_all, ttft_all_p50_s, n_e2e_all") == (1, 0.5, 1)


# planned sends


def test_latencies_from_the_planned_send_hold_the_wait_that_a_late_send_hides(warehouse):
    rows = [answered(seq, due_s=seq, late_ms=0 if seq < 5 else 400) for seq in range(10)]
    con = warehouse([trial_row(arrivals="constant"), *rows])
    names = "ttft_p50_s, ttft_sched_p50_s, e2e_sched_p50_s, lag_p50_s, lag_p99_s, lag_max_s"
    assert one(con, names) == pytest.approx((0.5, 0.5, 1.0, 0.0, 0.4, 0.4))
    assert one(con, "n_ttft_sched, n_e2e_sched") == (10, 10)


def test_a_rate_that_was_kept_is_that_of_the_drawn_sends_and_not_the_nominal_one(warehouse):
    rows = [answered(seq, due_s=seq / 2) for seq in range(9)]
    trial = trial_row(arrivals="poisson", rate_rps=3.0, sends_planned=9, sends_missed=0)
    names = "rate_planned_rps, rate_achieved_rps, rate_share, rate_missed"
    assert one(warehouse([trial, *rows]), names) == pytest.approx((2.0, 2.0, 1.0, False))


def test_sends_that_fall_behind_or_are_never_made_lower_the_rate_and_the_trial_is_marked(warehouse):
    # planned over 8 s, made over 10 s
    behind = [answered(seq, due_s=seq, late_ms=250 * seq) for seq in range(9)]
    assert one(warehouse([trial_row(), *behind]), "rate_share, rate_missed") == pytest.approx((0.8, True))
    never = [answered(seq, due_s=seq) for seq in range(9)]
    trial = trial_row(sends_planned=11, sends_missed=2)
    assert one(warehouse([trial, *never]), "rate_share, rate_missed") == pytest.approx((0.8, True))
    unsent = [*never[:8], failed_row(8, error_class="aborted", t_sched_ns=BOOT_NS + 10 * SECOND_NS, t_start_ns=None)]
    assert one(warehouse([trial_row(), *unsent]), "rate_share, rate_missed") == pytest.approx((0.875, True))


@pytest.mark.parametrize(("late_ms", "missed"), [(160, False), (164, True)])
def test_the_rate_is_missed_below_98_percent_on_both_sides_of_the_limit(warehouse, late_ms, missed):
    rows = [answered(seq, due_s=seq, late_ms=late_ms if seq == 8 else 0) for seq in range(9)]
    assert one(warehouse([trial_row(), *rows]), "rate_missed") == (missed,)


def test_a_closed_loop_has_no_rate_to_miss(warehouse):
    con = warehouse([trial_row(), answered(0), answered(1)])
    assert one(con, "rate_planned_rps, rate_share, rate_missed, lag_p99_s, ttft_sched_p50_s") == (None,) * 5


def test_goodput_is_over_what_was_offered_and_a_send_that_was_missed_or_late_is_not_good(warehouse):
    rows = [answered(0, due_s=0), answered(1, due_s=1, late_ms=51), answered(2, due_s=2, late_ms=50), failed_row(3)]
    trial = trial_row(sends_planned=8, sends_missed=5)
    con = warehouse([trial, *rows])
    assert one(con, "offered_attempts, goodput_share, goodput_rps") == pytest.approx((8, 0.25, 0.2))
    assert one(con, "ttft_met_share, tpot_met_share") == pytest.approx((3 / 8, 3 / 8))


def test_a_percentile_meets_a_limit_exactly_where_the_share_within_it_reaches_the_percentile(warehouse):
    for slow in (5, 6):
        rows = [answered(seq, ttft_ms=1001 if seq < slow else 1000) for seq in range(100)]
        con = warehouse([trial_row(), *rows])
        assert one(con, "ttft_met_share >= 0.95") == one(con, "ttft_all_p95_s <= 1.0") == (slow == 5,)


# steady window


def steady_trial(**changes):
    settings = {
        "steady_start_ns": BOOT_NS + 2 * SECOND_NS,
        "steady_end_ns": BOOT_NS + 6 * SECOND_NS,
        "steady_output_tokens": 60.0,
    }
    return trial_row(**settings | changes)


def test_what_started_in_the_steady_window_counts_there_whenever_it_ended(warehouse):
    slow = replace(attempt_row(2, start_s=6), t_last_ns=BOOT_NS + 9 * SECOND_NS)
    rows = [attempt_row(0, start_s=1.9), attempt_row(1, start_s=2), slow, attempt_row(3, start_s=6.1)]
    con = warehouse([steady_trial(), *rows])
    names = "n_steady, steady_window_s, steady_output_tokens_per_s, e2e_steady_p50_s"
    assert one(con, names) == pytest.approx((2, 4.0, 15.0, 1.0))
    assert con.execute("SELECT steady FROM attempt_metrics ORDER BY seq").fetchall() == [
        (False,), (True,), (True,), (False,),
    ]  # fmt: skip


def test_a_trial_without_a_steady_window_has_none_of_its_figures(warehouse):
    con = warehouse([trial_row(), attempt_row()])
    names = "steady, steady_window_s, steady_output_tokens_per_s, ttft_steady_p50_s, n_steady"
    assert one(con, names) == (False, None, None, None, 0)
    assert one(con, "steady", "attempt_metrics") == (None,)


@pytest.mark.parametrize(
    ("tokens", "starts_s", "stands"),
    [
        (22.0, (1, 2, 3, 7), True),  # half of 44 tokens and of four attempts
        (21.9, (1, 2, 3, 7), False),
        (44.0, (1, 1, 3, 7), False),
    ],
)
def test_the_steady_figures_stand_for_a_trial_if_they_hold_half_of_it(warehouse, tokens, starts_s, stands):
    rows = [attempt_row(seq, start_s=start_s) for seq, start_s in enumerate(starts_s)]
    con = warehouse([steady_trial(steady_output_tokens=tokens), *rows])
    assert one(con, "steady") == (stands,)
    speed = tokens / 4 if stands else 4.4
    assert one(con, "measured_over, output_tokens_per_s, n_ttft", "trial_figures") == (
        "steady" if stands else "whole", pytest.approx(speed), 2 if stands else 4,
    )  # fmt: skip
    names = "measured_over, output_tokens_per_s, whole_output_tokens_per_s"
    assert one(con, names, "leaderboard") == (
        "steady" if stands else "whole", pytest.approx(speed), pytest.approx(4.4),
    )  # fmt: skip


# the timeline score


def test_a_failure_scores_0_on_the_timeline_and_an_unknown_score_stays_unknown(warehouse):
    rows = [attempt_row(0, qoe_share=1.0), attempt_row(1, qoe_share=0.5), failed_row(2), failed_row(3, qoe_share=0.9)]
    con = warehouse([trial_row(), *rows])
    assert one(con, "n_qoe, qoe_mean_share, qoe_p10_share") == (4, 0.375, None)
    con = warehouse([trial_row(), attempt_row(0), failed_row(1)])
    assert one(con, "n_qoe, qoe_mean_share, qoe_p10_share") == (0, None, None)


def test_the_10th_percentile_of_the_timeline_score_is_the_bad_end(warehouse):
    rows = [attempt_row(seq, qoe_share=(seq + 1) / 100) for seq in range(30)]
    assert one(warehouse([trial_row(), *rows]), "qoe_p10_share") == pytest.approx((0.03,))


# the check of the definitions


def test_latency_is_ttft_plus_tpot_times_the_tokens_after_the_first(warehouse):
    rows = [
        attempt_row(seq, streamed_tokens=tokens, t_last_ns=BOOT_NS + 10**10 + tokens)
        for seq, tokens in enumerate((2, 3, 7, 1000, 12_345))
    ]
    con = warehouse([trial_row(), *rows])
    assert con.execute("SELECT abs(latency_check_s) < 1e-9 FROM attempt_metrics").fetchall() == [(True,)] * 5
    assert one(con, "latency_check_max_s < 1e-9") == (True,)


def test_an_answer_without_a_tpot_has_no_latency_check(warehouse):
    con = warehouse([trial_row(), attempt_row(streamed_tokens=1)])
    assert one(con, "latency_check_s", "attempt_metrics") == (None,)


# searches


def test_a_point_of_a_search_meets_the_service_level_if_enough_of_all_attempts_do(warehouse):
    def point(number, failing, **changes):
        trial_id = f"p{number}"
        rows = [attempt_row(seq, trial_id=trial_id, start_s=seq / 10) for seq in range(20)]
        rows[:failing] = [
            replace(failed_row(seq), trial_id=trial_id, attempt_id=f"{trial_id}.{seq}") for seq in range(failing)
        ]
        search = {"search_id": search_row().search_id, "search_point": number, "rate_rps": 5.0 * (number + 1)}
        return [trial_row(trial_id=trial_id, **search | changes), *rows]

    con = warehouse([search_row(), *point(0, 1), *point(1, 2), *point(2, 0, slo_tpot_s=0.049)])
    found = con.execute(
        "SELECT search_point, kind, rate_rps, ttft_met_share, tpot_met_share, met, saturated"
        " FROM search_points ORDER BY search_point"
    ).fetchall()
    assert found == [
        (0, "slo", 5.0, 0.95, 0.95, True, True),  # one in 20 was turned away
        (1, "slo", 10.0, 0.9, 0.9, False, True),
        (2, "slo", 15.0, 1.0, 0.0, False, False),
    ]
    assert con.execute("SELECT count(*) FROM leaderboard").fetchall() == [(0,)]


@pytest.mark.parametrize(("load", "saturated"), [(1.0, False), (1.018, False), (1.023, True), (1.2, True)])
def test_a_target_that_falls_behind_is_saturated(warehouse, load, saturated):
    # each second of sending adds load - 1 seconds of waiting, and every other answer is 20 ms longer
    rows = [
        answered(seq, due_s=seq / 10, ttft_ms=round(500 + 100 * seq * (load - 1) + 20 * (seq % 2)))
        for seq in range(100)
    ]
    con = warehouse([trial_row(search_id="s", search_point=0), *rows])
    growth, found, kind, met = one(con, "e2e_growth_share, saturated, kind, met", "search_points")
    assert growth == pytest.approx(load - 1, abs=0.002)
    assert (found, kind, met) == (saturated, None, None)


def test_a_slope_of_a_few_noisy_answers_is_no_saturation(warehouse):
    rows = [answered(seq, due_s=seq / 10, ttft_ms=ms) for seq, ms in enumerate((500, 900, 450, 800, 700, 850))]
    con = warehouse([trial_row(search_id="s", search_point=0), *rows])
    assert one(con, "regr_slope(ttft_s, start_s) > 0.05", "attempt_metrics") == (True,)
    assert one(con, "e2e_growth_share, kept_share, saturated", "search_points") == (0.0, 1.0, False)


def test_a_point_in_which_nothing_succeeded_keeps_up_with_nothing(warehouse):
    con = warehouse([trial_row(search_id="s", search_point=0), failed_row(0), failed_row(1)])
    assert one(con, "kept_share, saturated", "search_points") == (0.0, True)
