"""How a board says how sure its ranks are: bands, and what would tell apart those who share one."""

import io

import pytest
from rich.console import Console

from flows.leaderboard import plain_cell, print_leaderboard, shown_metrics
from flows.markdown import board_markdown
from flows.rankwords import rank_words, tie_sentences
from flows.weighttable import print_providers
from warehouse.decision import Board
from warehouse.metrics import METRICS, metric
from warehouse.provider_scores import ProviderRatio


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
        "band_figure": rank and 0.4 * rank,
        "band_low": rank and 0.3 * rank,
        "band_high": rank and 0.5 * rank,
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


def test_what_is_not_ranked_says_why():
    reason = "no known figure under the terms that the workload has now"
    lonely = row("old", None, None, None, band_reason=reason, n_runs=0)
    assert tie_sentences([BOARD[0], lonely]) == [f"old is not ranked: {reason}"]
    # what its client is graded is said beneath all boards
    assert tie_sentences([BOARD[0], BOARD[3] | {"band_reason": "graded C"}]) == []


def test_the_column_ranked_by_is_of_the_typical_night_and_the_others_are_of_the_last_measurement():
    cost = metric("usd_per_output_mtok")
    one = row("q4", 1, 1, 1, usd_per_output_mtok_low=0.45, usd_per_output_mtok_high=0.55)
    assert plain_cell(cost, one, "usd_per_output_mtok") == "0.400 (0.300-0.500)"
    assert plain_cell(cost, one, "ttft_p50_s") == "0.500 (0.450-0.550)"
    # of one night there is no other
    assert plain_cell(cost, one | {"n_runs": 1}, "usd_per_output_mtok") == "0.500 (0.450-0.550)"
    assert plain_cell(cost, one | {"rank": None}, "usd_per_output_mtok") == "0.500 (0.450-0.550)"


def test_a_board_that_is_judged_by_a_service_level_shows_the_share_that_kept_it():
    verdict = {"standing": "fails", "share": 0.25, "low": 0.2, "high": 0.31}
    out = io.StringIO()
    rows = [BOARD[0] | {"service_level": verdict}, BOARD[1] | {"service_level": None}]
    print_leaderboard(Console(file=out, width=120), rows, "usd_per_output_mtok", days=7)
    printed = out.getvalue()
    assert "25.0" in printed
    assert "20.0-31.0" in printed
    assert "by the nights of the last 7 days" in printed


def test_providers_that_share_a_model_are_printed_and_nothing_where_none_does():
    ratio = ProviderRatio(provider="a", other="b", ratio=0.5, low=0.4, high=0.6, models=("m", "n"), n_runs=5)
    out = io.StringIO()
    boards = [Board(workload_id="chat", places=(), providers=(ratio,)), Board(workload_id="none", places=())]
    print_providers(Console(file=out, width=120), boards, "usd_per_output_mtok")
    printed = out.getvalue()
    assert "chat: cost of one provider over another's" in printed
    assert "0.4-0.6" in printed
    assert "none" not in printed


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


def test_a_board_on_which_nobody_is_ranked_says_so_and_how_to_rank_all_the_same():
    out = io.StringIO()
    print_leaderboard(Console(file=out, width=120), [BOARD[3]], "operational_gco2e_per_output_mtok")
    assert "chat: nobody can be ranked by operational emissions, the reasons stand below" in out.getvalue()
    assert "--any-grade ranks what such a client measured all the same" in out.getvalue()
    assert "**chat**: nobody can be ranked by cost" in board_markdown([BOARD[3]], "usd_per_output_mtok")
    assert "**chat**: ranked by embodied emissions, lower" in board_markdown(BOARD, "embodied_gco2e_per_output_mtok")


def test_the_terminal_says_below_a_board_what_its_figures_rest_on():
    out = io.StringIO()
    known = row("q4", 1, 1, 1, usd_basis="declared", energy_basis="measured", emissions_basis=None)
    print_leaderboard(Console(file=out, width=120), [known], "usd_per_output_mtok")
    assert "basis, the weakest of a figure's inputs: USD declared; J measured" in out.getvalue()


def test_a_name_with_markup_stays_a_name_in_markdown():
    hostile = row("a|b<script>`x`\n[y](z)", 1, 1, 1)
    printed = board_markdown([hostile, *BOARD[1:]], "usd_per_output_mtok")
    (line,) = [line for line in printed.splitlines() if "script" in line]
    assert r"a\|b\<script\>\`x\` \[y\](z)" in line
    assert "| 1-2 | q8 |" in printed
    assert "- q4 and q8 are not told apart" in printed
    assert "- new: its load client is graded C" in printed


def test_a_board_of_documents_shows_their_end_and_what_they_are_and_nothing_that_only_streams_have():
    rows = [row("a", 1, 1, 1, n_ttft=0, n_e2e=30, e2e_p50_s=0.5, items_per_s=19.3, input_tokens_per_s=4000.0)]
    shown = [item.id for item in shown_metrics(rows, "e2e_p50_s")]
    assert shown[:4] == ["e2e_p50_s", "items_per_s", "goodput_share", "usd_per_output_mtok"]
    assert not set(shown) & {"ttft_p50_s", "ttft_p95_s", "tpot_p50_s", "output_tokens_per_s", "input_tokens_per_s"}
    transcribed = [rows[0] | {"items_per_s": None, "audio_p50_s_per_s": 50.0, "output_tokens_per_s": 90.0}]
    shown = [item.id for item in shown_metrics(transcribed, "input_tokens_per_s")]
    assert shown[:4] == ["input_tokens_per_s", "e2e_p50_s", "audio_p50_s_per_s", "output_tokens_per_s"]


def test_a_board_of_streamed_sound_shows_its_own_speed_beside_the_first_token():
    rows = [row("a", 1, 1, 1, n_e2e=30, ttft_p50_s=0.2, audio_p50_s_per_s=20.0)]
    assert [item.id for item in shown_metrics(rows, "ttft_p50_s")][:2] == ["audio_p50_s_per_s", "ttft_p50_s"]


def test_a_chat_whose_every_attempt_failed_keeps_its_columns():
    shown = [item.id for item in shown_metrics([row("a", None, None, None, n_ttft=0, n_e2e=0)], "ttft_p50_s")]
    assert {"ttft_p50_s", "tpot_p50_s", "output_tokens_per_s"} <= set(shown)
