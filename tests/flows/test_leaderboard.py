"""How a board says how sure its ranks are: bands, and what would tell apart those who share one."""

import io

import pytest
from rich.console import Console

from flows.leaderboard import print_leaderboard
from flows.markdown import board_markdown
from flows.rankwords import rank_words, tie_sentences
from warehouse.metrics import METRICS


def row(target_id, rank, low, high, **changes):
    figures = {name: None for of in METRICS for name in (of.column, f"{of.column}_low", f"{of.column}_high")}
    return {
        **figures,
        "usd_per_output_mtok": 0.5 * (rank or 9),
        "rank": rank,
        "workload_id": "chat",
        "target_id": target_id,
        "client_grade": "B",
        "client_reasons": ["no selftest"],
        "n": 30,
        "n_ttft": 30,
        "rank_low": low,
        "rank_high": high,
        "n_runs": 6,
        "next_better": None,
        "tied_by": None,
        "nights_to_separate": None,
        "band_reason": None,
    } | changes


BOARD = [
    row("q4", 1, 1, 2),
    row("q8", 2, 1, 2, next_better="q4", tied_by="runs", nights_to_separate=3),
    row("f16", 3, 3, 3, next_better="q8"),
    row("new", None, None, None, client_grade="C"),
]


def test_a_band_is_shown_in_place_of_a_rank_that_is_not_sure():
    assert [rank_words(one) for one in BOARD] == ["1-2", "1-2", "3", "-"]
    assert rank_words(row("x", 4, None, None)) == "4?"


def test_what_is_tied_is_said_with_the_nights_that_would_tell_it_apart():
    assert tie_sentences(BOARD) == ["q4 and q8 are not told apart: about 3 more nights would"]


@pytest.mark.parametrize(
    ("tied", "said"),
    [
        ({"tied_by": "runs", "nights_to_separate": 1}, "about 1 more night would"),
        ({"tied_by": "runs"}, "not even a year of nights would"),
        ({"tied_by": "inputs"}, "the ranges of their inputs allow either order"),
        ({"tied_by": "few-runs"}, "3 nights in which both are measured are needed to know"),
    ],
)
def test_why_two_are_tied_is_said_in_words(tied, said):
    (sentence,) = tie_sentences([BOARD[0], row("q8", 2, 1, 2, next_better="q4", **tied)])
    assert sentence == f"q4 and q8 are not told apart: {said}"


def test_a_board_of_one_night_says_that_it_is_one():
    one_night = [one | {"n_runs": 1, "tied_by": None} for one in BOARD]
    assert tie_sentences(one_night) == ["ranks: of 1 night; how figures vary from night to night shows after 3"]
    mixed = [BOARD[0], BOARD[2] | {"n_runs": 2}]
    assert tie_sentences(mixed) == ["ranks of f16: of 2 nights; how figures vary from night to night shows after 3"]


def test_of_many_ties_three_are_said_and_the_others_counted():
    many = [row(f"t{n}", n, 1, 8, next_better=f"t{n - 1}", tied_by="inputs") for n in range(2, 9)]
    said = tie_sentences(many)
    assert len(said) == 4
    assert said[-1] == "and 4 more pairs of neighbours are not told apart; --json has them all"


def test_a_rank_without_a_band_says_why():
    reason = "no known figure under the terms that the workload has now"
    lonely = row("old", 2, None, None, band_reason=reason, n_runs=0)
    assert tie_sentences([BOARD[0], lonely]) == [f"old has no band: {reason}"]


def test_the_terminal_shows_bands_and_what_they_mean():
    out = io.StringIO()
    print_leaderboard(Console(file=out, width=120), BOARD, "usd_per_output_mtok")
    printed = out.getvalue()
    assert "1-2 q4" in printed
    assert "q4 and q8 are not told apart: about 3 more nights would" in printed
    assert "95 % confidence" in printed
    sure = io.StringIO()
    print_leaderboard(Console(file=sure, width=120), [row("q4", 1, 1, 1)], "usd_per_output_mtok")
    assert "95 % confidence" not in sure.getvalue()


def test_a_name_with_markup_stays_a_name_in_markdown():
    hostile = row("a|b<script>`x`\n[y](z)", 1, 1, 1)
    printed = board_markdown([hostile, *BOARD[1:]], "usd_per_output_mtok")
    (line,) = [line for line in printed.splitlines() if "script" in line]
    assert r"a\|b\<script\>\`x\` \[y\](z)" in line
    assert "| 1-2 | q8 |" in printed
    assert "- q4 and q8 are not told apart" in printed
    assert "- new: its load client is graded C" in printed
