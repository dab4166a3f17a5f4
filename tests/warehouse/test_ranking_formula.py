"""Rank bands: they hold true ranks as often as they say, say little of few nights, and are the same each time."""

import numpy as np
import pytest

from warehouse.formulas.paired_runs import additive_fit, holm, paired_runs
from warehouse.formulas.ranking import rank_bands
from warehouse.formulas.student import two_sided_p

SIMULATIONS = 400


def nights(random, levels, runs, *, shared=0.3, own=0.1):
    """Figures that share most of what a night does to them, and vary by themselves, some more than others."""
    spread = own * np.exp(0.5 * random.normal(size=(len(levels), 1)))
    shape = (len(levels), runs)
    return np.exp(np.log(levels)[:, None] + shared * random.normal(size=runs) + spread * random.normal(size=shape))


def bands(figures, direction="lower", **others):
    unknown = np.full(figures.shape, np.nan)
    return rank_bands(figures, **{"direction": direction, "within_low": unknown, "within_high": unknown, **others})


def ranks(standings):
    return [(one.rank_low, one.rank_high) for one in standings]


# Student's t: Abramowitz and Stegun, table 26.10


@pytest.mark.parametrize(
    ("t", "freedom", "p"),
    [(12.706, 1, 0.05), (4.303, 2, 0.05), (3.182, 3, 0.05), (2.228, 10, 0.05), (2.704, 40, 0.01), (636.619, 1, 0.001)],
)
def test_students_t_is_that_of_the_tables(t, freedom, p):
    assert float(two_sided_p(np.array(t), freedom)) == pytest.approx(p, rel=2e-3)
    assert float(two_sided_p(np.array(-t), freedom)) == float(two_sided_p(np.array(t), freedom))


def test_no_difference_is_always_by_chance_and_an_infinite_one_never():
    assert two_sided_p(np.array([0.0, np.inf]), 5).tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match="0 degrees of freedom"):
        two_sided_p(np.array(1.0), 0)


def test_holm_lets_fall_in_order_and_names_the_next_level():
    fallen, limit = holm(np.array([0.04, 0.001, 0.02, 0.5]), 0.05)
    assert fallen.tolist() == [False, True, False, False]
    assert limit == pytest.approx(0.05 / 3)
    assert holm(np.zeros(3), 0.05)[1] == 0.0
    assert holm(np.zeros(0), 0.05)[0].tolist() == []


# coverage


@pytest.mark.parametrize("runs", [3, 5, 10, 28])
def test_an_interval_of_a_paired_difference_holds_the_truth_in_93_to_97_percent_of_boards(runs):
    random = np.random.default_rng(11)
    levels = np.array([1.0, 1.1, 1.3, 2.0])
    held = []
    for _ in range(SIMULATIONS):
        logs = np.log(nights(random, levels, runs)) - np.log(levels)[:, None]
        found = paired_runs(logs, np.zeros(4))
        # the interval holds the truth (no difference is left) where p is above 0.05
        held.append((found.p[np.triu_indices(4, 1)] > 0.05).mean())
    assert 0.93 <= np.mean(held) <= 0.97


def test_without_pairing_by_night_the_same_nights_would_tell_nothing_apart():
    random = np.random.default_rng(3)
    figures = nights(random, np.array([1.0, 1.3]), 6, shared=0.5, own=0.03)
    assert ranks(bands(figures)) == [(1, 1), (2, 2)]
    # the same figures, each target measured on nights of its own
    apart = np.full((2, 12), np.nan)
    apart[0, :6], apart[1, 6:] = figures[0], figures[1]
    assert ranks(bands(apart)) == [(1, 2), (1, 2)]


@pytest.mark.parametrize("runs", [3, 7])
def test_the_bands_of_a_whole_board_hold_all_true_ranks_in_95_percent_of_boards(runs):
    random = np.random.default_rng(5)
    levels = np.repeat([1.0, 1.2, 2.0], 4)  # four true ties at each level
    best, worst = np.repeat([1, 5, 9], 4), np.repeat([4, 8, 12], 4)
    wrong = 0
    for _ in range(SIMULATIONS // 4):
        found = np.array(ranks(bands(nights(random, levels, runs))))
        wrong += bool((found[:, 0] > best).any() or (found[:, 1] < worst).any())
    assert wrong / (SIMULATIONS // 4) <= 0.08


# what is said


def test_clear_differences_are_ranks_and_equal_figures_are_one_tier():
    random = np.random.default_rng(1)
    found = bands(nights(random, np.array([3.0, 1.0, 1.0, 9.0]), 8))
    assert ranks(found) == [(3, 3), (1, 2), (1, 2), (4, 4)]
    assert [one.tier for one in found] == [2, 1, 1, 3]
    assert sum(one.p_first for one in found) == pytest.approx(1.0)
    assert found[0].p_first < 0.001
    assert found[3].next_better == 0
    assert found[3].tied_by is None


def test_higher_is_better_turns_the_board_around():
    figures = nights(np.random.default_rng(1), np.array([1.0, 2.0, 4.0]), 6)
    assert ranks(bands(figures, "higher")) == [(3, 3), (2, 2), (1, 1)]
    assert ranks(bands(1 / figures, "higher")) == ranks(bands(figures))


def test_the_nights_that_are_said_to_be_missing_do_separate_in_about_half_the_cases():
    random = np.random.default_rng(2)
    levels, told, said = np.array([1.0, 1.06]), [], []
    for _ in range(200):
        first = bands(nights(random, levels, 6, own=0.05))
        worse = max(first, key=lambda one: one.next_better is not None)
        if worse.tied_by == "runs" and worse.runs_to_separate is not None and worse.runs_to_separate < 60:
            said.append(worse.runs_to_separate)
            later = bands(nights(random, levels, 6 + worse.runs_to_separate, own=0.05))
            told.append(ranks(later)[0] != (1, 2))
    assert len(said) > 50
    assert min(said) >= 1
    assert 0.35 <= np.mean(told) <= 0.85


def test_one_night_separates_only_by_ranges_within_it_and_says_so():
    figures = np.array([[1.0], [1.05], [2.0]])
    found = bands(figures, within_low=figures * 0.9, within_high=figures * 1.1)
    assert ranks(found) == [(1, 2), (1, 2), (3, 3)]
    assert {one.basis for one in found} == {"within-run"}
    assert found[1].tied_by == "few-runs"
    assert found[1].runs_to_separate is None
    assert found[0].p_first > found[1].p_first > found[2].p_first


def test_one_night_without_ranges_tells_nothing_apart_and_gives_nobody_a_chance():
    found = bands(np.array([[1.0], [5.0]]))
    assert ranks(found) == [(1, 2), (1, 2)]
    assert [one.p_first for one in found] == [None, None]


def test_two_nights_that_contradict_each_other_are_no_ranking():
    figures = np.array([[1.0, 2.0], [1.5, 1.6]])
    found = bands(figures, within_low=figures * 0.99, within_high=figures * 1.01)
    assert ranks(found) == [(1, 2), (1, 2)]


def test_a_target_that_missed_the_good_nights_is_not_blamed_for_the_bad_ones():
    figures = np.array([[1.0, 1.1, 3.0, 3.3], [1.2, 1.3, 3.6, 3.9], [np.nan, np.nan, 2.4, 2.6]])
    levels, residuals = additive_fit(np.log(figures))
    assert np.argsort(levels).tolist() == [2, 0, 1]
    assert residuals[2, :2].tolist() == [0.0, 0.0]


# of 4 in 28 nights numpy's own limit once took rounding for more than 0
@pytest.mark.parametrize("shape", [(5, 7), *((4, nights) for nights in range(25, 32)), (2, 3), (20, 60)])
def test_in_a_full_board_the_levels_are_plain_means(shape):
    scores = np.random.default_rng(0).normal(size=shape)
    levels, residuals = additive_fit(scores)
    assert levels == pytest.approx(scores.mean(axis=1), rel=1e-9, abs=1e-12)
    assert residuals == pytest.approx(scores - scores.mean(axis=1, keepdims=True) - scores.mean(axis=0) + scores.mean())


def test_an_uncertain_input_that_all_share_makes_no_tie_and_one_of_their_own_does():
    random = np.random.default_rng(4)
    figures = nights(random, np.array([1.0, 1.2]), 8, own=0.01)
    grid, others = np.exp(0.5 * random.normal(size=(2, 4096)))
    shared = bands(figures, input_draws=np.array([grid, 1.2 * grid]))
    assert ranks(shared) == [(1, 1), (2, 2)]
    own = bands(figures, input_draws=np.array([grid, 1.2 * others]))
    assert ranks(own) == [(1, 2), (1, 2)]
    tied = max(own, key=lambda one: one.next_better is not None)
    assert (tied.tied_by, tied.runs_to_separate) == ("inputs", None)
    assert 0.2 < tied.p_first < 0.5


def test_exact_figures_are_told_apart_and_equal_ones_share_the_first_place():
    found = bands(np.array([[2.0] * 4, [1.0] * 4, [1.0] * 4]))
    assert ranks(found) == [(3, 3), (1, 2), (1, 2)]
    assert [round(one.p_first, 2) for one in found] == [0.0, 0.5, 0.5]
    assert found[2].tied_by == "runs"
    assert found[2].runs_to_separate is None


def test_shares_that_were_equal_by_chance_are_not_exact():
    shares = np.array([[1.0] * 4, [0.97] * 4])
    assert ranks(bands(shares, "higher", linear=True)) == [(1, 1), (2, 2)]
    chance = np.full(2, 0.03 * 0.97 / 30)
    assert ranks(bands(shares, "higher", linear=True, floor_variance=chance)) == [(1, 2), (1, 2)]


def test_a_board_of_one_is_first():
    (only,) = bands(np.array([[1.0, 2.0, 3.0]]))
    assert (only.rank_low, only.rank_high, only.tier, only.p_first, only.next_better) == (1, 1, 1, 1.0, None)
    assert only.figure == pytest.approx(6 ** (1 / 3))


def test_the_same_nights_give_the_same_board():
    figures = nights(np.random.default_rng(9), np.linspace(1, 2, 8), 5)
    assert bands(figures) == bands(figures)


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(ValueError, match="endpoint 1 has no figure"):
        bands(np.array([[1.0], [np.nan]]))
    with pytest.raises(ValueError, match="compare differences instead"):
        bands(np.array([[1.0], [0.0]]))
    assert bands(np.array([[1.0], [0.0]]), linear=True)[1].figure == pytest.approx(0.0, abs=1e-12)
