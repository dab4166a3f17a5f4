"""The two clocks: CLOCK_MONOTONIC for durations, CLOCK_REALTIME for when, and the offset between them.

The kernel stamps packets with CLOCK_REALTIME. NTP slews both clocks alike, so their offset is a constant until somebody
sets the wall clock; then it jumps, and a stamp must not be carried over with an offset from the other side of the jump.
"""

from datetime import UTC, datetime
from time import monotonic_ns, time_ns
from typing import Final

SLACK_NS: Final = 50_000  # a plain pair of readings is trusted to this; beyond it the offset is sampled with care
_ROUNDS = 32


def sample_offset_ns() -> int:
    """CLOCK_REALTIME - CLOCK_MONOTONIC, from the tightest of 32 bracketed readings (some 0.1 µs when undisturbed)."""
    best_width = best_offset = 0
    for n in range(_ROUNDS):
        before = monotonic_ns()
        wall = time_ns()
        after = monotonic_ns()
        if n == 0 or after - before < best_width:
            best_width, best_offset = after - before, wall - (before + after) // 2
    return best_offset


def utc(wall_ns: int) -> datetime:
    """A CLOCK_REALTIME reading as a UTC instant, to the microsecond."""
    seconds, rest = divmod(wall_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
