"""The canary's questions: short enough, checkable, and judged by what they ask for."""

import pytest

from warehouse.canary_questions import is_right, questions

BY_NAME = {each.question_id: each for each in questions()}


def test_the_set_is_small_and_of_many_kinds():
    checkable = [each for each in questions() if each.check != "none"]
    assert 20 <= len(checkable) <= 24
    assert {each.kind for each in questions()} >= {
        "arithmetic", "spelling", "copying", "ordering", "fact", "logic", "format", "multilingual", "long-context",
        "free", "output-length", "tokenizer",
    }  # fmt: skip
    assert len({each.sha256 for each in questions()}) == len(questions())
    # below 3,000 tokens at three characters a token and thirty tokens of template around each question
    longest = sum(len(each.prompt) / 3 + 30 + each.max_output_tokens for each in questions())
    assert longest < 3000


def test_every_expected_answer_is_right_and_no_prompt_is():
    for each in questions():
        if each.check == "none":
            assert is_right(each, "anything") is None
        else:
            assert is_right(each, each.expected.split("|")[0]) is True, each.question_id
            assert is_right(each, "") is False


@pytest.mark.parametrize(
    ("name", "answer", "right"),
    [
        ("sum", "17 + 28 = 45", True),
        ("sum", "The answer is 45.", True),
        ("sum", "**45**", True),
        ("sum", "145", False),
        ("sum", "45.5", False),
        ("sum", "-45", False),
        ("larger", "9.9", True),
        ("larger", "9.9 is larger than 9.11", True),
        ("larger", "9.11", False),
        ("larger", "19.9", False),
        ("capitals", "'BRIDGE'.", True),
        ("capitals", "The word is BRIDGE", False),
        ("alphabet", "Apple,  fig, pear.", True),
        ("alphabet", "pear, apple, fig", False),
        ("copy", "qx7-mango-0413", True),
        ("copy", "qx7-mango-04135", False),
        ("symbol", "Natrium", False),
        ("chinese", "H₂O", True),
        ("json", '```json\n{"ok": true}\n```', True),
        ("json", '{"ok": "true"}', False),
        ("json", "ok: true", False),
        ("count", "1 2 3 4 5 6 7 8 9 10 11 12", True),
        ("count", "1 2 3 4 5 6 7 8 9 10 11", False),
    ],
)
def test_an_answer_is_judged_as_a_person_would(name, answer, right):
    assert is_right(BY_NAME[name], answer) is right
