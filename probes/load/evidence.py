"""What the load client knows of itself: how busy its loop was, how late it read, whether it was kept from running."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns, thread_time_ns
from typing import Final

LATE_NS: Final = 50_000_000  # a send of an open loop that is later than this counts as missed

_LONG_SECTION_NS: Final = 2_000_000  # work between two waits; only from this on is it held against the CPU clock
_STEPS: Final = 8  # buckets for each doubling: a percentile is right to an eighth
_BUCKETS: Final = 64 * _STEPS


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEvidence:
    """The client's own figures of the measured part of a trial. Unknown is None."""

    client_processes: int
    loop_busy_share: float | None  # of the loop's time, not spent waiting; the busiest process's
    receive_lag_p99_ns: int | None  # from the kernel's stamp to the end of the batch of reads it was in
    receive_lag_max_ns: int | None
    suspended_ns: int | None  # the longest time for which the loop did not run although it wanted to
    clock_step_ns: int | None  # largest jump of CLOCK_REALTIME against CLOCK_MONOTONIC, signed
    sends_planned: int | None  # open loop: sends due inside the window
    sends_missed: int | None  # of them, not made, or over 50 ms late
    client_rss_bytes: int | None  # peak of the process; of several, the sum
    # the resolver's answer to the target's name, beside the loop; the slowest process's; None for an address
    name_lookup_ns: int | None = None
    held_back_ns: int | None = None  # sends that pacing held back; of several processes the sum; None without pacing


def worst_of(parts: Sequence[ClientEvidence]) -> ClientEvidence:
    """The evidence of several processes that shared one load: the worst of each, sums where they add up.

    Args:
        parts: one a process, at least one.
    """
    return ClientEvidence(
        client_processes=sum(part.client_processes for part in parts),
        loop_busy_share=max((p.loop_busy_share for p in parts if p.loop_busy_share is not None), default=None),
        receive_lag_p99_ns=max((p.receive_lag_p99_ns for p in parts if p.receive_lag_p99_ns is not None), default=None),
        receive_lag_max_ns=max((p.receive_lag_max_ns for p in parts if p.receive_lag_max_ns is not None), default=None),
        suspended_ns=max((p.suspended_ns for p in parts if p.suspended_ns is not None), default=None),
        clock_step_ns=max((p.clock_step_ns for p in parts if p.clock_step_ns is not None), key=abs, default=None),
        sends_planned=_sum([part.sends_planned for part in parts]),
        sends_missed=_sum([part.sends_missed for part in parts]),
        client_rss_bytes=_sum([part.client_rss_bytes for part in parts]),
        name_lookup_ns=max((p.name_lookup_ns for p in parts if p.name_lookup_ns is not None), default=None),
        held_back_ns=_sum([part.held_back_ns for part in parts]),
    )


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class LagCounts:
    """Counts of receive lags in buckets of an eighth of a doubling."""

    __slots__ = ("_counts", "max_ns")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.max_ns: int | None = None

    def add(self, lag_ns: int, reads: int) -> None:
        """Count `reads` reads that were at most `lag_ns` late; the clocks may differ by a little below 0."""
        lag_ns = max(lag_ns, 0)
        if self.max_ns is None or lag_ns > self.max_ns:
            self.max_ns = lag_ns
        self._counts[_bucket(lag_ns)] += reads

    def percentile_ns(self, percent: int) -> int | None:
        """Nearest rank, rounded up to the end of its bucket, never above the largest; None without any read."""
        if self.max_ns is None:
            return None
        rank = -(-percent * sum(self._counts) // 100)
        for bucket, count in enumerate(self._counts):
            rank -= count
            if rank <= 0:
                return min(_bucket_end_ns(bucket), self.max_ns)
        return self.max_ns


def _bucket(lag_ns: int) -> int:
    bits = lag_ns.bit_length()
    if bits <= 3:
        return lag_ns
    return min((bits - 2) * _STEPS + (lag_ns >> (bits - 4)) - _STEPS, _BUCKETS - 1)


def _bucket_end_ns(bucket: int) -> int:
    if bucket < _STEPS:
        return bucket
    bits, step = bucket // _STEPS + 2, bucket % _STEPS + _STEPS
    return ((step + 1) << (bits - 4)) - 1


class Gauge:
    """Watches one loop. Costs two additions a turn; looks at the CPU clock only after a long stretch of work."""

    __slots__ = (
        "_checked_cpu_ns",
        "_checked_ns",
        "_checked_waited_ns",
        "_started_ns",
        "lags",
        "suspended_ns",
        "waited_ns",
    )

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what was: the measured part begins."""
        self._started_ns = self._checked_ns = monotonic_ns()
        self._checked_cpu_ns = thread_time_ns()
        self._checked_waited_ns = 0
        self.waited_ns = 0
        self.lags = LagCounts()
        self.suspended_ns = 0

    def waited(self, began_ns: int, now_ns: int, timeout_ns: int) -> None:
        """A wait of at most `timeout_ns` is over; what it took longer, this thread wanted to run and did not."""
        took_ns = now_ns - began_ns
        self.waited_ns += took_ns
        self.suspended_ns = max(self.suspended_ns, took_ns - timeout_ns)

    def woken_late(self, began_ns: int, now_ns: int, cause_ns: int) -> None:
        """The wait from `began_ns` to `now_ns` should have ended at `cause_ns`, if that lies inside it."""
        if began_ns <= cause_ns and now_ns - cause_ns > self.suspended_ns:
            self.suspended_ns = now_ns - cause_ns

    def worked(self, since_ns: int, now_ns: int) -> None:
        """A stretch of work lies between the two; its time without CPU is time for which we were kept from running."""
        if now_ns - since_ns > _LONG_SECTION_NS:
            self.check(now_ns, since_ns)

    def check(self, now_ns: int, since_ns: int) -> None:
        """Hold the time since the last check against the CPU used; the gap, at most the stretch asked about, counts."""
        cpu_ns = thread_time_ns()
        lost_ns = (now_ns - self._checked_ns) - (self.waited_ns - self._checked_waited_ns)
        lost_ns -= cpu_ns - self._checked_cpu_ns
        self.suspended_ns = max(self.suspended_ns, min(lost_ns, now_ns - since_ns))
        self._checked_ns, self._checked_cpu_ns, self._checked_waited_ns = now_ns, cpu_ns, self.waited_ns

    def busy_share(self) -> float | None:
        """Of the time since the (re)start, not spent waiting."""
        total_ns = monotonic_ns() - self._started_ns
        return max(0.0, 1 - self.waited_ns / total_ns) if total_ns > 0 else None


def peak_rss_bytes() -> int | None:
    """Peak resident memory of this process; None where /proc does not say."""
    # Not getrusage: its peak outlives exec, so a small child of a large parent would show the parent's.
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None
