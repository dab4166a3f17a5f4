"""The watch out of a warehouse: what shifted, what was one bad night, what a price did, and what else differed."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import duckdb
import numpy as np
import pytest

from tests.warehouse.builders import run_row
from tests.warehouse.synthetic import FIRST_NIGHT_AT, Target, _trial
from warehouse import schema
from warehouse.formulas.level_scale import Share
from warehouse.loader import derive
from warehouse.metrics import METRICS
from warehouse.rows import AttemptRow, FactRow
from warehouse.tables import by_table, insert_rows
from warehouse.trial_digests import digest_trials
from warehouse.watch import changes, last_watch, watch
from warehouse.watch_series import board

W = "chat-1"
NIGHTS = 30
LOCAL = {"kind": "local", "provider": "llama.cpp", "model": "small", "device": "cpu", "power_w": 38.0}
STEADY = Target(id="steady", provider="a", model="m", ttft_s=0.3, tpot_s=0.010, usd_per_mtok=(1.0, 2.0))
MOVED = Target(id="moved", ttft_s=0.2, tpot_s=0.020, **LOCAL)
FLAKY = Target(id="flaky", provider="b", model="m", ttft_s=0.4, tpot_s=0.012)
PRICED = Target(id="priced", provider="c", model="m", ttft_s=0.5, tpot_s=0.015, usd_per_mtok=(1.0, 2.0))
ODD, SHIFTED, TURNED, RAISED = 12, 18, 20, 25


def on(number):
    return FIRST_NIGHT_AT.date() + timedelta(days=number)


def night(random, number):
    """Every target once; the local one is slower from SHIFTED on, on another engine and a busier machine."""
    at = FIRST_NIGHT_AT + timedelta(days=number)
    run_id = f"night-{number:02}"
    slow = number >= SHIFTED
    targets = (
        (replace(STEADY, ttft_s=3.0 if number == ODD else 0.3), {}),
        (
            replace(MOVED, ttft_s=0.4 if slow else 0.2),
            {"engine_version": "b2" if slow else "b1", "cpu_share_others": 0.4 if slow else 0.02},
        ),
        (replace(FLAKY, failing_share=0.4 if number >= TURNED else 0.0), {}),
        (replace(PRICED, usd_per_mtok=(1.0, 3.0) if number >= RAISED else (1.0, 2.0)), {}),
    )
    rows = [run_row(run_id=run_id, started_at=at)]
    for target, of_trial in targets:
        trial, *others = _trial(run_id, target, W, at, random, 16)
        if target.id == "flaky":
            stated = {"system_fingerprint": "fp-2" if number >= TURNED else "fp-1", "model_returned": "m-0613"}
            others = [replace(row, **stated) if isinstance(row, AttemptRow) else row for row in others]
        rows += [replace(trial, **of_trial), *others]
        at += timedelta(minutes=1)
    return rows


@pytest.fixture(scope="module")
def con():
    random = Random(3)
    connection = duckdb.connect()
    schema.create_for_one_use(connection)
    rows = [row for number in range(NIGHTS) for row in night(random, number)]
    # a bench of the last day, far slower, is no night
    bench = FIRST_NIGHT_AT + timedelta(days=NIGHTS - 1, hours=8)
    rows.append(run_row(run_id="bench-1", started_at=bench, run_kind="bench"))
    rows += _trial("bench-1", replace(STEADY, ttft_s=9.0), W, bench, random, 16)
    for table, members in by_table(rows).items():
        insert_rows(connection, table, members)
    derive(connection)
    digest_trials(connection)
    watch(connection)
    yield connection
    connection.close()


def of(con, target_id, kind="shift"):
    return {c.metric_id: c for c in changes(con) if (c.target_id, c.change_kind) == (target_id, kind)}


def test_a_shift_is_reported_with_its_night_its_levels_and_how_many_nights_it_has_lasted(con):
    shift = of(con, "moved")["ttft_p50_s"]
    assert shift.changed_on == on(SHIFTED)
    assert shift.earliest_on <= shift.changed_on <= shift.latest_on
    assert (shift.before_nights, shift.after_nights) == (SHIFTED, NIGHTS - SHIFTED)
    assert shift.relative == pytest.approx(1.0, abs=0.15)
    assert shift.value_after_low < shift.value_after < shift.value_after_high
    assert shift.value_before < shift.value_after_low
    assert not shift.is_better
    assert shift.workload_id == W


def test_beside_it_stands_what_else_was_another_thing_that_night(con):
    hints = of(con, "moved")["ttft_p50_s"].hints
    assert "engine_version b1 -> b2" in hints
    assert any(hint.startswith("CPU taken by other processes 2% -> 40%") for hint in hints)


def test_of_a_provider_it_says_the_fingerprint_and_the_mix_of_errors(con):
    failed = of(con, "flaky")["failed_share"]
    assert failed.changed_on == on(TURNED)
    assert not failed.is_better
    assert "system_fingerprints fp-1 -> fp-2" in failed.hints
    assert not any("models_returned" in hint for hint in failed.hints)
    assert any(hint.startswith("failed with rate_limited 0% ->") for hint in failed.hints)


def test_one_bad_night_is_a_night_and_no_shift(con):
    assert of(con, "steady") == {}
    bad = of(con, "steady", "night")["ttft_p50_s"]
    assert (bad.changed_on, bad.before_nights, bad.after_nights) == (on(ODD), NIGHTS - 1, 1)
    assert bad.value_after_low is None
    assert bad.relative > 5


def test_a_price_is_reported_the_night_it_changed_and_what_it_makes_of_the_cost(con):
    (price,) = of(con, "priced", "price").values()
    assert (price.metric_id, price.workload_id, price.changed_on) == ("price_usd_per_output_mtok", None, on(RAISED))
    assert (price.value_before, price.value_after, price.relative) == (2.0, 3.0, 0.5)
    assert price.hints == ("source: invented",)
    cost = of(con, "priced")["usd_per_output_mtok"]
    assert cost.changed_on == on(RAISED)
    assert "price_usd_per_output_mtok 2 -> 3" in cost.hints


def test_changes_come_newest_first_and_from_a_day_on(con):
    found = changes(con)
    assert [c.changed_on for c in found] == sorted((c.changed_on for c in found), reverse=True)
    assert {c.target_id for c in changes(con, since=on(RAISED)) if c.change_kind != "night"} == {"priced"}
    assert changes(con, since=on(NIGHTS)) == []
    assert len({c.change_id for c in found}) == len(found)


def test_looking_again_finds_the_same_under_the_same_names_once(con):
    before = changes(con)
    seen = watch(con)
    assert changes(con) == before
    assert (seen.nights, seen.newest_on) == (NIGHTS, on(NIGHTS - 1))
    assert seen.short_series == 0
    assert last_watch(con) == seen


def test_every_metric_is_watched_and_a_bench_is_no_night(con):
    of_board = board(con)
    tasks = {"items_per_s", "audio_p50_s_per_s", "images_per_s"}
    assert set(of_board.figures) == {metric.id for metric in METRICS} | tasks
    assert len(of_board.nights) == NIGHTS
    last = of_board.figures["ttft_p50_s"][of_board.cells.index(("steady", W)), -1]
    assert last < 1.0


def test_a_digest_says_how_attempts_scattered_and_leaves_blank_what_too_few_cannot_say(con):
    (row,) = con.execute(
        """
        SELECT d.ttft_p25_s < f.ttft_p50_s AND f.ttft_p50_s < d.ttft_p75_s, d.ttft_p10_s, d.models_returned
        FROM trial_digests AS d
        INNER JOIN trial_figures AS f USING (trial_id)
        WHERE f.target_id = 'flaky' AND f.run_id = 'night-00'
        """
    ).fetchall()
    assert row == (True, None, ["m-0613"])
    assert digest_trials(con) == 0


def test_a_warehouse_without_nights_has_nothing_to_watch(warehouse):
    empty = warehouse([])
    seen = watch(empty)
    assert (seen.newest_on, seen.nights, seen.watched_series, seen.short_series) == (None, 0, 0, 0)
    assert changes(empty) == []


def test_too_few_nights_are_counted_and_raise_nothing(warehouse):
    random = Random(1)
    few = warehouse([row for number in (11, 12) for row in night(random, number)])
    seen = watch(few)
    assert (seen.nights, seen.watched_series, seen.newest_on) == (2, 0, on(12))
    assert seen.short_series > 20
    assert changes(few) == []


@pytest.mark.parametrize("share", [0.0, 0.013, 0.5, 1.0])
def test_a_share_comes_back_from_its_scale(share):
    scale = Share(attempts=30)
    (level,) = scale.to(np.array([share]))
    assert scale.back(level) == pytest.approx(share)
    assert scale.back(level) >= 0


def test_a_figure_that_may_be_zero_is_watched_as_it_is(warehouse):
    free = [
        replace(row, central=0.0) if isinstance(row, FactRow) and row.quantity.startswith("price_") else row
        for number in range(10)
        for row in night(Random(1), number)
    ]
    con = warehouse(free)
    seen = watch(con)
    assert [c for c in changes(con) if c.metric_id == "usd_per_output_mtok"] == []
    assert seen.watched_series > 20


def test_figures_that_were_accounted_by_another_method_say_so(con):
    con.execute("BEGIN")
    con.execute("UPDATE cost_accounts SET method_version = 'older' WHERE trial_id < ?", [f"night-{SHIFTED:02}"])
    watch(con)
    hints = of(con, "moved")["usd_per_output_mtok"].hints
    con.execute("ROLLBACK")
    assert any(hint.startswith("accounting_version older -> ") for hint in hints)
