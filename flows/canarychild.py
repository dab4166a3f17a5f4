"""The canary of one target in its own process: `python -m flows.canarychild FOLDER DATA_DIR` (see flows.canary).

Engine up if it is ours, the fixed questions one after another, landing. Its folder holds `canary.json` in place of
`spec.json`: what a killed one leaves is tidied away and asked again, not landed as a trial.
"""

import contextlib
import dataclasses
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from flows.canaryplan import DEADLINE_S, SPEC_NAME, canary_batch_id, model_group
from flows.loadspec import load_spec
from flows.spec import TrialSpec, read_json
from flows.stop import DEADLINE, Stop
from flows.version import VERSION
from probes.canary import CanaryAnswer, CanaryQuestion, ask
from probes.engines.process import Engine
from probes.errors import ProbeError
from probes.host import host_facts
from probes.load.spec import LoadSpec
from warehouse.canary_questions import Question, is_right, questions
from warehouse.errors import WarehouseError
from warehouse.landing import land
from warehouse.rows import CanaryAnswerRow

_KEPT_CHARACTERS: Final = 500


def main(arguments: list[str]) -> int:
    """Ask one target and land its answers; says on standard output how many came, or why none did."""
    folder, data_dir = map(Path, arguments)
    spec = read_json((folder / SPEC_NAME).read_bytes())
    stop = Stop(DEADLINE_S)
    stop.listen(parent_fd=sys.stdin.fileno())
    try:
        answers, engine_version = _asked(spec, folder, stop)
    except ProbeError as error:
        _say(spec, reason=str(error))
        return 0
    stopped = stop.reason()
    if stopped is not None and not stopped.startswith(DEADLINE):
        _say(spec, reason=stopped)  # nothing of it lands: the run, gone on with, asks again
        return 0
    rows = answer_rows(spec, questions(), answers, engine_version)
    if not rows:
        _say(spec, reason="no question was sent")
        return 0
    try:
        host_id = rows[0].host_id
        land(data_dir, batch_id=canary_batch_id(spec.run_id, spec.target.id), host_id=host_id, rows=rows)
    except WarehouseError as error:
        _say(spec, reason=str(error))
        return 1
    _say(spec, answers=sum(row.answer_sha256 is not None for row in rows), reason=None)
    return 0


def _asked(spec: TrialSpec, folder: Path, stop: Stop) -> tuple[list[CanaryAnswer], str | None]:
    with _engine(spec, folder, stop) as engine:
        transformers = spec.local is not None and spec.local.engine == "transformers"
        answers = ask(
            canary_load_spec(spec, engine),
            [
                CanaryQuestion(
                    question_id=each.question_id, prompt=each.prompt, max_output_tokens=each.max_output_tokens
                )
                for each in questions()
            ],
            spool_path=folder / "answers.spool",
            seeded=not transformers,  # it refuses fields that it does not know
            stop=stop.reason,
        )
    return answers, None if engine is None else engine.version


@contextlib.contextmanager
def _engine(spec: TrialSpec, folder: Path, stop: Stop) -> Iterator[Engine | None]:
    if spec.local is None:
        yield None
        return
    from flows.local import engine_of  # engines and meters, which no endpoint needs

    with engine_of(spec, folder, stop, lambda _event, _values: None) as engine:
        yield engine


def canary_load_spec(spec: TrialSpec, engine: Engine | None) -> LoadSpec:
    """The load client's orders for the questions: as for a trial, but an answer may end where the model ends it."""
    orders = load_spec(spec, engine)
    limit_s = min(orders.timeouts.total_s, DEADLINE_S / 4)
    if spec.local is None:
        body = dict(orders.extra_body)
    elif spec.local.engine == "transformers":
        body = {"generation_config": json.dumps({"do_sample": False})}
    else:
        # The chat template before each question is the same: reading it once halves the time, and the order is fixed.
        body = {"cache_prompt": True}
    return dataclasses.replace(
        orders,
        extra_body=body,
        attempt_prefix=canary_batch_id(spec.run_id, spec.target.id),
        timeouts=dataclasses.replace(orders.timeouts, total_s=limit_s),
    )


def answer_rows(
    spec: TrialSpec, asked: Sequence[Question], answers: Sequence[CanaryAnswer], engine_version: str | None
) -> list[CanaryAnswerRow]:
    """What lands: a row for each question that was sent."""
    by_name = {each.question_id: each for each in asked}
    host_id = host_facts().host_id
    return [_row(spec, by_name[answer.question_id], answer, engine_version, host_id) for answer in answers]


def _row(
    spec: TrialSpec, question: Question, answer: CanaryAnswer, engine_version: str | None, host_id: str
) -> CanaryAnswerRow:
    target, record, text = spec.target, answer.record, answer.text
    assert record.started_at is not None and record.t_start_ns is not None  # it was sent
    assert record.t_end_ns is not None
    return CanaryAnswerRow(
        run_id=spec.run_id,
        target_id=target.id,
        question_id=question.question_id,
        question_sha256=question.sha256,
        kind=question.kind,
        target_kind=target.kind,
        provider=target.provider,
        model=target.model,
        model_group=model_group(target),
        quantisation=spec.weights.quantisation if spec.weights else None,
        weights_sha256=spec.weights.sha256 if spec.weights else None,
        base_url=spec.endpoint.base_url if spec.endpoint else None,
        engine_version=engine_version,
        sampling=answer.sampling,
        asked_at=record.started_at,
        ended_at=record.started_at + timedelta(microseconds=(record.t_end_ns - record.t_start_ns) // 1000),
        answer_text=None if text is None else text[:_KEPT_CHARACTERS],
        answer_sha256=None if text is None else hashlib.sha256(text.encode()).hexdigest(),
        is_right=None if text is None else is_right(question, text),
        prompt_tokens=record.prompt_tokens,
        output_tokens=record.output_tokens,
        finish_reason=record.finish_reason,
        model_returned=record.model_returned,
        system_fingerprint=record.system_fingerprint,
        error_class=record.error_class,
        error_message=record.error_message,
        host_id=host_id,
        megatoken_version=VERSION,
    )


def _say(spec: TrialSpec, **values: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    # A parent that died must not be mourned by a traceback.
    with contextlib.suppress(BrokenPipeError):
        line = {"trial_id": spec.target.id, "event": "asked", **values}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
