"""A point of a search: how long it lasts, what it came to, and what that says of the target. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.spec import TrialSpec
from flows.workload import LEAST_POINT_REQUESTS, Workload
from warehouse.rows import AttemptRow, LandingRow, TrialRow

PERCENTILE = 95
LEAST_OK_SHARE = 0.99
# More than this share of the requests offered is left waiting, or is sent too late by the client itself.
MOST_BEHIND_SHARE = 0.02
POINT_S = 10.0  # time for a queue that grows by 2 % of what is offered to show itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is looked for, and where, and for how long."""

    rate_min_rps: float
    rate_max_rps: float
    tolerance: float  # highest / lowest end of the bracket at which a search has found its answer
    point_repeats: int
    max_points: int
    max_s: float
    slo_ttft_s: float
    slo_tpot_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The next trial of a search."""

    number: int  # order in the search, from 0
    repeat: int  # of this rate, from 1
    rate_rps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PointResult:
    """What a point came to."""

    rate_rps: float
    seconds: float  # that it took, all in all
    n_ok: int
    ok_share: float
    ttft_p95_s: float | None  # of documents: to all of it, which the same limit is held against
    tpot_p95_s: float | None
    tpot_defined: bool  # False: answers of one token, or documents, which have no time per output token
    ttft_growth: float | None  # seconds by which the time to first token grows in a second of the point
    e2e_growth: float | None  # the same for the whole answer
    missed_share: float | None  # of the sends planned: not made, or late, by the client's own fault

    @property
    def achieved_rps(self) -> float:
        """Requests answered per second once every answer has come, if it goes on like this."""
        return self.rate_rps * self.ok_share / (1 + max(self.e2e_growth or 0.0, 0.0))


def search_limits(workload: Workload) -> Limits:
    """A workload's own limits, with what it leaves open filled in."""
    asked = workload.search_limits
    assert asked is not None  # the workload was checked: a search has limits
    return Limits(
        rate_min_rps=asked.rate_min_rps,
        rate_max_rps=asked.rate_max_rps,
        tolerance=asked.tolerance,
        point_repeats=asked.point_repeats,
        max_points=asked.max_points,
        max_s=asked.max_s,
        slo_ttft_s=workload.slo_ttft_ms / 1000,
        slo_tpot_s=workload.slo_tpot_ms / 1000,
    )


def point_requests(workload: Workload, rate_rps: float) -> int:
    """How many requests a point sends: enough for a p95, and for long enough that a queue would show."""
    seconds = POINT_S if workload.duration_s is None else workload.duration_s
    return max(workload.requests or LEAST_POINT_REQUESTS, math.ceil(rate_rps * seconds))


def longest_point(workload: Workload) -> int:
    """The most requests that a point of a workload's search may send."""
    return point_requests(workload, search_limits(workload).rate_max_rps)


def saturation(result: PointResult) -> str | None:
    """Why a target cannot keep up with a rate, in words; None if it can."""
    lost_share = 1 - result.achieved_rps / result.rate_rps
    if lost_share > MOST_BEHIND_SHARE:
        return f"{result.achieved_rps:.3g}/s answered of {result.rate_rps:.3g}/s offered"
    if result.ttft_growth is not None and result.ttft_growth > MOST_BEHIND_SHARE:
        return f"TTFT grows by {result.ttft_growth * 1000:.0f} ms each second"
    return None


def shortfall(result: PointResult, limits: Limits) -> str | None:
    """Why a point does not meet the service level, in words; None if it does."""
    if result.ok_share < LEAST_OK_SHARE:
        return f"{result.ok_share:.1%} succeeded, under {LEAST_OK_SHARE:.0%}"
    if result.ttft_p95_s is None:
        return f"p95 TTFT unknown from {result.n_ok} answers"
    if result.ttft_p95_s > limits.slo_ttft_s:
        return f"p95 TTFT {result.ttft_p95_s * 1000:.0f} ms over {limits.slo_ttft_s * 1000:.0f}"
    if result.tpot_p95_s is None and result.tpot_defined:
        return "p95 TPOT unknown: the server counts no tokens"
    if result.tpot_p95_s is not None and result.tpot_p95_s > limits.slo_tpot_s:
        return f"p95 TPOT {result.tpot_p95_s * 1000:.1f} ms over {limits.slo_tpot_s * 1000:.0f}"
    # A queue that has only begun to grow would pass in a short point, and in no long one.
    return saturation(result)


def growth(times_s: Sequence[float], values_s: Sequence[float]) -> float | None:
    """Seconds by which a latency grows in a second: medians of the last third against those of the first, by start.

    Args:
        times_s: shape (n,); when each request started, rising.
        values_s: shape (n,); its latency.

    Returns:
        The slope, or 0 where the difference is within the noise (three standard errors of the medians' difference);
        None for fewer than six requests, or if no time passed.
    """
    third = len(times_s) // 3
    if third < 2:
        return None
    first, last = values_s[:third], values_s[-third:]
    elapsed_s = _median(times_s[-third:]) - _median(times_s[:third])
    if elapsed_s <= 0:
        return None
    difference_s = _median(last) - _median(first)
    noise_s = math.hypot(_median_error(first), _median_error(last))
    return difference_s / elapsed_s if abs(difference_s) > 3 * noise_s else 0.0


def _median(values: Iterable[float]) -> float:
    """The middle value, or the mean of the two. Own code: the library's takes longer to import than bench to start."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _median_error(values: Sequence[float]) -> float:
    """Standard error of a median, from the median absolute deviation (both factors: normal distribution)."""
    middle = _median(values)
    spread = 1.4826 * _median(abs(value - middle) for value in values)
    return 1.2533 * spread / math.sqrt(len(values))


def point_result(spec: TrialSpec, rows: Sequence[LandingRow], summary: Mapping[str, Any]) -> PointResult:
    """What a point of a search came to, by the warehouse's own definitions.

    Args:
        spec: of the point.
        rows: of its trial.
        summary: of the same, by `warehouse.query.summarise_batch`.
    """
    trial = next(row for row in rows if isinstance(row, TrialRow))
    served = [row for row in rows if isinstance(row, AttemptRow) and row.phase == "measured" and not row.error_class]
    served.sort(key=lambda row: row.t_start_ns or 0)
    documents = bool(served) and all(row.answer_streamed is False for row in served)
    return PointResult(
        rate_rps=spec.workload.rate_rps or 0.0,
        seconds=(trial.ended_at - trial.started_at).total_seconds(),
        n_ok=summary["ok"],
        ok_share=summary["ok"] / summary["attempts"] if summary["attempts"] else 0.0,
        ttft_p95_s=summary["e2e_p95_s" if documents else "ttft_p95_s"],
        tpot_p95_s=summary["tpot_p95_s"],
        tpot_defined=spec.workload.output_tokens > 1 and not documents,
        ttft_growth=_growth(served, "t_first_ns"),
        e2e_growth=_growth(served, "t_last_ns"),
        missed_share=trial.sends_missed / trial.sends_planned
        if trial.sends_missed is not None and trial.sends_planned
        else None,
    )


def _growth(served: Sequence[AttemptRow], end: str) -> float | None:
    spans = [(row.t_start_ns, getattr(row, end)) for row in served]
    known = [(start, last) for start, last in spans if start is not None and last is not None]
    return growth([start / 1e9 for start, _ in known], [(last - start) / 1e9 for start, last in known])
