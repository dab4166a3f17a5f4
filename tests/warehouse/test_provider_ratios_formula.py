"""Two providers on the models that they share: a geometric mean of ratios, with nights as what is random."""

import math

import numpy as np
import pytest

from warehouse.formulas.provider_ratios import paired_ratio


def test_twice_on_one_model_and_half_on_another_is_even():
    found = paired_ratio(np.array([[2.0] * 3, [1.0] * 3]), np.array([[1.0] * 3, [2.0] * 3]))
    assert (found.ratio, found.models, found.runs) == (pytest.approx(1.0), 2, 3)
    assert (found.low, found.high) == (pytest.approx(1.0), pytest.approx(1.0))  # no night said otherwise


def test_a_ratio_and_its_inverse_multiply_to_one_in_any_unit():
    random = np.random.default_rng(1)
    one, other = random.lognormal(size=(3, 6)), random.lognormal(size=(3, 6))
    there, back = paired_ratio(1000 * one, 1000 * other), paired_ratio(other, one)
    assert there.ratio * back.ratio == pytest.approx(1.0)
    assert there.low * back.high == pytest.approx(1.0)
    assert there.low < there.ratio < there.high


def test_models_that_only_one_serves_and_runs_that_one_missed_do_not_count():
    gap = np.nan
    one = np.array([[2.0, 2.0, gap, 2.0, 9.0], [5.0, 5.0, 5.0, 5.0, 5.0]])
    other = np.array([[1.0, 1.0, 1.0, 1.0, gap], [gap] * 5])
    found = paired_ratio(one, other)
    assert (found.ratio, found.models, found.runs) == (pytest.approx(2.0), 1, 3)
    assert paired_ratio(one, np.full((2, 5), gap)) is None


def test_a_model_that_was_measured_often_counts_no_more_than_one_measured_once():
    one = np.array([[4.0, 4.0, 4.0], [1.0, np.nan, np.nan]])
    assert paired_ratio(one, np.ones((2, 3))).ratio == pytest.approx(2.0)


def test_two_nights_have_a_ratio_and_no_interval():
    found = paired_ratio(np.array([[2.0, 3.0]]), np.ones((1, 2)))
    assert found.ratio == pytest.approx(math.sqrt(6))
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize(("runs", "missing_share"), [(4, 0.0), (10, 0.0), (14, 0.25)])
def test_the_interval_holds_the_truth_in_93_to_97_percent_of_simulations(runs, missing_share):
    random = np.random.default_rng(20261123)
    held, boards = 0, 2000
    truth = math.log(1.3)
    for _ in range(boards):
        model = random.normal(0, 1, (4, 1))
        nights = random.normal(0, 0.3, (1, runs)), random.normal(0, 0.15, (1, runs))
        one = np.exp(truth + model + sum(nights) + random.normal(0, 0.1, (4, runs)))
        other = np.exp(model + nights[0] + random.normal(0, 0.1, (4, runs)))
        one[random.random((4, runs)) < missing_share] = np.nan
        found = paired_ratio(one, other)
        held += found.low <= 1.3 <= found.high
    assert 0.93 <= held / boards <= 0.97


def test_figures_that_have_no_ratio_are_refused():
    with pytest.raises(ValueError, match="not above 0"):
        paired_ratio(np.array([[0.0]]), np.array([[1.0]]))
    with pytest.raises(ValueError, match="same models"):
        paired_ratio(np.ones((1, 2)), np.ones((2, 2)))
