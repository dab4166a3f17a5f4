"""Points of a fixed step become whole hours, or a sentence."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from probes.errors import ProbeError
from probes.grid.hours import Point, checked_intensity, whole_hours

START = datetime(2026, 11, 1, tzinfo=UTC)


def points(*values, step_minutes=30, start=START):
    return [
        Point(at=start + n * timedelta(minutes=step_minutes), gco2e_per_kwh=value, where=f"row {n}")
        for n, value in enumerate(values)
        if value is not None
    ]


def intensities(hours):
    return [(hour.hour_at.hour, hour.gco2e_per_kwh) for hour in hours.hours]


def test_two_halves_make_an_hour():
    assert intensities(whole_hours(points(100, 200, 300, 500))) == [(0, 150.0), (1, 400.0)]


def test_an_hour_that_lacks_a_half_is_left_out_and_counted():
    found = whole_hours(points(100, 200, 300, None, 10, 20))
    assert intensities(found) == [(0, 150.0), (2, 15.0)]
    assert found.left_out == 1


def test_hours_are_in_utc_whatever_the_offset_and_the_order():
    berlin = timezone(timedelta(hours=1))
    given = points(1, 2, step_minutes=60, start=datetime(2026, 11, 1, 1, tzinfo=berlin))
    assert intensities(whole_hours(reversed(given))) == [(0, 1.0), (1, 2.0)]


def test_one_point_alone_is_an_hour():
    assert intensities(whole_hours(points(7, step_minutes=60))) == [(0, 7.0)]


def test_a_step_that_is_given_is_not_guessed():
    # two lone half hours, an hour apart: no step between them says that they are halves
    half = timedelta(minutes=30)
    assert whole_hours(points(1, None, 2, None), period=half).hours == ()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([*points(1), *points(2)], "row 0 repeats 2026-11-01T00:00Z of row 0"),
        (points(1, 2, step_minutes=25), "25 minutes apart, which is no part of an hour"),
        (points(1, 2, start=START + timedelta(minutes=10)), "row 0: 2026-11-01T00:10:00Z does not start a step of 30"),
    ],
)
def test_points_that_make_no_hours_are_a_sentence(given, sentence):
    with pytest.raises(ProbeError, match=sentence):
        whole_hours(given)


@pytest.mark.parametrize("value", [-1, 3001, float("nan"), float("inf"), "12", None, True])
def test_what_can_be_no_intensity_is_refused(value):
    with pytest.raises(ProbeError, match="row 3: "):
        checked_intensity(value, "row 3")


def test_both_limits_are_intensities():
    assert (checked_intensity(0, "row 1"), checked_intensity(3000, "row 1")) == (0.0, 3000.0)
