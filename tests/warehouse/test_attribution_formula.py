"""Shares of energy among requests that were served together: conserved, fair where fairness is plain, exact by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.formulas.attribution import Requests, TimeSlices, lone_requests, prefill_weight_ratio, weight_rates
from warehouse.formulas.energy import counter_window_j, power_window_j
from warehouse.formulas.energy_curve import counter_curve, power_curve, together

NOT_KNOWN = float("nan")


def requests(*rows):
    """(start, first, end, prefill weight, decode weight) each."""
    columns = np.array(rows, dtype=float).reshape(-1, 5).T
    names = ("start_s", "first_s", "end_s", "prefill_weight", "decode_weight")
    return Requests(**dict(zip(names, columns, strict=True)))


def steady(watts, start_s=0.0, end_s=10.0):
    return power_curve(np.array([start_s, end_s]), np.array([watts, watts]), start_s, end_s)


def divide(of, curve, start_s=0.0, end_s=10.0):
    return TimeSlices(of, start_s, end_s).divide(curve)


# by hand


def test_a_lone_request_gets_all_of_its_time_and_the_rest_is_overhead():
    found = divide(requests((2.0, 3.0, 7.0, 50.0, 20.0)), steady(30.0))
    assert found.request_j == pytest.approx([150.0])
    assert found.overhead_j == pytest.approx(150.0)


def test_two_requests_share_a_slice_by_how_fast_their_tokens_are_worked_off():
    # decode of 10 in 10 s beside decode of 5 in 5 s, then the first alone
    found = divide(requests((0.0, 0.0, 10.0, 0.0, 10.0), (0.0, 0.0, 5.0, 0.0, 5.0)), steady(100.0))
    assert found.request_j == pytest.approx([250.0 + 500.0, 250.0])
    # three times the speed, three quarters of the slice
    found = divide(requests((0.0, 0.0, 10.0, 0.0, 10.0), (0.0, 0.0, 10.0, 0.0, 30.0)), steady(100.0))
    assert found.request_j == pytest.approx([250.0, 750.0])


def test_prefill_and_decode_of_one_request_weigh_on_their_own():
    # first second: prefill 8/s beside decode 2/s; then decode 2/s beside 2/s
    found = divide(requests((0.0, 1.0, 5.0, 8.0, 8.0), (0.0, 0.0, 5.0, 0.0, 10.0)), steady(10.0), 0.0, 5.0)
    assert found.request_j == pytest.approx([8.0 + 20.0, 2.0 + 20.0])


def test_power_that_changes_within_a_slice_counts_as_it_runs():
    ramp = power_curve(np.array([0.0, 10.0]), np.array([0.0, 100.0]), 0.0, 10.0)
    found = divide(requests((0.0, 0.0, 5.0, 0.0, 1.0), (5.0, 5.0, 10.0, 0.0, 1.0)), ramp)
    assert found.request_j == pytest.approx([125.0, 375.0])


def test_of_a_request_that_reaches_over_the_window_the_part_inside_counts():
    found = divide(requests((-5.0, -5.0, 5.0, 0.0, 10.0), (5.0, 5.0, 20.0, 0.0, 10.0)), steady(10.0))
    assert found.request_j == pytest.approx([50.0, 50.0])
    outside = divide(requests((-5.0, -4.0, -1.0, 1.0, 10.0)), steady(10.0))
    assert outside.request_j == pytest.approx([0.0])
    assert outside.overhead_j == pytest.approx(100.0)


def test_without_requests_all_is_overhead():
    found = divide(requests(), steady(10.0))
    assert found.request_j.size == 0
    assert found.overhead_j == pytest.approx(100.0)


def test_a_weight_that_is_not_known_is_that_of_the_average_request_for_its_time():
    # known: 30 in 10 s of decode; the unknown one of 5 s counts with 3/s
    known, unknown = (0.0, 0.0, 10.0, 0.0, 30.0), (0.0, 0.0, 5.0, 0.0, NOT_KNOWN)
    assert weight_rates(requests(known, unknown))[1] == pytest.approx([3.0, 3.0])
    # nothing known of prefill: the mean of decode
    failed = (0.0, 4.0, 4.0, NOT_KNOWN, NOT_KNOWN)
    assert weight_rates(requests(known, failed))[0] == pytest.approx([0.0, 3.0])
    # nothing known at all: by time
    assert weight_rates(requests(failed, (0.0, 1.0, 2.0, NOT_KNOWN, NOT_KNOWN)))[0] == pytest.approx([1.0, 1.0])


def test_what_weighs_nothing_draws_nothing():
    found = divide(requests((0.0, 10.0, 10.0, 0.0, 0.0), (0.0, 0.0, 5.0, 0.0, 1.0)), steady(10.0))
    assert found.request_j == pytest.approx([0.0, 50.0])
    assert found.overhead_j == pytest.approx(50.0)


def test_rates_of_every_size_may_meet_and_the_small_ones_keep_their_digits():
    # a burst of 1e12 per second, long over when two slow ones share evenly
    found = divide(
        requests((0.0, 0.0, 1e-6, 0.0, 1e6), (1.0, 1.0, 9.0, 0.0, 1e-3), (1.0, 1.0, 9.0, 0.0, 1e-3)), steady(10.0)
    )
    assert found.request_j[1:] == pytest.approx([40.0, 40.0], rel=1e-9)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ((1.0, 0.5, 2.0, 1.0, 1.0), "these must follow on each other"),
        ((1.0, 1.5, 1.2, 1.0, 1.0), "these must follow on each other"),
        ((0.0, 1.0, 2.0, -1.0, 1.0), r"prefill weight of request 0 is -1\.0; it must be finite and not negative"),
        ((0.0, 1.0, 2.0, 1.0, math.inf), "decode weight of request 0 is inf"),
    ],
)
def test_requests_that_cannot_be_are_refused(row, sentence):
    with pytest.raises(ValueError, match=sentence):
        divide(requests(row), steady(10.0))


# laws

weights = st.one_of(st.just(NOT_KNOWN), st.just(0.0), st.floats(1e-3, 1e6), st.integers(1, 4096).map(float))
moments = st.floats(-2.0, 14.0)


@st.composite
def any_requests(draw):
    rows = []
    for _ in range(draw(st.integers(0, 12))):
        times = sorted((draw(moments), draw(moments), draw(moments)))
        shape = draw(st.sampled_from(["whole", "whole", "failed", "one token", "instant"]))
        if shape == "failed":
            times[1] = times[2]
        elif shape == "one token":
            times[2] = times[1]
        elif shape == "instant":
            times = [times[0]] * 3
        rows.append((*times, draw(weights), draw(weights)))
    return requests(*rows)


@st.composite
def any_curve(draw):
    """Of a counter, a power meter, or both together, with readings anywhere around the window of 10 s."""
    curves = []
    for kind in draw(st.sampled_from([("power",), ("counter",), ("power", "counter", "power")])):
        times = np.array(sorted(draw(st.sets(st.integers(-20, 120), min_size=2, max_size=30)))) / 10
        values = np.array(draw(st.lists(st.floats(0.0, 700.0), min_size=times.size, max_size=times.size)))
        if kind == "power":
            curves.append(power_curve(times, values, 0.0, 10.0))
        else:
            curves.append(counter_curve(times, np.cumsum(values), 0.0, 10.0))
    return together(curves)


@given(any_requests(), any_curve())
def test_the_shares_and_the_overhead_are_the_energy_of_the_window_to_the_ninth_digit(of, curve):
    found = divide(of, curve)
    window_j = float(curve.energy_j[-1])
    assert (found.request_j >= 0).all()
    assert found.overhead_j >= -1e-9 * window_j
    assert math.fsum(found.request_j) + found.overhead_j == pytest.approx(window_j, rel=1e-9, abs=1e-300)


def test_twenty_thousand_requests_of_all_sizes_are_conserved_too():
    random = np.random.default_rng(4)
    n = 20_000
    start = random.uniform(-1.0, 600.0, n)
    first = start + random.exponential(0.3, n) * (random.random(n) > 0.1)
    end = first + random.lognormal(0.0, 2.0, n) * (random.random(n) > 0.1)
    weight = np.where(random.random(n) > 0.05, random.lognormal(3.0, 3.0, n), NOT_KNOWN)
    of = Requests(start_s=start, first_s=first, end_s=end, prefill_weight=weight * 0.1, decode_weight=weight)
    t_s = np.arange(0.0, 600.05, 0.1)
    curve = power_curve(t_s, random.uniform(20.0, 400.0, t_s.size), 0.0, 600.0)
    found = divide(of, curve, 0.0, 600.0)
    assert math.fsum(found.request_j) + found.overhead_j == pytest.approx(float(curve.energy_j[-1]), rel=1e-12)


@given(any_requests(), any_curve(), st.floats(0.1, 10.0))
def test_twice_the_power_is_twice_every_share(of, curve, factor):
    slices = TimeSlices(of, 0.0, 10.0)
    once, more = slices.divide(curve), slices.divide(curve.scaled(factor))
    assert more.request_j == pytest.approx(once.request_j * factor, rel=1e-9, abs=1e-12)
    assert more.overhead_j == pytest.approx(once.overhead_j * factor, rel=1e-9, abs=1e-9)


@given(any_requests(), any_curve(), st.randoms(use_true_random=False))
def test_the_order_in_which_requests_are_told_changes_nothing(of, curve, random):
    order = list(range(of.start_s.size))
    random.shuffle(order)
    names = Requests.__slots__
    told = Requests(**{name: getattr(of, name)[order] for name in names})
    assert divide(told, curve).request_j == pytest.approx(divide(of, curve).request_j[order], rel=1e-9, abs=1e-9)


@given(any_curve(), st.lists(moments, min_size=3, max_size=3), st.integers(2, 6), weights, weights)
def test_equal_requests_get_equal_energy(curve, times, copies, prefill, decode):
    row = (*sorted(times), prefill, decode)
    found = divide(requests(*[row] * copies), curve).request_j
    assert found == pytest.approx([found[0]] * copies, rel=1e-12)


def shapley(of, power_w_of):
    """Each request's mean contribution over all orders of arriving, summed over slices; equal rates only."""
    n = of.start_s.size
    edges = np.unique(np.concatenate((of.start_s, of.end_s)))
    value = np.zeros(n)
    for begin, end in itertools.pairwise(edges):
        alive = [i for i in range(n) if of.start_s[i] <= begin and of.end_s[i] >= end]
        orders = list(itertools.permutations(alive))
        for order in orders:
            for place, i in enumerate(order):
                value[i] += (power_w_of(place + 1) - power_w_of(place)) * (end - begin) / len(orders)
    return value


@pytest.mark.parametrize("power_w_of", [lambda n: 40.0 * n, lambda n: 100.0 * math.sqrt(n)], ids=["linear", "batched"])
def test_for_requests_of_equal_speed_the_rule_is_the_shapley_value(power_w_of):
    # batching makes the second request cheaper than the first: among equals all still pay the same
    spans = [(0.0, 6.0), (1.0, 4.0), (2.0, 8.0), (3.0, 10.0)]
    of = requests(*[(begin, begin, end, 0.0, 7.0 * (end - begin)) for begin, end in spans])
    edges = np.unique(np.concatenate((of.start_s, of.end_s)))
    alive = [sum(b <= edge < e for b, e in spans) for edge in edges[:-1]]
    counter = np.concatenate(
        ([0.0], np.cumsum([power_w_of(k) * w for k, w in zip(alive, np.diff(edges), strict=True)]))
    )
    found = divide(of, counter_curve(edges, counter, 0.0, 10.0))
    assert found.request_j == pytest.approx(shapley(of, power_w_of))
    assert found.overhead_j == pytest.approx(0.0, abs=1e-9)


# curves


@given(any_curve())
def test_a_curve_never_falls_and_ends_at_the_energy_of_its_window(curve):
    t_s = np.linspace(0.0, 10.0, 400)
    spent = curve.at(t_s)
    assert spent[0] == 0.0
    assert (np.diff(spent) >= -1e-9).all()
    assert spent[-1] == pytest.approx(curve.energy_j[-1])
    assert curve.at(np.array([-5.0, 15.0])) == pytest.approx([0.0, curve.energy_j[-1]])


def test_a_curve_is_what_the_account_integrates():
    t_s = np.array([-0.3, 0.4, 2.0, 3.5, 6.0, 8.5, 9.8])
    watts = np.array([3.0, 50.0, 20.0, 80.0, 10.0, 60.0, 40.0])
    counter = np.cumsum(watts)
    assert power_curve(t_s, watts, 0.0, 10.0).energy_j[-1] == pytest.approx(power_window_j(t_s, watts, 0.0, 10.0))
    assert counter_curve(t_s, counter, 0.0, 10.0).energy_j[-1] == pytest.approx(
        counter_window_j(t_s, counter, 0.0, 10.0)
    )
    parts = [power_curve(t_s, watts, 0.0, 10.0), counter_curve(t_s + 0.01, counter, 0.0, 10.0)]
    instants = np.linspace(0.0, 10.0, 77)
    assert together(parts).at(instants) == pytest.approx(parts[0].at(instants) + parts[1].at(instants))


def test_curves_of_different_windows_or_none_cannot_be_added():
    with pytest.raises(ValueError, match="different windows"):
        together([steady(1.0), steady(1.0, 0.0, 9.0)])
    with pytest.raises(ValueError, match="at least one"):
        together([])
    with pytest.raises(ValueError, match="needs a window"):
        steady(1.0, 2.0, 2.0)


# weights


def test_alone_is_who_had_nobody_beside_them_from_start_to_end():
    start, end = np.array([0.0, 1.0, 5.0, 6.5, 20.0]), np.array([1.0, 2.0, 7.0, 8.0, 21.0])
    assert lone_requests(start, end).tolist() == [True, True, False, False, True]
    # one that spans others, told last
    start, end = np.array([1.0, 3.0, 0.0, 9.0]), np.array([2.0, 4.0, 8.0, 10.0])
    assert lone_requests(start, end).tolist() == [False, False, False, True]


def test_the_ratio_is_joules_per_prompt_token_over_joules_per_output_token():
    # 2 J per 100 prompt tokens beside 8 J per 40 output tokens: 0.02 to 0.2
    found = prefill_weight_ratio(
        np.array([1.5, 0.5]), np.array([60.0, 40.0]), np.array([5.0, 3.0]), np.array([10.0, 30.0])
    )
    assert found == pytest.approx(0.1)
    nothing = np.array([0.0])
    assert prefill_weight_ratio(nothing, np.array([1.0]), np.array([1.0]), np.array([1.0])) is None
    assert prefill_weight_ratio(np.array([1.0]), np.array([1.0]), np.array([-1.0]), np.array([1.0])) is None
