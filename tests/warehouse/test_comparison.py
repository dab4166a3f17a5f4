"""Two targets side by side out of a warehouse: paired nights, interleaved rounds, and what cannot be compared."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from tests.warehouse.synthetic import Target
from tests.warehouse.test_fronts import TARGETS
from tests.warehouse.test_rank_bands import W, filled, night
from warehouse.comparison import compare, interleaved
from warehouse.errors import WarehouseError
from warehouse.rows import AttemptRow, TrialRow

LATE = Target(id="late", ttft_s=0.2, tpot_s=0.01, provider="p", model="m")
GROUP = "night-00.group"


def together(rows):
    """The same night with the attempts of all its targets sent in rounds."""
    return [
        replace(row, group_id=GROUP)
        if isinstance(row, TrialRow)
        else replace(row, pair_id=f"round-{row.seq}")
        if isinstance(row, AttemptRow)
        else row
        for row in rows
    ]


@pytest.fixture(scope="module")
def board():
    random = Random(4)
    nights = [night(random, number, TARGETS) for number in range(4)]
    con = filled(together(nights[0]), *nights[1:], night(random, 4, (LATE,)))
    yield con
    con.close()


def found(con, *ids, **others):
    comparison = compare(con, W, ids, **others)
    return {(one.metric.id, one.target_b): one for one in comparison.differences}


def test_the_first_is_compared_with_each_other_one_in_every_metric(board):
    comparison = compare(board, W, ["fast", "cheap", "beaten"])
    assert comparison.target_ids == ("fast", "cheap", "beaten")
    assert {one.target_b for one in comparison.differences} == {"cheap", "beaten"}
    assert comparison.untrusted == ()
    assert comparison.nights == {"fast": 4, "cheap": 4, "beaten": 4}
    of = {(one.metric.id, one.target_b): one for one in comparison.differences}
    cost = of["usd_per_output_mtok", "cheap"]
    assert cost.found.sure
    assert cost.found.central == pytest.approx(cost.figure_a.central / cost.figure_b.central)
    assert of["output_tokens_per_s", "beaten"].found.low > 3
    assert of["ttft_p50_s", "beaten"].found.high < 0.5


def test_twins_cannot_be_told_apart_and_the_nights_that_lack_are_counted(board):
    twins = found(board, "twin-1", "twin-2")["ttft_p50_s", "twin-2"].found
    assert (twins.sure, twins.tied_by, twins.runs, twins.basis) == (False, "runs", 4, "between-runs")
    assert twins.low < 1 < twins.high
    assert twins.runs_to_separate is None or twins.runs_to_separate > 0


def test_an_unknown_figure_has_its_reason_and_shares_are_differences(board):
    of = found(board, "fast", "no-price")
    assert of["usd_per_output_mtok", "no-price"].found is None
    assert of["usd_per_output_mtok", "no-price"].reason == "Cost of no-price is not known"
    assert of["usd_per_output_mtok", "no-price"].figure_a.central > 0
    failed = of["failed_share", "no-price"].found
    assert not failed.is_ratio
    assert failed.central == pytest.approx(0)
    assert not failed.sure


def test_targets_that_never_shared_a_night_are_not_compared(board):
    of = found(board, "fast", "late")
    assert of["ttft_p50_s", "late"].reason == "they were never measured in the same night"
    assert of["ttft_p50_s", "late"].figure_b.central == pytest.approx(0.2, rel=0.3)


def test_a_window_without_a_target_says_so(board):
    last = found(board, "fast", "late", window=timedelta(hours=12))
    assert last["ttft_p50_s", "late"].reason == "TTFT p50 of fast is not known"


def test_one_night_speaks_of_itself_alone_and_of_a_client_not_to_be_trusted_if_there_is_no_other():
    con = filled(night(Random(4), 0, cpu_share_others=0.17))
    try:
        comparison = compare(con, W, ["q4", "fast"])
        assert comparison.untrusted == ("q4",)
        (tpot,) = (one.found for one in comparison.differences if one.metric.id == "tpot_p50_s")
        # sixteen attempts are too few for an interval of a median
        assert (tpot.runs, tpot.basis, tpot.sure, tpot.low, tpot.tied_by) == (1, "within-run", False, None, "few-runs")
    finally:
        con.close()


@pytest.mark.parametrize("ids", [[], ["fast"], ["fast", "fast"], ["a", "b", "c", "d", "e"]])
def test_one_target_or_five_or_twins_by_name_are_refused(board, ids):
    with pytest.raises(WarehouseError, match="give 2 to 4 different targets"):
        compare(board, W, ids)


def test_rounds_of_an_interleaved_group_are_a_comparison_of_their_own(board):
    rounds = {(one.target_b, one.metric_id): one for one in interleaved(board, W, ["fast", "cheap", "beaten"])}
    assert set(rounds) == {(other, of) for other in ("cheap", "beaten") for of in ("ttft_s", "tpot_s", "e2e_s")}
    one = rounds["beaten", "ttft_s"]
    assert one.pairs == 16
    assert one.run_id == "night-00"
    assert one.central < 0
    assert interleaved(board, W, ["late", "fast"]) == []
