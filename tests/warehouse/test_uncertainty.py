"""How wide a figure is: percentiles by draws, and shares of the variance against what is worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.formulas.carbon import embodied_gco2e, operational_gco2e
from warehouse.formulas.interval import Interval, between, exactly
from warehouse.formulas.uncertainty import DRAWS, split_triangle, spread


def moments(one: Interval) -> tuple[float, float]:
    """Mean and variance of a split triangle: each half is a triangle with its mode at the central value."""
    halves = []
    for end in (one.low, one.high):
        mean = one.central + (end - one.central) / 3
        halves.append((mean, (end - one.central) ** 2 / 18))
    mean = sum(m for m, _ in halves) / 2
    return mean, sum(v + m * m for m, v in halves) / 2 - mean * mean


def of_inverse(one: Interval) -> tuple[float, float]:
    """Mean and variance of 1 over it, by the midpoint rule over a million equal parts."""
    values = 1 / split_triangle((np.arange(1_000_000) + 0.5) / 1_000_000, one.low, one.central, one.high)
    return float(values.mean()), float(values.var())


A = Interval(low=2.0, central=5.0, high=6.0)
B = Interval(low=10.0, central=11.0, high=20.0)


def test_the_median_of_an_input_is_its_central_value_and_its_ends_are_its_extremes():
    assert split_triangle(np.array([0.0, 0.5, 1.0]), 2.0, 5.0, 6.0) == pytest.approx([2.0, 5.0, 6.0])
    # a quarter of the mass below, in the lower half: (x - 2)^2 / 9 / 2 = 1/4
    assert split_triangle(np.array([0.25]), 2.0, 5.0, 6.0) == pytest.approx([2 + 3 / math.sqrt(2)])
    found = spread({"a": A}, lambda of: of["a"])
    assert found.p50 == pytest.approx(5.0, rel=1e-3)
    assert found.p05 == pytest.approx(2 + 3 * math.sqrt(0.1), rel=2e-3)
    assert found.p95 == pytest.approx(6 - math.sqrt(0.1), rel=2e-3)
    assert found.variance_shares == (("a", pytest.approx(1.0)),)


def test_what_has_no_range_is_exact_and_brings_no_variance():
    found = spread({"a": exactly(3.0), "b": exactly(4.0)}, lambda of: of["a"] * of["b"])
    assert (found.p05, found.p50, found.p95, found.variance_shares) == (12.0, 12.0, 12.0, ())
    with_one = spread({"a": A, "b": exactly(4.0)}, lambda of: of["a"] * of["b"])
    assert [name for name, _ in with_one.variance_shares] == ["a"]


def test_an_end_that_is_the_central_value_holds_half_of_the_draws():
    pue = Interval(low=1.0, central=1.0, high=1.6)
    values = split_triangle((np.arange(DRAWS) + 0.5) / DRAWS, pue.low, pue.central, pue.high)
    assert np.mean(values == 1.0) == pytest.approx(0.5, abs=1e-3)
    assert spread({"pue": pue}, lambda of: of["pue"]).p05 == 1.0


def test_shares_of_a_sum_are_the_parts_variances_over_the_whole():
    found = spread({"a": A, "b": B}, lambda of: of["a"] * 3.0 + of["b"])
    of_a, of_b = 9 * moments(A)[1], moments(B)[1]
    assert dict(found.variance_shares) == {
        "a": pytest.approx(of_a / (of_a + of_b), abs=2e-3),
        "b": pytest.approx(of_b / (of_a + of_b), abs=2e-3),
    }
    assert sum(share for _, share in found.variance_shares) == pytest.approx(1.0)


def test_shares_of_a_product_leave_out_what_its_factors_bring_only_together():
    (mean_a, var_a), (mean_b, var_b) = moments(A), moments(B)
    whole = (var_a + mean_a**2) * (var_b + mean_b**2) - (mean_a * mean_b) ** 2
    found = dict(spread({"a": A, "b": B}, lambda of: of["a"] * of["b"]).variance_shares)
    assert found["a"] == pytest.approx(mean_b**2 * var_a / whole, abs=5e-3)
    assert found["b"] == pytest.approx(mean_a**2 * var_b / whole, abs=5e-3)
    assert found["a"] + found["b"] < 1


def test_a_divisor_is_linear_in_its_inverse():
    (mean_a, var_a), (mean_inverse, var_inverse) = moments(A), of_inverse(B)
    whole = (var_a + mean_a**2) * (var_inverse + mean_inverse**2) - (mean_a * mean_inverse) ** 2
    found = dict(spread({"a": A, "b": B}, lambda of: of["a"] / of["b"], divisors={"b"}).variance_shares)
    assert found["a"] == pytest.approx(mean_inverse**2 * var_a / whole, abs=5e-3)
    assert found["b"] == pytest.approx(mean_a**2 * var_inverse / whole, abs=5e-3)


def test_the_draws_of_an_input_do_not_depend_on_what_stands_beside_it_or_came_before():
    alone = spread({"a": A}, lambda of: of["a"])
    spread({"b": B, "c": A}, lambda of: of["b"] * of["c"])
    beside = spread({"b": exactly(1.0), "a": A}, lambda of: of["a"] * of["b"])
    assert beside == alone


def test_emissions_of_a_machine_are_mostly_its_embodied_estimate_where_that_is_the_widest():
    inputs = {
        "energy": exactly(3.6e6),
        "pue": Interval(low=1.1, central=1.15, high=1.2),
        "grid": Interval(low=369.5, central=369.5, high=384.4),
        "embodied": Interval(low=164_000, central=273_000, high=575_000),
        "life": Interval(low=9.4e7, central=1.3e8, high=1.6e8),
    }

    def formula(of):
        running = operational_gco2e(of["energy"], of["pue"], of["grid"])
        one = of["grid"] / of["grid"]
        return running + embodied_gco2e(of["embodied"], 3.6e5, of["life"], one, one)

    found = spread(inputs, formula, divisors={"life"})
    assert found.variance_shares[0][0] == "embodied"
    assert 0.5 < found.variance_shares[0][1] < 1


def test_a_formula_that_refuses_an_input_refuses_its_draws():
    with pytest.raises(ValueError, match="at least 1"):
        spread(
            {"pue": Interval(low=0.9, central=1.0, high=1.2)},
            lambda of: operational_gco2e(of["pue"], of["pue"], of["pue"]),
        )


ranges = st.tuples(*[st.floats(1e-3, 1e6)] * 3).map(sorted).map(lambda ends: between(*ends))


@given(a=ranges, b=ranges, c=ranges)
@settings(max_examples=30, deadline=None)
def test_draws_stay_within_what_is_possible_and_shares_within_the_whole(a, b, c):
    def formula(of):
        return of["a"] * of["b"] + of["a"] / of["c"]

    found = spread({"a": a, "b": b, "c": c}, formula, divisors={"c"})
    possible = formula({"a": a, "b": b, "c": c})
    slack = 1e-9 * possible.high
    assert possible.low - slack <= found.p05 <= found.p50 <= found.p95 <= possible.high + slack
    assert all(share >= 0 for _, share in found.variance_shares)
    assert sum(share for _, share in found.variance_shares) <= 1 + 1e-9
