"""What a check asks, what it found, and how much of what a standard requires that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["yes", "no", "deviates", "unknown", "not applicable"]
Group = Literal["reach", "answer", "stream", "sampling", "mistakes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing to find out."""

    group: Group
    text: str
    required: bool = False  # a wire format's standard, or HTTP's, requires a yes


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found out about one question.

    `deviates` is a no that its standard, or a client that trusts it, would not expect; a plain `no` is a feature that
    is not there. `took_s` is the time of the requests that it rests on; None without one of its own.
    """

    finding_id: str
    group: Group
    question: str
    verdict: Verdict
    evidence: str  # one line
    required: bool
    took_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How many of the applicable requirements are met. What is unknown is applicable and not met."""

    conforming: int
    required: int
    deviations: tuple[str, ...]  # ids of the findings that are against a requirement
    unknown: tuple[str, ...]  # ids of requirements that could not be tried

    @property
    def share(self) -> float | None:
        """0 to 1; None if nothing could be required."""
        return self.conforming / self.required if self.required else None


# In the order in which they are told.
QUESTIONS: Final[dict[str, Question]] = {
    "name": Question(group="reach", text="Does its name resolve?"),
    "tcp": Question(group="reach", text="Does it take connections?"),
    "tls": Question(group="reach", text="Is the way encrypted, and the certificate good?"),
    "http": Question(group="reach", text="Is it known which HTTP it offers?"),
    "round_trip": Question(group="reach", text="Is it known how far away it is?"),
    "keep_alive": Question(group="reach", text="Does it keep a connection for a second request?"),
    "identity": Question(group="reach", text="Does it send plain bytes when asked to?", required=True),
    "request_id": Question(group="reach", text="Does it name each answer (request id)?"),
    "rate_limits": Question(group="reach", text="Does it tell its rate limits?"),
    "answers": Question(group="answer", text="Does it answer a plain request?", required=True),
    "model_listed": Question(group="answer", text="Does it list the model?"),
    "max_tokens": Question(group="answer", text="Does it stop at the number of tokens asked for?", required=True),
    "finish_reason": Question(group="answer", text="Does it say rightly why an answer ended?", required=True),
    "stop_sequence": Question(group="answer", text="Does it stop at a stop sequence?", required=True),
    "unstreamed": Question(group="answer", text="Does it answer in one piece as well?", required=True),
    "usage": Question(group="answer", text="Does it count the tokens?", required=True),
    "usage_right": Question(group="answer", text="Do its counts fit what came?", required=True),
    "cached_tokens": Question(group="answer", text="Does it tell which tokens came from its cache?"),
    "picture": Question(group="answer", text="Does it take a picture?"),
    "streams": Question(group="stream", text="Does it answer as a stream of events?", required=True),
    "as_made": Question(group="stream", text="Do events come as they are made?"),
    "role_first": Question(group="stream", text="Does the stream begin with an event without payload?"),
    "terminator": Question(group="stream", text="Does the stream say that it is over?", required=True),
    "repeats": Question(group="sampling", text="Does it repeat itself at temperature 0?"),
    "seed": Question(group="sampling", text="Does it repeat itself with a seed?"),
    "ignore_eos": Question(group="sampling", text="Can it be made to go on to the limit (ignore_eos)?"),
    "min_tokens": Question(group="sampling", text="Can it be given a least number of tokens (min_tokens)?"),
    "made_up_model": Question(group="mistakes", text="Does it refuse a model that does not exist?", required=True),
    "bad_request": Question(group="mistakes", text="Are errors in its standard's form?", required=True),
    "wrong_key": Question(group="mistakes", text="Does it refuse a wrong key?", required=True),
    "unknown_field": Question(group="mistakes", text="Does it pass over a field that it does not know?"),
    "empty_prompt": Question(group="mistakes", text="Does it bear an empty prompt?"),
    "large_picture": Question(group="mistakes", text="Does it bear a picture that is too large?"),
}


def found(
    finding_id: str, verdict: Verdict, evidence: str, took_s: float | None = None, *, required: bool | None = None
) -> Finding:
    """A finding of one of `QUESTIONS`; `required` overrides what the table says."""
    question = QUESTIONS[finding_id]
    return Finding(
        finding_id=finding_id,
        group=question.group,
        question=question.text,
        verdict=verdict,
        evidence=evidence,
        required=question.required if required is None else required,
        took_s=took_s,
    )


def spelled(seconds: float) -> str:
    """A time as evidence says it: milliseconds, or seconds from one on."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"


def in_order(findings: Sequence[Finding], left: str) -> tuple[Finding, ...]:
    """All questions in their order; those without a finding are unknown, for the reason `left`."""
    by_id = {each.finding_id: each for each in findings}
    return tuple(by_id.get(name) or found(name, "unknown", left) for name in QUESTIONS)


def score(findings: Sequence[Finding]) -> Score:
    """The conformance of an endpoint to the standards of its wire format and of HTTP."""
    asked = [each for each in findings if each.required and each.verdict != "not applicable"]
    return Score(
        conforming=sum(each.verdict == "yes" for each in asked),
        required=len(asked),
        deviations=tuple(each.finding_id for each in asked if each.verdict in ("no", "deviates")),
        unknown=tuple(each.finding_id for each in asked if each.verdict == "unknown"),
    )
