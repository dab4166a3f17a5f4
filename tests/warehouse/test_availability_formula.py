"""Outages, repair and time between failures from probes at intervals; whether the hour of the day matters."""

import math
from random import Random

import numpy as np
import pytest

from warehouse.formulas.availability import between_failures, budget_burn, outages_of, poisson_interval, repairs
from warehouse.formulas.daytime import hour_matters_p, window_means

H = 3600.0


def test_an_outage_lies_between_the_probes_around_it():
    (outage,) = outages_of([0, 3 * H, 6 * H, 9 * H, 12 * H], [True, False, False, True, True])
    assert (outage.shortest_s, outage.longest_s, outage.probes) == (3 * H, 9 * H, 2)
    found = repairs([outage])
    assert (found.low_s, found.mean_s, found.high_s, found.unfinished) == (3 * H, 6 * H, 9 * H, 0)


def test_what_is_left_out_of_the_middle_of_a_run_of_equal_probes_changes_no_time():
    at = [n * H for n in range(12)]
    up = [True] * 4 + [False] * 4 + [True] * 4
    kept = [0, 3, 4, 7, 8, 11]
    every, some = outages_of(at, up), outages_of([at[n] for n in kept], [up[n] for n in kept])
    assert [(o.shortest_s, o.longest_s) for o in every] == [(o.shortest_s, o.longest_s) for o in some]
    assert between_failures(at, up) == between_failures([at[n] for n in kept], [up[n] for n in kept])


def test_an_outage_without_a_seen_end_is_counted_and_not_averaged():
    outages = outages_of([0, H, 2 * H, 3 * H], [False, True, False, False])
    assert [outage.longest_s for outage in outages] == [None, None]
    found = repairs(outages)
    assert (found.mean_s, found.outages, found.unfinished) == (None, 2, 2)
    assert (found.median_low_s, found.median_s, found.median_high_s) == (0.0, None, None)


def test_the_median_repair_counts_outages_that_lasted_longer_than_was_seen():
    # under 2 h, from 1 to 3 h, and one that has lasted 5 h so far
    at = [0, H, 2 * H, 9 * H, 10 * H, 11 * H, 12 * H, 20 * H, 21 * H, 26 * H]
    up = [True, False, True, True, False, False, True, True, False, False]
    found = repairs(outages_of(at, up))
    assert (found.outages, found.unfinished) == (3, 1)
    assert (found.median_low_s, found.median_s, found.median_high_s) == (H, 1.5 * H, 3 * H)
    assert repairs([]).median_low_s is None
    same_instant = repairs(outages_of([0, 0, 0], [True, False, True]))
    assert same_instant.median_s == pytest.approx(0.0)


def test_probes_out_of_order_are_refused_by_name():
    with pytest.raises(ValueError, match="probe 2 at 1 s is earlier"):
        outages_of([0, 2, 1], [True, True, True])


def test_time_in_service_counts_to_the_end_although_nothing_failed():
    found = between_failures([0, 10 * H, 20 * H, 30 * H], [True] * 4)
    # the rule of three: 30 hours without a failure
    assert (found.failures, found.mean_s, found.high_s) == (0, None, None)
    assert found.low_s == pytest.approx(30 * H / 2.9957, rel=1e-4)
    once = between_failures([0, 10 * H, 20 * H, 30 * H], [True, False, True, True])
    assert (once.failures, once.up_s, once.mean_s) == (1, 20 * H, 20 * H)


@pytest.mark.parametrize(("count", "low", "high"), [(1, 0.0253, 5.572), (5, 1.6235, 11.668), (20, 12.217, 30.888)])
def test_the_interval_of_a_count_is_that_of_the_published_table(count, low, high):
    # Garwood's limits, as in Pearson and Hartley, Biometrika Tables for Statisticians, table 40
    assert poisson_interval(count) == pytest.approx((low, high), rel=1e-3)


def test_the_interval_of_the_time_between_failures_holds_the_truth_as_often_as_it_says():
    random, held = Random(1), 0
    for _ in range(300):
        # failures at rate 1 in 8 units of service, seen by 400 probes
        at, up = [], []
        time, next_failure = 0.0, random.expovariate(1.0)
        while time < 8.0:
            fails = next_failure <= time
            if fails:
                next_failure = time + random.expovariate(1.0)
            at.append(time)
            up.append(not fails)
            time += 0.02
        found = between_failures(at, up)
        assert found.low_s is not None
        held += found.low_s <= 1.0 <= (math.inf if found.high_s is None else found.high_s)
    # exact limits of a count are wide rather than narrow
    assert 0.94 <= held / 300 <= 0.995


def test_a_budget_is_used_up_when_as_many_fail_as_are_allowed():
    assert budget_burn(0.01, 0.99) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="leaves no error budget"):
        budget_burn(0.0, 1.0)


# hours


def test_windows_run_over_midnight():
    values, hour = np.array([1.0, 2.0, 6.0]), np.array([23, 0, 1])
    means = window_means(values, hour, width=2)
    assert (means[22], means[23], means[0]) == (1.0, 1.5, 4.0)
    assert math.isnan(means[5])


def drawn(random, *, slow_share, days=28):
    hour = np.array([3 * n + random.randrange(3) for _ in range(days) for n in range(8)])
    day = np.repeat(np.arange(days), 8)
    of_day = np.array([random.gauss(0, 0.3) for _ in range(days)])
    noise = np.array([random.gauss(0, 0.3) for _ in hour])
    afternoon = (hour >= 14) & (hour < 18)
    return np.exp(of_day[day] + noise + slow_share * afternoon), hour, day


def test_hours_that_do_not_matter_are_called_so_and_a_slow_afternoon_is_found():
    random = Random(7)
    quiet = [hour_matters_p(*drawn(random, slow_share=0.0), width=3) for _ in range(100)]
    # 5 % of 100 is 5; three standard deviations are 6.5
    assert sum(p <= 0.05 for p in quiet) <= 11
    assert 0.4 < np.mean(quiet) < 0.6
    slow = [hour_matters_p(*drawn(random, slow_share=0.35), width=3) for _ in range(20)]
    assert sum(p <= 0.05 for p in slow) >= 17


def test_nights_alone_say_nothing_of_the_hour():
    hour, day = np.full(28, 2), np.arange(28)
    assert hour_matters_p(np.arange(28.0), hour, day, width=3) is None
