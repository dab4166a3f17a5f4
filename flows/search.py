"""Searches over request rates: which rate to measure next, given what the rates before came to. Pure.

A search is a generator: it yields the point to measure, is sent what the point came to, and returns its answer.

    slo     the largest rate that meets the service level: doubled until it is not met, then halved between the two
    sweep   rising rates until the target is over-saturated: it answers slower than it is asked
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

from flows.points import MOST_BEHIND_SHARE, Limits, Point, PointResult, saturation, search_limits, shortfall
from flows.workload import Workload

LATE_CLIENT_TRIES = 3  # a neighbour's busy second is not the client's limit
SLO_GROWTH = 2.0
SWEEP_GROWTH = math.sqrt(2)


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


def verdict(workload: Workload, result: PointResult) -> str:
    """What a point says, in words."""
    if (result.missed_share or 0.0) > MOST_BEHIND_SHARE:
        return f"says nothing: the client missed {result.missed_share:.1%} of its sends"
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
        """Measure a rate once more; a point whose client was late says nothing of the target, and is taken again.

        Raises:
            _EnoughError: the search may not go on, or the client was late each time.
        """
        limits, verdicts = self.limits, self.verdicts.setdefault(rate_rps, [])
        missed_share = 0.0
        for _ in range(LATE_CLIENT_TRIES):
            if self.points >= limits.max_points:
                raise _EnoughError(f"ended after {self.points} points (max_points)")
            if self.seconds >= limits.max_s:
                raise _EnoughError(f"ended after {self.seconds:.0f} s (max_s)")
            result = yield Point(number=self.points, repeat=len(verdicts) + 1, rate_rps=rate_rps)
            if isinstance(result, str):
                raise _EnoughError(result)
            self.points += 1
            self.seconds += result.seconds
            missed_share = result.missed_share or 0.0
            if missed_share <= MOST_BEHIND_SHARE:
                verdicts.append(judge(result))
                return
        raise _EnoughError(
            f"the client, not the target, was too slow at {rate_rps:.3g}/s: {missed_share:.1%} of its sends were late"
            " or not made; give it more processes or a quieter machine"
        )

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
            low = passed[-1] if passed else None  # at once: the search may end before the next is judged
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
