"""Planned sends of an open loop: how regular they are, whatever the rate."""

import math
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.arrivals import even_units, gamma_units, planned_offsets_ns
from probes.load.rates import steady


def offsets(units, n=20_000, rate=200.0):
    return np.array(list(planned_offsets_ns(units, steady(rate), requests=n, duration_s=None)))


def ks_distance_to_exponential(values, mean):
    values = np.sort(values)
    expected = 1 - np.exp(-values / mean)
    ranks = np.arange(len(values) + 1) / len(values)
    return max((ranks[1:] - expected).max(), (expected - ranks[:-1]).max())


def ks_limit(n):
    return 1.63 / math.sqrt(n)  # at the 1 % level


def test_constant_gaps_do_not_vary():
    # 3/s has no whole number of nanoseconds: rounding may cost one, and must not add up.
    planned = offsets(even_units(), rate=3.0)
    assert set(np.diff(planned)) <= {333_333_333, 333_333_334}
    assert planned[0] == 0
    assert planned[15_000] == 5_000 * 10**9


@pytest.mark.parametrize("rate", [0.1, 0.7, 3.0, 49.0, 997.0])
def test_a_constant_rate_over_whole_seconds_sends_exactly_rate_times_seconds(rate):
    planned = list(planned_offsets_ns(even_units(), steady(rate), requests=None, duration_s=100.0))
    assert len(planned) == round(rate * 100)


@pytest.mark.parametrize(("shape", "cv"), [(1.0, 1.0), (0.25, 2.0), (4.0, 0.5), (100.0, 0.1)])
def test_gaps_have_the_mean_of_the_rate_and_the_spread_of_the_shape(shape, cv):
    gaps = np.diff(offsets(gamma_units(seed=7, shape=shape)))
    assert gaps.mean() == pytest.approx(5e6, rel=4 * cv / math.sqrt(len(gaps)))
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.05)


def test_gaps_of_shape_1_follow_the_exponential_distribution():
    gaps = np.diff(offsets(gamma_units(seed=7)))
    assert ks_distance_to_exponential(gaps, 5e6) < ks_limit(len(gaps))


def test_gaps_of_another_shape_do_not():
    gaps = np.diff(offsets(gamma_units(seed=7, shape=0.5)))
    assert ks_distance_to_exponential(gaps, 5e6) > 5 * ks_limit(len(gaps))


def test_gaps_are_independent_of_those_before_them():
    gaps = np.diff(offsets(gamma_units(seed=7, shape=0.5)))
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 3 / math.sqrt(len(gaps))


def test_bursts_make_the_counts_of_seconds_vary_more():
    def dispersion(shape):
        counts = np.bincount(offsets(gamma_units(seed=7, shape=shape), n=100_000) // 10**9)[:-1]
        return counts.var() / counts.mean()

    # For windows of many gaps the dispersion of a renewal process is the squared CV: 4, 1, a quarter.
    assert dispersion(0.25) == pytest.approx(4, rel=0.25)
    assert dispersion(1.0) == pytest.approx(1, rel=0.25)
    assert dispersion(4.0) == pytest.approx(0.25, rel=0.25)


def test_the_seed_fixes_the_plan():
    assert list(islice(gamma_units(seed=1), 50)) == list(islice(gamma_units(seed=1), 50))
    assert list(islice(gamma_units(seed=1), 50)) != list(islice(gamma_units(seed=2), 50))


@given(
    st.sampled_from([None, 0.1, 1.0, 9.0]),
    st.floats(0.1, 1e4),
    st.integers(1, 200),
    st.floats(1e-3, 10.0),
    st.integers(),
)
def test_a_plan_never_falls_and_keeps_both_limits(shape, rate, requests, duration_s, seed):
    units = even_units() if shape is None else gamma_units(seed=seed, shape=shape)
    plan = list(planned_offsets_ns(units, steady(rate), requests=requests, duration_s=duration_s))
    assert len(plan) <= requests
    assert all(0 <= offset < duration_s * 1e9 + 1 for offset in plan)
    assert all(before <= after for before, after in pairwise(plan))
