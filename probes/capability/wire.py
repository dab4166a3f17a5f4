"""One connection and the exchanges on it, one after another: a blocking socket, a stamp for every read, all headers.

The load client keeps only the headers that decide a class; here all of them are evidence.
"""

import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic_ns
from typing import Final

import httptools

from probes.load.compression import content_encoding, decode_reads
from probes.load.errors import ErrorClass
from probes.load.origin import Address, Origin
from probes.load.response import Response
from probes.load.spec import Timeouts

_S: Final = 1_000_000_000
_READ_BYTES: Final = 65536
_DRAIN_S: Final = 0.5  # what a server may take to end a message whose stream is over
_BODY_LIMIT_BYTES: Final = 32 << 20  # a check asks for a few tokens, or one picture
Failure = tuple[ErrorClass, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came of it. `read_ends[i]` body bytes had come at `read_stamps_ns[i]` (CLOCK_MONOTONIC)."""

    status: int | None
    http_version: str | None
    headers: tuple[tuple[str, str], ...]  # lower-case names, in order
    body: bytes  # decoded, if it was compressed
    encoding: str | None  # of the content, where it is not identity
    read_stamps_ns: list[int]
    read_ends: list[int]
    start_ns: int
    end_ns: int
    first_byte_ns: int | None  # of the head
    failure: Failure | None
    cut_short: str | None
    keeps_alive: bool
    reused: bool

    @property
    def took_s(self) -> float:
        """Seconds from before the send to the end."""
        return (self.end_ns - self.start_ns) / _S

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name), None)


class _WholeResponse(Response):
    """A response of which every header is kept."""

    __slots__ = ("every", "first_byte_ns", "version")

    def __init__(self) -> None:
        self.every: list[tuple[str, str]] = []
        self.first_byte_ns: int | None = None
        self.version: str | None = None
        super().__init__()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self.every.append((name.lower().decode("latin-1"), value.decode("latin-1")))

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if not self.complete:  # 1xx: the answer is still to come
            self.every.clear()


@dataclass(slots=True, kw_only=True)
class Link:
    """An open connection. `ask` may be called until `open` is False."""

    sock: socket.socket
    connect_s: float
    handshake_s: float | None
    open: bool = True
    exchanges: int = 0

    def close(self) -> None:
        """Let go of it."""
        self.open = False
        self.sock.close()

    def ask(self, request: bytes, timeouts: Timeouts, is_over: Callable[[bytes], bool]) -> Exchange:
        """Send one request and read its answer to the end; a failure is told, never raised.

        Args:
            request: head and body.
            timeouts: the client's own limits.
            is_over: of a body under way: is nothing more to come? Some servers leave a stream open.
        """
        response = _WholeResponse()
        start_ns = monotonic_ns()
        failure: Failure | None = None
        cut_short: str | None = None
        try:
            self.sock.settimeout(timeouts.first_token_s)
            self.sock.sendall(request)
            failure, cut_short = self._read(response, start_ns, timeouts, is_over)
        except TimeoutError:
            begun = bool(response.parts)
            limit_s = timeouts.stall_s if begun else timeouts.first_token_s
            failure = ("stall" if begun else "timeout_first_token", f"nothing came for {limit_s:g} s")
        except httptools.HttpParserError as error:
            response.part_counts.append(len(response.parts))
            failure = ("parse_error", f"not HTTP/1.1: {error}")
        except OSError as error:
            cut_short = error.strerror or str(error)
        if failure is None and cut_short is not None and response.status is None:
            failure = ("truncated", f"{cut_short} before it answered")
        if cut_short is not None and response.ends_with_connection():
            cut_short = None  # that is how this answer ends
        exchange = _exchange(response, start_ns, failure, cut_short, reused=self.exchanges > 0)
        self.exchanges += 1
        self.open = self.open and exchange.keeps_alive
        response.release()
        return exchange

    def _read(
        self, response: _WholeResponse, start_ns: int, timeouts: Timeouts, is_over: Callable[[bytes], bool]
    ) -> tuple[Failure | None, str | None]:
        """Read until the answer is complete; the failure, or why the connection ended before."""
        over_ns: int | None = None  # when it said that nothing more is to come
        while not response.complete:
            left_s = timeouts.total_s - (monotonic_ns() - start_ns) / _S
            if over_ns is not None:
                left_s = _DRAIN_S - (monotonic_ns() - over_ns) / _S
            if left_s <= 0:
                if over_ns is not None:
                    return None, None
                return ("timeout_total", f"the answer was not complete after {timeouts.total_s:g} s"), None
            self.sock.settimeout(min(left_s, timeouts.stall_s if response.parts else timeouts.first_token_s))
            try:
                data = self.sock.recv(_READ_BYTES)
            except TimeoutError:
                if over_ns is None:
                    raise
                return None, None
            stamp_ns = monotonic_ns()
            if not data:
                return None, "the server closed the connection"
            if not response.stamps:
                response.first_byte_ns = stamp_ns
                response.version = data[5:8].decode("latin-1") if data.startswith(b"HTTP/") else None
            response.stamps.append(stamp_ns)
            response.feed(data)
            response.part_counts.append(len(response.parts))
            response.bytes_received += len(data)
            if response.bytes_received > _BODY_LIMIT_BYTES:
                return ("parse_error", "the answer is longer than 32 MiB"), None
            if over_ns is None and not response.complete and is_over(b"".join(response.parts)):
                over_ns = stamp_ns
        return None, None


def _exchange(
    response: _WholeResponse, start_ns: int, failure: Failure | None, cut_short: str | None, *, reused: bool
) -> Exchange:
    stamps, ends = response.body_reads()
    body = b"".join(response.parts)
    encoding = content_encoding(dict(reversed(response.every)))
    if encoding is not None:
        decoded = decode_reads(encoding, body, ends)
        body, ends = decoded.body, decoded.ends
        if decoded.fault is not None:
            failure = failure or ("parse_error", decoded.fault)
    return Exchange(
        status=response.status,
        http_version=response.version,
        headers=tuple(response.every),
        body=body,
        encoding=encoding,
        read_stamps_ns=stamps,
        read_ends=ends,
        start_ns=start_ns,
        end_ns=monotonic_ns(),
        first_byte_ns=response.first_byte_ns,
        failure=failure,
        cut_short=cut_short,
        keeps_alive=failure is None and response.keeps_alive(),
        reused=reused,
    )


def unanswered(failure: Failure, start_ns: int) -> Exchange:
    """An exchange for which there was no connection."""
    return _exchange(_WholeResponse(), start_ns, failure, None, reused=False)


def connect(
    origin: Origin, addresses: Sequence[Address], timeouts: Timeouts, context: ssl.SSLContext | None
) -> Link | Failure:
    """A connection to the first address that takes one, with its handshake done; or why there is none."""
    failure: Failure = ("connect_refused", f"{origin.host} has no address")
    for address in addresses:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
        sock.settimeout(timeouts.connect_s)
        start_ns = monotonic_ns()
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address.sockaddr)
            connected_ns = monotonic_ns()
            if context is None:
                return Link(sock=sock, connect_s=(connected_ns - start_ns) / _S, handshake_s=None)
            secured = context.wrap_socket(sock, server_hostname=origin.host)
            return Link(
                sock=secured,
                connect_s=(connected_ns - start_ns) / _S,
                handshake_s=(monotonic_ns() - connected_ns) / _S,
            )
        except TimeoutError:
            failure = ("connect_timeout", f"{address.sockaddr[0]}: no answer in {timeouts.connect_s:g} s")
        except ssl.SSLError as error:
            failure = ("tls", _tls_words(error))
        except OSError as error:
            place = f"{address.sockaddr[0]} port {address.sockaddr[1]}"
            failure = ("connect_refused", f"{place}: {error.strerror or error}")
        sock.close()
    return failure


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    return f"the TLS handshake failed: {error.reason or error}"
