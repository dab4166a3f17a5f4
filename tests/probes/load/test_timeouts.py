"""No server can hold an attempt for longer than its limits, whatever it does or leaves undone."""

import gzip
import socket
import socketserver
import threading
import zlib
from contextlib import ExitStack
from dataclasses import replace

import pytest

from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.spec import Timeouts

# Each way in which an attempt may end has limits under which nothing else can end it, however busy the machine is.
LONG = Timeouts(connect_s=60, first_token_s=60, stall_s=60, total_s=60)
LIMITS = {
    "timeout_first_token": replace(LONG, first_token_s=0.25, stall_s=0.1),  # before the first token nothing stalls
    "stall": replace(LONG, stall_s=0.25),
    "timeout_total": replace(LONG, total_s=0.6),
}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Slow(socketserver.BaseRequestHandler):
    """Does one thing for ever, by the first part of the path that it is asked for."""

    def handle(self):
        received = self.request.recv(4096)
        way = received.split(b"/", 2)[1].decode()
        over = self.server.over
        if way == "never-reads":
            over.wait()
            return
        while b"\r\n\r\n" not in received:
            received += self.request.recv(65536)
        try:
            getattr(self, way.replace("-", "_"))(over)
        except OSError:
            return  # the client had enough

    def repeat(self, over, begin, piece):
        self.request.sendall(begin)
        while not over.wait(0.02):
            self.request.sendall(piece)

    def drips_head(self, over):
        self.repeat(over, b"HTTP/1.1 200 OK\r\nX-Long: ", b"a")

    def drips_comments(self, over):
        self.repeat(over, HEAD + b"\r\n", b": wait\n\n")

    def drips_bytes(self, over):
        self.repeat(over, HEAD + b"\r\n", b"x")

    def drips_content(self, over):
        self.repeat(over, HEAD + b"\r\n", EVENT)

    def silent_head(self, over):
        self.request.sendall(HEAD + b"\r\n")
        over.wait()

    def silent(self, over):
        over.wait()

    def stalls(self, over):
        self.request.sendall(HEAD + b"\r\n" + EVENT)
        over.wait()

    def packed(self, over):
        """Slower than the limit for a first token as a whole, and every event of it inside gzip."""
        packer = zlib.compressobj(wbits=31)
        self.request.sendall(HEAD + b"Content-Encoding: gzip\r\n\r\n")
        for text in (*[EVENT] * 8, END):
            self.request.sendall(packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))
            over.wait(0.15)
        self.request.sendall(packer.flush())

    def packed_whole(self, over):
        self.request.sendall(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(EVENT + END))


@pytest.fixture(scope="module")
def slow():
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        over = threading.Event()

    with Server(("127.0.0.1", 0), Slow) as server:
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.over.set()
        server.shutdown()


STREAMED = {
    "silent": "timeout_first_token",
    "silent-head": "timeout_first_token",
    "drips-head": "timeout_first_token",
    "drips-bytes": "timeout_first_token",
    "drips-comments": "timeout_first_token",
    "never-reads": "timeout_first_token",
    "drips-content": "timeout_total",
    "stalls": "stall",
}
# One document has the whole time for itself: nothing of it is expected earlier than the rest.
DOCUMENTS = dict.fromkeys(("silent", "silent-head", "drips-head", "drips-bytes", "never-reads"), "timeout_total")


@pytest.mark.parametrize(
    ("api", "way", "expected"),
    [
        *(("openai-chat", *each) for each in STREAMED.items()),
        *(("openai-embeddings", *each) for each in DOCUMENTS.items()),
    ],
)
def test_whatever_a_server_does_for_ever_ends_at_a_limit(api, way, expected, slow, load):
    body = {"extra_body": {"user": "u" * (12 << 20)}} if way == "never-reads" else {}
    limits = LIMITS[expected] if api == "openai-chat" else replace(LIMITS[expected], first_token_s=0.1, stall_s=0.1)
    result = load(f"http://127.0.0.1:{slow}/{way}/v1", api=api, requests=2, concurrency=2, timeouts=limits, **body)
    for attempt in result.attempts:
        assert attempt.error_class == expected
        assert (attempt.t_sent_ns is None) == (way == "never-reads")
        limit_s = limits.total_s if expected == "timeout_total" else 0.25
        assert attempt.t_end_ns - attempt.t_start_ns >= limit_s * 1e9


def test_a_handshake_that_never_ends_is_no_connection(slow, load):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(8)  # takes connections, and says nothing
        limits = replace(LONG, connect_s=0.2)
        result = load(f"https://127.0.0.1:{mute.getsockname()[1]}/v1", requests=1, timeouts=limits)
    assert [attempt.error_class for attempt in result.attempts] == ["connect_timeout"]
    assert "no connection in 0.2 s" in result.attempts[0].error_message


def test_a_resolver_that_never_answers_is_not_waited_for(load, monkeypatch):
    never = threading.Event()
    found = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *more, **named: (never.wait() and []) if "slow" in host else found(host, *more, **named),
    )
    result = load("http://slow.invalid/v1", requests=5, timeouts=replace(LONG, connect_s=0.1))
    never.set()
    assert [attempt.error_class for attempt in result.attempts] == ["dns"] * 3
    assert "no answer from the resolver in 0.1 s" in result.attempts[0].error_message


@pytest.mark.parametrize("way", ["packed", "packed-whole"])
def test_a_compressed_stream_is_no_silence(way, slow, load):
    result = load(f"http://127.0.0.1:{slow}/{way}/v1", requests=1, timeouts=replace(LONG, first_token_s=1.0))
    [attempt] = result.attempts
    assert (attempt.error_class, attempt.content_encoding) == (None, "gzip")
    assert attempt.chunks == (8 if way == "packed" else 1)
    if way == "packed":
        assert attempt.t_last_ns - attempt.t_first_ns > 1e9  # by its reads, not all at the end


def test_an_address_that_swallows_everything_leaves_time_for_the_next(load, monkeypatch):
    with fake_endpoint(FakeScript()) as fake, socket.socket() as full, ExitStack() as others:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # fill the queue of connections that nobody accepts
            other = others.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        good = ("127.0.0.1", int(fake.base_url.split(":")[2].split("/")[0]))
        ten = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", at) for at in [full.getsockname(), *[good] * 9]]
        found = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *more, **named: ten if host == "two.example" else found(host, *more, **named),
        )
        # a tenth of them for the first address, all the rest for a loopback connection
        result = load("http://two.example:1/v1", requests=3, concurrency=1, timeouts=replace(LONG, connect_s=5.0))
    assert [attempt.error_class for attempt in result.attempts] == [None] * 3
