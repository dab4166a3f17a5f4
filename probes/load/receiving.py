"""Receiving: a stamp for every read, and the end of every answer.

A kernel stamp is that of the last segment that waited to be read, so a read is exact as long as it is less than one
gap behind. The first token is what most depends on it: connections whose answer has not begun are read as soon as they
have something, before and between all other work. Streams in mid-answer (`Connection.calm`) wait in a queue, of which a
few are read at a time; when there are more of them than this core can read, it is there that segments merge, and are
marked.
"""

import re
import struct
from collections import deque
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

import httptools

from probes.load.clock import WallClock
from probes.load.errors import ErrorClass
from probes.load.flight import Flight, Landed, repeated
from probes.load.lane import Lane
from probes.load.response import INSPECT_BYTES, Response
from probes.load.transport import HANGUP, READ_BYTES, Connection, State

if TYPE_CHECKING:
    from probes.load.tls import TlsChannel

_S: Final = 1_000_000_000
_ANCILLARY_BYTES: Final = 64
_CALM_BATCH: Final = 16  # reads of streams in mid-answer between two looks at the clock
_CATCH_UP_READS: Final = 128  # 8 MiB: more than a socket holds, so that none is read for ever
_RACE_NS: Final = _S  # a reused connection that ends unanswered within this had been closed before we sent
# An answer has begun with its first payload. Whether a read holds one is guessed: reading it in earnest would cost as
# much as three reads, and no more hangs on it than who is read first.
_PAYLOAD: Final = re.compile(
    rb'"(?:content|text|reasoning|reasoning_content|thinking|refusal|arguments|partial_json|data|delta)"\s*:\s*"[^"]'
).search
_BEGUN_BYTES: Final = 8192
_BODY_LIMIT_BYTES: Final = 256 << 20
_LINE_LIMIT_BYTES: Final = 4 << 20

_NOT_HTTP: Final = (httptools.HttpParserError, httptools.HttpParserUpgrade)  # siblings

_timespec = struct.Struct("qq").unpack


class Receiver:
    """Reads answers.

    Args:
        clock: the wall clock's offset.
        on_landed: called with a flight that is over and its lane, once that has counted it.
    """

    def __init__(
        self,
        *,
        clock: WallClock,
        on_landed: Callable[[Flight, Lane], None],
    ) -> None:
        self._clock = clock
        self._on_landed = on_landed
        self.queue: deque[Connection] = deque()  # of what waits to be read
        self.trust_kernel = True  # False for a second after the wall clock was set
        # Made once: a bytes object of that size for each read, cut down at once, leaves holes in the heap that no other
        # read fits into, and the heap grows for as long as the trial lasts.
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._buffers = [self._buffer]
        self.reads = 0
        self.stamp_ns = 0  # of the last read; 0 if it was not the kernel's

    def heard(self, connection: Connection, mask: int) -> None:
        """Something came on a connection that is open: read it now, or note that it waits."""
        if mask & HANGUP:
            connection.hung_up = True
        if connection.state is State.BUSY and not connection.calm:
            self.receive(connection)
        else:
            self._enqueue(connection)

    def _enqueue(self, connection: Connection) -> None:
        if not connection.queued:
            connection.queued = True
            self.queue.append(connection)

    def read_queued(self, until_ns: int) -> None:
        """Read of the connections that wait, at least some, and on to that CLOCK_MONOTONIC instant."""
        queue = self.queue
        while queue:
            for _ in range(min(len(queue), _CALM_BATCH)):
                connection = queue.popleft()
                connection.queued = False
                if connection.state is State.BUSY:
                    self.receive(connection)
                elif connection.state is not State.CLOSED:
                    connection.lane.hear(connection)
                    if connection.hung_up:  # it stays in the queue until its end was read
                        self._enqueue(connection)
            if monotonic_ns() >= until_ns:
                return

    def catch_up(self, connection: Connection, until_ns: int) -> None:
        """Read what a connection that waits had got by that CLOCK_MONOTONIC instant; its flight may be over then."""
        flight = connection.flight
        for _ in range(_CATCH_UP_READS):
            reads = self.reads
            self.receive(connection)
            if self.reads == reads or connection.flight is not flight or self.stamp_ns > until_ns:
                return

    def receive(self, connection: Connection) -> None:  # noqa: PLR0912 - the hot path, in one frame
        """Read once from a connection that carries a flight."""
        try:
            count, ancillary, _, _ = connection.recvmsg_into(self._buffers, _ANCILLARY_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.lost(connection, error.strerror or str(error), broken=True)
            return
        response = connection.response
        self.reads += 1
        if ancillary and self.trust_kernel:
            seconds, nanoseconds = _timespec(ancillary[0][2])
            self.stamp_ns = stamp_ns = seconds * _S + nanoseconds - self._clock.offset_ns
        else:
            stamp_ns = monotonic_ns()
            self.stamp_ns = 0
            response.read_stamped |= count != 0
        if not count:
            self.lost(connection, "the server closed the connection")
            return
        if connection.hung_up or count >= READ_BYTES:  # no event will tell of the rest
            self._enqueue(connection)
        data: bytes | memoryview = self._buffer[:count]  # good until the next read; the parser copies what it keeps
        tls = connection.tls
        if tls is not None:
            data = self._decrypt(connection, tls, data)
            if not data:
                return
        # Segments that overtook others on their way were readable only once those had come.
        if stamp_ns < response.last_stamp_ns:  # noqa: PLR1730 - a third of the time of max()
            stamp_ns = response.last_stamp_ns
        response.stamps.append(stamp_ns)
        response.last_stamp_ns = stamp_ns
        try:
            response.feed(data)
        except _NOT_HTTP as error:
            # Bytes after a complete answer spoil the connection, not the answer.
            response.part_counts.append(len(response.parts))
            switched = isinstance(error, httptools.HttpParserUpgrade)
            told = "the server switched to another protocol" if switched else str(error)
            failure: tuple[ErrorClass, str] = ("parse_error", f"not HTTP/1.1: {told}")
            self.land(connection, stamp_ns, failure=None if response.complete else failure, spoiled=True)
            return
        response.part_counts.append(len(response.parts))
        response.bytes_received += len(data)
        if response.complete:
            self.land(connection, stamp_ns)
        elif tls is not None and tls.closed:
            self.lost(connection, "the server closed the connection")
        elif response.bytes_received > response.inspect_at_bytes:
            self._inspect(connection)
        elif not connection.calm:
            connection.calm = response.bytes_received > _BEGUN_BYTES or _PAYLOAD(data) is not None

    def _inspect(self, connection: Connection) -> None:
        """An answer has become long: it leaves memory, or is given up if it will not end."""
        flight, response = connection.flight, connection.response
        if flight is None:
            return
        response.inspect_at_bytes = response.bytes_received + INSPECT_BYTES
        response.unbroken_bytes += response.held_bytes
        if not connection.lane.protocol.has_lines or any(b"\n" in part for part in response.parts):
            response.unbroken_bytes = 0
        failure: tuple[ErrorClass, str] | None = None
        if response.unbroken_bytes > _LINE_LIMIT_BYTES:
            failure = ("parse_error", "the answer has no line break in 4 MiB, so it is no stream of events")
        elif response.bytes_received > _BODY_LIMIT_BYTES:
            failure = ("parse_error", "the answer is longer than 256 MiB")
        if failure is not None:
            self.land(connection, response.last_stamp_ns, failure=failure)
        else:
            connection.lane.spill(flight, response)

    def _decrypt(self, connection: Connection, tls: "TlsChannel", received: bytes | memoryview) -> bytes:
        """Plain bytes; none when a record is not complete yet, or the connection is lost."""
        try:
            data = tls.decrypt(received, self._buffer)
        except OSError as error:  # ssl.SSLError is one
            self.lost(connection, f"TLS: {error}", broken=True)
            return b""
        if not data and tls.closed:
            self.lost(connection, "the server closed the connection")
        return data

    def lost(self, connection: Connection, why: str, *, broken: bool = False) -> None:
        """The connection of a flight is gone: closed, or `broken`, which is no end of an answer."""
        flight, response, pool = connection.flight, connection.response, connection.lane.pool
        now_ns = monotonic_ns()
        if flight is None:
            pool.close(connection)
        elif flight.reused and not response.last_stamp_ns and now_ns - flight.t_start_ns < _RACE_NS:
            # The server had closed between two requests and we could not know: it is sent again, as another attempt.
            connection.flight = None
            pool.close(connection)
            lost, again = repeated(flight, now_ns, why)
            connection.lane.note_lost(lost)
            connection.lane.opener.dial(again)
        elif response.ends_with_connection() and not broken:
            self.land(connection, now_ns, spoiled=True)
        elif response.status is None:
            self.land(connection, now_ns, failure=("truncated", f"no answer: {why}"))
        else:
            self.land(connection, now_ns, cut_short=why)

    def land(
        self,
        connection: Connection,
        t_end_ns: int,
        *,
        failure: tuple[ErrorClass, str] | None = None,
        cut_short: str | None = None,
        spoiled: bool = False,
    ) -> None:
        """A flight is over; its connection rests, or is closed if it cannot carry another."""
        flight, response, lane = connection.flight, connection.response, connection.lane
        if flight is None:
            return
        connection.flight = None
        at_its_end = connection.hung_up or (connection.tls is not None and connection.tls.closed)
        broken = spoiled or failure is not None or cut_short is not None or connection.outbox is not None
        if broken or at_its_end or lane.cold or not response.keeps_alive():
            lane.pool.close(connection)
        else:
            response.release()
            connection.response = Response()
            lane.pool.rest(connection)
        lane.count(Landed(flight=flight, response=response, failure=failure, cut_short=cut_short, t_end_ns=t_end_ns))
        self._on_landed(flight, lane)
