"""Lengths that are drawn: from the distribution that was named, between its ends, the same for the same seed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import ProbeError
from probes.load.number_file import read_numbers
from probes.load.spread import Spread, draws_of, parse_spread, whole

KINDS = [
    "uniform:min=10,max=400",
    "normal:mean=200,stdev=80,min=50,max=300",
    "normal:mean=100,stdev=300,max=120",
    "lognormal:median=500,sigma=0.8,min=16,max=8000",
    "lognormal:median=500,sigma=2,max=400",
]
DRAWS = 4000


def drawn(draws, seed=1, count=DRAWS):
    draw = random.Random(seed).random
    return [draws.at(draw()) for _ in range(count)]


@pytest.mark.parametrize("text", KINDS)
def test_what_is_drawn_is_of_the_distribution_by_kolmogorov_and_smirnov(text):
    draws = draws_of(parse_spread(text))
    values = sorted(drawn(draws))
    furthest = max(
        max(abs(draws.share_below(value) - n / DRAWS), abs(draws.share_below(value) - (n + 1) / DRAWS))
        for n, value in enumerate(values)
    )
    assert furthest < 1.63 / DRAWS**0.5  # what one in a hundred true samples passes


@pytest.mark.parametrize("text", KINDS)
def test_the_mean_is_that_of_what_is_drawn(text):
    draws = draws_of(parse_spread(text))
    values = drawn(draws)
    mean = sum(values) / DRAWS
    deviation = (sum((value - mean) ** 2 for value in values) / DRAWS) ** 0.5
    assert draws.mean == pytest.approx(mean, abs=4 * deviation / DRAWS**0.5)


@pytest.mark.parametrize("text", KINDS)
@given(u=st.floats(0, 1, exclude_max=True))
def test_nothing_is_drawn_beyond_the_ends(text, u):
    spread = parse_spread(text)
    draws = draws_of(spread)
    assert (spread.min or 0) <= draws.at(u) <= spread.max == draws.most
    assert draws.share_below(draws.at(u)) == pytest.approx(u, abs=1e-6)


def test_a_fixed_length_is_always_itself_and_a_length_is_a_token_at_least():
    assert {whole(draws_of(parse_spread("37")), u / 10) for u in range(10)} == {37}
    assert whole(draws_of(Spread.always(0.0)), 0.5) == 1


def test_numbers_of_a_file_come_as_often_as_they_stand_there(tmp_path):
    path = tmp_path / "lengths.csv"
    path.write_text("tokens\n10\n10\n10\n90\n\n")
    draws = draws_of(Spread(kind="empirical", file=path))
    values = drawn(draws)
    assert sum(value == 10 for value in values) / DRAWS == pytest.approx(0.75, abs=0.03)
    assert (set(values), draws.mean, draws.most) == ({10.0, 90.0}, 30.0, 90.0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("12,many\n", 'row 1 is "12,many"'),
        ("prompt,output\n5,6\n-1,3\n", 'row 3 is "-1,3"; it must be a number >= 0, or two: 512,128'),
        ("1,2,3\n", "row 1"),
        ("nan\n5\nnan\n", 'row 3 is "nan"'),
        ("tokens\n", "has no number"),
    ],
)
def test_a_bad_row_of_a_file_of_lengths_is_named(tmp_path, text, sentence):
    path = tmp_path / "l.csv"
    path.write_text(text)
    with pytest.raises(ProbeError) as caught:
        read_numbers(path, 1)
    assert sentence in str(caught.value)


def test_a_file_of_lengths_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ProbeError, match="cannot be read: No such file"):
        draws_of(Spread(kind="empirical", file=tmp_path / "gone.csv"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("many", '"many" is neither a number nor one of fixed, uniform'),
        ("normal:mean=5,stdev=1", "needs max"),
        ("uniform:min=5,max=4", "max = 4 must not be below min = 5"),
        ("uniform:min=5,max=9,mean=7", "takes no mean; it takes min, max"),
        ("normal:mean=5,stdev=0,max=9", "stdev = 0 must be > 0"),
        ("lognormal:median=5,sigma=1,min=4000,max=5000", "nearly nothing of it lies between"),
        ("uniform:min=5,max=lots", '"max=lots" in'),
        ("uniform:from=5,max=9", '"from=5" in'),
        ("-3", "neither a number"),
        ("empirical:", "needs file"),
    ],
)
def test_a_mistake_in_a_distribution_is_one_sentence(text, sentence):
    with pytest.raises(ProbeError) as caught:
        parse_spread(text)
    assert sentence in str(caught.value)


def test_a_distribution_says_itself_in_words(tmp_path):
    assert (
        parse_spread("lognormal:median=500,sigma=0.8,max=8000").words() == "lognormal(median=500, sigma=0.8, max=8000)"
    )
    assert Spread(kind="empirical", file=tmp_path / "a.csv").words() == "empirical(file=a.csv)"
