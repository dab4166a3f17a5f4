"""One connection: a non-blocking socket, optional TLS, HTTP/1.1 framing by httptools, and a stamp for every read.

While a response comes, only pieces of body and stamps are appended here; nothing is looked into.
"""

import errno
import os
import select
import socket
from collections.abc import Callable, Sequence
from enum import IntEnum
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

import httptools

from probes.load.errors import KEPT_HEADERS
from probes.load.origin import Address

if TYPE_CHECKING:
    import ssl

    from probes.load.flight import Flight
    from probes.load.lane import Lane
    from probes.load.lookup import Lookup
    from probes.load.tls import TlsChannel

# Edge-triggered: an event for each arrival, so that who is read when is ours to say. Who handles one reads until the
# socket has nothing left, as a read of less than was asked for shows; the end of the connection has bits of its own
# (`HANGUP`) and is no longer told of once they have been seen.
LISTEN: Final = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
HANGUP: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
SO_TIMESTAMPNS: Final = 35  # asm-generic/socket.h; the socket module does not name it
READ_BYTES: Final = 65536  # of one read
INSPECT_BYTES: Final = 1 << 20
_READ_OVERHEAD_BYTES: Final = 160  # of a read: its bytes object, its stamp, its places in lists


class State(IntEnum):
    """Life of a connection."""

    CONNECTING = 0
    HANDSHAKE = 1
    IDLE = 2
    BUSY = 3
    CLOSED = 4


class Response:
    """One response under way; also httptools' callback interface.

    `parts` collects pieces of body; for read i, `stamps[i]` is its instant and `part_counts[i]` how many parts there
    were after it (a read that brought only headers repeats the count before it). A long body leaves memory in pieces
    (`spill`); then all three hold only what came since.
    """

    __slots__ = (
        "_declares_length",
        "_keep_alive",
        "_parser",
        "bytes_received",
        "checked_parts",
        "complete",
        "feed",
        "headers",
        "inspect_at_bytes",
        "kept_bytes",
        "last_stamp_ns",
        "on_body",
        "part_counts",
        "parts",
        "payload_seen",
        "read_stamped",
        "spilled_bytes",
        "stamps",
        "status",
        "unbroken_bytes",
    )

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.stamps: list[int] = []
        self.part_counts: list[int] = []
        self.headers: dict[str, str] = {}  # those of KEPT_HEADERS
        self.status: int | None = None
        self.complete = False
        self.read_stamped = False  # at least one stamp is not the kernel's
        self.payload_seen = False
        self.checked_parts = 0  # how many parts there were when a payload was last looked for
        self.bytes_received = 0  # framing included
        self.last_stamp_ns = 0  # 0: nothing heard yet
        self.inspect_at_bytes = INSPECT_BYTES  # when to have a look at how long it has become
        self.unbroken_bytes = 0  # at the last look: body bytes since the last line break, at least
        self.spilled_bytes = 0  # of the body, on disk already
        self.kept_bytes = 0  # of the first part: bytes kept in memory by the last spill, whose read is on disk
        self._declares_length = False
        self._keep_alive = False
        self.on_body = self.parts.append  # what httptools calls for each piece: no Python frame
        # A parser costs a microsecond, so none is used for a second response: no state can leak into it.
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self.feed: Callable[[bytes], None] = self._parser.feed_data

    def on_message_begin(self) -> None:
        if self.complete:  # nobody asked for another answer, such as a 408 for the request that did not follow in time
            raise httptools.HttpParserError("bytes after the end of the response")

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower().decode("latin-1")
        if key in ("content-length", "transfer-encoding"):
            self._declares_length = True
        elif key in KEPT_HEADERS:
            self.headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        # Asked here: once the message is complete llhttp has forgotten the flags that decide about keep-alive.
        if self._parser is not None:
            self.status = self._parser.get_status_code()
            self._keep_alive = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        if self.status is not None and self.status < 200:  # 100 Continue, 103 Early Hints: the answer is still to come
            self.status = None
            self.headers.clear()
            self._declares_length = False
        else:
            self.complete = True

    def keeps_alive(self) -> bool:
        """Whether another request may follow on the same connection."""
        return self.complete and self._keep_alive

    def ends_with_connection(self) -> bool:
        """Whether the end of the connection is the regular end of this response (no length, not chunked)."""
        return self.status is not None and not self._declares_length

    def release(self) -> None:
        """Let go of the parser. It and this object hold each other, and nobody collects cycles during a trial."""
        self._parser = None
        self.feed = _refuse

    @property
    def held_bytes(self) -> int:
        """Memory it stands for, about: bodies come in small pieces, and a piece costs as much again as itself."""
        return self.bytes_received - self.spilled_bytes + _READ_OVERHEAD_BYTES * len(self.stamps)

    def body_reads(self) -> tuple[list[int], list[int]]:
        """Stamps of the reads that brought body bytes, and how many body bytes there were after each.

        Of those since the last spill; the bytes spilled are counted.
        """
        sizes = list(accumulate(map(len, self.parts), initial=self.spilled_bytes))
        ends = list(map(sizes.__getitem__, self.part_counts))
        stamps = self.stamps
        start = self.spilled_bytes + self.kept_bytes
        if ends and (ends[0] == start or len(set(ends)) < len(ends)):  # some reads brought only headers or framing
            kept = [n for n, (before, after) in enumerate(pairwise([start, *ends])) if after > before]
            stamps, ends = [stamps[n] for n in kept], [ends[n] for n in kept]
        return stamps, ends

    def spill(self, keep_bytes: int, secrets: Sequence[bytes]) -> tuple[list[int], list[int], bytes]:
        """Give up what came so far but for the last bytes: stamps and ends of its reads, and the body itself.

        Args:
            keep_bytes: how much of the end to keep at least, for those who look at it later.
            secrets: none of them is cut in two.
        """
        stamps, ends = self.body_reads()
        body = b"".join(self.parts)
        cut = max(len(body) - keep_bytes, 0)
        whole = 0
        while whole < len(secrets):
            secret = secrets[whole]
            split = body.find(secret, max(cut - len(secret) + 1, 0), cut + len(secret) - 1)
            cut, whole = (split, 0) if 0 <= split < cut else (cut, whole + 1)  # what is whole here may be cut there
        self.parts[:] = [body[cut:]]  # the same list: the parser appends to it
        self.stamps, self.part_counts = [], []
        self.spilled_bytes += cut
        self.kept_bytes = len(body) - cut
        self.checked_parts = 0
        return stamps, ends, body[:cut]


def _refuse(_data: bytes) -> None:
    raise httptools.HttpParserError("bytes after the end of the response")


class Connection:
    """A connection, what it is doing, and the request it carries."""

    __slots__ = (
        "address_index",
        "calm",
        "fd",
        "flight",
        "hung_up",
        "lane",
        "naming",
        "opened_ns",
        "outbox",
        "queued",
        "recvmsg",
        "response",
        "send",
        "sock",
        "state",
        "tls",
        "tries_left",
    )

    def __init__(
        self,
        sock: socket.socket,
        *,
        lane: "Lane",
        address_index: int,
        tries_left: int,
        opened_ns: int,
        flight: "Flight | None",
    ) -> None:
        self.sock = sock
        self.lane = lane
        self.calm = False  # in mid-answer: may be read later than those whose answer has not begun
        self.queued = False  # has something to be read
        self.hung_up = False  # the server will send no more than what waits
        self.fd = sock.fileno()
        self.recvmsg = sock.recvmsg
        self.send = sock.send
        self.naming: tuple[Lookup, socket.socket] | None = None  # it waits for a name, and the bell that tells
        self.address_index = address_index
        self.tries_left = tries_left  # addresses of the origin not tried yet
        self.opened_ns = opened_ns
        self.flight = flight
        self.state = State.CONNECTING
        self.tls: TlsChannel | None = None
        self.outbox: memoryview | None = None  # what the socket would not take yet
        self.response = Response()

    def start_tls(self, context: "ssl.SSLContext", host: str) -> None:
        # Here, because ssl is slow to import and local targets need none.
        from probes.load.tls import TlsChannel

        self.tls = TlsChannel(context, host)
        self.state = State.HANDSHAKE


def connecting_socket(address: Address) -> socket.socket:
    """A socket that has begun to connect; it turns writable when that is over, well or badly.

    Raises:
        OSError: it failed at once (no descriptor or local port left, no route).
    """
    sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        result = sock.connect_ex(address.sockaddr)
        if result not in (0, errno.EINPROGRESS):
            raise OSError(result, os.strerror(result))
    except OSError:
        sock.close()
        raise
    return sock
