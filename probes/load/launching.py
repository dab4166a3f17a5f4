"""Launching: a request goes out on a connection that is ready, or on one that is opened for it, and is stamped."""

import select
from collections.abc import Callable
from time import monotonic_ns

from probes.load.clock import WallClock
from probes.load.flight import Flight, Planned, Round
from probes.load.lane import Lane
from probes.load.transport import LISTEN, Connection, State


class Launcher:
    """Puts requests on the wire.

    Args:
        by_fd: all connections of the loop.
        max_connections: how many there may be.
        epoll: where connections are registered.
        clock: the wall clock's offset.
        on_lost: called with a connection that broke while sending, and why.
    """

    __slots__ = ("_by_fd", "_clock", "_epoll", "_max_connections", "_on_lost")

    def __init__(
        self,
        *,
        by_fd: dict[int, Connection],
        max_connections: int,
        epoll: select.epoll,
        clock: WallClock,
        on_lost: Callable[[Connection, str], None],
    ) -> None:
        self._by_fd = by_fd
        self._max_connections = max_connections
        self._epoll = epoll
        self._clock = clock
        self._on_lost = on_lost

    def launch(self, lane: Lane, planned: Planned, round_: Round) -> None:
        """Send a request of a round on a connection that rests, or open one for it; it counts as in flight at once."""
        lane.in_flight += 1
        if planned.sign is not None:
            planned.freshen()
        flight = Flight(planned=planned, wall_offset_ns=self._clock.offset_ns, round=round_)
        if lane.pacer is not None:
            lane.pacer.sent(monotonic_ns(), (planned.prompt_tokens_asked or 0) + (planned.output_tokens_asked or 0))
        pool, opener = lane.pool, lane.opener
        if pool.idle:
            connection = pool.idle.pop()
            connection.flight = flight
            self.send(connection, flight)
        else:
            flight.reused = False
            flight.t_start_ns = monotonic_ns()
            opener.dial(flight)
        if planned.t_sched_ns is None:
            return
        lane.sent(flight.t_start_ns - planned.t_sched_ns)
        if not lane.fatal_in_a_row and not lane.cold:  # keep some connections ahead of the need
            spares = max(4, lane.in_flight // 8)
            if len(pool.idle) + opener.opening < spares and len(self._by_fd) < self._max_connections:
                opener.dial(None)

    def connected(self, connection: Connection) -> None:
        """A connection that was opened for a flight is ready."""
        flight = connection.flight
        if flight is not None:
            flight.t_conn_ns = monotonic_ns()
            self.send(connection, flight)

    def send(self, connection: Connection, flight: Flight) -> None:
        """Send the request of a flight."""
        connection.state = State.BUSY
        connection.calm = False
        request = flight.planned.request
        try:
            data = request if connection.tls is None else connection.tls.encrypt(request)
            if not flight.t_start_ns:
                flight.t_start_ns = monotonic_ns()
            sent = connection.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._on_lost(connection, error.strerror or str(error))
            return
        if sent == len(data):
            flight.t_sent_ns = monotonic_ns()
        else:
            connection.outbox = memoryview(data)[sent:]
            self._epoll.modify(connection.fd, LISTEN | select.EPOLLOUT)

    def send_rest(self, connection: Connection) -> None:
        """The socket takes more of a request that it did not take at once."""
        flight, outbox = connection.flight, connection.outbox
        if flight is None or outbox is None:
            return
        try:
            outbox = outbox[connection.send(outbox) :]
        except BlockingIOError:
            return
        except OSError:
            # The server may have answered before it closed (413): the read that follows tells.
            outbox = outbox[len(outbox) :]
        connection.outbox = outbox or None
        if connection.outbox is None:
            flight.t_sent_ns = monotonic_ns()
            self._epoll.modify(connection.fd, LISTEN)
