"""Break-even volumes, worked by hand."""

import pytest

from warehouse.formulas.breakeven import (
    HOURS_PER_MONTH,
    SECONDS_PER_MONTH,
    break_even,
    capacity_mtok_per_month,
    owned_usd_per_month,
    rented_usd_per_month,
)
from warehouse.formulas.interval import Interval, exactly
from warehouse.formulas.price import rent_usd


def volume(*, fixed=100.0, own=0.5, api=2.5, capacity=1000.0):
    given = [value if isinstance(value, Interval) else exactly(value) for value in (fixed, own, api, capacity)]
    return break_even(
        fixed_usd_per_month=given[0], own_usd_per_mtok=given[1], api_usd_per_mtok=given[2], capacity_mtok=given[3]
    )


def test_a_month_is_a_twelfth_of_a_year_of_365_and_a_quarter_days():
    assert pytest.approx(2_629_800) == SECONDS_PER_MONTH
    assert pytest.approx(730.5) == HOURS_PER_MONTH


def test_a_bought_machine_costs_its_price_over_its_months_and_a_rented_one_its_hours():
    # 4800 USD over 48 months, half of it reserved
    assert owned_usd_per_month(exactly(4800), exactly(48 * SECONDS_PER_MONTH), exactly(0.5)).central == pytest.approx(
        50
    )
    assert rented_usd_per_month(exactly(2.0), exactly(1.0)).central == pytest.approx(1461)


def test_capacity_is_speed_times_the_working_part_of_a_month():
    # 100 tokens/s x 2,629,800 s x 0.5 = 131.49 million
    assert capacity_mtok_per_month(exactly(100), exactly(0.5)).central == pytest.approx(131.49)


def test_the_volume_is_the_fixed_cost_over_what_each_million_saves():
    found = volume()
    assert (found.mtok_low, found.mtok, found.mtok_high, found.reason, found.note) == (50, 50, 50, None, None)
    # both cost the same there: 100 + 50 x 0.5 = 50 x 2.5
    assert 100 + found.mtok * 0.5 == found.mtok * 2.5


def test_the_range_is_over_all_combinations_of_the_ends():
    found = volume(
        fixed=Interval(low=80, central=100, high=120), own=Interval(low=0.5, central=0.5, high=1.0),
        api=Interval(low=2.0, central=2.5, high=2.5),
    )  # fmt: skip
    assert (found.mtok_low, found.mtok, found.mtok_high) == (40, 50, 120)


def test_an_api_below_the_price_of_our_electricity_is_never_reached():
    found = volume(own=0.5, api=0.5)
    assert (found.mtok_low, found.mtok, found.mtok_high) == (None, None, None)
    assert found.reason == "never: electricity alone costs 0.5 USD per million tokens, the API asks 0.5"


def test_a_volume_that_the_machine_cannot_make_is_none_and_one_that_it_just_makes_is_not():
    assert volume(capacity=50.0).mtok == 50
    found = volume(capacity=49.0)
    assert found.mtok is None
    assert found.reason == (
        "never: it would take 50 million tokens a month, and the machine makes 49 at its stated utilisation"
    )


def test_ranges_that_reach_never_leave_the_high_end_open_and_say_so():
    found = volume(own=Interval(low=0.1, central=0.5, high=3.0))
    assert (found.mtok, found.mtok_high, found.note) == (50, None, "at the far ends of the ranges it never is")
    assert volume(capacity=Interval(low=49, central=1000, high=1000)).note == found.note


def test_a_share_above_1_is_refused():
    for formula in (rented_usd_per_month, capacity_mtok_per_month):
        with pytest.raises(ValueError, match=r"a share of 1\.5 is above 1"):
            formula(exactly(1.0), exactly(1.5))


def test_the_rent_of_a_use_bears_the_paid_hours_without_work():
    # an hour of a quarter of a machine at 4 USD/h, working half of its paid time
    assert rent_usd(exactly(4.0), 3600.0, exactly(0.25), exactly(0.5)).central == 2.0
    with pytest.raises(ValueError, match=r"a utilisation of 2\.0 is above 1"):
        rent_usd(exactly(4.0), 3600.0, exactly(0.25), exactly(2.0))
