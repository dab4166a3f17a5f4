"""The board as one decides by it: service level, dominated targets, weights, and one order for bands and ranks."""

import math
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from tests.warehouse.test_rank_bands import TARGETS, W, filled, night
from warehouse.decision import Rules, decided, flat_rows
from warehouse.errors import WarehouseError
from warehouse.metrics import METRICS, metric
from warehouse.night_figures import comparable_trials
from warehouse.query import ranked
from warehouse.service_level import Limits
from warehouse.weighed import weighed_board
from warehouse.weights import parse_weights

NIGHTS = 5
IDS = [target.id for target in TARGETS]


@pytest.fixture(scope="module")
def board():
    random = Random(3)
    con = filled(
        *(night(random, number) for number in range(NIGHTS - 1)),
        # in the last night the slow local one was lucky, and one target was not measured
        night(
            random,
            NIGHTS - 1,
            [replace(t, ttft_s=0.45) if t.id == "q8" else t for t in TARGETS if t.id != "twin-2"],
        ),
    )
    yield con
    con.close()


def decide(con, by="ttft_p50_s", leave_out=(), **rules):
    rules = Rules(by=by, any_grade=True, **rules)
    rows = [row for row in ranked(con, by=by, any_grade=True) if row["target_id"] not in leave_out]
    return decided(con, W, rows, rules)


def order(board):
    return [place.target_id for place in board.places if place.band.place is not None]


def test_the_order_is_of_the_typical_night_as_the_bands_are_and_not_of_the_last_one(board):
    found = decide(board)
    assert order(found)[0] == "fast"
    assert order(found)[3:] == ["q4", "q8", "api"]
    rows = flat_rows([found])
    by_id = {row["target_id"]: row for row in rows}
    assert (by_id["q8"]["rank"], by_id["q8"]["last_rank"]) == (5, 4)
    assert all(row["rank_low"] <= row["rank"] <= row["rank_high"] for row in rows)
    assert all(row["band_low"] <= row["band_figure"] <= row["band_high"] for row in rows)
    assert [len(row["band_nights"]) for row in rows] == [NIGHTS] * 6
    assert by_id["twin-2"]["band_nights"][-1] is None
    assert by_id["q8"]["band_nights"][-1] == by_id["q8"]["ttft_p50_s"]


def test_who_fails_the_service_level_is_listed_last_and_counts_in_no_band(board):
    found = decide(board, limits=Limits(ttft_s=1.0, success_share=0.9))
    (last,) = [place for place in found.places if place.band.place is None]
    assert last.target_id == "api"
    assert last.verdict.standing == "fails"
    assert last.band.reason == (
        "it fails the service level: 0 of 80 attempts kept it, 90 % are asked for (ttft=1s,success=0.9)"
    )
    assert max(place.band.rank_high for place in found.places if place.band.rank_high) == 5
    assert found.places[0].verdict.standing in ("passes", "may-pass")
    assert flat_rows([found])[-1]["service_level"]["good"] == 0


def test_bands_are_among_the_admitted_and_a_narrow_window_says_who_is_not_in_it(board):
    found = decide(board, leave_out=("fast", "q4"))
    assert max(place.band.rank_high for place in found.places) == 4
    narrow = decide(board, window=timedelta(hours=12))
    (absent,) = [place for place in narrow.places if place.band.place is None]
    assert (absent.target_id, absent.band.reason) == ("twin-2", "not measured within 12 hours of the newest night")
    assert order(narrow)[2:] == ["q8", "q4", "api"]


def test_weights_order_by_ratios_and_what_each_adds_sums_to_the_utility(board):
    weights = parse_weights("cost=2,ttft_p50=1,speed=1")
    found = decide(board, weights=weights)
    placed = [place for place in found.places if place.band.place is not None]
    assert [place.band.place for place in placed] == sorted(place.band.place for place in placed)
    for place in placed:
        parts = place.weighed.contributions
        assert list(parts) == list(weights)
        assert min(parts.values()) >= 0
        assert place.weighed.utility == pytest.approx(math.exp(-sum(parts.values())))
        assert place.band.figure == pytest.approx(place.weighed.utility)
        assert place.band.low <= place.weighed.utility <= place.band.high
        assert place.band.rank_low <= place.band.place <= place.band.rank_high
    assert sum(place.band.p_first for place in placed) == pytest.approx(1.0)
    (unweighed,) = [place for place in found.places if place.band.place is None]
    assert unweighed.target_id == "api"
    assert unweighed.band.reason == "no known figure for Cost, which has a weight"
    assert unweighed.weighed.utility is None


def test_a_single_weight_orders_as_its_metric_does_with_the_same_bands(board):
    for by in ("ttft_p50_s", "operational_gco2e_per_output_mtok", "output_tokens_per_s"):
        plain, weighed = decide(board, by=by), decide(board, by=by, weights={by: 3.0})
        assert order(weighed) == order(plain)
        known = [place for place in plain.places if place.band.place is not None]
        for one, other in zip(known, weighed.places, strict=False):
            assert (one.band.rank_low, one.band.rank_high) == (other.band.rank_low, other.band.rank_high)
            assert other.band.p_first == pytest.approx(one.band.p_first, abs=0.01)
        (leeway,) = weighed.leeways
        assert (leeway.weight_share, leeway.below, leeway.above) == (1.0, None, None)


def test_the_weight_that_is_said_to_turn_first_place_turns_it(board):
    weights = parse_weights("cost=1,ttft_p50=1")
    trials = comparable_trials(board, W, window=timedelta(days=28), any_grade=True)
    found = weighed_board(board, trials, IDS, weights)
    first = min((one for one in found.targets if one.utility), key=lambda one: -one.utility).target_id
    turns = [(of, edge) for of in found.leeways for edge in (of.below, of.above) if edge is not None]
    assert turns
    for of, edge in turns:
        beyond = edge.weight_share + (0.01 if edge.weight_share > of.weight_share else -0.01)
        (other,) = set(weights) - {of.metric_id}
        changed = weighed_board(board, trials, IDS, {of.metric_id: beyond, other: 1 - beyond})
        now = max((one for one in changed.targets if one.utility), key=lambda one: one.utility).target_id
        assert (now, now != first) == (edge.target_id, True)


def test_what_is_dominated_says_by_whom_and_is_never_first(board):
    found = decide(board, weights=parse_weights("ttft_p50=1,tpot_p50=1"))
    by_id = {place.target_id: place.weighed for place in found.places}
    assert by_id["fast"].dominated_by == ()
    assert "fast" in by_id["api"].dominated_by
    assert found.places[0].target_id == "fast"


def test_shares_may_be_weighed_unless_they_are_0(board):
    found = decide(board, weights=parse_weights("goodput=1,ttft_p50=1"))
    reasons = {place.target_id: place.band.reason for place in found.places if place.band.place is None}
    assert reasons == {"api": "Goodput of 0 has no ratio to others"}
    failed = decide(board, weights=parse_weights("failed=1"))
    assert order(failed) == []
    assert failed.leeways == ()


def test_a_client_that_is_graded_too_low_is_not_weighed_unless_asked_for(board):
    rows = ranked(board, by="ttft_p50_s")
    strict = decided(board, W, rows, Rules(by="ttft_p50_s", weights={"ttft_p50_s": 1.0}))
    unfit = {row["target_id"] for row in rows if row["client_grade"] not in ("A", "B")}
    assert {place.target_id for place in strict.places if place.band.place is None} == unfit


def test_an_empty_board_is_empty(board):
    for rules in (Rules(), Rules(weights={"ttft_p50_s": 1.0}), Rules(limits=Limits(ttft_s=1.0))):
        assert decided(board, W, [], rules).places == ()


@pytest.mark.parametrize("text", ["cost=2,ttft_p95=1", "speed=0.25", "energy=1,carbon=1,embodied=3.5"])
def test_weights_are_read_as_they_are_written(text):
    read = parse_weights(text)
    assert ",".join(f"{metric(one).alias}={weight:.12g}" for one, weight in read.items()) == text
    assert parse_weights("usd_per_output_mtok = 2, speed=0") == {"usd_per_output_mtok": 2.0}


def test_aliases_and_ids_name_one_metric_each():
    names = [name for of in METRICS for name in {of.alias, of.id}]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is of no metric; use ttft_p50"),
        ("price=1", "'price=1' is of no metric"),
        ("cost", "'' is no number"),
        ("cost=much", "'much' is no number"),
        ("cost=-1", "must be 0 or above"),
        ("cost=nan", "must be 0 or above"),
        ("cost=0,speed=0", "all weights are 0"),
        ("cost=1,usd_per_output_mtok=2", "given twice"),
    ],
)
def test_weights_that_cannot_be_are_named(text, said):
    with pytest.raises(WarehouseError, match=said):
        parse_weights(text)
