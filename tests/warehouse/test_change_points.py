"""Change points: shifts are told from bad nights, quiet nights seldom alarm, and real shifts are found."""

import math

import numpy as np
import pytest

from warehouse.formulas import change_points
from warehouse.formulas.change_points import MIN_NIGHTS, courses, penalty

SPREAD = 0.1  # night to night, of logarithms: 10 %
FIFTH = math.log(1.2)


def quiet(series, nights, *, seed=1, noise="normal"):
    """Logarithms of figures that only vary by chance."""
    random = np.random.default_rng(seed)
    drawn = random.standard_normal((series, nights))
    if noise == "hanging together":
        for night in range(1, nights):
            drawn[:, night] = 0.3 * drawn[:, night - 1] + math.sqrt(1 - 0.3**2) * drawn[:, night]
    return drawn * SPREAD


def found(values, *, board=None):
    return courses(values, np.full(len(values), 0.02), board=board)


def one(values, **more):
    (course,) = found(np.array([values]), **more)
    return course


def steps(*pieces, ripple=0.05):
    """Levels for so many nights each, with a little deterministic ripple."""
    line = np.concatenate([np.full(nights, level, dtype=float) for level, nights in pieces])
    return line + ripple * np.sin(np.arange(len(line)) * 2.4)


def test_a_shift_is_found_on_its_night_with_its_levels_before_and_after():
    (shift,) = one(steps((0.0, 20), (1.0, 10))).shifts
    assert (shift.night, shift.nights_before, shift.nights_after) == (20, 20, 10)
    assert (shift.earliest, shift.latest) == (20, 20)
    assert (shift.before, shift.after) == pytest.approx((0.0, 1.0), abs=0.02)
    assert 0.9 < shift.low < 1.0 < shift.high < 1.1


def test_levels_that_come_and_go_are_shifts_each():
    course = one(steps((0.0, 20), (1.0, 12), (0.4, 15)))
    assert [shift.night for shift in course.shifts] == [20, 32]
    assert [shift.after - shift.before for shift in course.shifts] == pytest.approx([1.0, -0.6], abs=0.05)


@pytest.mark.parametrize("bad", [[12], [29], [12, 13], [28, 29]], ids=str)
def test_one_bad_night_or_two_are_odd_nights_and_no_shift(bad):
    line = steps((0.0, 30))
    line[bad] += 5.0
    course = one(line)
    assert course.shifts == ()
    assert [odd.night for odd in course.odd_nights] == bad
    assert all(odd.level == pytest.approx(0.0, abs=0.02) and odd.value > 4.9 for odd in course.odd_nights)


def test_the_third_bad_night_in_a_row_makes_a_shift_if_the_three_agree():
    # less than what counts as noise: three that differ by as much as quiet nights do are as likely called odd
    course = one(steps((0.0, 27), (5.0, 3), ripple=0.01))
    assert [shift.night for shift in course.shifts] == [27]
    assert course.odd_nights == ()


def test_a_bad_night_beside_a_shift_does_not_move_it():
    line = steps((0.0, 20), (1.0, 15))
    line[8], line[26] = 9.0, -7.0
    course = one(line)
    assert [shift.night for shift in course.shifts] == [20]
    assert [odd.night for odd in course.odd_nights] == [8, 26]


def test_nights_that_are_not_known_cost_nothing_and_shifts_keep_their_night():
    line = np.insert(steps((0.0, 20), (1.0, 10)), 5, [np.nan] * 7)
    line = np.concatenate(([np.nan] * 3, line))
    (shift,) = one(line).shifts
    assert (shift.night, shift.nights_before) == (30, 20)


def test_fewer_nights_than_a_course_needs_have_none():
    values = np.full((2, MIN_NIGHTS), np.nan)
    values[0, 1:] = 0.0
    values[1] = steps((0.0, MIN_NIGHTS))
    assert [course is None for course in found(values)] == [True, False]


def test_a_figure_that_never_varies_shifts_by_more_than_the_least_scale_only():
    steady = np.concatenate((np.zeros(20), np.full(10, 0.02)))
    moved = np.concatenate((np.zeros(20), np.full(10, 0.2)))
    courses_of = found(np.array([steady, moved]))
    assert [len(course.shifts) for course in courses_of] == [0, 1]
    assert [course.scale for course in courses_of] == [0.02, 0.02]


def test_a_shift_is_the_same_whatever_the_unit():
    line = steps((0.0, 20), (1.0, 10))
    (of_one,) = courses(np.array([line]), np.array([0.02]))
    (of_other,) = courses(np.array([1000 * line + 7]), np.array([20.0]))
    assert of_other.shifts[0].night == of_one.shifts[0].night
    assert of_other.shifts[0].after == pytest.approx(1000 * of_one.shifts[0].after + 7)


def test_a_larger_board_asks_for_more_and_so_do_nights_that_hang_together():
    assert penalty(1) == penalty(12) < penalty(100) < penalty(1300)
    assert penalty(12, 0.3) == pytest.approx(penalty(12) * 1.3 / 0.7)


def test_a_series_does_not_depend_on_how_many_are_looked_at_together(monkeypatch):
    values = quiet(40, 40, seed=5)
    values[::3, 25:] += 0.5
    together = found(values)
    monkeypatch.setattr(change_points, "_AT_ONCE", 7)
    assert found(values) == together


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["normal", "hanging together"])
def test_a_dozen_quiet_series_raise_a_tenth_of_an_alarm_in_thirty_nights(noise):
    series = 360
    values = quiet(series, 60, seed=7, noise=noise)
    alarmed = np.zeros(series, dtype=bool)
    for nights in range(31, 61):
        alarmed |= [bool(course.shifts) for course in found(values[:, :nights], board=12)]
    dozens = series / 12
    chance_of_more = 2 * math.sqrt(0.1 * dozens)  # two standard deviations of a Poisson count
    assert alarmed.sum() <= 0.1 * dozens + chance_of_more


@pytest.mark.parametrize(
    ("board", "nights_after", "power"), [(12, 10, 0.5), (12, 14, 0.7), (1300, 14, 0.4), (1300, 21, 0.7)]
)
def test_a_shift_of_a_fifth_with_a_tenth_of_spread_is_found_in_some_nights(board, nights_after, power):
    values = quiet(400, 30 + nights_after, seed=11)
    values[:, 30:] += FIFTH
    near = [any(abs(shift.night - 30) <= 3 for shift in course.shifts) for course in found(values, board=board)]
    assert np.mean(near) >= power


def test_a_shift_by_half_is_found_within_five_nights_and_its_interval_and_nights_hold_the_truth():
    values = quiet(400, 35, seed=13)
    values[:, 30:] += math.log(1.5)
    shifts = [course.shifts[0] for course in found(values, board=12) if course.shifts]
    assert len(shifts) >= 0.9 * 400
    assert np.mean([shift.low <= math.log(1.5) <= shift.high for shift in shifts]) >= 0.93
    assert np.mean([shift.earliest <= 30 <= shift.latest for shift in shifts]) >= 0.93
