"""What a server may do to HTTP, and what some do: an answer stays an answer, and nothing ends the trial."""

import socketserver
import threading
from http.client import parse_headers

import pytest

ANSWER = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":" you"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":5,"completion_tokens":2}}\n\ndata: [DONE]\n\n'
)
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER
WAYS = {
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE,
    "hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + WHOLE,
    "answers-twice": WHOLE + WHOLE,
    "says-it-waited": WHOLE + b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 3\r\n\r\nbye",
    "switches": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi",
    "offers-another": WHOLE.replace(b"200 OK\r\n", b"200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"),
}


class Odd(socketserver.StreamRequestHandler):
    """Answers every request as the first part of its path says."""

    def handle(self):
        try:
            while line := self.rfile.readline():
                self.rfile.read(int(parse_headers(self.rfile)["content-length"]))
                self.wfile.write(WAYS[line.split(b"/", 2)[1].decode()])
        except OSError:
            return  # the client had enough


@pytest.fixture(scope="module")
def odd():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Odd) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.mark.parametrize("way", ["continue", "hints", "answers-twice", "says-it-waited", "offers-another"])
def test_what_comes_around_an_answer_is_no_part_of_it(way, odd, load):
    result = load(odd + way, requests=2, concurrency=1)
    measured = [attempt for attempt in result.attempts if attempt.phase == "measured"]
    assert [(a.error_class, a.http_status, a.chunks, a.output_tokens) for a in measured] == [(None, 200, 2, 2)] * 2


def test_a_server_that_switches_to_another_protocol_is_a_row_and_not_the_end_of_the_trial(odd, load):
    result = load(odd + "switches", requests=2, concurrency=1)
    assert [attempt.error_class for attempt in result.attempts] == ["parse_error"] * 2
    assert "switched to another protocol" in result.attempts[0].error_message
