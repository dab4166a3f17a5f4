"""Searches over request rates: which rate to measure next, given what the rates before came to. Pure.

A search is a generator: it yields the point to measure, is sent what the point came to, and returns its answer.

    slo     the largest rate that meets the service level: doubled until it is not met, then halved between the two
    sweep   rising rates until the target is over-saturated: it answers slower than it is asked
"""

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

from flows.workload import LEAST_POINT_REQUESTS, Workload

PERCENTILE = 95
LEAST_OK_SHARE = 0.99
# More than this share of the requests offered is left waiting, or is sent too late by the client itself.
MOST_BEHIND_SHARE = 0.02
SLO_GROWTH = 2.0
SWEEP_GROWTH = math.sqrt(2)
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
    ttft_p95_s: float | None
    tpot_p95_s: float | None
    tpot_defined: bool  # False: answers of one token, which have no time per output token
    ttft_growth: float | None  # seconds by which the time to first token grows in a second of the point
    e2e_growth: float | None  # the same for the whole answer
    missed_share: float | None  # of the sends planned: not made, or late, by the client's own fault

    @property
    def achieved_rps(self) -> float:
        """Requests answered per second once every answer has come, if it goes on like this."""
        return self.rate_rps * self.ok_share / (1 + max(self.e2e_growth or 0.0, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer of a search with its bracket, requests per second."""

    rate_rps: float | None
    low_rps: float | None  # the highest rate that was held at every repeat
    high_rps: float | None  # the lowest that was not held
    points: int
    reason: str


# What a point is sent back as: its result, or one sentence on why it could not be measured.
Search = Generator[Point, PointResult | str, Found]


def run_search(search: Search, measure: Callable[[Point], PointResult | str]) -> Found:
    """Measure point after point until the search has its answer."""
    try:
        point = next(search)
        while True:
            point = search.send(measure(point))
    except StopIteration as end:
        found: Found = end.value
        return found


def start_search(workload: Workload) -> Search:
    """The search that a workload asks for."""
    limits = search_limits(workload)
    return slo_search(limits) if workload.search == "slo" else sweep(limits)


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


def verdict(workload: Workload, result: PointResult) -> str:
    """What a point says, in words."""
    if workload.search == "slo":
        return shortfall(result, search_limits(workload)) or "meets the service level"
    return saturation(result) or "keeps up"


def answer(workload: Workload, found: Found) -> str:
    """A search's answer, in words."""
    what = "meets the service level" if workload.search == "slo" else "is served without a growing queue"
    if found.rate_rps is None:
        return f"no rate found that {what}: {found.reason}"
    bracket = f"between {_rate(found.low_rps)} and {_rate(found.high_rps)}"
    return f"{found.rate_rps:.4g}/s {what} ({bracket}, {found.points} points): {found.reason}"


def _rate(rate_rps: float | None) -> str:
    return "unknown" if rate_rps is None else f"{rate_rps:.4g}/s"


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


class _EnoughError(Exception):
    """A search ends here; says why."""


class _Tally:
    """The points of a search so far."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.points = 0
        self.seconds = 0.0
        self.verdicts: dict[float, list[str | None]] = {}

    def measure(
        self, rate_rps: float, judge: Callable[[PointResult], str | None]
    ) -> Generator[Point, PointResult | str]:
        """Measure a rate once more.

        Raises:
            _EnoughError: the search may not go on, or the point says nothing about the target.
        """
        limits, verdicts = self.limits, self.verdicts.setdefault(rate_rps, [])
        if self.points >= limits.max_points:
            raise _EnoughError(f"ended after {self.points} points (max_points)")
        if self.seconds >= limits.max_s:
            raise _EnoughError(f"ended after {self.seconds:.0f} s (max_s)")
        result = yield Point(number=self.points, repeat=len(verdicts) + 1, rate_rps=rate_rps)
        if isinstance(result, str):
            raise _EnoughError(result)
        self.points += 1
        self.seconds += result.seconds
        if result.missed_share is not None and result.missed_share > MOST_BEHIND_SHARE:
            raise _EnoughError(
                f"the client, not the target, was too slow at {rate_rps:.3g}/s: {result.missed_share:.1%} of its sends"
                " were late or not made; give it more processes or a quieter machine"
            )
        verdicts.append(judge(result))

    def held(self, rate_rps: float) -> bool:
        """What most measurements of a rate say."""
        verdicts = self.verdicts[rate_rps]
        return 2 * sum(v is None for v in verdicts) > len(verdicts)

    def always_held(self) -> float | None:
        """The highest rate that was held each time, with no rate below it that was not held."""
        best = None
        for rate_rps in sorted(rate for rate, verdicts in self.verdicts.items() if verdicts):
            if not self.held(rate_rps):
                break
            if all(v is None for v in self.verdicts[rate_rps]):
                best = rate_rps
        return best

    def why_not(self, rate_rps: float) -> str:
        """The first reason against a rate."""
        return next(v for v in self.verdicts[rate_rps] if v is not None)


def slo_search(limits: Limits) -> Search:
    """The largest rate at which p95 TTFT and p95 TPOT meet the service level and 99 % succeed.

    A rate is judged by `point_repeats` points; where they disagree, one more decides. On the way up a rate that is met
    once is passed; the highest of them is judged in full before the interval above it is halved.
    """
    tally = _Tally(limits)
    low: float | None = None
    high: float | None = None
    passed: list[float] = []

    def judge(result: PointResult) -> str | None:
        return shortfall(result, limits)

    def judged(rate_rps: float) -> Generator[Point, PointResult | str, bool]:
        verdicts = tally.verdicts.setdefault(rate_rps, [])
        while len(verdicts) < limits.point_repeats:
            yield from tally.measure(rate_rps, judge)
        if len(set(map(bool, verdicts))) > 1 and len(verdicts) % 2 == 0:
            yield from tally.measure(rate_rps, judge)
        return tally.held(rate_rps)

    try:
        rate = limits.rate_min_rps
        while high is None:
            yield from tally.measure(rate, judge)
            if tally.held(rate) or (yield from judged(rate)):
                passed.append(rate)
                low = rate
                if rate == limits.rate_max_rps:
                    break
                rate = min(rate * SLO_GROWTH, limits.rate_max_rps)
            else:
                high = rate
        while passed and not (yield from judged(passed[-1])):
            high = passed.pop()
        low = passed[-1] if passed else None
        if high is None:
            reason = (
                f"{low:.4g}/s, the highest rate tried, meets the service level: raise rate_max_rps to find the limit"
            )
        elif low is None:
            reason = f"not met at {high:.4g}/s, the lowest rate tried: {tally.why_not(high)}"
        else:
            while high / low > limits.tolerance:
                middle = math.sqrt(low * high)
                if (yield from judged(middle)):
                    low = middle
                else:
                    high = middle
            reason = f"at {high:.4g}/s {tally.why_not(high)}"
    except _EnoughError as enough:
        reason = str(enough)
    return Found(rate_rps=low, low_rps=tally.always_held(), high_rps=high, points=tally.points, reason=reason)


def sweep(limits: Limits) -> Search:
    """Rising rates, each measured once, until the target is over-saturated."""
    tally = _Tally(limits)
    low: float | None = None
    high: float | None = None
    rate = limits.rate_min_rps
    try:
        while True:
            yield from tally.measure(rate, saturation)
            if not tally.held(rate):
                high = rate
                reason = f"over-saturated at {rate:.4g}/s: {tally.why_not(rate)}"
                break
            low = rate
            if rate == limits.rate_max_rps:
                reason = f"not saturated at {rate:.4g}/s, the highest rate tried: raise rate_max_rps"
                break
            rate = min(rate * SWEEP_GROWTH, limits.rate_max_rps)
    except _EnoughError as enough:
        reason = str(enough)
    return Found(rate_rps=low, low_rps=low, high_rps=high, points=tally.points, reason=reason)
