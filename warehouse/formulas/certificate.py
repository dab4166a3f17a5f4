"""How far a trial's client can be trusted: a grade from A to D out of the evidence that it left, and the reasons.

The grade is that of the worst criterion. A and B are fit to be ranked. What is not known is never taken for good: it is
a reason, and the grade is B at best. It alone makes nothing worse than B, so that a trial of an older schema keeps its
place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from warehouse.formulas.client_evidence import Evidence
from warehouse.formulas.client_limits import (
    CACHED_TOKEN_SHARE,
    CLOCK_STEP_S,
    COALESCED_SHARE,
    CONCURRENCY_SHORTFALL,
    CPU_SHARE_OTHERS_ENDPOINT,
    CPU_SHARE_OTHERS_LOCAL,
    GRADES,
    LOAD_PER_THREAD_ENDPOINT,
    LOAD_PER_THREAD_LOCAL,
    LOOP_BUSY_SHARE,
    MISSED_SHARE,
    RATE_SHORTFALL,
    RECEIVE_LAG_S,
    ROUNDS_SHORTFALL,
    SELFTEST_RELATIVE,
    SELFTEST_SHORTFALL,
    SELFTEST_TPOT_S,
    SELFTEST_TTFT_S,
    SEND_LAG_S,
    SUSPENDED_S,
    Grade,
    Limits,
)

__all__ = ["METHOD_VERSION", "Certificate", "Evidence", "Grade", "certify"]

# Change it with any change of a limit or a criterion: every trial is then certified anew.
METHOD_VERSION: Final = "1"
UNKNOWN_GRADE: Final[Grade] = "B"
NOT_MEASURED: Final = {
    "aborted": "the trial was aborted",
    "crashed": "the trial crashed",
    "setup_failed": "the trial could not be set up",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A grade, and one sentence for whatever keeps it from A, the worst first."""

    grade: Grade
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Criterion:
    value: Callable[[Evidence], float | None]
    limits: Callable[[Evidence], Limits]
    said: Callable[[str], str]  # the sentence around a value
    show: Callable[[float], str]  # how a value, and a limit, is written
    unknown: str | None  # what is said when there is no value
    expected: Callable[[Evidence], bool] = lambda _: True  # whether a value should be there


def certify(evidence: Evidence) -> Certificate:
    """Grade a trial's client.

    Making any of the evidence worse never makes the grade better.
    """
    if evidence.status in NOT_MEASURED:
        why = f": {evidence.status_reason}" if evidence.status_reason else ""
        return Certificate(grade="D", reasons=(f"{NOT_MEASURED[evidence.status]}{why}",))
    if not evidence.attempts:
        return Certificate(grade="D", reasons=("no attempt was measured",))
    found = [each for each in (_judge(criterion, evidence) for criterion in _CRITERIA) if each is not None]
    found += _stamps(evidence) + _selftest_size(evidence)
    if evidence.status == "timed_out":
        found.append(("B", "the trial was cut off by its deadline"))
    found.sort(key=lambda each: -GRADES.index(each[0]))  # stable: within a grade the order of the criteria
    return Certificate(grade=found[0][0] if found else "A", reasons=tuple(reason for _, reason in found))


def _judge(criterion: _Criterion, evidence: Evidence) -> tuple[Grade, str] | None:
    value = criterion.value(evidence)
    if value is None:
        missing = criterion.unknown if criterion.expected(evidence) else None
        return None if missing is None else (UNKNOWN_GRADE, missing)
    limits = criterion.limits(evidence)
    grade = limits.grade(value)
    if grade == "A":
        return None
    better = GRADES[GRADES.index(grade) - 1]
    return (
        grade,
        f"{criterion.said(criterion.show(value))}, {criterion.show(limits.above(grade))} is the limit for {better}",
    )


def _stamps(evidence: Evidence) -> list[tuple[Grade, str]]:
    if evidence.stamp_source == "kernel":
        return []
    if evidence.stamp_source is None:
        return [(UNKNOWN_GRADE, "it is not known by which clock answers were stamped")]
    return [("B", "answers were stamped when they were read, A takes the kernel's receive stamps")]


def _selftest_size(evidence: Evidence) -> list[tuple[Grade, str]]:
    tested, streams = evidence.selftest_streams, evidence.streams
    if tested is None or evidence.selftest_ttft_error_p99_s is None:
        return [(UNKNOWN_GRADE, "no self-test at this load")]
    if streams is not None and tested < streams:
        return [(UNKNOWN_GRADE, f"no self-test at this load: it had {tested} streams, the trial {streams:.0f}")]
    return []


def _wider(absolute: Limits, typical_s: float | None) -> Limits:
    def limit(grade: Literal["a", "b", "c"]) -> float:
        return max(float(getattr(absolute, grade)), float(getattr(SELFTEST_RELATIVE, grade)) * (typical_s or 0.0))

    return Limits(a=limit("a"), b=limit("b"), c=limit("c"))


def _always(limits: Limits) -> Callable[[Evidence], Limits]:
    return lambda _: limits


def _by_kind(local: Limits, endpoint: Limits) -> Callable[[Evidence], Limits]:
    return lambda evidence: local if evidence.kind == "local" else endpoint


def _shortfall(share: float | None) -> float | None:
    # Rounded: 1 - 0.98 is a little more than 0.02, and a share of exactly a limit is still within it.
    return None if share is None else round(1 - share, 9)


def _load_per_thread(evidence: Evidence) -> float | None:
    if evidence.load_average_1m is None or not evidence.cpu_threads:
        return None
    return evidence.load_average_1m / evidence.cpu_threads


def _open(evidence: Evidence) -> bool:
    return evidence.arrivals != "closed" and not evidence.in_group


def _closed(evidence: Evidence) -> bool:
    return evidence.arrivals == "closed" and not evidence.in_group


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _reached(shortfall: float) -> str:
    return f"{(1 - shortfall) * 100:.4g} %"


_CRITERIA: Final = (
    _Criterion(
        value=lambda e: e.send_lag_p99_s,
        limits=_always(SEND_LAG_S),
        said=lambda value: f"sends were up to {value} late (p99)",
        show=_ms,
        unknown="how late sends were is not known",
        expected=_open,
    ),
    _Criterion(
        value=lambda e: _shortfall(e.rate_share),
        limits=_always(RATE_SHORTFALL),
        said=lambda value: f"the rate reached was {value} of the one asked for",
        show=_reached,
        unknown="too few sends to say whether the rate was reached",
        expected=_open,
    ),
    _Criterion(
        value=lambda e: e.missed_share,
        limits=_always(MISSED_SHARE),
        said=lambda value: f"{value} of the planned sends were not made, or over 50 ms late",
        show=_percent,
        unknown="how many planned sends were missed is not known",
        expected=_open,
    ),
    _Criterion(
        value=lambda e: _shortfall(e.concurrency_share),
        limits=_always(CONCURRENCY_SHORTFALL),
        said=lambda value: f"the concurrency reached was {value} of the one asked for",
        show=_reached,
        unknown="too few requests to say whether the concurrency was reached",
        expected=_closed,
    ),
    _Criterion(
        value=lambda e: _shortfall(e.rounds_share),
        limits=_always(ROUNDS_SHORTFALL),
        said=lambda value: f"it took part in {value} of the rounds of its group",
        show=_reached,
        unknown="in how many rounds of its group it took part is not known",
        expected=lambda e: e.in_group,
    ),
    _Criterion(
        value=lambda e: e.receive_lag_p99_s,
        limits=_always(RECEIVE_LAG_S),
        said=lambda value: f"answers were read up to {value} after they came (p99)",
        show=_ms,
        unknown="how late answers were read was not recorded",
        expected=lambda e: e.stamp_source == "kernel",
    ),
    _Criterion(
        value=lambda e: e.coalesced_share,
        limits=_always(COALESCED_SHARE),
        said=lambda value: f"{value} of the events came in one read with an earlier one",
        show=_percent,
        unknown="how many events shared a read is not known",
    ),
    _Criterion(
        value=lambda e: None if e.arrivals == "trace" else e.cached_token_share,
        limits=_always(CACHED_TOKEN_SHARE),
        said=lambda value: f"{value} of the prompt tokens came from a cache",
        show=_percent,
        unknown="the server does not say how many prompt tokens came from its cache",
        expected=lambda e: e.arrivals != "trace",  # a trace shares its prefixes on purpose
    ),
    _Criterion(
        value=lambda e: e.cpu_share_others,
        limits=_by_kind(CPU_SHARE_OTHERS_LOCAL, CPU_SHARE_OTHERS_ENDPOINT),
        said=lambda value: f"others took {value} of this machine's CPU",
        show=_percent,
        unknown="how much CPU others took is not known",
    ),
    _Criterion(
        value=_load_per_thread,
        limits=_by_kind(LOAD_PER_THREAD_LOCAL, LOAD_PER_THREAD_ENDPOINT),
        said=lambda value: f"the load average was {value} a hardware thread",
        show=lambda value: f"{value:.2g}",
        unknown="the load average is not known",
    ),
    _Criterion(
        value=lambda e: e.loop_busy_share,
        limits=_always(LOOP_BUSY_SHARE),
        said=lambda value: f"the client was busy for {value} of the time",
        show=_percent,
        unknown="how busy the client was was not recorded",
    ),
    _Criterion(
        value=lambda e: e.suspended_s,
        limits=_always(SUSPENDED_S),
        said=lambda value: f"the client did not run for up to {value} although it wanted to",
        show=_ms,
        unknown="whether the client was stopped was not recorded",
    ),
    _Criterion(
        value=lambda e: None if e.clock_step_s is None else abs(e.clock_step_s),
        limits=_always(CLOCK_STEP_S),
        said=lambda value: f"the wall clock was set by {value} meanwhile",
        show=_ms,
        unknown="whether the wall clock was set meanwhile is not known",
    ),
    _Criterion(
        value=lambda e: e.selftest_ttft_error_p99_s,
        limits=lambda e: _wider(SELFTEST_TTFT_S, e.ttft_p50_s),
        said=lambda value: f"in its self-test times to first token were wrong by up to {value} (p99)",
        show=_ms,
        unknown=None,  # said once, by _selftest_size
    ),
    _Criterion(
        value=lambda e: e.selftest_tpot_error_p99_s,
        limits=lambda e: _wider(SELFTEST_TPOT_S, e.tpot_p50_s),
        said=lambda value: f"in its self-test times per token were wrong by up to {value} (p99)",
        show=_ms,
        unknown=None,
    ),
    _Criterion(
        value=lambda e: _shortfall(e.selftest_concurrency_share),
        limits=_always(SELFTEST_SHORTFALL),
        said=lambda value: f"its self-test reached {value} of the load",
        show=_reached,
        unknown=None,
    ),
)
