"""Limits, applied to the connections of a loop one sweep after the other.

This process may have been stopped or kept off its core for longer than a limit, and what came meanwhile waits unread:
it tells that nobody was late. `epoll_wait` is ended by a stop without a second look at the sockets, so a wait that
brought nothing says nothing of now. Hence a sweep judges as of an instant by which all that had come is known of (the
beginning of the last wait, see `judge`), and what is known of and waits in the queue is read before it is judged.
"""

from collections.abc import Iterable
from time import monotonic_ns
from typing import Final

from probes.load.limits import has_said_all, overdue
from probes.load.receiving import Receiver
from probes.load.transport import OPENING, Connection

_BATCH: Final = 128  # connections looked at between two looks at the sockets
_HELD_LIMIT_BYTES: Final = 64 << 20  # of answers under way
_SPILL_BYTES: Final = 32 << 10  # beyond that limit, those that hold more than this leave memory


class Sweep:
    """Looks at every connection some times a second, a batch at a time, and ends the attempts that passed a limit.

    Args:
        receiver: reads what waits, and ends what has ended.
    """

    __slots__ = ("_held_bytes", "_held_seen_bytes", "_receiver", "_to_see")

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._to_see: list[Connection] = []
        self._held_bytes = 0  # in memory for answers under way; and of those that this sweep has seen
        self._held_seen_bytes = 0

    @property
    def under_way(self) -> bool:
        """Whether some connections are still to be looked at."""
        return bool(self._to_see)

    def begin(self, connections: Iterable[Connection]) -> None:
        """Start with all there are, unless the last sweep has not come to its end."""
        if not self._to_see:
            self._held_bytes, self._held_seen_bytes = self._held_seen_bytes, 0
            self._to_see = list(connections)

    def judge(self, seen_ns: int) -> None:
        """Look at some of the connections; nearly all pass with the first comparison.

        Args:
            seen_ns: CLOCK_MONOTONIC; whatever had come by then was read, or its connection waits in the queue.
        """
        for _ in range(min(len(self._to_see), _BATCH)):
            connection = self._to_see.pop()
            flight, response, lane = connection.flight, connection.response, connection.lane
            if connection.state in OPENING:
                lane.opener.expire(connection, seen_ns)
                continue
            if flight is None:
                continue
            held_bytes = response.held_bytes
            self._held_seen_bytes += held_bytes
            if held_bytes > _SPILL_BYTES and self._held_bytes > _HELD_LIMIT_BYTES:
                lane.spill(flight, response)
            heard_ns = response.last_stamp_ns or flight.t_start_ns
            if seen_ns - heard_ns < lane.quiet_ns and seen_ns - flight.t_start_ns < lane.early_ns:
                continue
            if connection.queued:
                self._receiver.catch_up(connection, seen_ns)
                if connection.flight is not flight:
                    continue
            if has_said_all(response, seen_ns, lane.limits, lane.protocol):
                self._receiver.land(connection, response.last_stamp_ns, spoiled=True)
                continue
            failure = overdue(flight, response, seen_ns, lane.limits, lane.protocol)
            if failure is not None:
                self._receiver.land(connection, monotonic_ns(), failure=failure)
