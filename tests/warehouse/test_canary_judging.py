"""What is said of a target's nights: the same, drifted, another tokenizer, another name, or nothing yet."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.warehouse.builders import STARTED_AT, canary_row
from warehouse.canary import changed_answers, group_agreement, latest_verdict_rows, target_nights, verdicts
from warehouse.canary_judging import METHOD_VERSION, judge_canaries
from warehouse.canary_questions import questions
from warehouse.tables import insert_rows

SET = questions()


def night(number, *, changed=0, target="alpha", **changes):
    """Answers of one night; the first so many are others than usual."""
    at = STARTED_AT + timedelta(days=number)
    return [
        canary_row(
            question,
            f"{'other' if n < changed else 'usual'} {n}",
            run_id=f"night-{number}",
            target_id=target,
            asked_at=at + timedelta(seconds=n),
            **changes,
        )
        for n, question in enumerate(SET)
    ]


@pytest.fixture
def judged(warehouse):
    """Rows in, one load after another; out what is said of each night, by run and target."""

    def judge(*loads):
        con = warehouse([])
        for rows in loads:
            insert_rows(con, "canary_answers", rows)
            judge_canaries(con)
        found = con.execute("SELECT run_id, target_id, verdict, reason, is_reference, since_at FROM canary_nights")
        return con, {(run, target): rest for run, target, *rest in found.fetchall()}

    return judge


def test_nights_are_the_same_from_the_second_and_a_swap_is_drift_with_its_night(judged):
    con, said = judged(night(1), night(2), night(3), night(4, changed=20), night(5, changed=20), night(6))
    assert [said[f"night-{n}", "alpha"][0] for n in range(1, 7)] == [
        "unknown", "same", "same", "drifted", "drifted", "same",
    ]  # fmt: skip
    # what drifted is no reference: the sixth night is compared with the first three
    assert [said[f"night-{n}", "alpha"][2] for n in range(1, 7)] == [True, True, True, False, False, True]
    assert "13 of 33 answers are those of 3 reference nights" in said["night-4", "alpha"][1]
    assert said["night-5", "alpha"][3] == said["night-4", "alpha"][3]
    assert len(changed_answers(con, "alpha")) == 0


def test_all_nights_at_once_are_judged_as_one_by_one(judged):
    nights = [night(n, changed=20 if n > 4 else 0) for n in range(1, 7)]
    _, one_by_one = judged(*nights)
    _, at_once = judged([row for rows in reversed(nights) for row in rows])
    assert at_once == one_by_one
    assert at_once["night-6", "alpha"][0] == "drifted"


def test_judging_again_changes_nothing_and_a_target_that_lands_late_is_judged_with_its_run(judged):
    con, _ = judged(night(1), night(2), night(3))
    assert judge_canaries(con) == 0
    insert_rows(con, "canary_answers", night(3, target="beta"))
    assert judge_canaries(con) == 2
    assert con.execute("SELECT count(*) FROM canary_nights").fetchall() == [(4,)]
    assert con.execute("SELECT DISTINCT method_version FROM canary_verdicts").fetchall() == [(METHOD_VERSION,)]


def test_a_few_changed_answers_are_not_enough_and_many_targets_ask_for_more(judged):
    # four of 33 against two nights: 3 ** -4 is above one in a hundred
    _, said = judged(night(1), night(2), night(3, changed=4))
    assert said["night-3", "alpha"][0] == "same"
    assert "no more differs" in said["night-3", "alpha"][1]
    # five are enough alone, and not among ten targets
    _, alone = judged(night(1), night(2), night(3, changed=5))
    assert alone["night-3", "alpha"][0] == "drifted"
    names = [f"t{n}" for n in range(10)]
    loads = [[row for name in names for row in night(n, target=name)] for n in (1, 2)]
    third = [row for name in names for row in night(3, target=name, changed=5 if name == "t0" else 0)]
    _, together = judged(*loads, third)
    assert together["night-3", "t0"][0] == "same"


def test_another_name_another_tokenizer_and_a_longer_template(judged):
    longer = [replace(row, prompt_tokens=row.prompt_tokens + 14) for row in night(3)]
    other = [replace(row, prompt_tokens=row.prompt_tokens + n % 3) for n, row in enumerate(night(4))]
    named = night(5, model_returned="m-mini")
    _, said = judged(night(1), night(2), longer, other, named)
    assert said["night-3", "alpha"][0] == "same"
    assert said["night-4", "alpha"][0] == "other tokenizer"
    assert said["night-5", "alpha"][:2] == [
        "other model named",
        "the server names m-mini, on its reference nights m-2026",
    ]


def test_drift_names_what_else_changed(judged):
    third = [replace(row, prompt_tokens=row.prompt_tokens + 14) for row in night(3, changed=25, engine_version="2")]
    _, said = judged(night(1, engine_version="1"), night(2, engine_version="1"), third)
    assert "the engine's version changed from 1 to 2" in said["night-3", "alpha"][1]
    assert "each prompt counts +14 tokens" in said["night-3", "alpha"][1]


def test_counting_in_more_output_tokens_is_another_tokenizer(judged):
    def counted(number, tokens):
        rows = night(number)
        return [
            replace(row, is_right=True, output_tokens=tokens) if row.kind == "output-length" else row for row in rows
        ]

    _, said = judged(counted(1, 26), counted(2, 26), counted(3, 14))
    assert said["night-3", "alpha"][:2] == [
        "other tokenizer",
        "counting to 12 took 14 output tokens, on its reference nights 26",
    ]


def test_what_is_not_answered_is_unknown_with_its_reason(judged):
    failed = [canary_row(question, None, run_id="night-3") for question in SET]
    empty = [
        replace(row, answer_text="", answer_sha256="e3b0", error_class="empty") for row in night(4, target="alpha")
    ]
    _, said = judged(night(1), night(2), failed, empty)
    assert said["night-3", "alpha"][:3] == ["unknown", "only 0 of 33 questions were answered (server_error)", False]
    assert said["night-4", "alpha"][0] == "unknown"
    assert "a model that reasons first needs more room" in said["night-4", "alpha"][1]
    assert said["night-4", "alpha"][2] is False


def test_other_declared_weights_begin_new_reference_nights(judged):
    _, said = judged(night(1), night(2), night(3, changed=30, weights_sha256="f00"))
    assert said["night-3", "alpha"][:2] == [
        "unknown",
        "the first night with what is declared of it: later nights are compared with it",
    ]


def test_a_target_that_varies_by_itself_is_not_called_drifted_for_it(judged):
    def varied(number):
        return [
            replace(row, answer_sha256=f"{row.answer_sha256[:9]}{(number * 7 + n) % 3 if n % 2 else 0}")
            for n, row in enumerate(night(number))
        ]

    con, said = judged(*(varied(n) for n in range(1, 8)))
    assert {verdict for verdict, *_ in said.values()} <= {"same", "unknown"}
    (row,) = latest_verdict_rows(con)
    assert 0.4 < row["repeat_share"] < 0.95


def test_the_read_side_says_who_changed_who_agrees_and_how_the_nights_went(judged):
    rows = [row for n in (1, 2, 3) for name in ("alpha", "twin") for row in night(n, target=name)]
    rows += [row for n in (1, 2, 3) for row in night(n, target="small", changed=0 if n < 3 else 30)]
    con, _ = judged(rows)
    found = verdicts(con)
    assert {name: (each.verdict, each.changed) for name, each in found.items()} == {
        "alpha": ("same", False),
        "twin": ("same", False),
        "small": ("drifted", True),
    }
    pairs = {(pair.target_id, pair.other_target_id): pair for pair in group_agreement(con, "alpha")}
    assert len(pairs) == 6
    assert (pairs["alpha", "twin"].identical, pairs["alpha", "twin"].chance) == (33, 1.0)
    assert (pairs["small", "alpha"].identical, pairs["small", "alpha"].compared) == (3, 33)
    assert pairs["small", "alpha"].chance < 1e-12
    assert pairs["small", "alpha"].same_tokenizer is True
    assert con.execute(
        "SELECT identical_answers FROM canary_agreement"
        " WHERE run_id = 'night-3' AND target_id = 'small' AND other_target_id = 'twin'"
    ).fetchall() == [(3,)]
    assert [row["run_id"] for row in target_nights(con, "small")] == ["night-3", "night-2", "night-1"]
    changed = changed_answers(con, "small")
    assert len(changed) == 30
    assert changed[0]["usual_text"].startswith("usual") and changed[0]["answer_text"].startswith("other")
    assert group_agreement(con, "nobody") == []
