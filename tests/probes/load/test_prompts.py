"""Prompts and how their length is learnt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.prompts import UNCALIBRATED, PromptSource, TokenFit, fit_tokens


@given(st.integers(1, 5000))
def test_a_prompt_has_exactly_the_words_asked_for(words):
    text = PromptSource(seed=1).prompt("t.00000", words=words)
    assert len(text.split("\n\n", 1)[1].split(" ")) == words


def test_no_two_attempts_share_even_the_first_word():
    source = PromptSource(seed=1)
    first_words = {source.prompt(f"t.{n:05d}", words=5).split()[0] for n in range(1000)}
    assert len(first_words) == 1000


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
def test_a_shared_prompt_has_exactly_the_words_asked_for(blocks):
    text = PromptSource(seed=1, trial="t").shared_prompt(
        "t.00000", blocks=[(f"{n}", words) for n, words in enumerate(blocks)]
    )
    assert len(text.split("\n\n")[1].split()) == sum(blocks)


def test_blocks_of_different_keys_differ_from_their_first_word_on():
    source = PromptSource(seed=1, trial="t")
    firsts = {source.shared_prompt("t", blocks=[(f"block:{n}", 3)]).split("\n\n")[1].split()[0] for n in range(5000)}
    assert len(firsts) == 5000


def test_a_block_is_the_beginning_of_a_longer_one_of_the_same_key():
    source = PromptSource(seed=1, trial="t")
    short, long = (source.shared_prompt("t", blocks=[("a", words)]).split("\n\n")[1] for words in (40, 400))
    assert long.startswith(short)


@given(st.floats(0.5, 5), st.floats(0, 900), st.integers(1, 20_000), st.integers(0, 40))
def test_the_words_of_blocks_add_up_and_do_not_depend_on_what_follows(slope, overhead, tokens, blocks):
    fit = TokenFit(tokens_per_word=slope, overhead_tokens=overhead)
    words = fit.block_words(tokens, blocks, 512)
    assert sum(words) == fit.words(tokens)
    assert all(count >= 0 for count in words)
    whole = tokens // 512
    assert fit.block_words(tokens + 5000, blocks, 512)[: min(whole, blocks)] == words[: min(whole, blocks)]


def test_the_text_follows_the_seed_and_the_nonce_the_attempt():
    one, again = PromptSource(seed=1), PromptSource(seed=1)
    a, b = one.prompt("night1.00000", words=50), again.prompt("night2.00000", words=50)
    assert a.split(" ", 1)[0] != b.split(" ", 1)[0]
    assert a.split(" ", 1)[1] == b.split(" ", 1)[1]
    assert PromptSource(seed=2).prompt("night1.00000", words=50) != a


@given(st.floats(0.5, 5), st.floats(0, 300), st.lists(st.integers(1, 4000), min_size=2, max_size=6, unique=True))
def test_a_straight_line_is_found_again(slope, overhead, lengths):
    fit = fit_tokens([(words, round(slope * words + overhead)) for words in lengths])
    if fit is not UNCALIBRATED:  # rounding can spoil two neighbouring lengths
        middle = sum(lengths) / len(lengths)
        counted = fit.tokens_per_word * middle + fit.overhead_tokens
        assert counted == pytest.approx(slope * middle + overhead, abs=1)


def test_two_lengths_give_slope_and_overhead():
    assert fit_tokens([(100, 150), (50, 90)]) == TokenFit(tokens_per_word=1.2, overhead_tokens=30.0)


def test_one_length_gives_a_ratio_that_hits_it():
    fit = fit_tokens([(100, 170)])
    assert fit.words(170) == 100


def test_counts_that_cannot_be_right_are_not_used():
    assert fit_tokens([]) is UNCALIBRATED
    assert fit_tokens([(100, 0)]) is UNCALIBRATED
    assert fit_tokens([(100, 7), (50, 7)]) is UNCALIBRATED
    assert fit_tokens([(100, 90), (50, 150)]) is UNCALIBRATED


def test_a_prompt_shorter_than_its_overhead_still_has_a_word():
    assert TokenFit(tokens_per_word=1.2, overhead_tokens=60).words(10) == 1
