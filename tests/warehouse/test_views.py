"""Views: definitions of `load-metrics` on rows with round numbers, and what is NULL rather than 0."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.warehouse.builders import (
    BOOT_NS,
    SECOND_NS,
    STARTED_AT,
    attempt_row,
    end_row,
    fact_row,
    failed_row,
    planned_row,
    run_row,
    tariff_hour_row,
    trial_row,
)


def one(con, columns, view="trial_metrics"):
    (row,) = con.execute(f"SELECT {columns} FROM {view}").fetchall()
    return row


# attempts


def test_times_of_an_attempt_are_differences_of_its_time_points(warehouse):
    attempt = attempt_row(
        t_sched_ns=BOOT_NS - SECOND_NS // 4,
        t_conn_ns=BOOT_NS + SECOND_NS // 10,
        t_visible_ns=BOOT_NS + SECOND_NS * 3 // 5,
    )
    con = warehouse([trial_row(), attempt])
    names = "ttft_s, ttft_conn_free_s, ttft_sched_s, ttfo_s, e2e_s, e2e_sched_s, lag_s, stream_close_s"
    assert one(con, names, "attempt_metrics") == pytest.approx((0.5, 0.4, 0.75, 0.6, 1.0, 1.25, 0.25, 0.01))


def test_tpot_divides_by_the_streamed_tokens_after_the_first_and_speed_by_all_output_tokens(warehouse):
    con = warehouse([trial_row(), attempt_row(output_tokens=31, streamed_tokens=11)])
    assert one(con, "tpot_s, output_tokens_per_s", "attempt_metrics") == pytest.approx((0.05, 31.0))


@pytest.mark.parametrize("streamed_tokens", [None, 0, 1])
def test_one_token_or_none_has_no_tpot_and_passes_that_clause_of_the_service_level(warehouse, streamed_tokens):
    con = warehouse([trial_row(), attempt_row(streamed_tokens=streamed_tokens)])
    assert one(con, "tpot_s, slo_met", "attempt_metrics") == (None, True)


@pytest.mark.parametrize(
    ("slo", "met"),
    [
        ({"slo_ttft_s": 0.5, "slo_tpot_s": 0.05}, True),
        ({"slo_ttft_s": 0.499, "slo_tpot_s": 0.05}, False),
        ({"slo_ttft_s": 0.5, "slo_tpot_s": 0.0499}, False),
    ],
)
def test_the_service_level_is_met_up_to_and_including_its_limits(warehouse, slo, met):
    con = warehouse([trial_row(**slo), attempt_row()])
    assert one(con, "slo_met", "attempt_metrics") == (met,)


def test_a_failed_attempt_and_one_without_a_first_token_do_not_meet_the_service_level(warehouse):
    failed_late = attempt_row(0, error_class="stream_cut")
    silent = attempt_row(1, t_first_ns=None, t_last_ns=None, streamed_tokens=0)
    con = warehouse([trial_row(), failed_late, silent])
    assert con.execute("SELECT ok, slo_met, ttft_s FROM attempt_metrics ORDER BY seq").fetchall() == [
        (False, False, 0.5),
        (True, False, None),
    ]


def test_warm_up_counts_in_nothing(warehouse):
    con = warehouse([trial_row(), attempt_row(0, phase="warmup"), attempt_row(1)])
    assert one(con, "attempts, ok, n_ttft") == (1, 1, 1)


# trials


def test_percentiles_are_nearest_rank_over_successful_attempts(warehouse):
    def answered(seq, ttft_ms):
        first_ns = BOOT_NS + ttft_ms * 1_000_000
        return attempt_row(seq, t_first_ns=first_ns, t_last_ns=first_ns + SECOND_NS)

    # 1 to 300 ms, and failures that would be first or last if they counted
    rows = [answered(seq, seq + 1) for seq in range(300)]
    rows += [failed_row(300), replace(answered(301, 900), error_class="stream_cut")]
    con = warehouse([trial_row(), *rows])
    names = "n_ttft, ttft_p50_s, ttft_p95_s, ttft_p99_s, ttft_max_s"
    assert one(con, names) == pytest.approx((300, 0.150, 0.285, 0.297, 0.300))


def test_failures_are_counted_by_class_and_lower_the_goodput(warehouse):
    rows = [attempt_row(0), failed_row(1), failed_row(2), failed_row(3, error_class="timeout")]
    con = warehouse([trial_row(), *rows])
    assert one(con, "attempts, ok, failed_share, goodput_share") == (4, 1, 0.75, 0.25)
    assert one(con, "errors") == ({"rate_limited": 2, "timeout": 1},)


def test_a_trial_without_failures_has_an_empty_map_of_errors(warehouse):
    assert one(warehouse([trial_row(), attempt_row()]), "errors") == ({},)


def test_rates_divide_by_the_window(warehouse):
    con = warehouse([trial_row(), attempt_row(0), attempt_row(1, start_s=2), failed_row(2, start_s=4)])
    assert one(con, "window_s, output_tokens_per_s, requests_per_s") == pytest.approx((10.0, 2.2, 0.2))


def test_concurrency_is_the_mean_number_in_flight_over_the_window(warehouse):
    # 1.01 s each in a window of 10 s; the third began before the window, the fourth never ended
    rows = [
        attempt_row(0),
        attempt_row(1, start_s=0.5),
        attempt_row(2, start_s=-0.51),
        attempt_row(3, start_s=8.0, t_end_ns=None, t_last_ns=None, error_class="aborted"),
    ]
    con = warehouse([trial_row(), *rows])
    assert one(con, "concurrency_mean") == pytest.approx(((1.01 + 1.01 + 0.5 + 2.0) / 10,))


def test_an_unknown_token_count_of_one_success_makes_the_sum_unknown_and_of_a_failure_does_not(warehouse):
    con = warehouse([trial_row(), attempt_row(0), attempt_row(1, output_tokens=None), failed_row(2)])
    assert one(con, "output_tokens, output_tokens_per_s, prompt_tokens") == (None, None, 200)
    con = warehouse([trial_row(), attempt_row(0), failed_row(1)])
    assert one(con, "output_tokens") == (11,)


def test_a_trial_in_which_nothing_succeeded_has_a_speed_of_0_and_no_latency(warehouse):
    con = warehouse([trial_row(), failed_row(0)])
    assert one(con, "ok, output_tokens_per_s, ttft_p50_s, e2e_p50_s, failed_share") == (0, 0.0, None, None, 1.0)


def test_a_trial_that_never_started_is_a_row_without_figures(warehouse):
    con = warehouse([trial_row(status="setup_failed", window_start_ns=None, window_end_ns=None)])
    assert one(con, "status, attempts, failed_share, window_s, concurrency_mean, goodput_share, errors") == (
        "setup_failed", 0, None, None, None, None, {},
    )  # fmt: skip


def test_a_window_of_no_length_divides_nothing(warehouse):
    con = warehouse([trial_row(window_end_ns=BOOT_NS), attempt_row()])
    assert one(con, "output_tokens_per_s, concurrency_mean") == (None, None)


def test_coalesced_chunks_are_a_share_of_all_chunks(warehouse):
    rows = [attempt_row(0, chunks=10, coalesced_chunks=1), attempt_row(1, chunks=30, coalesced_chunks=3)]
    assert one(warehouse([trial_row(), *rows]), "coalesced_share") == pytest.approx((0.1,))


# runs


def cells_of(con):
    return con.execute("SELECT target_id, outcome, status, reason, try_number FROM trial_status ORDER BY 1").fetchall()


def test_each_cell_of_a_plan_is_done_failed_skipped_or_waiting(warehouse):
    def trial(target_id, try_number=1, **changes):
        return trial_row(
            trial_id=f"night-1.{target_id}.chat.{try_number}", target_id=target_id, try_number=try_number, **changes
        )

    con = warehouse(
        [
            run_row(),
            planned_row(target_id="a"),
            planned_row(target_id="b"),
            planned_row(target_id="c"),
            planned_row(target_id="d", skip_reason="no key"),
            planned_row(target_id="e"),
            trial("a", 1, status="crashed", status_reason="killed"),
            trial("a", 2),
            attempt_row(trial_id="night-1.a.chat.2"),
            trial("b", status="timed_out", status_reason="after 60 s"),
            trial("c"),
        ]
    )
    assert cells_of(con) == [
        ("a", "done", "completed", None, 2),
        ("b", "failed", "timed_out", "after 60 s", 1),
        ("c", "failed", "completed", "no attempt succeeded", 1),
        ("d", "skipped", "skipped", "no key", None),
        ("e", "waiting", "waiting", None, None),
    ]
    names = "trials_planned, trials_done, trials_failed, trials_skipped, trials_waiting, state, ad_hoc"
    assert one(con, names, "runs_overview") == (5, 1, 2, 1, 1, "unfinished", False)


def test_a_run_has_the_state_of_its_last_end(warehouse):
    con = warehouse(
        [
            run_row(),
            end_row(state="aborted", reason="Ctrl-C"),
            end_row(ended_at=STARTED_AT + timedelta(hours=1), state="completed"),
        ]
    )
    assert one(con, "state, state_reason", "runs_overview") == ("completed", None)


def test_what_a_run_spent_leaves_out_what_is_not_known_and_says_how_many(warehouse):
    priced = trial_row(kind="endpoint")
    unpriced = trial_row(trial_id="night-1.beta.chat.1", target_id="beta", kind="endpoint")
    facts = [fact_row("price_usd_per_input_mtok", 1.0), fact_row("price_usd_per_output_mtok", 2.0)]
    con = warehouse([run_row(), priced, unpriced, attempt_row(), *facts])
    assert one(con, "spent_usd, unpriced_trials", "runs_overview") == pytest.approx((122e-6, 1))


# leaderboard


def test_the_leaderboard_shows_the_latest_finished_trial_of_each_target_and_workload(warehouse):
    def trial(night, status="completed"):
        return trial_row(
            trial_id=f"n{night}",
            run_id=f"night-{night}",
            status=status,
            started_at=STARTED_AT + timedelta(days=night),
        )

    con = warehouse([trial(1), trial(2, "timed_out"), trial(3, "crashed"), trial(4, "aborted")])
    assert one(con, "trial_id, status", "leaderboard") == ("n2", "timed_out")


def test_an_ad_hoc_bench_stays_out_of_the_leaderboard_and_in_everything_else(warehouse):
    bench = trial_row(trial_id="b", run_id="bench-1", started_at=STARTED_AT + timedelta(days=1))
    con = warehouse([trial_row(), bench, run_row(run_id="bench-1")])
    assert one(con, "trial_id", "leaderboard") == ("night-1.alpha.chat.1",)
    assert con.execute("SELECT count(*) FROM trial_metrics").fetchall() == [(2,)]
    assert con.execute("SELECT run_id FROM runs_overview WHERE ad_hoc").fetchall() == [("bench-1",)]
    assert con.execute("SELECT trials_planned FROM runs_overview WHERE ad_hoc").fetchall() == [(1,)]


@pytest.mark.parametrize(("others", "contended"), [(0.10, False), (0.11, True), (None, None)])
def test_a_machine_that_others_used_for_more_than_a_tenth_is_contended(warehouse, others, contended):
    assert one(warehouse([trial_row(cpu_share_others=others)]), "contended", "leaderboard") == (contended,)


def test_an_hour_s_tariff_is_that_of_the_latest_run_that_knew_it_for_each_of_its_own_machines(warehouse):
    hour = STARTED_AT.replace(minute=0)
    rows = []
    for number, usd in ((1, 0.3), (2, 0.2)):
        run_id, at = f"night-{number}", STARTED_AT + timedelta(days=number)
        rows.append(run_row(run_id=run_id, started_at=at))
        for target, kind in (("own", "local"), ("api", "endpoint")):
            rows.append(trial_row(trial_id=f"{run_id}.{target}", run_id=run_id, target_id=target, kind=kind))
        rows.append(tariff_hour_row(run_id=run_id, hour_at=hour, usd_per_kwh=usd, tariff_name=f"{number}.csv"))
    rows.append(tariff_hour_row(run_id="night-1", hour_at=hour - timedelta(hours=1), usd_per_kwh=0.4))
    found = warehouse(rows).execute(
        "SELECT target_id, usd_per_kwh, tariff_name, run_id, runs FROM tariff_hours_latest ORDER BY hour_at"
    )
    assert found.fetchall() == [("own", 0.4, "hours.csv", "night-1", 1), ("own", 0.2, "2.csv", "night-2", 2)]


def test_views_work_on_an_attached_snapshot_that_is_not_the_current_database(tmp_path):
    import duckdb

    from tests.warehouse.synthetic import write_synthetic
    from warehouse.query import published_path
    from warehouse.schema import VIEW_NAMES

    write_synthetic(tmp_path, nights=1, with_studies=True)
    con = duckdb.connect()
    con.execute(f"ATTACH '{published_path(tmp_path)}' AS w (READ_ONLY)").fetchall()
    for view in VIEW_NAMES:
        # one night has nothing to differ from
        assert con.execute(f"SELECT count(*) > 0 FROM w.{view}").fetchall() == [(view != "changes",)]
    con.close()
