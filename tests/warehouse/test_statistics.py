"""Intervals: they hold the truth as often as they say, refuse what they cannot know, and are the same each time."""

import math
from statistics import NormalDist

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.formulas.resampling import block_count, drawn_percentiles, draws, t_quantile, time_blocks
from warehouse.formulas.statistics import (
    MIN_BLOCKS,
    Estimate,
    narrow_enough,
    nearest_rank,
    over_trials,
    paired_difference,
    percentile_interval,
    ratio_interval,
    relative_half_width,
    share_interval,
)

# The same cases each time, and no clock: the machine may be busy.
law = settings(derandomize=True, database=None, deadline=None)
NORMAL = NormalDist()
SIMULATIONS = 300


def correlated(random, n, *, together=4, shared=0.5):
    """n standard normal values of which `together` neighbours share half their variance, as attempts of a moment do."""
    effects = np.repeat(random.normal(size=n // together + 2), together)[random.integers(together) :][:n]
    return math.sqrt(shared) * effects + math.sqrt(1 - shared) * random.normal(size=n)


def coverage(estimates, truth):
    held = [e.low <= truth <= e.high for e in estimates]
    return sum(held) / len(held)


# coverage


@pytest.mark.parametrize(("n", "share"), [(60, 0.5), (100, 0.5), (300, 0.5), (200, 0.95), (600, 0.95)])
def test_an_interval_of_a_percentile_holds_the_truth_in_90_to_98_percent_of_trials_with_shared_moments(n, share):
    random = np.random.default_rng(7)
    estimates = []
    for _ in range(SIMULATIONS):
        at_s = np.cumsum(random.exponential(1.0, n))
        ttft_s = np.exp(correlated(random, n))
        estimates.append(percentile_interval(ttft_s, time_blocks(at_s, shortest_s=0.0), share))
    assert 0.90 <= coverage(estimates, math.exp(NORMAL.inv_cdf(share))) <= 0.98


def test_an_interval_that_took_attempts_for_independent_would_be_too_narrow():
    random = np.random.default_rng(7)
    samples = [np.exp(correlated(random, 300, together=16)) for _ in range(SIMULATIONS)]
    # the same code with 300 blocks of one attempt each
    alone = [percentile_interval(sample, np.arange(300), 0.5) for sample in samples[:100]]
    in_time = [percentile_interval(s, time_blocks(np.arange(300.0), shortest_s=0.0), 0.5) for s in samples]
    assert coverage(alone, 1.0) < 0.75
    assert coverage(in_time, 1.0) > 0.88


@pytest.mark.parametrize(("n", "truth"), [(60, 0.9), (100, 0.5), (300, 0.98)])
def test_an_interval_of_a_share_holds_the_truth_in_90_to_98_percent_of_trials_with_shared_moments(n, truth):
    random = np.random.default_rng(7)
    estimates = []
    for _ in range(SIMULATIONS):
        good = correlated(random, n) < NORMAL.inv_cdf(truth)
        block = time_blocks(np.arange(float(n)), shortest_s=0.0)
        estimates.append(share_interval(np.bincount(block, good), np.bincount(block).astype(float)))
    assert 0.90 <= coverage(estimates, truth) <= 0.985


def test_an_interval_of_a_rate_holds_the_truth_in_90_to_98_percent_of_trials():
    random = np.random.default_rng(7)
    estimates = [
        ratio_interval(np.exp(0.3 * random.normal(size=12)), np.full(12, 2.0), n=100) for _ in range(SIMULATIONS)
    ]
    assert 0.90 <= coverage(estimates, math.exp(0.045) / 2) <= 0.98


@pytest.mark.parametrize("trials", [3, 5, 6, 10])
def test_an_interval_over_trials_holds_the_truth_in_90_to_98_percent_of_nights(trials):
    random = np.random.default_rng(7)
    estimates = [over_trials(np.exp(0.2 * random.normal(size=trials) - 0.02)) for _ in range(SIMULATIONS)]
    assert 0.90 <= coverage(estimates, 1.0) <= 0.98


def test_an_interval_of_paired_differences_holds_the_truth_and_is_narrower_than_its_targets_apart():
    random = np.random.default_rng(7)
    estimates, widths = [], []
    for _ in range(SIMULATIONS):
        moment = 3 * correlated(random, 60)
        a, b = 10 + moment + 0.3 * random.normal(size=60), 9.5 + moment + 0.3 * random.normal(size=60)
        estimates.append(paired_difference(a, b))
        alone = percentile_interval(a, time_blocks(np.arange(60.0), shortest_s=0.0), 0.5)
        widths.append((estimates[-1].high - estimates[-1].low) / (alone.high - alone.low))
    assert 0.90 <= coverage(estimates, 0.5) <= 0.98
    assert max(widths) < 0.5


# known values


@pytest.mark.parametrize(
    ("freedom", "t"),
    # Student's t, two-sided 95 %, from the tables
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (19, 2.093), (30, 2.042)],
)
def test_students_t_is_that_of_the_tables(freedom, t):
    assert t_quantile(freedom) == pytest.approx(t, rel=0.002)


def test_30_of_30_is_at_least_85_percent_and_not_exactly_1():
    # Wilson's lower end of a share of 1 is n / (n + t^2)
    estimate = share_interval(np.full(10, 3.0), np.full(10, 3.0))
    assert (estimate.central, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(30 / (30 + 2.262**2), abs=1e-4)


def test_blocks_that_all_agree_widen_nothing_and_blocks_that_differ_do():
    even = share_interval(np.full(10, 5.0), np.full(10, 10.0))
    apart = share_interval(np.array([10.0, 0.0] * 5), np.full(10, 10.0))
    assert apart.high - apart.low > 2 * (even.high - even.low)


def test_the_median_of_a_difference_and_its_relative_width():
    estimate = Estimate(central=2.0, low=1.8, high=2.4, n=9, blocks=9, method="any")
    assert relative_half_width(estimate) == pytest.approx(0.15)
    assert narrow_enough(estimate, within_share=0.16)
    assert not narrow_enough(estimate, within_share=0.14)


def test_a_time_is_cut_into_n_to_the_two_thirds_parts_up_to_twelve_and_none_shorter_than_an_attempt():
    assert [block_count(n, length_s=1e9, shortest_s=1.0) for n in (1, 8, 27, 64, 10_000)] == [1, 4, 9, 12, 12]
    assert block_count(1000, length_s=30.0, shortest_s=4.0) == 7
    assert block_count(1000, length_s=3.0, shortest_s=4.0) == 1


def test_blocks_are_equal_stretches_of_time_whatever_they_hold():
    at_s = np.array([*np.linspace(0.0, 1.0, 50), 10.0])
    block = time_blocks(at_s, shortest_s=0.0)
    assert set(block.tolist()) == {0, 1, 11}
    assert block.tolist().count(11) == 1


# refusals


@pytest.mark.parametrize(
    ("estimate", "why"),
    [
        (percentile_interval(np.array([]), np.array([], dtype=int), 0.5), "nothing was measured"),
        (percentile_interval(np.arange(5.0), np.arange(5), 0.5), "5 independent blocks; an interval needs 6"),
        (
            percentile_interval(np.arange(199.0), np.arange(199) // 20, 0.95),
            "199 values; the interval of this percentile",
        ),
        (ratio_interval(np.ones(5), np.ones(5), n=9), "5 independent blocks"),
        (ratio_interval(np.ones(9), np.zeros(9), n=9), "nothing to divide by"),
        (share_interval(np.ones(5), np.ones(5)), "5 independent blocks"),
        (share_interval(np.array([]), np.array([])), "nothing was measured"),
        (over_trials([1.0, 2.0]), "2 trials; an interval over trials needs 3"),
        (over_trials([]), "0 trials"),
        (over_trials([0.0, 1.0, 2.0]), "a figure of 0 has no logarithm"),
        (paired_difference(np.array([np.nan]), np.array([1.0])), "no pair in which both succeeded"),
    ],
)
def test_too_little_has_no_interval_and_says_why(estimate, why):
    assert estimate.low is None
    assert estimate.high is None
    assert why in estimate.reason
    assert relative_half_width(estimate) is None
    assert not narrow_enough(estimate, within_share=10.0)


def test_a_figure_is_known_where_its_interval_is_not():
    assert percentile_interval(np.arange(5.0), np.arange(5), 0.5).central == 2.0
    assert over_trials([1.0, 3.0]).central == 2.0


def test_the_limits_are_the_first_that_are_enough():
    assert percentile_interval(np.arange(200.0), np.arange(200) // 20, 0.95).reason is None
    assert percentile_interval(np.arange(20.0), np.arange(20) % MIN_BLOCKS, 0.5).reason is None


# laws


def test_a_percentile_is_the_one_that_duckdb_finds():
    con = duckdb.connect()
    for share in (0.1, 0.5, 0.95, 0.99):
        sizes = con.execute(
            f"SELECT n, quantile_disc(x::DOUBLE, {share}) FROM range(1, 400) AS s(n), range(400) AS v(x)"
            " WHERE x < n GROUP BY n ORDER BY n"
        ).fetchall()
        assert [nearest_rank(np.arange(float(n)), share) for n, _ in sizes] == [found for _, found in sizes]
    con.close()


@law
@given(st.lists(st.floats(0.001, 1e3), min_size=20, max_size=200), st.floats(0.01, 100.0))
def test_an_interval_holds_its_figure_stays_within_the_sample_and_scales_with_the_unit(sample, unit):
    values, block = np.array(sample), np.arange(len(sample)) % 8
    estimate = percentile_interval(values, block, 0.5)
    assert min(sample) <= estimate.low <= estimate.central <= estimate.high <= max(sample)
    scaled = percentile_interval(values * unit, block, 0.5)
    assert (scaled.low, scaled.high) == pytest.approx((estimate.low * unit, estimate.high * unit))


def test_each_drawn_percentile_is_that_of_the_values_of_its_blocks():
    random = np.random.default_rng(7)
    values, block = random.lognormal(size=50).round(1), random.permutation(np.arange(50) % 7)  # some are equal
    for share in (0.1, 0.5, 0.95):
        found = drawn_percentiles(values, block, 7, share)
        for draw in range(0, 2000, 97):
            drawn = np.repeat(values, draws(7)[draw].astype(int)[block])
            assert found[draw] == nearest_rank(drawn, share)


def test_draws_are_the_same_each_time():
    first = draws(7).copy()
    draws.cache_clear()
    assert np.array_equal(first, draws(7))
    assert (first.sum(axis=1) == 7).all()
