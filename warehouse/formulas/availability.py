"""Whether one can depend on a service: outages seen by probes at intervals, time to repair, time between failures.

A service is seen only when somebody asks. Between the last probe that was served and the first that was not lies the
beginning of an outage, and likewise its end: both are known to an interval only, and what began and ended between two
probes was never seen.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from warehouse.formulas.interval_censored import median_length

# A probe of several attempts counts as failed if fewer than this share of them were served.
DOWN_BELOW_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Consecutive failed probes. Instants are in seconds on the clock of the probes.

    It began after `last_up_s` (None: it was down when first seen) and no later than `first_down_s`; it ended after
    `last_down_s` and no later than `next_up_s` (None: it was down when last seen).
    """

    last_up_s: float | None
    first_down_s: float
    last_down_s: float
    next_up_s: float | None
    probes: int

    @property
    def shortest_s(self) -> float:
        """It lasted at least as long."""
        return self.last_down_s - self.first_down_s

    @property
    def longest_s(self) -> float | None:
        """It lasted at most as long; None where one of its ends was not seen."""
        if self.last_up_s is None or self.next_up_s is None:
            return None
        return self.next_up_s - self.last_up_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairs:
    """Time to repair. All ends are bounds, not chances: what the distance of probes leaves open.

    The median is of all outages, those that lack an end having lasted longer than was seen of them: wherever they
    began and ended between their probes, it lies between `median_low_s` and `median_high_s`, most likely at `median_s`;
    None where nothing bounds it. The mean is of those whose two ends were seen,
    None where there is none: every outage as short, as long as its probes allow, and the middle of each. `unfinished`
    are outages that lack an end: the mean is too small by them.
    """

    median_low_s: float | None
    median_s: float | None
    median_high_s: float | None

    low_s: float | None
    mean_s: float | None
    high_s: float | None
    outages: int
    unfinished: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BetweenFailures:
    """Mean time between failures, with its 95 % interval; without a failure only the low end is known."""

    low_s: float | None
    mean_s: float | None
    high_s: float | None
    failures: int
    up_s: float


def outages_of(at_s: Sequence[float], up: Sequence[bool]) -> list[Outage]:
    """Runs of failed probes, in order of time.

    Args:
        at_s: shape (n,); when each probe was made, seconds, rising.
        up: shape (n,); whether it was served. Probes in the middle of a run of equal ones may be left out.

    Raises:
        ValueError: lengths differ, or time goes back; names the first bad probe.
    """
    if len(at_s) != len(up):
        raise ValueError(f"{len(at_s)} instants and {len(up)} states; each probe has one of both")
    for number in range(1, len(at_s)):
        if at_s[number] < at_s[number - 1]:
            raise ValueError(f"probe {number} at {at_s[number]:g} s is earlier than the one before it")
    found = []
    start = 0
    while start < len(up):
        end = start
        while end + 1 < len(up) and up[end + 1] == up[start]:
            end += 1
        if not up[start]:
            found.append(
                Outage(
                    last_up_s=at_s[start - 1] if start > 0 else None,
                    first_down_s=at_s[start],
                    last_down_s=at_s[end],
                    next_up_s=at_s[end + 1] if end + 1 < len(up) else None,
                    probes=end - start + 1,
                )
            )
        start = end + 1
    return found


def repairs(outages: Sequence[Outage]) -> Repairs:
    """Median and mean time to repair, with what the distance of probes leaves open.

    Source: interval-censored durations: Klein, Moeschberger, Survival Analysis, 2003, 3.4 and 5.2.
    """
    median_low_s, median_s, median_high_s = _median(outages)
    whole = [(outage.shortest_s, longest_s) for outage in outages if (longest_s := outage.longest_s) is not None]
    if not whole:
        return Repairs(
            median_low_s=median_low_s,
            median_s=median_s,
            median_high_s=median_high_s,
            low_s=None,
            mean_s=None,
            high_s=None,
            outages=len(outages),
            unfinished=len(outages),
        )
    low_s = math.fsum(shortest for shortest, _ in whole) / len(whole)
    high_s = math.fsum(longest for _, longest in whole) / len(whole)
    return Repairs(
        median_low_s=median_low_s,
        median_s=median_s,
        median_high_s=median_high_s,
        low_s=low_s,
        mean_s=(low_s + high_s) / 2,
        high_s=high_s,
        outages=len(outages),
        unfinished=len(outages) - len(whole),
    )


def _median(outages: Sequence[Outage]) -> tuple[float | None, float | None, float | None]:
    if not outages:
        return None, None, None
    low = [outage.shortest_s for outage in outages]
    # two probes at one instant leave no room between the ends
    high = [
        math.inf if outage.longest_s is None else max(outage.longest_s, math.nextafter(outage.shortest_s, math.inf))
        for outage in outages
    ]
    least, likeliest, most = median_length(low, high)
    return least, None if math.isinf(likeliest) else likeliest, None if math.isinf(most) else most


def between_failures(at_s: Sequence[float], up: Sequence[bool]) -> BetweenFailures:
    """Time in service over the number of failures that began in it, with the exact interval of a Poisson count.

    Time in service is that between probes of which the first was served, the last stretch included: it is censored, as
    it ended without a failure, and counts. An outage that was there at the first probe did not begin in it.

    Args:
        at_s, up: as for `outages_of`.

    Source: total time on test: Meeker, Escobar, Statistical Methods for Reliability Data, 1998, 7.7; interval: Garwood,
    Biometrika 28, 1936.
    """
    served = [later - earlier for earlier, later, was in zip(at_s, at_s[1:], up, strict=False) if was]
    up_s = math.fsum(served)
    failures = sum(earlier and not later for earlier, later in pairwise(up))
    if up_s == 0:
        return BetweenFailures(low_s=None, mean_s=None, high_s=None, failures=failures, up_s=0.0)
    fewest, most = poisson_interval(failures)
    return BetweenFailures(
        low_s=up_s / most,
        mean_s=up_s / failures if failures else None,
        high_s=up_s / fewest if failures else None,
        failures=failures,
        up_s=up_s,
    )


def poisson_interval(count: int, *, confidence_share: float = 0.95) -> tuple[float, float]:
    """The means for which a count of this size is no surprise, on either side.

    Args:
        count: events seen, at least 0.
        confidence_share: how often such an interval holds the mean, at least; 0 to 1. Of 0 events the low end is 0, and
            all of the doubt is above (which is the "rule of three": 3.0 at 95 %).

    Raises:
        ValueError: the count is negative.

    Source: Garwood: Fiducial limits for the Poisson distribution, Biometrika 28, 1936.
    """
    if count < 0:
        raise ValueError(f"a count of {count} must be >= 0")
    if count == 0:
        return 0.0, -math.log(1 - confidence_share)
    tail = (1 - confidence_share) / 2
    low = _mean_where(lambda mean: 1 - _poisson_at_most(count - 1, mean) - tail, 0.0, float(count))
    high = _mean_where(
        lambda mean: tail - _poisson_at_most(count, mean), float(count), count + 10 * math.sqrt(count) + 10
    )
    return low, high


def budget_burn(bad_share: float, objective_share: float) -> float:
    """How much of an error budget was used: share of failures over the share that the objective allows.

    1 is all of it, 2 is twice as much as allowed.

    Args:
        bad_share: attempts that missed the service level / attempts, 0 to 1.
        objective_share: share that must meet it, 0 to below 1.

    Raises:
        ValueError: the objective leaves no budget.

    Source: Beyer et al.: The Site Reliability Workbook, 2018, chapter 5 (burn rate).
    """
    if not 0 <= objective_share < 1:
        raise ValueError(f"an objective of {objective_share:g} leaves no error budget; it must be 0 to below 1")
    return bad_share / (1 - objective_share)


def _poisson_at_most(count: int, mean: float) -> float:
    if mean == 0:
        return 1.0
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))


def _mean_where(rising: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
