"""The front: nobody on it is beaten, everybody off it is, and how sure that is follows the draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from warehouse.formulas.pareto import front, front_shares

LOWER_HIGHER = ("lower", "higher")
UNKNOWN = float("nan")


def boards():
    """Few different values, so that ties and copies come up; some unknown."""
    value = st.one_of(st.integers(1, 6).map(float), st.just(UNKNOWN))
    shapes = st.tuples(st.integers(1, 4), st.integers(1, 12))
    return shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=value))


def standings(figures, directions):
    return [placing.on_front for placing in front(np.array(figures, dtype=float), directions)]


def test_cheap_and_fast_are_the_front_and_who_is_neither_is_told_by_whom_it_is_beaten():
    cost, speed = [1.0, 2.0, 3.0, 2.5], [50.0, 90.0, 80.0, 90.0]
    found = front(np.array([cost, speed]), LOWER_HIGHER)
    assert [one.on_front for one in found] == [True, True, False, False]
    assert [one.dominated_by for one in found] == [(), (), (1, 3), (1,)]


def test_equal_targets_share_the_front_also_if_rounding_tells_them_apart():
    assert standings([[1.0, 1.0 + 1e-13], [5.0, 5.0]], LOWER_HIGHER) == [True, True]
    assert standings([[1.0, 1.0 + 1e-6], [5.0, 5.0]], LOWER_HIGHER) == [True, False]


def test_an_unknown_figure_is_neither_on_the_front_nor_dominated_and_dominates_nobody():
    found = front(np.array([[1.0, UNKNOWN, 2.0], [1.0, 99.0, 2.0]]), LOWER_HIGHER)
    assert [one.on_front for one in found] == [True, None, True]
    assert found[1].dominated_by == ()
    assert found[2].dominated_by == ()


def test_a_figure_without_its_direction_is_refused():
    with pytest.raises(ValueError, match="2 figures and 1 directions"):
        front(np.ones((2, 3)), ["lower"])
    with pytest.raises(ValueError, match="0 figures"):
        front_shares(np.ones((0, 3, 4)), [])


@given(boards(), st.data())
@settings(max_examples=150, deadline=None)
def test_nobody_on_the_front_is_beaten_and_everybody_off_it_is_beaten_by_one_on_it(board, data):
    directions = data.draw(st.lists(st.sampled_from(LOWER_HIGHER), min_size=len(board), max_size=len(board)))
    sign = np.array([1.0 if direction == "lower" else -1.0 for direction in directions])[:, None]
    scores = board * sign
    found = front(board, directions)
    for one, placing in enumerate(found):
        if np.isnan(scores[:, one]).any():
            assert placing.on_front is None
            continue
        beaten_by = [
            other
            for other in range(board.shape[1])
            if all(scores[:, other] <= scores[:, one]) and any(scores[:, other] < scores[:, one])
        ]
        assert placing.on_front is not bool(beaten_by)
        assert list(placing.dominated_by) == beaten_by
        if beaten_by:
            assert any(found[other].on_front for other in beaten_by)


@given(boards(), st.floats(0.1, 10.0), st.data())
@settings(max_examples=60, deadline=None)
def test_units_and_the_order_of_targets_change_nothing_and_a_worse_newcomer_neither(board, unit, data):
    directions = ["lower"] * len(board)
    found = [placing.on_front for placing in front(board, directions)]
    assert [placing.on_front for placing in front(board * unit, directions)] == found
    order = data.draw(st.permutations(range(board.shape[1])))
    assert [placing.on_front for placing in front(board[:, order], directions)] == [found[one] for one in order]
    worse = np.concatenate([board, np.full((len(board), 1), 7.0)], axis=1)
    assert [placing.on_front for placing in front(worse, directions)][:-1] == found


@given(boards())
@settings(max_examples=60, deadline=None)
def test_draws_that_never_vary_say_what_the_figures_say(board):
    directions = ["lower"] * len(board)
    shares = front_shares(np.repeat(board[:, :, None], 3, axis=2), directions)
    for share, placing in zip(shares, front(board, directions), strict=True):
        assert np.isnan(share) if placing.on_front is None else share == placing.on_front


def test_the_share_is_that_of_the_draws_in_which_nobody_is_better():
    draws = np.array([[[1.0, 1.0, 3.0, 1.0], [2.0, 2.0, 2.0, 0.5]], [[1.0, 1.0, 3.0, 1.0], [1.0, 0.5, 2.0, 0.5]]])
    assert front_shares(draws, ("lower", "lower")).tolist() == [0.5, 0.75]


def test_two_that_vary_alike_are_told_apart_and_two_that_vary_by_themselves_are_not():
    random = np.random.default_rng(3)
    night = random.normal(size=4000)
    level = np.array([0.0, 0.1])[:, None]
    together = np.exp(np.stack([level + night, np.ones((2, 4000))]))
    apart = np.exp(np.stack([level + random.normal(size=(2, 4000)), np.ones((2, 4000))]))
    assert front_shares(together, ("lower", "lower")).tolist() == [1.0, 0.0]
    first, second = front_shares(apart, ("lower", "lower"))
    # the difference is normal with mean 0.1 and variance 2: it is above 0 in 52.8 % of draws
    assert first == pytest.approx(0.528, abs=0.03)
    assert second == pytest.approx(1 - first)
