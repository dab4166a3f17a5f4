"""Formulas: values worked by hand, then the laws they obey."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.formulas.basis import BASES, worst_basis
from warehouse.formulas.carbon import embodied_gco2e, facility_kwh, operational_gco2e, use_share
from warehouse.formulas.energy import (
    active_energy_j,
    counter_window_j,
    idle_energy_j,
    integrate_power_j,
    mean_power_w,
    power_window_j,
)
from warehouse.formulas.interval import Interval, between, exactly
from warehouse.formulas.price import electricity_usd, hardware_usd, tokens_usd

# The same cases each time, and no clock: the machine may be busy.
law = settings(derandomize=True, database=None, deadline=None)

amounts = st.floats(min_value=0.001, max_value=1e6)
intervals = (
    st.lists(amounts, min_size=3, max_size=3)
    .map(sorted)
    .map(lambda ends: Interval(low=ends[0], central=ends[1], high=ends[2]))
)
# time steps of 1 ms to 0.3 s, so that samples are never too far apart
curves = st.lists(st.tuples(st.integers(1, 300), st.floats(0, 1000)), min_size=3, max_size=40).map(
    lambda steps: (list(np.cumsum([step for step, _ in steps]) / 1000), [power for _, power in steps])
)


# energy


def test_a_ramp_from_0_to_10_w_over_2_s_is_10_j():
    assert integrate_power_j([0.0, 1.0, 2.0], [0.0, 5.0, 10.0]) == 10.0


def test_a_square_of_100_w_for_3_s_is_300_j():
    assert integrate_power_j([0.0, 0.7, 3.0], [100.0, 100.0, 100.0]) == pytest.approx(300.0)


def test_the_edges_of_a_window_are_interpolated():
    # 0 W at 0 s to 4 W at 4 s; between 1 s and 3 s: mean 2 W x 2 s
    assert power_window_j([0.0, 2.0, 4.0], [0.0, 2.0, 4.0], 1.0, 3.0) == pytest.approx(4.0)


def test_a_window_between_two_samples_is_interpolated_too():
    assert power_window_j([0.0, 2.0], [0.0, 2.0], 0.5, 1.5) == pytest.approx(1.0)


def test_an_edge_missed_by_less_than_half_a_second_is_bridged_and_one_missed_by_more_is_an_error():
    assert power_window_j([0.4, 1.0, 2.0], [10.0, 10.0, 10.0], 0.0, 2.4) == pytest.approx(24.0)
    with pytest.raises(ValueError, match=r"miss the start of the window by 0\.60 s"):
        power_window_j([0.6, 1.0, 2.0], [10.0, 10.0, 10.0], 0.0, 2.0)
    with pytest.raises(ValueError, match=r"miss the end of the window by 1\.00 s"):
        power_window_j([0.0, 1.0, 2.0], [10.0, 10.0, 10.0], 0.0, 3.0)


def test_a_gap_of_more_than_three_seconds_in_the_window_is_an_error_and_outside_it_is_not():
    with pytest.raises(ValueError, match=r"no power reading for 3\.50 s, 1\.00 s into the window"):
        power_window_j([0.0, 1.0, 4.5, 5.0], [1.0, 1.0, 1.0, 1.0], 0.0, 5.0)
    assert power_window_j([0.0, 10.0, 11.0, 12.0], [1.0, 1.0, 1.0, 1.0], 10.0, 12.0) == pytest.approx(2.0)


def test_a_gap_that_reaches_over_an_edge_of_the_window_counts():
    with pytest.raises(ValueError, match=r"no power reading for 10\.00 s"):
        power_window_j([0.0, 10.0, 11.0], [1.0, 1.0, 1.0], 5.0, 11.0)


def test_a_counter_is_differenced_and_interpolated_whatever_the_gap():
    assert counter_window_j([0.0, 10.0, 20.0], [100.0, 200.0, 400.0], 5.0, 15.0) == pytest.approx(150.0)


def test_a_counter_that_ends_before_the_window_is_bridged_at_its_mean_power():
    assert counter_window_j([0.0, 9.6], [0.0, 96.0], 0.0, 10.0) == pytest.approx(100.0)


def test_a_counter_that_went_back_is_an_error_that_names_the_reading():
    with pytest.raises(ValueError, match=r"went back at reading 2, from 20 J to 5 J"):
        counter_window_j([0.0, 1.0, 2.0], [10.0, 20.0, 5.0], 0.0, 2.0)


@pytest.mark.parametrize(
    ("t_s", "power_w", "says"),
    [
        ([0.0, 1.0], [1.0], "2 instants but 1 power readings"),
        ([0.0], [1.0], "1 power reading; at least 2"),
        ([0.0, 1.0, 1.0], [1.0, 1.0, 1.0], "reading 2 is at 1.0 s"),
        ([0.0, 1.0], [1.0, -1.0], "reading 1 is -1.0"),
        ([0.0, 1.0], [1.0, float("nan")], "reading 1 is nan"),
    ],
)
def test_bad_samples_are_named(t_s, power_w, says):
    with pytest.raises(ValueError, match=says):
        integrate_power_j(t_s, power_w)


def test_idle_and_active_split_a_total():
    assert mean_power_w(50.0, 10.0) == 5.0
    idle_j = idle_energy_j(5.0, 20.0)
    assert idle_j == 100.0
    assert active_energy_j(600.0, idle_j) == 500.0
    with pytest.raises(ValueError, match="above 0 s"):
        mean_power_w(1.0, 0.0)


@law
@given(curves, st.floats(0, 1))
def test_two_windows_add_up_to_the_window_of_both(curve, cut):
    t_s, power_w = curve
    middle = min(t_s[0] + cut * (t_s[-1] - t_s[0]), t_s[-1])
    whole = power_window_j(t_s, power_w, t_s[0], t_s[-1])
    parts = power_window_j(t_s, power_w, t_s[0], middle) + power_window_j(t_s, power_w, middle, t_s[-1])
    assert parts == pytest.approx(whole, rel=1e-9, abs=1e-9)
    assert whole == pytest.approx(integrate_power_j(t_s, power_w), rel=1e-9, abs=1e-9)


@law
@given(curves, st.floats(0, 100))
def test_more_power_is_never_less_energy(curve, more_w):
    t_s, power_w = curve
    assert integrate_power_j(t_s, [p + more_w for p in power_w]) >= integrate_power_j(t_s, power_w)


@law
@given(curves)
def test_a_counter_that_integrates_a_curve_says_the_same_as_the_curve(curve):
    t_s, power_w = curve
    counter = [0.0, *np.cumsum(np.diff(t_s) * (np.array(power_w[1:]) + np.array(power_w[:-1])) / 2)]
    assert counter_window_j(t_s, counter, t_s[0], t_s[-1]) == pytest.approx(integrate_power_j(t_s, power_w), abs=1e-9)


# carbon


def test_one_kwh_at_pue_1_2_on_a_475_g_grid_is_570_g():
    grams = operational_gco2e(exactly(3.6e6), exactly(1.2), exactly(475.0))
    assert grams.central == pytest.approx(570.0)


def test_the_worked_example_of_the_sci_standard_gives_28_54_g():
    # a server of 1000 kg over 4 years, one hour of it; the standard says "approximately 28 g"
    four_years_s = exactly(4 * 365 * 86_400.0)
    grams = embodied_gco2e(exactly(1_000_000.0), 3600.0, four_years_s, exactly(1.0), exactly(1.0))
    assert grams.central == pytest.approx(28.54, abs=0.005)


def test_a_device_idle_half_its_life_charges_double():
    full = use_share(10.0, exactly(1000.0), exactly(1.0), exactly(1.0))
    half = use_share(10.0, exactly(1000.0), exactly(1.0), exactly(0.5))
    assert half.central == 2 * full.central


def test_a_pue_below_one_is_refused_and_one_is_not():
    with pytest.raises(ValueError, match=r"cannot be 0\.99"):
        facility_kwh(exactly(1.0), exactly(0.99))
    assert facility_kwh(exactly(3.6e6), exactly(1.0)).central == 1.0


def test_shares_above_one_and_a_utilisation_of_nothing_are_refused():
    with pytest.raises(ValueError, match=r"utilisation of 50\.0 is above 1"):
        use_share(1.0, exactly(10.0), exactly(1.0), exactly(50.0))
    with pytest.raises(ValueError, match="cannot divide"):
        use_share(1.0, exactly(10.0), exactly(1.0), exactly(0.0))


@law
@given(intervals, st.floats(1, 3), intervals, st.floats(0.1, 10))
def test_emissions_are_proportional_to_energy(energy_j, pue, grid, factor):
    once = operational_gco2e(energy_j, exactly(pue), grid)
    scaled = operational_gco2e(energy_j * factor, exactly(pue), grid)
    assert scaled.central == pytest.approx(once.central * factor)
    assert scaled.high == pytest.approx(once.high * factor)


# price


def test_a_million_tokens_of_each_kind_cost_their_list_price():
    usd = tokens_usd(
        prompt_tokens=2_000_000,
        cached_tokens=1_000_000,
        output_tokens=1_000_000,
        usd_per_input_mtok=exactly(2.0),
        usd_per_cached_input_mtok=exactly(0.5),
        usd_per_output_mtok=exactly(8.0),
    )
    assert usd == exactly(10.5)


def test_more_cached_than_prompt_tokens_cannot_be():
    with pytest.raises(ValueError, match="cached ones are part of the prompt"):
        tokens_usd(
            prompt_tokens=1,
            cached_tokens=2,
            output_tokens=0,
            usd_per_input_mtok=exactly(1.0),
            usd_per_cached_input_mtok=exactly(1.0),
            usd_per_output_mtok=exactly(1.0),
        )


def test_an_hour_of_100_w_at_pue_1_5_and_40_cents_is_6_cents():
    assert electricity_usd(exactly(360_000.0), exactly(1.5), exactly(0.4)).central == pytest.approx(0.06)


def test_a_machine_of_3600_usd_used_half_of_3_6e7_s_costs_20_cents_for_1000_s():
    usd = hardware_usd(exactly(3600.0), 1000.0, exactly(3.6e7), exactly(1.0), exactly(0.5))
    assert usd.central == pytest.approx(0.2)


# ranges and labels


@law
@given(intervals, intervals, st.floats(0, 1), st.floats(0, 1))
def test_a_range_holds_the_result_of_every_choice_within_its_inputs(a, b, at_a, at_b):
    x, y = a.low + at_a * (a.high - a.low), b.low + at_b * (b.high - b.low)
    for result, exact in ((a * b, x * y), (a + b, x + y), (a / b, x / y)):
        slack = 1e-9 * exact
        assert result.low - slack <= exact <= result.high + slack
        assert result.low <= result.central <= result.high


@pytest.mark.parametrize("ends", [(2.0, 1.0, 3.0), (1.0, 3.0, 2.0), (-1.0, 0.0, 1.0), (0.0, 1.0, float("inf"))])
def test_a_range_out_of_order_negative_or_endless_is_refused(ends):
    with pytest.raises(ValueError, match="must hold"):
        Interval(low=ends[0], central=ends[1], high=ends[2])


def test_an_end_that_was_not_given_is_the_central_value():
    assert between(None, 2.0, None) == exactly(2.0)
    assert between(1.0, 2.0, None) == Interval(low=1.0, central=2.0, high=2.0)


def test_a_result_is_no_better_than_its_worst_input():
    assert worst_basis(["measured", "declared"]) == "declared"
    assert worst_basis(["estimated", "measured", "modelled"]) == "estimated"
    assert worst_basis([]) is None
    with pytest.raises(ValueError, match="basis 'guessed'"):
        worst_basis(["guessed"])


@law
@given(st.lists(st.sampled_from(BASES), min_size=1))
def test_the_worst_of_some_labels_is_one_of_them_and_adding_one_never_improves_it(labels):
    worst = worst_basis(labels)
    assert worst in labels
    for added in BASES:
        assert BASES.index(worst_basis([*labels, added])) >= BASES.index(worst)
