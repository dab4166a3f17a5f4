"""One client's connection, from the endpoint's side: receive stamps, HTTP by httptools, optional TLS, unsent bytes."""

import select
import socket
import ssl
import struct
from time import monotonic_ns, time_ns
from typing import Any, Final

import httptools

from probes.endpoint.stream import Stream

SO_TIMESTAMPNS: Final = 35  # asm-generic/socket.h; the socket module does not name it
_READ_BYTES: Final = 65536
_ANCILLARY_BYTES: Final = socket.CMSG_SPACE(16)
_MOST_REQUEST_BYTES: Final = 64 << 20
_timespec: Final = struct.Struct("@ll").unpack


class Request:
    """One request, as the parser tells it."""

    __slots__ = ("body", "headers", "method", "path")

    def __init__(self) -> None:
        self.path = b""
        self.method = b""
        self.headers: dict[bytes, bytes] = {}
        self.body = b""


class Left(Exception):
    """The client is gone, or speaks something that is not HTTP/1.1."""


class Connection:
    """Its methods raise `Left` when there is nothing more to be had from the client."""

    __slots__ = (
        "_epoll", "_inside", "_outside", "_parser", "_parts", "_request", "_size", "_sock", "_tls", "_whole",
        "closed", "fd", "outbox", "recv_kern_real_ns", "recv_mono_ns", "recv_real_ns", "stream",
    )  # fmt: skip

    def __init__(self, sock: socket.socket, epoll: select.epoll, tls: ssl.SSLContext | None) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._epoll = epoll
        self.fd = sock.fileno()
        self.stream: Stream | None = None
        self.outbox = b""
        self.closed = False
        self.recv_real_ns = self.recv_kern_real_ns = self.recv_mono_ns = 0
        self._request = Request()
        self._whole: Request | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._parser: Any = httptools.HttpRequestParser(self)
        self._tls: ssl.SSLObject | None = None
        if tls is not None:
            self._inside, self._outside = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = tls.wrap_bio(self._inside, self._outside, server_side=True)

    # What httptools calls.

    def on_url(self, url: bytes) -> None:
        self._request.path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        request, self._request = self._request, Request()
        request.method = self._parser.get_method()
        request.body = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        self._whole = request

    def receive(self) -> Request | None:
        """Read once; the request that this completed, if it did."""
        try:
            data, ancillary, _, _ = self._sock.recvmsg(_READ_BYTES, _ANCILLARY_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            raise Left from error
        self.recv_mono_ns, self.recv_real_ns = monotonic_ns(), time_ns()
        if not data:
            raise Left
        if ancillary:
            seconds, nanoseconds = _timespec(ancillary[0][2])
            self.recv_kern_real_ns = seconds * 1_000_000_000 + nanoseconds
        else:
            self.recv_kern_real_ns = self.recv_real_ns
        if self._tls is not None:
            data = self._decrypt(self._tls, data)
        self._size += len(data)
        if self._size > _MOST_REQUEST_BYTES:
            raise Left
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise Left from error
        whole, self._whole = self._whole, None
        return whole

    def _decrypt(self, tls: ssl.SSLObject, received: bytes) -> bytes:
        self._inside.write(received)
        plain = []
        try:
            while part := tls.read(_READ_BYTES):  # does the handshake too, as long as there is one to do
                plain.append(part)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            raise Left from error
        if said := self._outside.read():
            self._send(said)
        return b"".join(plain)

    def send(self, data: bytes) -> bool:
        """Send; False when some of it has to wait until the socket takes more (`flush` then goes on)."""
        if self._tls is not None:
            self._tls.write(data)
            data = self._outside.read()
        return self._send(data)

    def _send(self, data: bytes) -> bool:
        try:
            sent = 0 if self.outbox else self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise Left from error
        if sent == len(data):
            return True
        if not self.outbox:
            self._epoll.modify(self.fd, select.EPOLLIN | select.EPOLLOUT)
        self.outbox += data[sent:]
        return False

    def flush(self) -> bool:
        """Send what had to wait; True once nothing waits any more."""
        try:
            self.outbox = self.outbox[self._sock.send(self.outbox) :]
        except BlockingIOError:
            return False
        except OSError as error:
            raise Left from error
        if self.outbox:
            return False
        self._epoll.modify(self.fd, select.EPOLLIN)
        return True

    def close(self) -> None:
        """Let go of everything. The parser and this object hold each other, and nobody collects cycles here."""
        self.closed = True
        self._parser = None
        self._sock.close()
