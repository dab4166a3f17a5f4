"""Ranges in words."""

import pytest

from warehouse.range_words import range_words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.11, 0.19, "0.11-0.19"),
        (5.0, 5.0, "exact"),
        (0.0, 0.0, "exact"),
        (0.1 + 0.2, 0.3, "exact"),  # the rounding of a double is no range
        (4.999, 5.001, "\N{PLUS-MINUS SIGN} 0.02 %"),
        (4.99999, 5.00001, "\N{PLUS-MINUS SIGN} < 0.001 %"),
    ],
)
def test_ends_that_look_alike_are_only_called_exact_if_they_are(low, high, words):
    assert range_words(low, high, (f"{low:.2f}", f"{high:.2f}")) == words
