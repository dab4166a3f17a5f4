"""What is said of lengths that were not had."""

import pytest

from flows.benchtable import answer_words, prompt_words
from flows.lengthwords import length_sentences
from tests.warehouse.begun import begun
from tests.warehouse.builders import attempt_row, run_row, trial_row
from warehouse.landing import land
from warehouse.loader import load
from warehouse.publish import publish


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"n_prompts": 0}, ""),
        ({"n_prompts": 5, "prompt_exact_share": 1.0}, "all as asked"),
        (
            {
                "n_prompts": 5,
                "prompt_exact_share": 0.4,
                "prompt_error_p50_share": 0.004,
                "prompt_error_max_share": 0.021,
            },
            "0.4% off (p50), 2.1% at most; 40% exact",
        ),
    ],
)
def test_a_bench_says_how_close_prompts_came(row, words):
    assert prompt_words(row) == words


def test_a_bench_says_when_answers_end_early():
    assert answer_words({"length_band": "as asked"}) == answer_words({}) == ""
    early = {"length_band": "a quarter to a half", "output_length_reached_share": 0.43}
    assert answer_words(early) == "43% of what was asked for (p50): compare with answers as long only"


def test_a_board_marks_whose_answers_are_of_another_length(tmp_path):
    trials = {"night-1.alpha.chat.1": 40, "night-1.beta.chat.1": 10}
    rows = [run_row()]
    for trial_id, reached in trials.items():
        rows.append(trial_row(trial_id=trial_id, target_id=trial_id.split(".")[1]))
        rows += [attempt_row(n, trial_id=trial_id, output_tokens=reached, output_tokens_asked=40) for n in range(3)]
    land(tmp_path, batch_id="b", host_id="host", rows=rows)
    load(begun(tmp_path))
    publish(tmp_path)
    board = [{"trial_id": name, "target_id": name.split(".")[1], "workload_id": "chat"} for name in trials]
    [sentence] = length_sentences(tmp_path, board)
    assert sentence.startswith("beta under chat: half of its answers end by 25% of the tokens asked for; compare")
