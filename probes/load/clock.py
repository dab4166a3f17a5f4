"""The two clocks: CLOCK_MONOTONIC for durations, CLOCK_REALTIME for when, and the offset between them.

The kernel stamps packets with CLOCK_REALTIME. NTP slews both clocks alike, so their offset is a constant until somebody
sets the wall clock; then it jumps, and a stamp must not be carried over with an offset from the other side of the jump.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic_ns, time_ns
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SLACK_NS: Final = 50_000  # a plain pair of readings is trusted to this; beyond it the offset is sampled with care
_ROUNDS: Final = 32
_DOUBT_NS: Final = 1_000_000_000  # what waits to be read when the clock is set has been read by then


def sample_offset_ns(wall: Callable[[], int] = time_ns, monotonic: Callable[[], int] = monotonic_ns) -> int:
    """CLOCK_REALTIME - CLOCK_MONOTONIC, from the tightest of 32 bracketed readings (some 0.1 µs when undisturbed)."""
    best_width = best_offset = 0
    for n in range(_ROUNDS):
        before = monotonic()
        now = wall()
        after = monotonic()
        if n == 0 or after - before < best_width:
            best_width, best_offset = after - before, now - (before + after) // 2
    return best_offset


class WallClock:
    """The offset of the wall clock, kept true through a trial. `offset_ns` is as of the last look.

    `step_ns` is the largest jump seen, signed; 0 if nobody set the clock.
    """

    __slots__ = ("_doubted_until_ns", "_monotonic", "_wall", "offset_ns", "step_ns")

    def __init__(self, wall: Callable[[], int] = time_ns, monotonic: Callable[[], int] = monotonic_ns) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self.offset_ns = sample_offset_ns(wall, monotonic)
        self.step_ns = 0
        self._doubted_until_ns = 0

    def look(self, now_ns: int) -> bool:
        """Take the offset anew if need be; False for a second after the wall clock was found to have been set.

        What waited to be read meanwhile may be stamped by either side of the jump: those stamps must not be used.

        Args:
            now_ns: CLOCK_MONOTONIC, read just before.
        """
        if -_SLACK_NS < self._wall() - now_ns - self.offset_ns < _SLACK_NS:
            return now_ns >= self._doubted_until_ns
        # The clock was set, or this thread was off the CPU between its two readings.
        before, self.offset_ns = self.offset_ns, sample_offset_ns(self._wall, self._monotonic)
        moved_ns = self.offset_ns - before
        if abs(moved_ns) < _SLACK_NS:
            return now_ns >= self._doubted_until_ns
        if abs(moved_ns) > abs(self.step_ns):
            self.step_ns = moved_ns
        self._doubted_until_ns = now_ns + _DOUBT_NS
        return False


def utc(wall_ns: int) -> datetime:
    """A CLOCK_REALTIME reading as a UTC instant, to the microsecond."""
    return _EPOCH + timedelta(microseconds=wall_ns // 1000)
