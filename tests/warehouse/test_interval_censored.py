"""Lengths known to intervals: a published table, bounds that hold, and exact lengths as a special case."""

import math

import numpy as np
import pytest

from warehouse.formulas.interval_censored import length_shares, median_length

NEVER = math.inf
# Months until breast retraction after radiotherapy alone: Finkelstein, Wolfe, Biometrics 41, 1985
RETRACTION = [
    (45, NEVER), (25, 37), (37, NEVER), (6, 10), (46, NEVER), (0, 5), (0, 7), (26, 40), (18, NEVER), (46, NEVER),
    (46, NEVER), (24, NEVER), (46, NEVER), (27, 34), (36, NEVER), (7, 16), (36, 44), (5, 11), (17, NEVER), (46, NEVER),
    (19, 35), (7, 14), (36, 48), (17, 25), (37, 44), (37, NEVER), (24, NEVER), (0, 8), (40, NEVER), (32, NEVER),
    (4, 11), (17, 25), (33, NEVER), (15, NEVER), (46, NEVER), (19, 26), (11, 15), (11, 18), (37, NEVER), (22, NEVER),
    (38, NEVER), (34, NEVER), (46, NEVER), (5, 12), (36, NEVER), (46, NEVER),
]  # fmt: skip


def test_the_distribution_is_that_of_the_published_table():
    low, high, shares = length_shares(*zip(*RETRACTION, strict=True))
    left = 1 - np.cumsum(shares)
    rises = shares > 1e-4
    gaps = list(zip(low[rises].tolist(), high[rises].tolist(), strict=True))
    # Klein, Moeschberger: Survival Analysis, 2003, example 5.2
    assert gaps == [(4, 5), (6, 7), (7, 8), (11, 12), (24, 25), (33, 34), (38, 40), (46, 48)]
    assert left[rises] == pytest.approx([0.954, 0.920, 0.832, 0.761, 0.668, 0.586, 0.467, 0.0], abs=0.0015)


def test_the_median_has_bounds_that_hold_wherever_the_lengths_lie():
    random = np.random.default_rng(2)
    for _ in range(50):
        lengths = random.exponential(4.0, size=random.integers(1, 12))
        low = np.maximum(lengths - random.uniform(0, 3, len(lengths)), 0.0)
        high = lengths + random.uniform(0.01, 3, len(lengths))
        high[random.random(len(lengths)) < 0.2] = NEVER
        least, likeliest, most = median_length(low.tolist(), high.tolist())
        assert least <= np.median(lengths) <= most
        assert least <= likeliest <= most


@pytest.mark.parametrize(("lengths", "median"), [([3.0], 3.0), ([1.0, 2.0, 9.0], 2.0), ([1.0, 2.0, 4.0, 9.0], 3.0)])
def test_of_lengths_that_are_known_it_is_their_median(lengths, median):
    ends = median_length([one - 1e-9 for one in lengths], lengths)
    assert ends[1] == pytest.approx(median)


def test_too_many_without_an_end_leave_the_median_open_above():
    assert median_length([1.0, 5.0, 6.0], [2.0, NEVER, NEVER]) == (5.0, NEVER, NEVER)


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [([], [], "0 low and 0 high"), ([1.0], [], "1 low and 0 high"), ([0.0, 2.0], [1.0, 2.0], "length 1 is above 2")],
)
def test_ends_that_make_no_intervals_are_refused_by_name(low, high, sentence):
    with pytest.raises(ValueError, match=sentence):
        length_shares(low, high)
