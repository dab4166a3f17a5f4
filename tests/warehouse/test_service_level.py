"""A service level of one's own: who passes, who fails, and for whom there is too little to tell."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.builders import STARTED_AT, attempt_row, failed_row, run_row, trial_row
from warehouse.errors import WarehouseError
from warehouse.formulas.statistics import share_interval
from warehouse.service_level import INTERACTIVE, Limits, judged, judged_together, parse_limits, workload_limits

law = settings(derandomize=True, database=None, deadline=None)


def trial(target, night, good, late, failed=0, **changes):
    """A trial of `good` attempts with a first token after 0.2 s, `late` ones after 2 s, and failures in the end."""
    trial_id = f"night-{night}.{target}.chat.1"
    rows = [attempt_row(seq, start_s=float(seq)) for seq in range(good + late)]
    rows = [
        replace(row, t_first_ns=row.t_start_ns + (2_000_000_000 if row.seq >= good else 200_000_000)) for row in rows
    ]
    rows = [replace(row, t_last_ns=row.t_first_ns + 400_000_000, t_end_ns=row.t_first_ns + 400_000_000) for row in rows]
    rows += [failed_row(seq, start_s=float(seq)) for seq in range(good + late, good + late + failed)]
    at = STARTED_AT + timedelta(days=night)
    return [
        trial_row(trial_id=trial_id, run_id=f"night-{night}", target_id=target, started_at=at, **changes),
        *(replace(row, trial_id=trial_id, attempt_id=f"{trial_id}.{row.seq}") for row in rows),
    ]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    import duckdb

    from warehouse import schema
    from warehouse.loader import derive
    from warehouse.tables import by_table, insert_rows

    rows = [run_row(run_id=f"night-{night}", started_at=STARTED_AT + timedelta(days=night)) for night in range(4)]
    for night in range(4):
        rows += trial("steady", night, 60, 0)
        rows += trial("uneven", night, 60 if night else 15, 0 if night else 45)
    rows += trial("quick", 3, 200, 0)
    rows += trial("late", 3, 10, 50)
    rows += trial("failing", 3, 40, 0, failed=20)
    rows += trial("few", 3, 3, 0)
    rows += trial("missed", 3, 60, 0, sends_planned=90)
    rows += trial("silent", 3, 0, 0)
    con = duckdb.connect()
    schema.create_for_one_use(con)
    for table, members in by_table(rows).items():
        insert_rows(con, table, members)
    derive(con)
    yield con
    con.close()


def found(con, *targets, night=3, limits=INTERACTIVE):
    names = {f"night-{night}.{target}.chat.1": target for target in targets}
    return {names[trial_id]: verdict for trial_id, verdict in judged(con, list(names), limits).items()}


def test_a_trial_passes_fails_or_may_pass_by_the_whole_interval_of_its_share(filled):
    verdicts = found(filled, "quick", "steady", "late", "failing", "few")
    assert {name: verdict.standing for name, verdict in verdicts.items()} == {
        "quick": "passes", "steady": "may-pass", "late": "fails", "failing": "fails", "few": "unknown"
    }  # fmt: skip
    assert (verdicts["steady"].good, verdicts["steady"].offered, verdicts["steady"].share) == (60, 60, 1.0)
    assert verdicts["steady"].low < 0.95 < verdicts["steady"].high
    assert "independent blocks" in verdicts["few"].reason


def test_a_send_that_was_never_made_is_offered_and_not_good(filled):
    verdict = found(filled, "missed")["missed"]
    assert (verdict.good, verdict.offered) == (60, 90)
    assert verdict.standing == "fails"


def test_a_trial_without_attempts_or_that_is_not_there_is_unknown(filled):
    verdicts = judged(filled, ["night-3.silent.chat.1", "no such trial"], INTERACTIVE)
    assert {verdict.standing for verdict in verdicts.values()} == {"unknown"}
    assert {verdict.reason for verdict in verdicts.values()} == {"nothing was measured"}
    assert judged(filled, [], INTERACTIVE) == {}


def test_only_what_is_limited_counts(filled):
    assert found(filled, "late", limits=Limits(success_share=0.9))["late"].share == 1.0
    assert found(filled, "late", limits=Limits(tpot_s=1.0, success_share=0.9))["late"].share == 1.0
    assert found(filled, "late", limits=Limits(ttft_s=0.1, success_share=0.9))["late"].share == 0.0
    assert found(filled, "failing", limits=Limits(success_share=0.9))["failing"].share == pytest.approx(2 / 3)


def test_under_the_workloads_own_limits_the_share_is_the_goodput_of_the_views(filled):
    own = workload_limits(filled, "chat")
    stored = dict(filled.execute("SELECT trial_id, goodput_share FROM trial_metrics").fetchall())
    verdicts = judged(filled, list(stored), own)
    assert {trial_id: verdict.share for trial_id, verdict in verdicts.items()} == stored
    intervals = filled.execute(
        "SELECT trial_id, low, high FROM trial_intervals WHERE metric_id = 'goodput_share' AND low IS NOT NULL"
    ).fetchall()
    assert intervals
    for trial_id, low, high in intervals:
        assert (verdicts[trial_id].low, verdicts[trial_id].high) == (low, high)
    assert workload_limits(filled, "nothing") is None


def test_of_several_nights_a_night_is_what_is_independent(filled):
    nights = {name: [f"night-{night}.{name}.chat.1" for night in range(4)] for name in ("steady", "uneven")}
    verdicts = judged_together(filled, nights, INTERACTIVE)
    assert (verdicts["steady"].offered, verdicts["steady"].trials) == (240, 4)
    expected = share_interval(np.array([15.0, 60, 60, 60]), np.full(4, 60.0), min_blocks=3)
    assert (verdicts["uneven"].low, verdicts["uneven"].high) == (expected.low, expected.high)
    assert verdicts["uneven"].standing == "may-pass"  # one night in four was bad: too few nights to be sure


@law
@given(
    ttft_ms=st.one_of(st.none(), st.integers(1, 100_000)),
    tpot_ms=st.one_of(st.none(), st.integers(1, 10_000)),
    percent=st.integers(1, 99),
)
def test_what_limits_are_written_as_is_read_back(ttft_ms, tpot_ms, percent):
    limits = Limits(
        ttft_s=None if ttft_ms is None else 1e-3 * ttft_ms,
        tpot_s=None if tpot_ms is None else 1e-3 * tpot_ms,
        success_share=percent / 100,
    )
    again = parse_limits(str(limits))
    assert (again.ttft_s is None, again.tpot_s is None) == (ttft_ms is None, tpot_ms is None)
    assert str(again) == str(limits)
    assert again.success_share == pytest.approx(limits.success_share)


def test_limits_are_read_with_their_units():
    assert parse_limits("ttft=1s,tpot=100ms,success=0.99") == Limits(ttft_s=1.0, tpot_s=0.1, success_share=0.99)
    assert str(INTERACTIVE) == "ttft=1s,tpot=100ms,success=0.95"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is none; give ttft, tpot and success"),
        ("e2e=1s", "'e2e=1s' is none"),
        ("ttft=1", "'1' is no time; give a number and its unit"),
        ("ttft=fast ms", "is no time"),
        ("ttft=0s", "must be above 0"),
        ("tpot=-1ms", "must be above 0"),
        ("tpot=nans", "must be above 0"),
        ("ttft=infs", "must be above 0"),
        ("success=most", "is no share"),
        ("success=1", "must lie between 0 and 1"),
        ("success=99", "must lie between 0 and 1"),
        ("ttft=1s,ttft=2s", "given twice"),
    ],
)
def test_limits_that_cannot_be_are_named(text, said):
    with pytest.raises(WarehouseError, match=said):
        parse_limits(text)
