"""Stored intervals: around the figures that the views show, once a trial, and with a reason where there are none."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.warehouse.builders import BOOT_NS, SECOND_NS, STARTED_AT, attempt_row, failed_row, trial_row
from tests.warehouse.synthetic import write_synthetic
from warehouse.intervals import add_cell_intervals, add_trial_intervals, pending_cells
from warehouse.kept import keep
from warehouse.metrics import METRICS
from warehouse.pairs import METRICS as PAIRED
from warehouse.pairs import add_pairs
from warehouse.query import open_published

MS = 1_000_000
SAMPLED = [of.column for of in METRICS if of.range_of == "sample"]


def attempts(n, *, trial_id="night-1.alpha.chat.1", ttft_ms=lambda seq: 100 + seq * 37 % 90, **changes):
    """n answers one after the other, a second apart, with times to first token that vary."""
    rows = []
    for seq in range(n):
        row = attempt_row(seq, trial_id=trial_id, start_s=seq)
        first_ns = row.t_start_ns + ttft_ms(seq) * MS
        rows.append(replace(row, t_first_ns=first_ns, t_last_ns=first_ns + SECOND_NS // 2, **changes))
    return rows


def long_trial(n, **changes):
    return trial_row(**{"window_end_ns": BOOT_NS + n * SECOND_NS} | changes)


def add_intervals(con):
    """Trials and then cells, as a load does; how many trials were computed."""
    keep(con)
    computed = add_trial_intervals(con)
    add_cell_intervals(con, pending_cells(con))
    return computed


def intervals(con, table="trial_intervals"):
    return {row["metric_id"]: row for row in con.sql(f"SELECT * FROM {table}").pl().to_dicts()}


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """A published data folder with repeats, groups and a search, that tests only read."""
    folder = tmp_path_factory.mktemp("studies")
    write_synthetic(folder, nights=1, attempts=70, with_studies=True)
    return folder


# trials


def test_a_trial_has_an_interval_around_each_figure_of_a_sample(warehouse):
    con = warehouse([long_trial(240), *attempts(240)])
    found = intervals(con)
    assert set(found) == set(SAMPLED)
    (row,) = con.sql("SELECT * FROM leaderboard").pl().to_dicts()
    for metric_id, of in found.items():
        assert of["low"] <= of["central"] <= of["high"], metric_id
        assert of["central"] == pytest.approx(row[metric_id], rel=1e-12)
        assert (row[f"{metric_id}_low"], row[f"{metric_id}_high"]) == (of["low"], of["high"])
        assert (of["confidence_share"], of["reason"], of["measured_over"]) == (0.95, None, "whole")
    assert (found["ttft_p50_s"]["n"], found["ttft_p50_s"]["blocks"]) == (240, 12)
    assert found["goodput_share"]["method"] == "wilson-design-effect"


def test_too_few_attempts_have_figures_without_intervals_and_the_reason(warehouse):
    found = intervals(warehouse([long_trial(10), *attempts(10)]))
    assert found["ttft_p50_s"]["central"] == pytest.approx(0.137)
    assert found["ttft_p50_s"]["low"] is None
    assert "independent blocks; an interval needs 6" in found["ttft_p50_s"]["reason"]
    assert found["ttft_p95_s"]["central"] is None
    assert found["ttft_p95_s"]["reason"] == "10 attempts are fewer than this percentile needs"


def test_a_trial_that_never_started_has_rows_that_say_so_and_is_not_tried_again(warehouse):
    con = warehouse([trial_row(status="setup_failed", window_start_ns=None, window_end_ns=None)])
    assert {row["reason"] for row in intervals(con).values()} == {
        "nothing was measured", "no answer with a known count of tokens",
    }  # fmt: skip
    assert add_intervals(con) == 0


def test_each_trial_is_computed_once_and_comes_out_the_same(warehouse):
    rows = [long_trial(60), *attempts(60)]
    con = warehouse(rows)
    first = intervals(con)
    assert add_intervals(con) == 0
    con.execute("DELETE FROM trial_intervals").fetchall()
    assert add_intervals(con) == 1
    again = intervals(con)
    assert {m: (r["low"], r["high"]) for m, r in first.items()} == {m: (r["low"], r["high"]) for m, r in again.items()}


def test_trials_of_before_a_percentile_was_known_get_its_interval_with_the_next_load(warehouse):
    con = warehouse([long_trial(240), *attempts(240)])
    ends = "SELECT e2e_p95_s > e2e_p50_s, e2e_p95_s_low <= e2e_p95_s, n_e2e FROM leaderboard"
    assert con.execute(ends).fetchall() == [(True, True, 240)]
    con.execute("DELETE FROM trial_intervals WHERE metric_id IN ('tpot_p95_s', 'e2e_p95_s')")
    assert con.execute(ends).fetchall() == [(True, None, 240)]
    assert (add_intervals(con), add_intervals(con)) == (1, 0)
    assert con.execute(ends).fetchall() == [(True, True, 240)]


def test_a_later_computation_stands_beside_the_earlier_one_and_is_what_the_views_read(warehouse):
    con = warehouse([long_trial(60), *attempts(60)])
    con.execute(
        "INSERT INTO trial_intervals SELECT * REPLACE (low - 0.01 AS low, recorded_at + INTERVAL 1 DAY AS recorded_at)"
        " FROM trial_intervals WHERE metric_id = 'ttft_p50_s'"
    ).fetchall()
    (lows,) = con.execute(
        "SELECT list(low ORDER BY low) FROM trial_intervals WHERE metric_id = 'ttft_p50_s'"
    ).fetchall()
    assert con.execute("SELECT ttft_p50_s_low FROM trial_figures").fetchall() == [(lows[0][0],)]


def test_an_interval_is_of_the_attempts_that_the_figure_is_of(warehouse):
    # the ramp was slow: in the steady window every answer takes 100 ms
    rows = attempts(60, ttft_ms=lambda seq: 900 if seq < 20 else 100)
    window = {"steady_start_ns": BOOT_NS + 20 * SECOND_NS, "steady_end_ns": BOOT_NS + 60 * SECOND_NS}
    con = warehouse([long_trial(60, **window, steady_output_tokens=440.0), *rows])
    found = intervals(con)
    ends = [found["ttft_p50_s"][end] for end in ("low", "central", "high")]
    assert ends == pytest.approx([0.1, 0.1, 0.1])
    assert (found["ttft_p50_s"]["measured_over"], found["ttft_p50_s"]["n"]) == ("steady", 40)
    assert found["output_tokens_per_s"]["central"] == 11.0


def test_a_speed_that_changes_over_the_trial_has_a_wider_interval_than_one_that_does_not(warehouse):
    def width(rows):
        (speed,) = [row for m, row in intervals(warehouse([long_trial(60), *rows])).items() if m.startswith("output")]
        assert speed["low"] <= speed["central"] <= speed["high"]
        return (speed["high"] - speed["low"]) / speed["central"]

    even = attempts(60)
    half = [replace(row, output_tokens=21 if row.seq < 30 else 1) for row in even]
    assert width(half) > 0.5
    assert width(even) < 0.001


def test_what_was_never_sent_is_in_the_interval_of_the_goodput(warehouse):
    rows = attempts(60, t_sched_ns=None)
    con = warehouse([long_trial(60, sends_planned=80, sends_missed=20), *rows])
    goodput = intervals(con)["goodput_share"]
    assert goodput["central"] == 0.75
    assert goodput["n"] == 80
    assert goodput["low"] < 0.75 < goodput["high"]


def test_a_trial_as_long_as_a_few_answers_says_nothing_about_its_variation(warehouse):
    # 60 at once: they share one moment, however many they are
    rows = [attempt_row(seq) for seq in range(60)]
    found = intervals(warehouse([trial_row(), *rows]))
    assert found["ttft_p50_s"]["reason"] == "1 independent blocks; an interval needs 6"


# cells


def repeat(number, ttft_ms, **changes):
    trial_id = f"night-1.alpha.chat.{number}"
    trial = {"trial_id": trial_id, "try_number": number, "repeat_number": number}
    started_at = STARTED_AT + timedelta(minutes=number)
    rows = attempts(20, trial_id=trial_id, ttft_ms=lambda _: ttft_ms)
    return [long_trial(20, started_at=started_at, **trial | changes), *rows]


def test_repeated_trials_show_their_mean_with_an_interval_over_trials(warehouse):
    con = warehouse([*repeat(1, 100), *repeat(2, 110), *repeat(3, 120)])
    names = "trials, ttft_p50_s_low, ttft_p50_s, ttft_p50_s_high, ttft_p95_s, goodput_share, goodput_share_high"
    ((trials, low, central, high, p95, goodput, goodput_high),) = con.execute(
        f"SELECT {names} FROM leaderboard"
    ).fetchall()
    assert (trials, central, p95, goodput, goodput_high) == (3, pytest.approx(0.11), None, 1.0, 1.0)
    assert low < 0.1
    assert high > 0.12
    found = intervals(con, "cell_intervals")
    assert found["ttft_p50_s"]["method"] == "log-student-t"
    assert found["ttft_p95_s"]["reason"] == "known for 0 of 3 trials"
    assert found["goodput_share"]["n"] == 60


def test_two_repeats_are_no_cell_yet_and_a_further_one_is_added_when_it_comes(warehouse):
    con = warehouse([*repeat(1, 100), *repeat(2, 110)])
    assert intervals(con, "cell_intervals") == {}
    assert con.execute("SELECT trials, ttft_p50_s FROM leaderboard").fetchall() == [(1, pytest.approx(0.11))]
    for number in (3, 4):
        rows = repeat(number, 120)
        con.execute(
            "INSERT INTO trials BY NAME SELECT * REPLACE (? AS trial_id, ? AS repeat_number, ? AS try_number)"
            " FROM trials WHERE try_number = 1",
            [rows[0].trial_id, number, number],
        ).fetchall()
        con.execute(
            "INSERT INTO attempts BY NAME SELECT * REPLACE (? AS trial_id, ? || '.' || seq AS attempt_id)"
            " FROM attempts WHERE trial_id = 'night-1.alpha.chat.1'",
            [rows[0].trial_id, rows[0].trial_id],
        ).fetchall()
        assert add_intervals(con) == 1
        assert con.execute("SELECT trials FROM leaderboard").fetchall() == [(number,)]


def test_a_try_that_failed_and_a_point_of_a_search_are_no_repeats(warehouse):
    failed = repeat(2, 500, status="crashed", repeat_number=1)
    searched = repeat(3, 500, search_id="s", search_point=0)
    con = warehouse([*repeat(1, 100), *failed, *searched, *repeat(4, 110, repeat_number=2)])
    found = con.execute("SELECT trial_id, repeat_number FROM cell_trials ORDER BY 1").fetchall()
    assert found == [("night-1.alpha.chat.1", 1), ("night-1.alpha.chat.4", 2)]


def test_of_a_cell_measured_again_after_a_failure_the_last_try_counts(warehouse):
    con = warehouse([*repeat(1, 100, repeat_number=1), *repeat(2, 110, repeat_number=1)])
    assert con.execute("SELECT trial_id FROM cell_trials").fetchall() == [("night-1.alpha.chat.2",)]


# pairs


def group(*targets, rounds=40, failing=()):
    """Trials of a group; each target is slower than the moment by its own milliseconds."""
    rows = []
    for target_id, slower_ms in targets:
        trial_id = f"night-1.{target_id}.chat.1"
        mine = attempts(rounds, trial_id=trial_id, ttft_ms=lambda seq, ms=slower_ms: 100 + 400 * (seq % 3) + ms)
        mine = [replace(row, pair_id=f"r{row.seq}") for row in mine]
        rows.append(long_trial(rounds, trial_id=trial_id, target_id=target_id, group_id="g"))
        rows += [
            replace(failed_row(row.seq), trial_id=trial_id, attempt_id=row.attempt_id, pair_id=row.pair_id)
            if (target_id, row.seq) in failing
            else row
            for row in mine
        ]
    return rows


def test_targets_of_a_group_differ_by_what_they_add_to_the_same_moments(warehouse):
    con = warehouse(group(("a", 30), ("b", 10), failing={("a", 3), ("b", 4)}))
    found = con.execute(
        "SELECT target_id_a, target_id_b, pairs, low, central, high, apart FROM paired_differences"
        " WHERE metric_id = 'ttft_s' ORDER BY 1"
    ).fetchall()
    assert found == [
        ("a", "b", 38, pytest.approx(0.02), pytest.approx(0.02), pytest.approx(0.02), True),
        ("b", "a", 38, pytest.approx(-0.02), pytest.approx(-0.02), pytest.approx(-0.02), True),
    ]


def test_each_pair_of_a_group_is_computed_once_and_a_late_trial_adds_its_own(warehouse):
    con = warehouse(group(("a", 0), ("b", 0)))
    assert add_pairs(con) == 0
    con.execute("UPDATE trials SET group_id = 'other' WHERE target_id = 'b'").fetchall()
    con.execute("DELETE FROM paired_intervals").fetchall()
    assert add_pairs(con) == 0
    con.execute("UPDATE trials SET group_id = 'g' WHERE target_id = 'b'").fetchall()
    assert add_pairs(con) == 1
    assert con.execute("SELECT count(*) FROM paired_intervals").fetchall() == [(len(PAIRED),)]


def test_equal_targets_are_not_apart_and_too_few_pairs_do_not_know(warehouse):
    con = warehouse(group(("a", 0), ("b", 0)))
    assert con.execute("SELECT DISTINCT apart FROM paired_differences").fetchall() == [(False,)]
    con = warehouse(group(("a", 30), ("b", 0), rounds=5))
    (row,) = con.execute("SELECT DISTINCT apart, reason FROM paired_differences WHERE metric_id = 'ttft_s'").fetchall()
    assert row == (None, "3 independent blocks; an interval needs 6")


# invented nights


def test_a_night_has_intervals_of_all_kinds_and_no_figure_is_outside_of_its_own(nights):
    with open_published(nights) as con:
        for table in ("trial_intervals", "cell_intervals", "paired_intervals"):
            known, outside = con.execute(
                f"SELECT count(low), count(*) FILTER (NOT central BETWEEN low AND high) FROM {table}"
            ).fetchall()[0]
            assert known > 5, table
            assert outside == 0, table
        assert con.execute("SELECT count(*) FROM search_points").fetchall() == [(3,)]


def test_the_stored_figures_are_those_of_the_views(nights):
    with open_published(nights) as con:
        for metric_id in SAMPLED:
            compared, apart = con.execute(
                f"SELECT count(i.central), count(*) FILTER (abs(i.central - f.{metric_id}) > 1e-9 * abs(i.central)"
                f" OR (i.central IS NULL) <> (f.{metric_id} IS NULL))"
                " FROM trial_figures AS f INNER JOIN trial_intervals AS i USING (trial_id) WHERE i.metric_id = ?",
                [metric_id],
            ).fetchall()[0]
            assert compared > 5, metric_id
            assert apart == 0, metric_id


def test_no_stored_attempt_breaks_the_definition_of_latency(nights):
    with open_published(nights) as con:
        checked, broken = con.execute(
            "SELECT count(latency_check_s), count(*) FILTER (abs(latency_check_s) > 1e-6) FROM attempt_metrics"
        ).fetchall()[0]
    assert checked > 500
    assert broken == 0
