"""The questions of the fidelity canary: what is asked, how much room the answer has, and when it is right.

They are short, so that the whole set stays below 3,000 tokens a target and night, and they are never edited: a changed
text would make every later answer look like another model's. A new question is a new row with a new name.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from warehouse.errors import ReferenceDataError
from warehouse.reference.ledgers import FOLDER, ledger

# Not among the files that hold factors: nothing in it is a figure.
_LEDGER: Final = "canary/questions"
_CHECKS: Final = ("exact", "word", "json", "none")
# Around an answer these say nothing: quotes, marks of a sentence's end, Markdown.
_AROUND: Final = " \t\r\n\"'`*_.!,;:„“”«»。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `check` says how an answer is judged, see `is_right`."""

    question_id: str
    kind: str
    check: str
    expected: str
    max_output_tokens: int
    prompt: str

    @property
    def sha256(self) -> str:
        """What makes answers comparable: the text, and the room for the answer."""
        return hashlib.sha256(f"{self.max_output_tokens}\0{self.prompt}".encode()).hexdigest()


@cache
def questions() -> tuple[Question, ...]:
    """Every question, in the order in which they are asked.

    Raises:
        ReferenceDataError: a row cannot be read; names it.
    """
    found = tuple(_question(row) for row in ledger(_LEDGER))
    names = [each.question_id for each in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ReferenceDataError(f"{FOLDER.name}/{_LEDGER}.csv has {', '.join(twice)} twice; name each row once")
    return found


def _question(row: Mapping[str, str]) -> Question:
    name, check = row["question_id"], row["check"]
    if not re.fullmatch(r"[a-z0-9-]+", name) or check not in _CHECKS or (check == "none") != (row["expected"] == ""):
        raise ReferenceDataError(
            f"{FOLDER.name}/{_LEDGER}.csv: row {name!r} needs a name of a-z, 0-9 and -, a check of"
            f" {', '.join(_CHECKS)}, and an expected answer unless the check is none"
        )
    return Question(
        question_id=name,
        kind=row["kind"],
        check=check,
        expected=row["expected"],
        max_output_tokens=int(row["max_output_tokens"]),
        prompt=row["prompt"],
    )


def is_right(question: Question, answer: str) -> bool | None:
    """Whether an answer is right; None if no answer would be.

    `exact`: the expected text, whatever its case and the marks around it. `word`: the expected text stands in the
    answer as a word of its own; several are divided by a bar. `json`: the answer, out of a Markdown fence if it stands
    in one, is JSON of the same value.
    """
    if question.check == "none":
        return None
    if question.check == "json":
        return bool(_json(answer) == json.loads(question.expected))
    if question.check == "exact":
        return " ".join(answer.strip(_AROUND).casefold().split()) == question.expected.casefold()
    return any(
        # 45 stands neither in 145 nor in 4.5 nor in 45.7
        re.search(rf"(?<![\w.,-]){re.escape(word)}(?![\w-]|[.,]\d)", answer, re.IGNORECASE) is not None
        for word in question.expected.split("|")
    )


def _json(answer: str) -> object:
    fenced = re.search(r"```(?:json)?\s*(.*?)\s*```", answer, re.DOTALL)
    try:
        return json.loads(fenced[1] if fenced else answer)
    except json.JSONDecodeError:
        return None
