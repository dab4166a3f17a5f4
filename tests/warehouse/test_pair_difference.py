"""The difference of two targets: its interval holds the truth as often as it says, and what is shared falls out."""

import numpy as np
import pytest

from warehouse.formulas.pair_difference import pair_difference


def difference(figures, low=None, high=None, **others):
    figures = np.array(figures, dtype=float)
    unknown = np.full(figures.shape, np.nan)
    return pair_difference(
        figures,
        within_low=unknown if low is None else np.array(low),
        within_high=unknown if high is None else np.array(high),
        **others,
    )


@pytest.mark.parametrize("runs", [3, 10])
def test_the_interval_holds_the_true_ratio_in_93_to_97_percent_of_cases_though_nights_are_shared(runs):
    random = np.random.default_rng(7)
    held, cases = 0, 500
    for _ in range(cases):
        night = random.normal(scale=0.5, size=runs)
        own = random.normal(scale=[[0.05], [0.15]], size=(2, runs))
        found = difference(np.exp(night + own + np.log([[2.0], [3.0]])))
        held += found.low <= 2 / 3 <= found.high
    assert 0.93 <= held / cases <= 0.97


def test_the_interval_of_three_runs_is_that_worked_by_hand():
    # log2 ratios 1, 2 and 3: mean 2, standard deviation 1, t of 2 degrees of freedom 4.303
    found = difference([[2.0, 8.0, 16.0], [1.0, 2.0, 2.0]])
    assert (found.central, found.runs, found.basis, found.is_ratio) == (pytest.approx(4.0), 3, "between-runs", True)
    assert np.log2([found.low, found.high]) == pytest.approx([2 - 4.303 / 3**0.5, 2 + 4.303 / 3**0.5], abs=1e-3)
    assert not found.sure
    assert found.tied_by == "runs"
    assert found.runs_to_separate == 1


def test_only_common_runs_count_and_none_is_no_answer():
    nan = np.nan
    found = difference([[2.0, 2.0, 2.1, 90.0], [1.0, 1.1, 1.0, nan]])
    assert found.runs == 3
    assert found.central == pytest.approx((2 * (2 / 1.1) * 2.1) ** (1 / 3))
    assert difference([[1.0, nan], [nan, 1.0]]) is None


def test_the_other_way_round_it_is_the_inverse():
    figures = np.array([[2.0, 2.2, 1.9, 2.4], [3.0, 2.8, 3.3, 3.1]])
    one, other = difference(figures), difference(figures[::-1])
    assert other.central == pytest.approx(1 / one.central)
    assert (other.low, other.high) == (pytest.approx(1 / one.high), pytest.approx(1 / one.low))
    assert one.sure
    assert one.tied_by is None


def test_one_night_has_the_interval_that_zou_and_donner_give_and_says_that_it_is_of_this_night():
    found = difference([[10.0], [7.0]], [[9.0], [6.0]], [[12.0], [8.5]], linear=True)
    assert (found.low, found.central, found.high) == (
        pytest.approx(3 - (1**2 + 1.5**2) ** 0.5),
        3.0,
        pytest.approx(3 + (2**2 + 1**2) ** 0.5),
    )
    assert (found.basis, found.sure, found.tied_by) == ("within-run", True, None)
    unknown = difference([[10.0], [7.0]])
    assert (unknown.low, unknown.high, unknown.sure, unknown.tied_by) == (None, None, False, "few-runs")


def test_equal_prices_are_the_same_and_no_number_of_nights_is_missing():
    found = difference([[0.6] * 5, [0.6] * 5])
    assert found.central == pytest.approx(1)
    assert found.same
    assert not found.sure
    assert found.runs_to_separate is None


def test_shares_are_subtracted_and_vary_at_least_by_chance():
    by_chance = np.array([0.02, 0.02])
    found = difference([[1.0] * 5, [0.9] * 5], linear=True, floor_variance=by_chance)
    assert not found.is_ratio
    assert found.central == pytest.approx(0.1)
    # t of 4 degrees of freedom, 2.776, times the square root of 0.04 / 5
    assert found.high - found.central == pytest.approx(2.776 * (0.04 / 5) ** 0.5, rel=3e-3)


def test_an_input_that_both_share_widens_nothing_and_one_of_its_own_does():
    random = np.random.default_rng(0)
    figures = np.array([[1.0, 1.01, 0.99, 1.0], [1.2, 1.21, 1.2, 1.19]])
    drawn = random.lognormal(sigma=0.5, size=(2, 4096))
    alone = difference(figures)
    shared = difference(figures, input_draws=np.stack([drawn[0], 1.2 * drawn[0]]))
    own = difference(figures, input_draws=np.stack([drawn[0], 1.2 * drawn[1]]))
    assert (shared.low, shared.high) == (pytest.approx(alone.low), pytest.approx(alone.high))
    assert shared.sure
    assert own.high > 2 * shared.high
    assert (own.sure, own.tied_by, own.runs_to_separate) == (False, "inputs", None)


def test_a_ratio_of_nothing_is_refused():
    with pytest.raises(ValueError, match="a figure of 0 has no ratio"):
        difference([[0.0, 1.0], [1.0, 1.0]])
