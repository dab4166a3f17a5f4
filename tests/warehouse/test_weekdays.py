"""Weekdays: what comes each week is no news, what does not is; and neither is taken for the other."""

import math

import numpy as np
import pytest

from warehouse.formulas.change_points import courses
from warehouse.formulas.weekdays import MIN_WEEKS, weekday_effects

MONDAY = 739_000 - 739_000 % 7 + 1  # as a proleptic ordinal, of which 1 was a Monday
SPREAD = 0.1


def nights(count):
    return MONDAY + np.arange(count, dtype=np.int64)


def quiet(series, count, *, seed=3):
    return SPREAD * np.random.default_rng(seed).standard_normal((series, count))


def weekly(count, *weekdays, size):
    """So many nights from a Monday (0) on, those of some weekdays off by `size` standard deviations of a night."""
    return np.where(np.isin(np.arange(count) % 7, weekdays), size * SPREAD, 0.0)


def looked_at(values, days):
    return courses(values, np.full(len(values), 0.02), days=days, board=12)


def test_a_weekday_is_found_with_its_size_and_other_days_are_left_as_they_are():
    found = weekday_effects(quiet(100, 56) + weekly(56, 0, size=5.0), nights(56))
    mondays = np.arange(56) % 7 == 0
    assert np.median(found[:, mondays]) == pytest.approx(5 * SPREAD, rel=0.03)
    assert (found[:, mondays] > 0).mean() > 0.99
    assert (found[:, ~mondays] != 0).mean() < 0.02


def test_a_weekday_that_begins_or_ends_is_taken_away_only_where_it_is():
    values = quiet(100, 140) + np.where(np.arange(140) < 70, 0.0, weekly(140, 5, 6, size=5.0))
    found = weekday_effects(values, nights(140))
    weekends = np.isin(np.arange(140) % 7, (5, 6))
    early, late = np.arange(140) < 49, np.arange(140) >= 91
    assert (found[:, weekends & early] != 0).mean() < 0.02
    assert np.median(found[:, weekends & late]) == pytest.approx(5 * SPREAD, rel=0.1)


@pytest.mark.parametrize(
    ("count", "step"), [(7 * (MIN_WEEKS - 1), 1), (1, 1), (0, 1), (12, 7)], ids=["3-weeks", "1", "0", "weekly"]
)
def test_too_few_weeks_and_nights_a_week_apart_say_nothing_of_weekdays(count, step):
    values = quiet(5, count) + weekly(count, 0, size=30.0)
    assert not weekday_effects(values, MONDAY + step * np.arange(count, dtype=np.int64)).any()


def test_quiet_series_and_constant_ones_are_left_as_they_are():
    found = weekday_effects(quiet(300, 60), nights(60))
    assert (found != 0).any(axis=1).mean() < 0.08
    assert not weekday_effects(np.full((2, 60), 3.0), nights(60)).any()


def test_nights_that_were_not_measured_are_no_other_weekdays():
    every = quiet(50, 84) + weekly(84, 0, size=6.0)
    measured = np.random.default_rng(5).random(84) > 0.2
    found = weekday_effects(every[:, measured], nights(84)[measured])
    mondays = (np.arange(84) % 7 == 0)[measured]
    assert (found[:, mondays] > 0).mean() > 0.9
    assert (found[:, ~mondays] != 0).mean() < 0.03


@pytest.mark.parametrize("bad", [[28], [28, 42], [28, 29, 30]], ids=str)
def test_a_bad_monday_two_of_nine_and_a_bad_stretch_are_no_weekday(bad):
    values = quiet(50, 63)
    values[:, bad] += 10 * SPREAD
    assert (np.abs(weekday_effects(values, nights(63))[:, bad]) > 2 * SPREAD).mean() < 0.01


def test_a_monday_that_is_odd_even_for_a_monday_is_told_against_mondays():
    values = quiet(1, 63) + weekly(63, 0, size=6.0)
    values[0, 42] += 10 * SPREAD
    (course,) = looked_at(values, nights(63))
    (odd,) = course.odd_nights
    assert (odd.night, course.shifts) == (42, ())
    assert odd.value == pytest.approx(values[0, 42])
    assert odd.level == pytest.approx(6 * SPREAD, abs=SPREAD)


@pytest.mark.parametrize(("weekdays", "size"), [((0,), 6.0), ((5, 6), 4.0)], ids=["mondays", "weekends"])
def test_slow_weekdays_raise_no_alarm_and_hide_no_shift(weekdays, size):
    values = quiet(200, 60) + weekly(60, *weekdays, size=size)
    blind, seeing = looked_at(values, None), looked_at(values, nights(60))
    odd_blind, odd_seeing = ([len(of.odd_nights) for of in found] for found in (blind, seeing))
    if weekdays == (0,):
        assert np.mean(odd_blind) > 1.0
    assert np.mean(odd_seeing) < 0.05
    assert sum(len(of.shifts) for of in seeing) <= 4

    values[:, 44:] += math.log(1.2)  # a shift of 20 %, two spreads, sixteen nights ago
    found_blind, found_seeing = (
        np.mean([any(abs(shift.night - 44) <= 3 for shift in of.shifts) for of in looked_at(values, days)])
        for days in (None, nights(60))
    )
    assert found_blind < 0.3
    assert found_seeing > 0.7
