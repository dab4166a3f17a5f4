"""Writing down what has landed, when it disturbs least.

It costs some 50 µs an attempt, and attempts like to end together: most of it waits for a quiet moment.
"""

from collections.abc import Sequence
from typing import Final

from probes.load.lane import Lane

_QUIET: Final = 2  # attempts of a lane at one time; a send may fall due meanwhile
_BUSY: Final = 1
_TICK: Final = 2
_SOME_BYTES: Final = 16 << 20
_MUCH_BYTES: Final = 64 << 20
_FLUSH_NS: Final = 500_000_000


class Writing:
    """Hands to the spools what has landed on the lanes of a loop."""

    __slots__ = ("_flushed_ns", "_lanes")

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        self._flushed_ns = 0

    @property
    def waiting_count(self) -> int:
        """Attempts that wait to be written down."""
        return sum(lane.landed_count for lane in self._lanes)

    def some(self, waited_before: int, *, quiet: bool) -> None:
        """Some of them; when there is no quiet moment, more and more with the memory it takes.

        Args:
            waited_before: how many waited when this turn of the loop began.
            quiet: nothing else is to be done.
        """
        held_bytes = sum(lane.landed_bytes for lane in self._lanes)
        if quiet:
            most = _QUIET
        elif held_bytes < _SOME_BYTES:
            return
        elif held_bytes < _MUCH_BYTES:
            most = _BUSY
        else:  # no less than has come in this turn
            most = self.waiting_count - waited_before + _BUSY
        for lane in self._lanes:
            lane.write_down(most)

    def all(self) -> None:
        """All of them."""
        for lane in self._lanes:
            lane.write_down()

    def tick(self, now_ns: int) -> None:
        """Twice a second a few, whatever else is to be done, and what is written reaches the disk's cache."""
        if now_ns - self._flushed_ns < _FLUSH_NS:
            return
        self._flushed_ns = now_ns
        for lane in self._lanes:
            lane.write_down(_TICK)
            lane.spool.flush()
