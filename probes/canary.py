"""Fixed questions, one after another, to one endpoint: what it answers, not how fast.

    questions -> the load client's own loop, one request in flight -> spool -> answers

The text is the same each night, without a nonce, so a changed answer is the endpoint's. None is a measured attempt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from probes.load.client import check_platform
from probes.load.flight import Planned
from probes.load.protocols import protocol
from probes.load.raw import RawAttempt, read_raw
from probes.load.record import AttemptRecord
from probes.load.recorder import record_of
from probes.load.redaction import Secrets, secret_values
from probes.load.rounds import Ahead
from probes.load.session import Session
from probes.load.spec import LoadSpec

SEED: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryQuestion:
    """What is asked."""

    question_id: str  # ASCII: part of the request's id
    prompt: str
    max_output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryAnswer:
    """What came back; a failed request is an answer without text."""

    question_id: str
    record: AttemptRecord
    text: str | None  # the visible text, "" of an empty answer; None without a 2xx answer
    sampling: str  # what was asked of the sampler, e.g. "temperature 0, seed 7"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sampling:
    says: str
    temperature: float | None
    body: Mapping[str, object]


# Some servers refuse a field that they do not know, some models every temperature but their own.
_LADDER: Final = (
    _Sampling(says=f"temperature 0, seed {SEED}", temperature=0.0, body={"seed": SEED}),
    _Sampling(says="temperature 0", temperature=0.0, body={}),
    _Sampling(says="the server's own", temperature=None, body={}),
)


def ask(
    spec: LoadSpec,
    questions: Sequence[CanaryQuestion],
    *,
    spool_path: Path,
    seeded: bool = True,
    stop: Callable[[], str | None] = lambda: None,
) -> list[CanaryAnswer]:
    """Ask every question once, in order, one at a time.

    The first question settles how: greedily and with a seed, unless the server refuses that as a bad request; then
    without the seed, then without a temperature. The refusals are not answers.

    Args:
        spec: the endpoint; its load (arrivals, counts, lengths) is not used.
        questions: at least one.
        spool_path: a file that does not exist yet.
        seeded: False for a server that is known to refuse a seed.
        stop: polled four times a second; a reason ends it.

    Returns:
        The answers in order; fewer than questions where it was stopped, or the endpoint refused everybody.

    Raises:
        ProbeError: a bad URL, an unknown api, a spool that cannot be written.
    """
    check_platform()
    alone = replace(spec, arrivals="closed", concurrency=1, requests=1, warmup_requests=0)
    ladder = _LADDER if seeded else _LADDER[1:]
    with Session([alone], [spool_path], stop=stop, on_progress=None) as session:

        def send(numbers: Sequence[int], way: int) -> None:
            rounds = [[_planned(session, alone, questions[n], n, way, ladder[way])] for n in numbers]
            session.loop.run(Ahead(iter(rounds), 0), limit=1)

        session.loop.open_connections([1])
        way = 0
        send([0], way)
        while way + 1 < len(ladder) and _refused(spool_path, _name(alone, questions[0], way)):
            way += 1
            send([0], way)
        send(range(1, len(questions)), way)
    secrets = Secrets(*secret_values(spec))
    seen = {raw.attempt_id: raw for raw in read_raw(spool_path)}
    return [
        _answer(secrets.cleansed(seen[name]), question, ladder[way].says)
        for question in questions
        if (name := _name(alone, question, way)) in seen
    ]


def _planned(
    session: Session, spec: LoadSpec, question: CanaryQuestion, seq: int, way: int, sampling: _Sampling
) -> Planned:
    asked = replace(
        spec,
        output_tokens=question.max_output_tokens,
        temperature=sampling.temperature,
        extra_body={**sampling.body, **spec.extra_body},
    )
    return session.requests[0].given(_name(spec, question, way), seq, question.prompt, asked)


def _name(spec: LoadSpec, question: CanaryQuestion, way: int) -> str:
    return f"{spec.attempt_prefix}.{question.question_id}" + (f".{way}" if way else "")


def _refused(spool_path: Path, attempt_id: str) -> bool:
    """Whether that request was turned down for what it said."""
    return any(
        raw.attempt_id == attempt_id and record_of(raw).error_class == "bad_request" for raw in read_raw(spool_path)
    )


def _answer(raw: RawAttempt, question: CanaryQuestion, sampling: str) -> CanaryAnswer:
    record = record_of(raw)
    answered = record.error_class in (None, "empty")
    return CanaryAnswer(
        question_id=question.question_id,
        record=record,
        text=protocol(raw.api).answer_text(raw.body) if answered else None,
        sampling=sampling,
    )
