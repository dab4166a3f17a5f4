"""Weights over figures: what each adds, that units do not matter, and where first place really turns."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from warehouse.formulas.pareto import front
from warehouse.formulas.utility import contributions, scores, sways, weight_shares

law = settings(derandomize=True, database=None, deadline=None, max_examples=50)
figures = st.integers(2, 6).flatmap(
    lambda endpoints: st.integers(2, 4).flatmap(
        lambda of: arrays(np.float64, (endpoints, of), elements=st.floats(0.01, 100).map(lambda x: round(x, 3)))
    )
)
some_weights = st.lists(st.integers(1, 9).map(float), min_size=4, max_size=4)


def utilities(contributed):
    """exp(-loss): 1 for an endpoint that is the best in every figure with a weight."""
    return np.exp(-contributed.sum(axis=1))


def boarded(table):
    return scores(table, "lower")


def first(levels, shares):
    return int(np.argmin(levels @ shares))


def moved(shares, number, to):
    """The same weights with one moved and the others in proportion."""
    rest = shares.copy()
    rest[number] = 0.0
    out = rest / rest.sum() * (1 - to)
    out[number] = to
    return out


def test_twice_the_price_at_half_the_weight_loses_half_of_ln_2():
    levels = np.stack([boarded(np.array([1.0, 2.0])), scores(np.array([50.0, 100.0]), "higher")], axis=1)
    contributed = contributions(levels, [1, 1])
    assert contributed == pytest.approx(np.array([[0, math.log(2) / 2], [math.log(2) / 2, 0]]))
    assert utilities(contributed) == pytest.approx([1 / math.sqrt(2)] * 2)


def test_the_best_in_everything_has_utility_1():
    levels = boarded(np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 5.0]]))
    assert utilities(contributions(levels, [3, 1]))[0] == 1.0


@law
@given(figures, some_weights)
def test_no_weights_make_what_is_dominated_first(table, weights):
    levels = boarded(table)
    ahead = first(levels, weight_shares(weights[: table.shape[1]]))
    assert not front(levels.T, ["lower"] * table.shape[1])[ahead].dominated_by


@law
@given(figures, some_weights, st.floats(1e-3, 1e3))
def test_a_figure_in_another_unit_changes_nothing(table, weights, unit):
    weights = weights[: table.shape[1]]
    scaled = table.copy()
    scaled[:, 0] *= unit
    assert contributions(boarded(scaled), weights) == pytest.approx(contributions(boarded(table), weights), abs=1e-9)


@law
@given(figures, some_weights)
def test_contributions_are_not_negative_and_sum_to_the_loss(table, weights):
    contributed = contributions(boarded(table), weights[: table.shape[1]])
    assert contributed.min() >= 0
    assert -np.log(utilities(contributed)) == pytest.approx(contributed.sum(axis=1))
    assert (contributed.min(axis=0) == 0).all()  # somebody is the best in each


@law
@given(figures, some_weights, st.floats(0.1, 0.9))
def test_a_better_figure_never_lowers_a_utility_against_the_others(table, weights, factor):
    weights = weights[: table.shape[1]]
    better = table.copy()
    better[0, 0] *= factor
    before, after = (boarded(each) @ weight_shares(weights) for each in (table, better))
    assert ((after[0] - after[1:]) < (before[0] - before[1:])).all()


@law
@given(figures, some_weights)
def test_who_leaves_the_board_changes_no_order_among_the_others(table, weights):
    weights = weights[: table.shape[1]]
    whole = contributions(boarded(table), weights).sum(axis=1)
    part = contributions(boarded(table[1:]), weights).sum(axis=1)
    assert np.diff(part) == pytest.approx(np.diff(whole[1:]), abs=1e-9)


@law
@given(figures, some_weights)
def test_first_place_changes_at_the_share_that_is_reported_and_not_before(table, weights):
    levels, weights = boarded(table), weights[: table.shape[1]]
    shares = weight_shares(weights)
    losses = np.sort(levels @ shares)
    assume(losses[1] - losses[0] > 1e-6)  # one is first
    leader = first(levels, shares)
    for number, sway in enumerate(sways(levels, weights)):
        assert sway.weight_share == pytest.approx(shares[number])
        for turn, end in ((sway.below, 0.0), (sway.above, 1.0)):
            limit = end if turn is None else turn.weight_share
            before = moved(shares, number, shares[number] + 0.999 * (limit - shares[number]))
            assert first(levels, before) == leader
            if turn is not None:
                beyond = moved(shares, number, turn.weight_share + 0.001 * (end - turn.weight_share))
                ahead = (levels @ beyond)[leader] - (levels @ beyond)[turn.first]
                assert ahead > 0
                at = moved(shares, number, turn.weight_share)
                assert (levels @ at)[turn.first] == pytest.approx((levels @ at).min(), abs=1e-9)


def test_a_single_weight_has_nothing_to_turn_against():
    (alone,) = sways(boarded(np.array([[1.0], [2.0]])), [2.0])
    assert (alone.weight_share, alone.below, alone.above) == (1.0, None, None)


def test_a_turn_worked_by_hand():
    # a costs half of b and is three times as slow: b is first once speed weighs over ln 2 / (ln 2 + ln 3)
    levels = boarded(np.array([[1.0, 3.0], [2.0, 1.0]]))
    cost, speed = sways(levels, [3, 1])
    turn = math.log(2) / (math.log(2) + math.log(3))
    assert speed.above.weight_share == pytest.approx(turn)
    assert cost.below.weight_share == pytest.approx(1 - turn)
    assert (speed.above.first, cost.below.first, speed.below, cost.above) == (1, 1, None, None)


def test_what_is_tied_turns_at_once():
    levels = boarded(np.array([[1.0, 2.0], [2.0, 1.0]]))
    cost, speed = sways(levels, [1, 1])
    assert cost.below.weight_share == pytest.approx(0.5)
    assert speed.above.weight_share == pytest.approx(0.5)
    assert cost.above is None


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [math.nan, 1], [math.inf, 1]])
def test_weights_that_weigh_nothing_are_refused(weights):
    with pytest.raises(ValueError, match="must be finite"):
        weight_shares(weights)


def test_a_figure_of_0_has_no_ratio_and_an_unknown_one_stays_unknown():
    with pytest.raises(ValueError, match="no ratio"):
        scores(np.array([0.0, 1.0]), "lower")
    assert np.isnan(scores(np.array([np.nan, 1.0]), "higher")).tolist() == [True, False]
