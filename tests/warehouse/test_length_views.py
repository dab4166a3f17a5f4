"""How close lengths came to what was asked, and what each turn of conversations took."""

import pytest

from tests.warehouse.builders import attempt_row, failed_row, trial_row


@pytest.fixture
def look(warehouse):
    """Asks a view of rows."""

    def ask(rows, columns, view):
        con = warehouse([trial_row(), *rows])
        return con.execute(f"SELECT {columns} FROM {view} ORDER BY ALL").fetchall()

    return ask


def lengths(seq, *, asked=(100, 40), got=(100, 40), **changes):
    asked_for = {"prompt_tokens_asked": asked[0], "output_tokens_asked": asked[1]}
    return attempt_row(seq, prompt_tokens=got[0], output_tokens=got[1], **asked_for, **changes)


def test_prompts_are_held_against_what_was_asked_failures_and_unknown_counts_apart(look):
    rows = [
        lengths(0),
        lengths(1, got=(101, 40)),
        lengths(2, got=(98, 40)),
        lengths(3, got=(110, 40)),
        lengths(4, got=(None, 40)),
        lengths(5, asked=(None, 40), got=(7, 40)),
        failed_row(6),
    ]
    columns = (
        "n_prompts, prompt_error_p50_share, prompt_error_max_share, prompt_exact_share, prompt_within_1pct_share,"
        " prompt_within_2pct_share"
    )
    assert look(rows, columns, "length_fidelity") == [(4, pytest.approx(0.015), pytest.approx(0.1), 0.25, 0.5, 0.75)]


@pytest.mark.parametrize(
    ("reached", "band"),
    [
        (9, "under a quarter"),
        (10, "a quarter to a half"),
        (20, "a half to 90 %"),
        (36, "as asked"),
        (44, "as asked"),
        (45, "longer than asked"),
    ],
)
def test_answers_have_a_band_by_the_share_of_the_length_that_they_reached(look, reached, band):
    [row] = look(
        [lengths(n, got=(100, reached)) for n in range(3)],
        "output_length_reached_share, output_short_share, length_band",
        "length_fidelity",
    )
    assert row == (pytest.approx(reached / 40), float(reached < 40), band)


def test_a_trial_without_counts_has_a_row_that_says_that_nothing_is_known(look):
    columns = "n_prompts, prompt_exact_share, n_outputs, output_length_reached_share, length_band"
    assert look([failed_row(0)], columns, "length_fidelity") == [(0, None, 0, None, None)]


def test_each_turn_says_how_much_of_its_prompt_a_cache_gave(look):
    turns = [(1, 100, 0), (2, 200, 100), (2, 300, None), (3, 400, 300)]
    rows = [
        attempt_row(n, turn_number=turn, conversation_id="c", prompt_tokens=tokens, cached_tokens=cached)
        for n, (turn, tokens, cached) in enumerate(turns)
    ]
    rows.append(attempt_row(9))  # no turn of any
    assert look(
        rows, "turn_number, attempts, ok, prompt_p50_tokens, cached_share, ttft_p50_s", "conversation_turns"
    ) == [
        (1, 1, 1, 100.0, 0.0, 0.5),
        (2, 2, 2, 250.0, 0.5, 0.5),
        (3, 1, 1, 400.0, 0.75, 0.5),
    ]
