"""Agreement with reference nights: values worked by hand, laws, and how often the test errs and finds."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.formulas.fidelity import (
    agreement,
    holm_adjusted,
    mcnemar_chance,
    token_shape,
    usual_answers,
    wilson_interval,
)


def test_one_more_night_of_the_same_words_is_no_surprise():
    found = agreement(["a", "b", "c"], [["a", "b", "c"], ["a", "b", "c"]])
    assert (found.compared, found.identical, found.repeat_share, found.chance_share) == (3, 3, 1.0, 1.0)


@pytest.mark.parametrize(("nights", "changed"), [(2, 1), (2, 5), (3, 4), (7, 2)])
def test_changed_answers_of_a_target_that_never_varied_have_a_chance_of_one_in_nights_and_one_each(nights, changed):
    before = [["a"] * 10] * nights
    found = agreement(["z"] * changed + ["a"] * (10 - changed), before)
    assert found.identical == 10 - changed
    assert found.chance_share == pytest.approx((nights + 1) ** -changed)


def test_by_hand_a_question_that_varies_says_less():
    # of the pool a, b, b two agree with one other and a with none: tonight's agrees as much as any
    assert agreement(["b"], [["a"], ["b"]]).chance_share == pytest.approx(1.0)
    # tonight is the odd one: one of three
    assert agreement(["c"], [["a"], ["a"]]).chance_share == pytest.approx(1 / 3)
    # all differ: whoever is tonight agrees with nobody
    found = agreement(["c"], [["a"], ["b"]])
    assert (found.chance_share, found.repeat_share) == (pytest.approx(1.0), 0.0)


def test_one_reference_night_cannot_tell_how_much_a_target_varies():
    found = agreement(["a", "z"], [["a", "b"]])
    assert (found.compared, found.identical, found.repeat_share, found.chance_share) == (2, 1, None, None)


def test_a_question_without_an_answer_is_not_compared():
    found = agreement([None, "b", "c"], [["a", None, "c"], ["a", None, "c"]])
    assert (found.compared, found.identical) == (1, 1)
    assert agreement(["a"], []).compared == 0
    with pytest.raises(ValueError, match="a reference night has 2 questions, tonight 1"):
        agreement(["a"], [["a", "b"]])


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=4, max_size=4), min_size=1, max_size=8), st.randoms())
def test_the_order_of_questions_and_nights_does_not_matter(questions, random):
    nights = [list(night) for night in zip(*questions, strict=True)]
    first = agreement(nights[0], nights[1:])
    order = list(range(len(questions)))
    random.shuffle(order)
    past = nights[1:]
    random.shuffle(past)
    again = agreement([nights[0][n] for n in order], [[night[n] for n in order] for night in past])
    assert again.chance_share == pytest.approx(first.chance_share)
    assert 0 < first.chance_share <= 1


def answers(random: Random, steadiness: list[float]) -> list[str]:
    return ["usual" if random.random() < steady else f"other {random.randrange(4)}" for steady in steadiness]


def test_a_noisy_target_that_did_not_change_is_called_drifted_no_more_often_than_said():
    random = Random(7)
    false_alarms = {0.05: 0, 0.01: 0}
    trials = 800
    for _ in range(trials):
        steadiness = [random.uniform(0.3, 1.0) for _ in range(33)]
        nights = [answers(random, steadiness) for _ in range(4)]
        chance = agreement(nights[0], nights[1:]).chance_share
        for level in false_alarms:
            false_alarms[level] += chance <= level
    # two and a half standard errors above what is said
    assert false_alarms[0.05] <= trials * 0.05 + 2.5 * (trials * 0.05 * 0.95) ** 0.5
    assert false_alarms[0.01] <= trials * 0.01 + 2.5 * (trials * 0.01 * 0.99) ** 0.5
    assert false_alarms[0.05] > 0  # it is a test, not a constant


def test_a_third_of_the_answers_changed_is_found_in_a_target_that_repeats_nine_of_ten():
    random = Random(11)
    found = 0
    for _ in range(200):
        nights = [answers(random, [0.9] * 33) for _ in range(8)]
        tonight = ["new" if n % 3 == 0 else answer for n, answer in enumerate(nights[0])]
        found += agreement(tonight, nights[1:]).chance_share <= 0.01 / 20  # twenty targets in one family
    assert found >= 170


def test_usual_answers_are_the_most_frequent_and_the_oldest_of_several():
    nights = [["a", "x", None], ["b", "y", None], ["b", None, None]]
    assert usual_answers(nights) == ["b", "x", None]


def test_wilson_intervals_are_those_of_the_published_example_and_stay_within_0_and_1():
    # Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    for hits, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert wilson_interval(hits, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson_interval(20, 20)[1] == 1.0
    assert wilson_interval(0, 0) is None
    with pytest.raises(ValueError, match="hits = 3 must be 0 to n = 2"):
        wilson_interval(3, 2)


def test_mcnemar_counts_the_ways_by_hand():
    assert mcnemar_chance(0, 0) is None
    assert mcnemar_chance(5, 0) == pytest.approx(1 / 32)
    assert mcnemar_chance(3, 1) == pytest.approx(5 / 16)
    assert mcnemar_chance(0, 4) == 1.0
    with pytest.raises(ValueError, match="lost = -1"):
        mcnemar_chance(-1, 2)


def test_holm_multiplies_the_smallest_by_all_and_never_turns_the_order_round():
    assert holm_adjusted([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm_adjusted([0.9, 0.8]) == [1.0, 1.0]
    assert holm_adjusted([]) == []


def test_a_longer_template_moves_the_overhead_and_another_tokenizer_the_shape():
    before, longer, other = token_shape([20, 31, 25]), token_shape([34, 45, 39]), token_shape([20, 28, 25])
    assert before == ((0, 11, 5), 20)
    assert longer == ((0, 11, 5), 34)
    assert other is not None and other[0] != before[0]
    assert token_shape([20, None, 25]) is None
    assert token_shape([20]) is None
