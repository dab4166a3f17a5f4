"""Invented answers to the canary's questions: targets that repeat themselves, one that varies, one that was swapped."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.warehouse.builders import canary_row
from warehouse.canary_questions import Question, questions
from warehouse.landing import land
from warehouse.rows import CanaryAnswerRow

if TYPE_CHECKING:
    from tests.warehouse.synthetic import Target  # which needs this module

# Answers anew in about so many of ten questions each night: a hosted target whose batches differ.
_VARIES = {"together-llama-70b": 1, "openai-mini": 2}
SWAPPED = "openai-mini"  # on the last night a smaller model answers under the same name
RETOKENISED = "vllm-own"  # on the last night served with another tokenizer


def canary_rows(
    run_id: str, targets: list[dict[str, str | None]], at: datetime, *, is_last: bool
) -> list[CanaryAnswerRow]:
    """The answers of one night.

    Args:
        run_id: the night.
        targets: target_id, target_kind, provider, model and quantisation of each that answers.
        at: when the first of them is asked.
        is_last: whether what is to change has changed.
    """
    rows = []
    for number, target in enumerate(targets):
        name = str(target["target_id"])
        model = f"{target['model']} {target['quantisation']}"
        if is_last and name == SWAPPED:
            model = "a smaller one"
        random = Random(f"{run_id} {name}")
        for n, question in enumerate(questions()):
            varies = random.random() * 10 < _VARIES.get(name, 0)
            text = _answer(question, model, random.randrange(3) if varies else 0)
            tokens = 9 + len(question.prompt) // 4
            if question.kind == "tokenizer" and is_last and name == RETOKENISED:
                tokens += n % 3
            rows.append(
                canary_row(
                    question,
                    text,
                    run_id=run_id,
                    asked_at=at + timedelta(minutes=number, seconds=n),
                    ended_at=at + timedelta(minutes=number, seconds=n + 0.5),
                    prompt_tokens=tokens,
                    model_group=str(target["model"]),
                    model_returned=target["model"],
                    base_url=None if target["target_kind"] == "local" else f"https://{target['provider']}.example/v1",
                    **target,
                )
            )
    return rows


def _answer(question: Question, model: str, variant: int) -> str:
    """Right mostly, and always the same of the same model and variant."""
    draw = int(hashlib.sha256(f"{question.question_id} {model}".encode()).hexdigest(), 16) % 10
    smart = 2 if model == "a smaller one" else 9
    if question.expected and draw < smart:
        return question.expected.split("|")[0] + ("." * variant if question.check != "json" else " " * variant)
    return f"{question.kind} of {model}, told in way {draw}.{variant}"


def land_canaries(data_dir: Path, first_night_at: datetime, nights: int, targets: Sequence["Target"]) -> None:
    """Land the answers of every night, an hour after it began; what crashes or is skipped answers nothing."""
    answering = [
        {
            "target_id": target.id,
            "target_kind": target.kind,
            "provider": target.provider,
            "model": target.model,
            "quantisation": target.quantisation,
        }
        for target in targets
        if target.skip_reason is None and not target.crashes
    ]
    for night in range(nights):
        at = first_night_at + timedelta(days=night)
        rows = canary_rows(f"synthetic-{at:%Y-%m-%d}", answering, at + timedelta(hours=1), is_last=night == nights - 1)
        land(data_dir, batch_id=f"{rows[0].run_id}.canaries", host_id="host", rows=rows, landed_at=at)
