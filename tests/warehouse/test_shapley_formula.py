"""The split of a change among its factors: worked by hand, then its laws."""

import math
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.formulas.shapley import shapley_parts

NUMBERS = st.floats(min_value=-1e3, max_value=1e3, allow_nan=False)
VALUES = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), min_size=2, max_size=2)
NAMES = ("a", "b", "c", "d")


def figure(of):
    """Neither a sum nor a product: a x (b + c) + d."""
    return of["a"][0] * (of["b"][0] + of["c"][0]) + of["d"][0]


def sides(values):
    return [{name: (value,) for name, value in zip(NAMES, side, strict=True)} for side in values]


def test_of_a_product_of_two_each_part_is_taken_at_the_mean_of_the_other():
    found = shapley_parts(lambda of: of["q"][0] * of["p"][0], {"q": (10.0,), "p": (2.0,)}, {"q": (12.0,), "p": (3.0,)})
    assert found == {"q": 2 * 2.5, "p": 1 * 11.0}


def test_three_factors_by_hand():
    """From 1 x 1 x 1 to 2 x 3 x 4: of each factor the mean of what it adds first (weight 1/3), second (1/6), last."""
    before, after = dict.fromkeys("xyz", (1.0,)), {"x": (2.0,), "y": (3.0,), "z": (4.0,)}
    found = shapley_parts(lambda of: of["x"][0] * of["y"][0] * of["z"][0], before, after)
    assert found["x"] == pytest.approx(1 / 3 + (3 + 4) / 6 + 12 / 3)
    assert sum(found.values()) == pytest.approx(23)


@settings(max_examples=40)
@given(VALUES)
def test_parts_sum_to_the_change_and_going_back_turns_their_signs(values):
    before, after = sides(values)
    found, back = shapley_parts(figure, before, after), shapley_parts(figure, after, before)
    scale = 1 + max(abs(number) for side in values for number in side) ** 2
    assert math.fsum(found.values()) == pytest.approx(figure(after) - figure(before), abs=1e-12 * scale)
    assert [found[name] for name in NAMES] == pytest.approx([-back[name] for name in NAMES], abs=1e-12 * scale)


@settings(max_examples=40)
@given(VALUES)
def test_it_is_the_mean_over_all_orders_so_that_no_order_is_preferred(values):
    before, after = sides(values)
    by_order = dict.fromkeys(NAMES, 0.0)
    for order in permutations(NAMES):
        at = dict(before)
        for name in order:
            was = figure(at)
            at[name] = after[name]
            by_order[name] += (figure(at) - was) / 24
    scale = 1 + max(abs(number) for side in values for number in side) ** 2
    found = shapley_parts(figure, before, after)
    assert [found[name] for name in NAMES] == pytest.approx([by_order[name] for name in NAMES], abs=1e-11 * scale)


def test_a_factor_that_stays_has_no_part_at_all():
    before, after = (
        {"a": (0.1,), "b": (0.2,), "c": (0.3,), "d": (0.4,)},
        {"a": (7.0,), "b": (0.2,), "c": (1.1,), "d": (0.4,)},
    )
    found = shapley_parts(figure, before, after)
    assert (found["b"], found["d"]) == (0.0, 0.0)


def test_factors_that_are_not_the_same_or_too_many_are_refused():
    with pytest.raises(ValueError, match="the factors a and b are not the same"):
        shapley_parts(figure, {"a": (1.0,)}, {"b": (1.0,)})
    many = {f"f{n}": (0.0,) for n in range(13)}
    with pytest.raises(ValueError, match="13 factors changed; 12 are the most"):
        shapley_parts(lambda of: 0.0, many, dict.fromkeys(many, (1.0,)))
