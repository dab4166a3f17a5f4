"""Energy from readings at instants: close to the truth where the integral is known, and never outside the bound."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.formulas.energy import counter_window_j, others_active_j, power_window_j
from warehouse.formulas.energy_error import counter_error_j, power_error_j, typical_step_s

STEP_S = 0.1  # 10 readings a second


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A power curve whose integral from 0 is known."""

    name: str
    power_w: Callable[[np.ndarray], np.ndarray]
    spent_j: Callable[[np.ndarray], np.ndarray]
    power_w_max: float


def pieces(name: str, *corners: tuple[float, float]) -> Curve:
    """Straight lines between (seconds, watts); two corners at one instant are an edge. Constant beyond the ends."""
    t_s, watts = (np.array(values, dtype=float) for values in zip(*corners, strict=True))
    cumulative = np.concatenate(([0.0], np.cumsum(np.diff(t_s) * (watts[1:] + watts[:-1]) / 2)))

    def power(x: np.ndarray) -> np.ndarray:
        return np.interp(x, t_s, watts)

    def spent(x: np.ndarray) -> np.ndarray:
        at = np.clip(np.searchsorted(t_s, x, side="right") - 1, 0, len(t_s) - 2)
        inside = np.clip(x, t_s[0], t_s[-1])
        width = np.where(t_s[at + 1] > t_s[at], t_s[at + 1] - t_s[at], 1.0)
        slope = (watts[at + 1] - watts[at]) / width
        since = inside - t_s[at]
        outside = np.minimum(x - t_s[0], 0) * watts[0] + np.maximum(x - t_s[-1], 0) * watts[-1]
        return cumulative[at] + watts[at] * since + slope * since**2 / 2 + outside

    return Curve(name=name, power_w=power, spent_j=spent, power_w_max=float(watts.max()))


def sine(period_s: float, mean_w: float = 50.0, swing_w: float = 30.0, phase: float = 0.0) -> Curve:
    turn = 2 * math.pi / period_s
    return Curve(
        name=f"sine of {period_s} s",
        power_w=lambda x: mean_w + swing_w * np.sin(turn * x + phase),
        spent_j=lambda x: mean_w * x - swing_w / turn * (np.cos(turn * x + phase) - math.cos(phase)),
        power_w_max=mean_w + swing_w,
    )


def square(edges_s: list[float], low_w: float, high_w: float, first_high: bool) -> Curve:
    corners, high = [(-10.0, high_w if first_high else low_w)], first_high
    for edge in edges_s:
        corners += [(edge, high_w if high else low_w), (edge, low_w if high else high_w)]
        high = not high
    corners.append((200.0, high_w if high else low_w))
    return pieces("square", *corners)


def read_power(curve: Curve, from_s: float, until_s: float, offset_s: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    t_s = np.arange(from_s + offset_s, until_s + STEP_S, STEP_S)
    return t_s, curve.power_w(t_s)


def read_counter(
    curve: Curve, from_s: float, until_s: float, *, ages_s: np.ndarray | float = 0.0, offset_s: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """A counter whose readings are some seconds old, though each is at least as new as the one before."""
    t_s = np.arange(from_s + offset_s, until_s + STEP_S, STEP_S)
    ages = np.broadcast_to(ages_s, t_s.shape) if np.isscalar(ages_s) else np.resize(ages_s, t_s.shape)
    seen_s = np.maximum.accumulate(t_s - ages)
    return t_s, curve.spent_j(seen_s) + 1e4


CURVES = [
    square([7.03 + 10.07 * n for n in range(6)], 20.0, 100.0, True),
    pieces("ramp", (0.0, 10.0), (60.0, 110.0)),
    pieces("burst", (-10.0, 30.0), (20.04, 30.0), (20.04, 300.0), (21.27, 300.0), (21.27, 30.0), (90.0, 30.0)),
    sine(2.0),
    sine(30.0),
]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
@pytest.mark.parametrize("offset_s", [0.0, 0.037, 0.09])
def test_ten_readings_a_second_come_within_a_percent_of_the_truth(curve, offset_s):
    start_s, end_s = 1.234, 58.765
    truth_j = float(curve.spent_j(np.array(end_s)) - curve.spent_j(np.array(start_s)))
    sampled = power_window_j(*read_power(curve, 0.0, 60.0, offset_s), start_s, end_s)
    counted = counter_window_j(*read_counter(curve, 0.0, 60.0, offset_s=offset_s), start_s, end_s)
    assert sampled == pytest.approx(truth_j, rel=0.01)
    assert counted == pytest.approx(truth_j, rel=0.01)


def test_the_known_integrals_of_these_tests_are_integrals():
    for curve in CURVES:
        t_s = np.linspace(0.0, 60.0, 600_001)
        assert np.trapezoid(curve.power_w(t_s), t_s) == pytest.approx(
            float(curve.spent_j(np.array(60.0)) - curve.spent_j(np.array(0.0))), rel=1e-4
        )


@st.composite
def curves(draw):
    """Square waves with edges at least one step apart, ramps, bursts, and sines slow against the step."""
    watts = st.floats(0.0, 500.0)
    kind = draw(st.sampled_from(["square", "ramp", "burst", "sine"]))
    if kind == "square":
        gaps = draw(st.lists(st.floats(STEP_S * 1.001, 3.0), min_size=1, max_size=12))
        low_w, high_w = sorted((draw(watts), draw(watts)))
        return square(list(np.cumsum(gaps)), low_w, high_w, draw(st.booleans()))
    if kind == "ramp":
        return pieces("ramp", (draw(st.floats(-2.0, 2.0)), draw(watts)), (draw(st.floats(3.0, 30.0)), draw(watts)))
    if kind == "burst":
        begin_s, length_s, base_w = draw(st.floats(0.0, 9.0)), draw(st.floats(STEP_S * 1.001, 5.0)), draw(watts)
        edges = (begin_s, begin_s + length_s)
        return square(list(edges), base_w, base_w + draw(watts), False)
    return sine(draw(st.floats(2.0, 40.0)), 200.0, draw(st.floats(0.0, 200.0)), draw(st.floats(0.0, 6.28)))


starts = st.floats(0.5, 5.0)
lengths = st.floats(1.0, 15.0)
offsets = st.floats(0.0, 0.0999)


def truth_of(curve: Curve, start_s: float, end_s: float) -> float:
    return float(curve.spent_j(np.array(end_s)) - curve.spent_j(np.array(start_s)))


@given(curves(), starts, lengths, offsets)
def test_the_bound_of_sampled_power_always_covers_the_error(curve, start_s, length_s, offset_s):
    end_s = start_s + length_s
    t_s, power_w = read_power(curve, 0.0, end_s + 0.2, offset_s)
    error_j = power_window_j(t_s, power_w, start_s, end_s) - truth_of(curve, start_s, end_s)
    assert abs(error_j) <= power_error_j(t_s, power_w, start_s, end_s) + 1e-6


@given(curves(), starts, lengths, offsets, st.floats(0.0, 1.5), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9))
def test_the_bound_of_a_counter_always_covers_the_error_however_old_its_readings_are(
    curve, start_s, length_s, offset_s, resolution_s, ages
):
    end_s = start_s + length_s
    ages_s = np.array(ages) * resolution_s
    t_s, counter = read_counter(curve, -2.0, end_s + 0.2, ages_s=ages_s, offset_s=offset_s)
    error_j = counter_window_j(t_s, counter, start_s, end_s) - truth_of(curve, start_s, end_s)
    bound_j = counter_error_j(t_s, counter, start_s, end_s, resolution_s, curve.power_w_max)
    assert abs(error_j) <= bound_j + 1e-6


@given(st.floats(0.0, 300.0), st.floats(0.0, 300.0), starts, lengths, st.floats(0.0, 1.0))
def test_the_bound_of_old_power_readings_covers_the_error_of_a_change(before_w, after_w, start_s, length_s, age):
    edge_s, end_s = start_s + length_s / 2, start_s + length_s
    curve = square([edge_s], *sorted((before_w, after_w)), first_high=before_w > after_w)
    t_s = np.arange(0.0, end_s + 1.3, STEP_S)
    power_w = curve.power_w(t_s - age)
    error_j = power_window_j(t_s, power_w, start_s, end_s) - truth_of(curve, start_s, end_s)
    assert abs(error_j) <= power_error_j(t_s, power_w, start_s, end_s, 1.0) + 1e-6


@given(curves(), curves(), starts, lengths)
def test_the_bounds_of_two_meters_add_to_a_bound_of_both(first, second, start_s, length_s):
    end_s = start_s + length_s
    power = read_power(first, 0.0, end_s + 0.2)
    counter = read_counter(second, 0.0, end_s + 0.2, offset_s=0.05)
    stated_j = power_window_j(*power, start_s, end_s) + counter_window_j(*counter, start_s, end_s)
    truth_j = truth_of(first, start_s, end_s) + truth_of(second, start_s, end_s)
    bound_j = power_error_j(*power, start_s, end_s) + counter_error_j(*counter, start_s, end_s, 0.0)
    assert abs(stated_j - truth_j) <= bound_j + 1e-6


def test_from_reading_to_reading_the_bound_of_power_is_half_the_step_times_what_power_moved():
    # 1/2 x 0.5 s x (10 + 30 + 0) W
    assert power_error_j([0.0, 0.5, 1.0, 1.5], [10.0, 20.0, 50.0, 50.0], 0.0, 1.5) == pytest.approx(10.0)
    steady_s = np.cumsum(np.random.default_rng(2).uniform(0.05, 0.15, 300))
    assert power_error_j(steady_s, np.full(300, 18.6), 0.3, 27.9) == 0.0  # not what rounding leaves


def test_an_edge_between_two_readings_is_as_wrong_as_it_can_be_there():
    # the window is the second half of a step from 0 to 10 W: stated 3.75 J, in truth between 0 and 5
    assert power_window_j([0.0, 1.0], [0.0, 10.0], 0.5, 1.0) == pytest.approx(3.75)
    assert power_error_j([0.0, 1.0], [0.0, 10.0], 0.5, 1.0) == pytest.approx(3.75)


def test_the_bound_of_a_counter_is_its_resolution_times_the_power_at_the_edges():
    t_s = np.arange(0.0, 12.0, 0.1)
    assert counter_error_j(t_s, 30.0 * t_s, 1.0, 9.0, 0.0) == pytest.approx(0.0, abs=1e-9)
    # start and end can be wrong by 0.1 s x 30 W, one of them in each direction
    assert counter_error_j(t_s, 30.0 * t_s, 1.0, 9.0, 0.1) == pytest.approx(3.0)
    assert counter_error_j(t_s, 30.0 * t_s, 1.0, 9.0, 0.4) == pytest.approx(12.0)


def test_where_no_reading_is_late_enough_the_most_the_device_draws_is_taken():
    t_s = np.arange(0.0, 10.05, 0.1)
    assert counter_error_j(t_s, 30.0 * t_s, 1.0, 10.0, 0.5, power_w_max=100.0) == pytest.approx(50.0)
    assert counter_error_j(t_s, 30.0 * t_s, 1.0, 10.0, 0.5) == pytest.approx(15.0)  # 30 W, as in the last second


def test_beyond_the_readings_power_lies_between_nothing_and_the_most_or_twice_the_last():
    t_s, power_w = [0.0, 1.0, 2.0], [10.0, 10.0, 10.0]
    assert power_error_j(t_s, power_w, 0.0, 2.4) == pytest.approx(4.0)
    assert power_error_j(t_s, power_w, 0.0, 2.4, power_w_max=60.0) == pytest.approx(20.0)


def test_the_typical_step_is_the_median():
    assert typical_step_s([0.0, 0.1, 0.2, 0.3, 5.0]) == pytest.approx(0.1)
    assert typical_step_s([1.0]) == 0.0


def test_a_resolution_below_zero_is_refused():
    with pytest.raises(ValueError, match=r"resolution cannot be -0\.1 s; it must be 0 s or more"):
        counter_error_j([0.0, 1.0], [0.0, 1.0], 0.0, 1.0, -0.1)
    with pytest.raises(ValueError, match="resolution cannot be"):
        power_error_j([0.0, 1.0], [0.0, 1.0], 0.0, 1.0, float("nan"))


# a shared machine


def test_what_others_drew_is_their_part_of_the_busy_time():
    assert others_active_j(100.0, 0.1, 0.5) == pytest.approx(20.0)
    assert others_active_j(100.0, 0.0, 0.0) == 0.0
    assert others_active_j(-3.0, 0.1, 0.5) == 0.0  # noise around nothing is nobody's
    assert others_active_j(100.0, 0.6, 0.5) == 100.0  # stolen time counts among theirs alone


@given(st.floats(0.0, 1e6), st.floats(0.0, 1.0), st.floats(0.01, 1.0))
def test_what_others_drew_is_part_of_the_active_energy(active_j, others, busy):
    assert 0.0 <= others_active_j(active_j, others, busy) <= active_j


def test_shares_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"busy_cpu_share cannot be 1\.5"):
        others_active_j(1.0, 0.1, 1.5)
    with pytest.raises(ValueError, match="of a CPU that was not busy at all"):
        others_active_j(1.0, 0.1, 0.0)
