"""Prompts and how their length is learnt."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.prompts import UNCALIBRATED, PromptSource, TokenFit, fit_overhead, fit_tokens
from probes.load.texts import TEXT_KINDS, read_text


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


# Counted in tokens.

TEXT = read_text("prose")
TABLE = [len(unit) % 4 or 1 for unit in TEXT.units]  # as many as a tokenizer might find: 1 to 3


def tokens(text, table=TABLE, units=TEXT.units):
    """Of a stretch of the text, by its words."""
    known = dict(zip(units, table, strict=True))
    found = re.findall(r"\s*\S+", text)
    return sum(known[unit] for unit in found)


@given(st.integers(1, 9000), st.text("abc", max_size=4))
def test_text_that_is_counted_in_tokens_has_exactly_so_many(count, key):
    source = PromptSource(seed=1, text=TEXT, unit_tokens=TABLE)
    _, text = source.prompt("t.00000", words=count, key=key).split("Notes:")
    assert tokens(text) == count


def test_a_nonce_of_counted_text_always_has_as_many_tokens_and_is_never_the_same():
    source = PromptSource(seed=1, text=TEXT, unit_tokens=TABLE)
    nonces = [source.prompt(f"t.{n:05d}", words=5).split(" Continue")[0] for n in range(500)]
    assert len(set(nonces)) == 500
    assert {(len(nonce.split()[0]), tokens(nonce[1:])) for nonce in nonces} == {(1, 6)}


def test_half_of_a_prompt_may_be_shared_with_all_others_of_the_trial():
    source = PromptSource(seed=1, trial="t", text=TEXT, unit_tokens=TABLE)
    one, other = (source.prefixed_prompt(f"t.{n}", shared_words=200, own_words=100, key=f"{n}") for n in range(2))
    beginning = one[: one.index("\n\n", one.index("Notes:"))]
    assert other.startswith(beginning)
    assert tokens(beginning.split("Notes:")[1]) == 200
    assert tokens(one.split("Notes:")[2]) == tokens(other.split("Notes:")[2]) == 100
    elsewhere = PromptSource(seed=1, trial="u", text=TEXT, unit_tokens=TABLE)
    assert not elsewhere.prefixed_prompt("t.0", shared_words=200, own_words=100, key="0").startswith(one[:20])


def test_without_nonces_prompts_are_the_same_in_every_trial():
    one, other = (PromptSource(seed=1, trial=trial, nonce=False) for trial in "tu")
    assert one.prompt("t.0", words=9, key="k") == other.prompt("u.5", words=9, key="k")
    assert one.nonced("t.0", "hello") == "hello"


def test_an_overhead_is_what_the_server_counts_beyond_the_text():
    assert fit_overhead([(100, 131), (50, 81), (60, 91)]) == TokenFit(tokens_per_word=1.0, overhead_tokens=31)
    assert fit_overhead([(100, 7)]).overhead_tokens == fit_overhead([]).overhead_tokens == UNCALIBRATED.overhead_tokens


@pytest.mark.parametrize("kind", TEXT_KINDS)
def test_every_text_is_long_and_gives_prompts_of_the_words_asked_for(kind):
    text = read_text(kind)
    assert len(text.units) > 900
    assert "".join(text.units) == text.joined()
    stretch = PromptSource(seed=3, text=text).plain(words=700, key="a")
    assert len(stretch.split()) == 700


def test_code_keeps_its_lines_and_mixed_text_has_something_of_all():
    assert "\n    return" in read_text("code").joined()
    mixed = PromptSource(seed=0, text=read_text("mixed")).plain(words=900, key="a")
    assert sum(mark in mixed for mark in ('"watts"', "def ", "Jonas:", " der ", " the ")) >= 3
