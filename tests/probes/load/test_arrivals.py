"""Planned sends of an open loop."""

import math
import statistics
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.arrivals import planned_offsets_ns


def gaps(arrivals, n=20_000, seed=7, rate=200.0):
    offsets = islice(planned_offsets_ns(arrivals, rate_rps=rate, requests=None, duration_s=None, seed=seed), n)
    return [after - before for before, after in pairwise(offsets)]


def test_constant_gaps_do_not_vary():
    # 3/s has no whole number of nanoseconds: rounding may cost one, and must not add up.
    assert set(gaps("constant", rate=3.0)) <= {333_333_333, 333_333_334}


def test_poisson_gaps_have_the_mean_and_the_spread_of_the_exponential_distribution():
    seen = gaps("poisson")
    mean = statistics.fmean(seen)
    assert mean == pytest.approx(5e6, rel=0.03)
    assert statistics.pstdev(seen) / mean == pytest.approx(1.0, abs=0.03)


def test_poisson_gaps_follow_the_exponential_distribution():
    seen = sorted(gaps("poisson"))
    distance = max(abs((n + 1) / len(seen) - (1 - math.exp(-gap / 5e6))) for n, gap in enumerate(seen))
    assert distance < 1.63 / math.sqrt(len(seen))  # Kolmogorov-Smirnov at the 1 % level


def test_the_seed_fixes_the_plan():
    assert gaps("poisson", 100, seed=1) == gaps("poisson", 100, seed=1)
    assert gaps("poisson", 100, seed=1) != gaps("poisson", 100, seed=2)


@given(
    st.sampled_from(["constant", "poisson"]),
    st.floats(0.1, 1e4),
    st.integers(1, 200),
    st.floats(1e-3, 10.0),
    st.integers(),
)
def test_a_plan_rises_and_keeps_both_limits(arrivals, rate, requests, duration_s, seed):
    plan = list(planned_offsets_ns(arrivals, rate_rps=rate, requests=requests, duration_s=duration_s, seed=seed))
    assert len(plan) <= requests
    assert all(0 <= offset <= duration_s * 1e9 for offset in plan)
    assert plan == sorted(plan)
