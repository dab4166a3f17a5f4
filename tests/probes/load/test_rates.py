"""Rates that change: the curves against their integrals, and files of rates."""

import math
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import ProbeError
from probes.load.arrivals import gamma_units, planned_offsets_ns
from probes.load.rates import exponential_ramp, linear_ramp, piecewise, read_rates, steady

RATES = st.floats(0.01, 1e4)
SECONDS = st.floats(0.1, 1e5)
SHARES = st.floats(0, 1)
STEPS = ((0, 100), (20, 0), (30, 300), (50, 40))


def linear_units(start, end, duration, t):
    return start * t + (end - start) * t * t / (2 * duration)


def exponential_units(start, end, duration, t):
    growth = math.log(end / start) / duration
    return start * math.expm1(growth * t) / growth


def test_a_linear_ramp_from_nothing_worked_by_hand():
    due_at = linear_ramp(0, 10, 10)  # t^2 / 2 sends by t
    assert [due_at(units) for units in (0, 0.5, 2, 50)] == pytest.approx([0, 1, 2, 10])
    assert due_at(50.1) == math.inf


def test_a_linear_ramp_down_to_nothing_worked_by_hand():
    due_at = linear_ramp(10, 0, 10)  # 10 t - t^2 / 2
    assert [due_at(units) for units in (0, 9.5, 18, 50)] == pytest.approx([0, 1, 2, 10])


def test_an_exponential_ramp_worked_by_hand():
    due_at = exponential_ramp(1, 2, 1)  # (2^t - 1) / ln 2
    assert due_at((math.sqrt(2) - 1) / math.log(2)) == pytest.approx(0.5)
    assert due_at(1 / math.log(2)) == pytest.approx(1)
    assert due_at(1 / math.log(2) + 0.001) == math.inf


@given(RATES, RATES, SECONDS, SHARES)
def test_a_linear_ramp_undoes_its_cumulative_rate(start, end, duration, share):
    t = share * duration
    assert linear_ramp(start, end, duration)(
        min(linear_units(start, end, duration, t), (start + end) / 2 * duration)
    ) == pytest.approx(t, rel=1e-6, abs=1e-6 * duration)


@given(RATES, RATES, SECONDS, SHARES)
def test_an_exponential_ramp_undoes_its_cumulative_rate(start, end, duration, share):
    due_at = exponential_ramp(start, end, duration)
    if abs(end / start - 1) < 1e-6:  # here the integral, not its inverse, loses its digits
        assert due_at(start * duration * share * 0.999) == pytest.approx(duration * share * 0.999, rel=1e-5)
        return
    t = share * duration
    units = exponential_units(start, end, duration, t)
    less = 1e-9 * units  # so that no rounding puts it behind the end; at a slow end it is some time
    slack = 2 * less / min(start, end)
    assert due_at(units - less) == pytest.approx(t, rel=1e-5, abs=1e-5 * duration + slack)


@pytest.mark.parametrize("ramp", [linear_ramp, exponential_ramp])
def test_a_ramp_between_equal_rates_is_that_rate(ramp):
    assert ramp(5, 5, 10)(25) == pytest.approx(steady(5)(25))


@pytest.mark.parametrize(
    ("curve", "cumulative"),
    [
        (linear_ramp(20, 400, 60), lambda t: linear_units(20, 400, 60, t)),
        (linear_ramp(0, 400, 60), lambda t: linear_units(0, 400, 60, t)),
        (exponential_ramp(5, 800, 60), lambda t: exponential_units(5, 800, 60, t)),
        (exponential_ramp(800, 5, 60), lambda t: exponential_units(800, 5, 60, t)),
        (piecewise(STEPS), lambda t: np.interp(t, [0, 20, 30, 50, 60], [0, 2000, 2000, 8000, 8400])),
    ],
)  # fmt: skip
def test_each_interval_gets_the_sends_of_its_rate(curve, cumulative):
    planned = np.array(list(planned_offsets_ns(gamma_units(seed=3), curve, requests=None, duration_s=60))) / 1e9
    for start in range(0, 60, 5):
        expected = cumulative(start + 5) - cumulative(start)
        counted = ((planned >= start) & (planned < start + 5)).sum()
        assert abs(counted - expected) <= 4 * math.sqrt(expected)  # a Poisson count, four sigma


def test_a_ramp_of_sends_is_a_poisson_process_in_its_own_time():
    planned = planned_offsets_ns(gamma_units(seed=3), exponential_ramp(5, 800, 60), requests=None, duration_s=60)
    units = np.array([exponential_units(5, 800, 60, offset / 1e9) for offset in planned])
    gaps = np.sort(np.diff(units))
    expected = 1 - np.exp(-gaps)
    assert np.abs(np.arange(1, len(gaps) + 1) / len(gaps) - expected).max() < 1.63 / math.sqrt(len(gaps))


def test_nothing_is_sent_in_a_pause_and_the_rates_hold_on_both_sides():
    due_at = piecewise([(0, 2), (5, 0), (8, 4)])
    assert [due_at(units) for units in (0, 9, 9.999, 10, 14)] == pytest.approx([0, 4.5, 4.9995, 8, 9])


def test_a_pause_at_the_start_is_waited_for():
    assert piecewise([(0, 0), (3, 5)])(0) == 3


def test_a_last_rate_of_0_ends_the_plan():
    due_at = piecewise([(0, 2), (5, 0)])
    assert due_at(10) == math.inf
    assert len(list(islice(planned_offsets_ns(gamma_units(seed=1), due_at, requests=None, duration_s=None), 1000))) < 40


def test_a_file_of_rates_is_read(tmp_path):
    path = tmp_path / "day.csv"
    path.write_bytes(b"\xef\xbb\xbfstart_s,rate_rps\r\n0,1.5\r\n\r\n60, 0\r\n90,2e1\r\n")
    assert read_rates(path) == [(0.0, 1.5), (60.0, 0.0), (90.0, 20.0)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "day.csv is empty"),
        (b"start,rate\n0,1\n", 'row 1 is "start,rate"; it must be start_s,rate_rps'),
        (b"start_s,rate_rps\n", "no row with a rate over 0"),
        (b"start_s,rate_rps\n0,0\n9,0\n", "no row with a rate over 0"),
        (b"start_s,rate_rps\n1,5\n", "row 2: start_s = 1; the first row must start at 0"),
        (b"start_s,rate_rps\n0,5\n9,6\n9,7\n", "row 4: start_s = 9 must be after the 9 of the row before"),
        (b"start_s,rate_rps\n0,5\n9,-6\n", 'row 3: rate_rps is "-6"; it must be a number >= 0'),
        (b"start_s,rate_rps\n0,1e9\n", "row 2: rate_rps = 1e+09 must be at most 100000"),
        (b"start_s,rate_rps\n0,five\n", 'row 2: rate_rps is "five"'),
        (b"start_s,rate_rps\n0,nan\n", 'row 2: rate_rps is "nan"'),
        (b"start_s,rate_rps\n0,5,6\n", "row 2 has 3 cells; it must have 2"),
        (b"start_s,rate_rps\n0,5\n\xff\n", "row 3 is not UTF-8"),
    ],
)
def test_a_bad_file_of_rates_is_refused_by_row(content, words, tmp_path):
    path = tmp_path / "day.csv"
    path.write_bytes(content)
    with pytest.raises(ProbeError) as caught:
        read_rates(path)
    assert words in str(caught.value)


def test_a_file_of_rates_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProbeError, match=r"rates_file .*nowhere\.csv cannot be read: No such file"):
        read_rates(tmp_path / "nowhere.csv")
