"""One question over HTTP/1.1, again and again on one connection: framing by httptools, which costs a reading a third of
what the standard library's client does."""

import select
import socket
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

import httptools

MOST_BYTES = 64 * 1024  # of an answer's body; what follows is left out
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_FINAL = 200  # statuses below announce an answer that is still to come


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said."""

    status: int
    reason: str
    body: bytes


class HttpQuestion:
    """A GET of one address. Not for two threads at once."""

    def __init__(self, url: str, *, timeout_s: float, keeps_open: bool) -> None:
        """Say what will be asked; nothing is sent yet.

        Args:
            url: http:// or https:// with a host; a certificate must be valid.
            timeout_s: for one question, from connecting to the last byte of its answer.
            keeps_open: leave the connection open for the next question, if the server does; then `close` ends it.
        """
        self._url = urlsplit(url)
        self._timeout_s = timeout_s
        self._keeps_open = keeps_open
        self._socket: socket.socket | None = None

    def ask(self, headers: list[tuple[str, str]]) -> Answer:
        """Ask once, and wait for the whole answer.

        A server may close a connection that nobody used for a while. That is looked for before the question is sent;
        if it happens while the question is on its way, so that no byte comes back, the question is asked again on a new
        connection, as RFC 9112, 9.3.1 allows for a GET. So an answer is always one to a question of this call.

        Raises:
            OSError: no connection, no answer in time, or one that broke off or is no HTTP.
            ValueError: a header that cannot be sent; its value is not shown.
        """
        deadline_s = time.monotonic() + self._timeout_s
        request = _request(self._url, headers, keeps_open=self._keeps_open)
        if self._socket is not None and _is_readable(self._socket):
            self.close()
        kept = self._socket is not None
        try:
            answer = self._exchange(request, deadline_s)
            if answer is None and kept:
                self.close()
                answer = self._exchange(request, deadline_s)
        except BaseException:  # whatever is still to come must not be taken for the next answer
            self.close()
            raise
        if answer is None:
            self.close()
            raise ConnectionResetError("the connection was closed without an answer")
        return answer

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, request: bytes, deadline_s: float) -> Answer | None:
        """Question and answer; None if the connection was closed before the first byte of one."""
        if self._socket is None:
            self._socket = _connect(self._url, deadline_s)
        response = _Response()
        try:
            self._socket.settimeout(_left_s(deadline_s))
            self._socket.sendall(request)
            while not response.complete:
                self._socket.settimeout(_left_s(deadline_s))
                data = self._socket.recv(MOST_BYTES)
                if not data:
                    if not response.begun:
                        return None
                    response.end()
                    break
                response.feed(data)
        except (BrokenPipeError, ConnectionResetError):
            if response.begun:
                raise
            return None
        if not (response.reusable and self._keeps_open):
            self.close()
        return Answer(status=response.status, reason=response.reason, body=bytes(response.body[:MOST_BYTES]))


class _Response:
    """One answer as its bytes come; also httptools' callback interface."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._taken = 0  # bytes
        self._has_length = False  # without one it lasts until the connection's end
        self.begun = self.complete = self.reusable = False
        self.status = 0
        self.reason = ""
        self.body = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what has come."""
        self.begun = True
        self._taken += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise ConnectionError(f"no HTTP: {error}") from error
        if len(self.body) > MOST_BYTES:
            self.complete, self.reusable = True, False
        elif not self.status and self._taken > MOST_BYTES:
            raise ConnectionError("no HTTP: its head does not end")

    def end(self) -> None:
        """Take note that nothing more will come."""
        if self._has_length or not self.status:
            raise ConnectionResetError("the connection was closed before the answer was whole")
        self.complete = True

    def on_message_begin(self) -> None:
        """Of httptools."""
        if self.complete:
            raise httptools.HttpParserError("bytes after the end of the answer")

    def on_status(self, reason: bytes) -> None:
        """Of httptools."""
        self.reason = reason.decode("latin-1")

    def on_header(self, name: bytes, _value: bytes) -> None:
        """Of httptools."""
        self._has_length |= name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        """Of httptools."""
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """Of httptools."""
        self.body += body

    def on_message_complete(self) -> None:
        """Of httptools."""
        self.complete = self.status >= _FINAL
        self.reusable = self.complete and self._parser.should_keep_alive()


def _request(url: SplitResult, headers: list[tuple[str, str]], *, keeps_open: bool) -> bytes:
    target = quote((url.path or "/") + (f"?{url.query}" if url.query else ""), safe=_PRINTABLE)
    name = url.hostname or ""
    host = f"[{name}]" if ":" in name else name.encode("idna").decode()
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}" + (f":{url.port}" if url.port else "")]
    lines += ["Accept-Encoding: identity", f"Connection: {'keep-alive' if keeps_open else 'close'}"]
    for header, value in headers:
        if any(ord(character) < ord(" ") for character in header + value):
            raise ValueError(f"the value of the header {header!r} has a line break or another control character")
        lines.append(f"{header}: {value}")
    try:
        return "\r\n".join([*lines, "", ""]).encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("a header has a character that HTTP cannot carry; latin-1 only") from None


def _connect(url: SplitResult, deadline_s: float) -> socket.socket:
    secure = url.scheme == "https"
    raw = socket.create_connection((url.hostname, url.port or (443 if secure else 80)), _left_s(deadline_s))
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not secure:
            return raw
        import ssl  # 10 ms, only for those who have such a meter

        return ssl.create_default_context().wrap_socket(raw, server_hostname=url.hostname)
    except BaseException:  # such as a certificate that is none
        raw.close()
        raise


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("timed out")
    return left_s


def _is_readable(connection: socket.socket) -> bool:
    """Whether something came that nobody asked for: the end, as a rule."""
    return bool(select.select([connection], [], [], 0)[0])
