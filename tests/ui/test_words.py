"""How times, ages, money and counts are said."""

from datetime import UTC, datetime, timedelta

import pytest

from ui import words

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (7200, "2 h ago"),
        (86400, "24 h ago"),
        (2 * 86400, "2 d ago"),
        (-5, "just now"),
    ],
)
def test_an_age_is_said_in_the_largest_unit_of_which_there_are_two(seconds, said):
    assert words.age(NOW - timedelta(seconds=seconds), NOW) == said


def test_two_days_are_not_stale_and_a_second_more_is():
    assert not words.is_stale(NOW - timedelta(days=2), NOW)
    assert words.is_stale(NOW - timedelta(days=2, seconds=1), NOW)


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [
        (None, 3, "unknown"),
        (0, 3, "0"),
        (1.2345, 3, "1.23"),
        (0.00123456, 3, "0.00123"),
        (1234.5, 3, "1,230"),
        (99.96, 3, "100"),
        (9.996, 3, "10"),
        (2.0, 2, "2"),
        (1e-15, 3, "1e-15"),
        (-0.25, 3, "-0.25"),
    ],
)
def test_a_figure_has_so_many_significant_digits(value, digits, said):
    assert words.figure(value, digits) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "unknown"), (0, "0.00 USD"), (0.0123456, "0.012 USD"), (0.1, "0.10 USD"), (1234.5, "1,234.50 USD")],
)
def test_money_is_never_zero_for_unknown(value, said):
    assert words.usd(value) == said


def test_a_window_says_its_date_once_where_it_is_the_same():
    assert words.span(NOW, NOW) == "2026-11-22 12:00 UTC"
    assert words.span(NOW, NOW + timedelta(minutes=5)) == "2026-11-22 12:00 to 12:05 UTC"
    assert words.span(NOW, NOW + timedelta(days=1)) == "2026-11-22 12:00 to 2026-11-23 12:00 UTC"


def test_a_long_list_of_names_ends_in_how_many_more_there_are():
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(["a", "b", "c", "d", "e"]) == "a, b, c, d and 1 more"


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "unknown"), (4.25, "4.25 s"), (322, "5 min 22 s"), (7500, "2 h 5 min")]
)
def test_a_duration_is_said_as_a_person_would(seconds, said):
    assert words.duration(seconds) == said


def test_a_chance_that_is_not_quite_sure_is_not_said_to_be():
    assert [words.chance(p) for p in (None, 0.0, 0.004, 0.63, 0.994, 1.0)] == [
        "unknown", "< 1 %", "< 1 %", "63 %", "99 %", "> 99 %",
    ]  # fmt: skip
