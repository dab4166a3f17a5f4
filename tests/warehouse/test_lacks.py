"""Stored reasons for an unknown figure, taken apart into the facts that it lacks."""

import pytest

from warehouse.accounting import quantities
from warehouse.accounting.hints import Lack, lacks, what_to_add


@pytest.mark.parametrize(
    "quantity", [value for name, value in vars(quantities).items() if name.isupper() and isinstance(value, str)]
)
def test_whatever_is_said_to_be_lacking_is_read_back_with_its_hint(quantity):
    (lack,) = lacks(what_to_add(quantity))
    assert lack.quantity == quantity
    assert what_to_add(quantity) == f"no {quantity}" + (f" ({lack.said})" if lack.said else "")


@pytest.mark.parametrize(
    ("missing", "found"),
    [
        ("no a_b (one, or two: c), no pue (d)", [("a_b", "one, or two: c"), ("pue", "d")]),
        ("cpu energy: no a_b; gpu energy: no a_b, no c_d (e)", [("a_b", ""), ("c_d", "e")]),
        ("operational: endpoint energy: no a_b (f); embodied: no c_d (g)", [("a_b", "f"), ("c_d", "g")]),
        ("no a_b: no fact of an endpoint has it, and it was not declared",
         [("a_b", "no fact of an endpoint has it, and it was not declared")]),
        ("attempts that succeeded without token counts: 3, no a_b (c)",
         [(None, "attempts that succeeded without token counts: 3"), ("a_b", "c")]),
        ("the share must be <= 1; given are share = 2 (t.toml, no comment)",
         [(None, "the share must be <= 1; given are share = 2 (t.toml, no comment)")]),
        ("no energy account, no a_b (c)", [(None, "no energy account"), ("a_b", "c")]),
        ("no unit was served", [(None, "no unit was served")]),
    ],
)  # fmt: skip
def test_reasons_of_several_parts_are_each_found_once_and_a_sentence_stays_whole(missing, found):
    assert lacks(missing) == tuple(Lack(quantity=quantity, said=said) for quantity, said in found)
