"""The loop: one thread, one epoll, every connection of a trial. It sends what is due and stamps what comes.

Nothing here knows a metric or looks into an answer (but for the slow questions of a timer): requests arrive as bytes,
answers leave as raw attempts for the spool.
"""

import os
import select
import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic_ns
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import httptools

from probes.load.clock import WallClock
from probes.load.errors import FATAL, ErrorClass, classify_status, sanitise
from probes.load.flight import Flight, Landed, Planned, raw_attempt
from probes.load.limits import has_said_all, overdue, shortest_silence_s
from probes.load.origin import Origin
from probes.load.pool import Pool
from probes.load.protocols.base import WireProtocol
from probes.load.spec import Timeouts
from probes.load.spool import SpoolWriter
from probes.load.timer import Timer
from probes.load.transport import Connection, Response, State

if TYPE_CHECKING:
    import ssl

    from probes.load.tls import TlsChannel

_S: Final = 1_000_000_000
_READ_BYTES: Final = 65536
_ANCILLARY_BYTES: Final = 64
_MAX_EVENTS: Final = 256
_DIAL_BATCH: Final = 128  # connections being opened at one time: inside usual listen backlogs
_SEND_BATCH: Final = 32  # sends between two looks at the sockets
_RACE_NS: Final = _S  # a reused connection that ends unanswered within this had been closed before we sent
_BODY_LIMIT_BYTES: Final = 256 << 20
_FATAL_IN_A_ROW: Final = 3
# Writing down costs some 50 µs an attempt, and attempts like to end together: it waits while sockets are waiting.
_BUSY_EVENTS: Final = 16
_WRITES_BUSY: Final = 2
_WRITES_FULL: Final = 16
_WRITES_QUIET: Final = 16
_LANDED_LIMIT_BYTES: Final = 32 << 20

_OPENING: Final = (State.CONNECTING, State.HANDSHAKE)

_timespec = struct.Struct("qq").unpack


@dataclass(slots=True, kw_only=True)
class PhaseCounts:
    """What has happened in the phase under way."""

    done: int = 0
    ok: int = 0
    output_tokens: int | None = None
    duration_sum_ns: int = 0


class LoadLoop:
    """Sends and receives until told otherwise. A context manager; whatever is in flight at its end is aborted.

    Args:
        origin: where to connect.
        protocol: asked whether a body under way holds a payload or has ended, when a timer needs to know.
        timeouts: limits of one attempt.
        spool: takes every attempt as soon as it is over.
        secret: the API key, so that it can be starred out of answers; "" for none.
        tls_context: for https.
        max_connections: how many descriptors may be spent.
        stop: polled four times a second or more; a reason to stop, or None.
        on_tick: called as often, for progress.
    """

    def __init__(
        self,
        *,
        origin: Origin,
        protocol: WireProtocol,
        timeouts: Timeouts,
        spool: SpoolWriter,
        secret: str,
        tls_context: "ssl.SSLContext | None",
        max_connections: int,
        stop: Callable[[], str | None],
        on_tick: Callable[[], None],
    ) -> None:
        self._protocol = protocol
        self._spool = spool
        self._secret = secret
        self._max_connections = max_connections
        self._stop = stop
        self._on_tick = on_tick
        self._limits = timeouts
        shortest_s = min(timeouts.connect_s, timeouts.first_token_s, timeouts.stall_s, timeouts.total_s)
        self._tick_s = min(0.25, max(0.02, shortest_s / 8))
        self._next_tick_ns = 0
        self._flushed_ns = 0
        self._epoll = select.epoll()
        self._timer = Timer()
        self._epoll.register(self._timer.fd, select.EPOLLIN)
        self._pool = Pool(
            epoll=self._epoll,
            origin=origin,
            tls_context=tls_context,
            connect_s=timeouts.connect_s,
            on_ready=self._connected,
            on_failed=self._unconnected,
        )
        self._landed: deque[Landed] = deque()
        self._landed_bytes = 0
        self._source: Iterator[Planned] = iter(())
        self._next: Planned | None = None
        self._limit: int | None = None
        self._send_until_ns: int | None = None
        self._filling = False
        self._aborting = False
        self._fatal_in_a_row = 0
        self._trust_kernel = True
        self._clock = WallClock()
        self.in_flight = 0
        self.counts = PhaseCounts()
        self.stopped_reason: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._next = None
            self._abort("the client was interrupted")
            self._write_down()
        finally:
            self._pool.close_all()
            self._epoll.close()
            os.close(self._timer.fd)

    # What the client asks for.

    def open_connections(self, count: int) -> None:
        """Have `count` idle connections, or as many as the target gives; failures show in the attempts that follow."""
        pool = self._pool
        while not self._aborting and not pool.spare_failed:
            missing = min(count, self._max_connections) - len(pool.idle) - pool.opening
            # The first one alone: a target that refuses is asked once, not a thousand times.
            at_once = _DIAL_BATCH if pool.idle else 1
            for _ in range(min(missing, at_once - pool.opening)):
                pool.dial(None)
            if not pool.opening:
                return
            self._turn()

    def run(self, source: Iterator[Planned], *, limit: int | None, send_until_ns: int | None = None) -> None:
        """Send what `source` plans and wait for all of it.

        Args:
            source: requests in the order of their sends; asked one ahead, so that the next is ready when it is due.
            limit: requests kept in flight (closed loop); None for an open loop, whose plans carry their time.
            send_until_ns: nothing is sent from this CLOCK_MONOTONIC instant on; None for no such limit.
        """
        self.counts = PhaseCounts()
        self._source, self._limit, self._send_until_ns = source, limit, send_until_ns
        self._next = None if self.stopped_reason else next(source, None)
        self._fill()
        while (self._next is not None or self.in_flight) and not self._aborting:
            self._turn()
        self._abort(self.stopped_reason or "")
        self._write_down()
        self._spool.flush()

    # Sending.

    def _fill(self) -> None:
        """Send what is due. Called when something may have become due: a timer, a landing, a start."""
        if self._filling:
            return
        self._filling = True
        sends_left = _SEND_BATCH
        while (planned := self._next) is not None:
            if self._send_until_ns is not None and monotonic_ns() >= self._send_until_ns:
                self._next = None
                break
            if planned.t_sched_ns is not None:
                if planned.t_sched_ns > monotonic_ns():
                    self._timer.arm(planned.t_sched_ns)
                    break
                if self.in_flight >= self._max_connections:
                    break
            elif self.in_flight >= (1 if self._fatal_in_a_row or self._pool.spare_failed else self._limit or 1):
                break
            if not sends_left:  # look at the sockets, then go on
                self._timer.arm(monotonic_ns())
                break
            sends_left -= 1
            self._next = None
            self._start(planned)
            if self.stopped_reason is None:
                self._next = next(self._source, None)
        self._filling = False

    def _start(self, planned: Planned) -> None:
        self.in_flight += 1
        flight = Flight(planned=planned, wall_offset_ns=self._clock.offset_ns)
        pool = self._pool
        if pool.idle:
            connection = pool.idle.pop()
            connection.flight = flight
            self._send(connection, flight)
        else:
            flight.reused = False
            flight.t_start_ns = monotonic_ns()
            pool.dial(flight)
        if self._limit is None and not self._fatal_in_a_row:  # open loop: keep some connections ahead of the need
            spares = max(4, self.in_flight // 8)
            if len(pool.idle) + pool.opening < spares and len(pool.by_fd) < self._max_connections:
                pool.dial(None)

    def _connected(self, connection: Connection) -> None:
        flight = connection.flight
        if flight is not None:
            flight.t_conn_ns = monotonic_ns()
            self._send(connection, flight)

    def _unconnected(self, flight: Flight, kind: ErrorClass, message: str) -> None:
        self._count(
            Landed(flight=flight, response=None, failure=(kind, message), cut_short=None, t_end_ns=monotonic_ns())
        )
        self._fill()

    def _send(self, connection: Connection, flight: Flight) -> None:
        connection.state = State.BUSY
        request = flight.planned.request
        try:
            data = request if connection.tls is None else connection.tls.encrypt(request)
            if not flight.t_start_ns:
                flight.t_start_ns = monotonic_ns()
            sent = connection.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lost(connection, error.strerror or str(error))
            return
        if sent == len(data):
            flight.t_sent_ns = monotonic_ns()
        else:
            connection.outbox = memoryview(data)[sent:]
            self._epoll.modify(connection.fd, select.EPOLLIN | select.EPOLLOUT)

    def _send_rest(self, connection: Connection) -> None:
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
            self._epoll.modify(connection.fd, select.EPOLLIN)

    # Receiving.

    def _turn(self) -> None:
        """Wait for events, at most a tick, and handle them."""
        events = self._epoll.poll(0.0 if self._landed else self._tick_s, _MAX_EVENTS)
        now_ns = monotonic_ns()
        self._trust_kernel = self._clock.look(now_ns)
        by_fd = self._pool.by_fd
        for fd, mask in events:
            connection = by_fd.get(fd)
            if connection is None:
                if fd == self._timer.fd:
                    self._timer.acknowledge()
                    self._fill()
            elif connection.state is State.BUSY:
                if mask & select.EPOLLOUT:
                    self._send_rest(connection)
                if mask != select.EPOLLOUT:
                    self._receive(connection)
            elif connection.state is State.IDLE:
                self._pool.hear_idle(connection)
            else:
                self._pool.advance(connection, mask)
        if self._landed:
            if len(events) > _BUSY_EVENTS:
                self._write_down(_WRITES_FULL if self._landed_bytes > _LANDED_LIMIT_BYTES else _WRITES_BUSY)
            else:
                self._write_down(_WRITES_QUIET)
        self._pool.bury()
        if now_ns >= self._next_tick_ns:
            self._tick(now_ns)

    def _receive(self, connection: Connection) -> None:
        try:
            data, ancillary, _, _ = connection.recvmsg(_READ_BYTES, _ANCILLARY_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(connection, error.strerror or str(error))
            return
        response = connection.response
        if ancillary and self._trust_kernel:
            seconds, nanoseconds = _timespec(ancillary[0][2])
            stamp_ns = seconds * _S + nanoseconds - self._clock.offset_ns
        else:
            stamp_ns = monotonic_ns()
            response.read_stamped |= data != b""
        if not data:
            self._lost(connection, "the server closed the connection")
            return
        tls = connection.tls
        if tls is not None:
            data = self._decrypt(connection, tls, data)
            if not data:
                return
        response.stamps.append(stamp_ns)
        try:
            response.feed(data)
        except httptools.HttpParserError as error:
            # Bytes after a complete answer spoil the connection, not the answer.
            response.part_counts.append(len(response.parts))
            failure: tuple[ErrorClass, str] = ("parse_error", f"not HTTP/1.1: {error}")
            self._land(connection, stamp_ns, failure=None if response.complete else failure, spoiled=True)
            return
        response.part_counts.append(len(response.parts))
        response.bytes_received += len(data)
        if response.complete:
            self._land(connection, stamp_ns)
        elif tls is not None and tls.closed:
            self._lost(connection, "the server closed the connection")
        elif response.bytes_received > _BODY_LIMIT_BYTES:
            self._land(connection, stamp_ns, failure=("parse_error", "the answer is longer than 256 MiB"))

    def _decrypt(self, connection: Connection, tls: "TlsChannel", received: bytes) -> bytes:
        """Plain bytes; none when a record is not complete yet, or the connection is lost."""
        try:
            data = tls.decrypt(received)
        except OSError as error:  # ssl.SSLError is one
            self._lost(connection, f"TLS: {error}")
            return b""
        if not data and tls.closed:
            self._lost(connection, "the server closed the connection")
        return data

    def _lost(self, connection: Connection, why: str) -> None:
        """The connection of a flight is gone."""
        flight, response = connection.flight, connection.response
        now_ns = monotonic_ns()
        if flight is None:
            self._pool.close(connection)
        elif flight.reused and not response.stamps and now_ns - flight.t_start_ns < _RACE_NS:
            # The server had closed between two requests and we could not know: the same attempt, a new connection.
            connection.flight = None
            self._pool.close(connection)
            flight.reused = False
            flight.t_sent_ns = None
            self._pool.dial(flight)
        elif response.ends_with_connection():
            self._land(connection, now_ns, spoiled=True)
        elif response.status is None:
            self._land(connection, now_ns, failure=("truncated", f"no answer: {why}"))
        else:
            self._land(connection, now_ns, cut_short=why)

    def _land(
        self,
        connection: Connection,
        t_end_ns: int,
        *,
        failure: tuple[ErrorClass, str] | None = None,
        cut_short: str | None = None,
        spoiled: bool = False,
    ) -> None:
        """A flight is over; its connection rests, or is closed if it cannot carry another."""
        flight, response = connection.flight, connection.response
        if flight is None:
            return
        connection.flight = None
        unusable = spoiled or failure is not None or cut_short is not None or connection.outbox is not None
        if unusable or not response.keeps_alive() or (connection.tls is not None and connection.tls.closed):
            self._pool.close(connection)
        else:
            response.release()
            connection.response = Response()
            self._pool.rest(connection)
        self._count(Landed(flight=flight, response=response, failure=failure, cut_short=cut_short, t_end_ns=t_end_ns))
        self._fill()

    # Accounts.

    def _count(self, landed: Landed) -> None:
        self._landed.append(landed)
        self._landed_bytes += landed.held_bytes
        self.in_flight -= 1
        counts = self.counts
        counts.done += 1
        counts.duration_sum_ns += landed.t_end_ns - landed.flight.t_start_ns
        kind, message = landed.failure or (None, "")
        status = None if landed.response is None else landed.response.status
        if kind is None and landed.response is not None and status is not None and not 200 <= status < 300:
            kind, message = classify_status(status, landed.response.headers, b"".join(landed.response.parts))
        if kind is None and landed.cut_short is None:
            counts.ok += 1
            self._pool.spare_failed = False
        if kind not in FATAL:
            self._fatal_in_a_row = 0
            return
        self._fatal_in_a_row += 1
        if self._fatal_in_a_row >= _FATAL_IN_A_ROW and self.stopped_reason is None:
            self._next = None
            said = sanitise(message.replace(self._secret, "***") if self._secret else message)
            self.stopped_reason = f"{_FATAL_IN_A_ROW} attempts in a row ended in {kind}: {said}"

    def _write_down(self, most: int | None = None) -> None:
        """Hand what has landed to the spool, oldest first; at most so many."""
        secret = self._secret.encode()
        for _ in range(len(self._landed) if most is None else min(most, len(self._landed))):
            landed = self._landed.popleft()
            self._landed_bytes -= landed.held_bytes
            raw = raw_attempt(landed, api=self._protocol.name, secret=secret)
            tokens = self._protocol.output_tokens(raw.body)
            if tokens is not None:
                self.counts.output_tokens = (self.counts.output_tokens or 0) + tokens
            self._spool.add(raw)

    def _tick(self, now_ns: int) -> None:
        self._next_tick_ns = now_ns + round(self._tick_s * _S)
        if now_ns - self._flushed_ns >= _S // 2:
            self._flushed_ns = now_ns
            self._spool.flush()
        self._expire(now_ns)
        reason = self._stop()
        if reason is not None:
            self.stopped_reason = reason
            self._next = None
            self._aborting = True
        self._on_tick()

    def _abort(self, reason: str) -> None:
        """Everything in flight ends here."""
        for connection in list(self._pool.by_fd.values()):
            if connection.flight is not None:
                self._land(connection, monotonic_ns(), failure=("aborted", reason))

    def _expire(self, now_ns: int) -> None:
        """Apply the limits to all connections; nearly all pass with the first comparison."""
        limits = self._limits
        quiet_ns = shortest_silence_s(limits) * _S
        early_ns = min(limits.first_token_s, limits.total_s) * _S
        for connection in list(self._pool.by_fd.values()):
            flight, response = connection.flight, connection.response
            if connection.state in _OPENING:
                if now_ns - connection.opened_ns > limits.connect_s * _S:
                    self._pool.fail(connection, "connect_timeout", f"no connection in {limits.connect_s:g} s")
                continue
            if flight is None:
                continue
            heard_ns = response.stamps[-1] if response.stamps else flight.t_start_ns
            if now_ns - heard_ns < quiet_ns and now_ns - flight.t_start_ns < early_ns:
                continue
            if has_said_all(response, now_ns, limits, self._protocol):
                self._land(connection, response.stamps[-1], spoiled=True)
                continue
            failure = overdue(flight, response, now_ns, limits, self._protocol)
            if failure is not None:
                self._land(connection, now_ns, failure=failure)
