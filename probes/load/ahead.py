"""Requests of an open loop are built before they are due: a long prompt costs a tenth of a millisecond and more, and
traces send many in one instant.
"""

from collections import deque
from collections.abc import Iterator
from time import monotonic_ns
from typing import Final

from probes.load.flight import Planned

_OPEN_LOOP_LEAD_NS: Final = 5_000_000  # from fixing the plan to its start
_AHEAD_BYTES: Final = 16 << 20
_AHEAD_COUNT: Final = 4096
_BUILD_SLICE_NS: Final = 1_000_000  # at one time, between two looks at the sockets
_BUILD_MARGIN_NS: Final = 2_000_000  # and no more so close before the next send


class BuiltAhead:
    """Requests of an open loop, built before they are due, in bounded memory; `most_ns` is how long before."""

    def __init__(self, requests: Iterator[Planned], most_ns: int | None) -> None:
        self._requests = requests  # t_sched_ns counted from the start of the window
        self._most_ns = most_ns
        self._ready: deque[Planned] = deque()
        self._ready_bytes = 0

    def build_until(self, end_ns: int | None) -> None:
        """Build until the memory for it is used, or to a CLOCK_MONOTONIC instant."""
        while self._ready_bytes < _AHEAD_BYTES and len(self._ready) < _AHEAD_COUNT and not self._is_far_ahead():
            if (end_ns is not None and monotonic_ns() >= end_ns) or not self._build():
                return

    def _is_far_ahead(self) -> bool:
        if self._most_ns is None or not self._ready:
            return False
        return (self._ready[-1].t_sched_ns or 0) - (self._ready[0].t_sched_ns or 0) > self._most_ns

    def run(self, start_ns: int | None) -> Iterator[Planned]:
        """The requests, due from start_ns or now on; while the next is not due soon, more are built."""
        if start_ns is None:
            start_ns = monotonic_ns() + _OPEN_LOOP_LEAD_NS
        while self._ready or self._build():
            planned = self._ready.popleft()
            self._ready_bytes -= len(planned.request)
            planned.t_sched_ns = start_ns + (planned.t_sched_ns or 0)
            yield planned
            if self._ready:
                soon_ns = start_ns + (self._ready[0].t_sched_ns or 0) - _BUILD_MARGIN_NS
                self.build_until(min(soon_ns, monotonic_ns() + _BUILD_SLICE_NS))

    def _build(self) -> bool:
        planned = next(self._requests, None)
        if planned is None:
            return False
        self._ready.append(planned)
        self._ready_bytes += len(planned.request)
        return True
