"""One connection: a non-blocking socket whose reads are stamped, optional TLS, and the response that it carries."""

import errno
import os
import select
import socket
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from probes.load.origin import Address
from probes.load.response import Response

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


class State(IntEnum):
    """Life of a connection."""

    CONNECTING = 0
    HANDSHAKE = 1
    IDLE = 2
    BUSY = 3
    CLOSED = 4


OPENING: Final = (State.CONNECTING, State.HANDSHAKE)


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
        "recvmsg_into",
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
        self.recvmsg_into = sock.recvmsg_into
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
