"""Asking fixed questions: one after another, in the same words each night, as the server takes them."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from probes.canary import CanaryQuestion, ask
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.protocols.openai_chat import answer_text
from probes.load.spec import LoadSpec

QUESTIONS = [CanaryQuestion(question_id=f"q{n}", prompt=f"Frage {n}: ü 水?", max_output_tokens=3 + n) for n in range(5)]


def orders(base_url: str, **changes) -> LoadSpec:
    return LoadSpec(
        base_url=base_url,
        model="m",
        arrivals="closed",
        concurrency=4,
        requests=9,
        attempt_prefix="run.t.canary",
        **changes,
    )


def test_every_night_sends_the_same_bytes_one_at_a_time(tmp_path):
    with fake_endpoint(FakeScript()) as server:
        first = ask(orders(server.base_url), QUESTIONS, spool_path=tmp_path / "a")
        again = ask(orders(server.base_url), QUESTIONS, spool_path=tmp_path / "b")
    sent = [request.body for request in server.requests]
    assert sent[:5] == sent[5:]
    assert sent[3]["messages"] == [{"role": "user", "content": "Frage 3: ü 水?"}]
    assert (sent[3]["max_tokens"], sent[3]["temperature"], sent[3]["seed"]) == (6, 0.0, 7)
    assert [request.request_id for request in server.requests[:2]] == ["run.t.canary.q0", "run.t.canary.q1"]
    ends = [answer.record.t_end_ns for answer in first]
    assert all(end <= later.record.t_start_ns for end, later in zip(ends, first[1:], strict=False))
    assert [answer.text for answer in first] == [answer.text for answer in again]
    assert first[0].text is not None and "grüne" in first[0].text
    assert first[0].sampling == "temperature 0, seed 7"
    assert first[4].record.output_tokens == 7


def test_a_failed_answer_has_no_text_and_an_empty_one_has_an_empty_text(tmp_path):
    with fake_endpoint(FakeScript(fault="http-500", fault_every=2)) as server:
        found = ask(orders(server.base_url), QUESTIONS, spool_path=tmp_path / "a")
    assert [(answer.text is None, answer.record.error_class) for answer in found] == [
        (n % 2 == 0, "server_error" if n % 2 == 0 else None) for n in range(5)
    ]
    with fake_endpoint(FakeScript(fault="empty")) as server:
        assert [answer.text for answer in ask(orders(server.base_url), QUESTIONS, spool_path=tmp_path / "b")] == [
            ""
        ] * 5


def test_who_refuses_everybody_is_left_alone_after_three_questions(tmp_path):
    with fake_endpoint(FakeScript(fault="http-401")) as server:
        found = ask(orders(server.base_url), QUESTIONS, spool_path=tmp_path / "a")
        assert len(server.requests) == len(found) == 3
    assert found[0].record.error_class == "auth"


class Choosy(BaseHTTPRequestHandler):
    """Refuses fields it does not know, as some providers do, and then a temperature, as some models do."""

    refused = ("seed", "temperature")
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        bad = [name for name in self.refused if name in body]
        if bad:
            self._reply(
                422, json.dumps({"message": f"extra field not permitted: {bad[0]}"}).encode(), "application/json"
            )
            return
        event = {"model": "m", "choices": [{"delta": {"content": "ja"}, "finish_reason": "stop"}]}
        self._reply(200, f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode(), "text/event-stream")

    def _reply(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("refused", "seeded", "says"),
    [
        (("seed",), True, "temperature 0"),
        (("seed",), False, "temperature 0"),
        (("seed", "temperature"), True, "the server's own"),
    ],
)
def test_a_server_that_refuses_a_seed_or_a_temperature_is_asked_without(tmp_path, refused, seeded, says):
    handler = type("Handler", (Choosy,), {"refused": refused})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}/v1"
            found = ask(orders(url), QUESTIONS, spool_path=tmp_path / "a", seeded=seeded)
        finally:
            server.shutdown()
            thread.join()
    assert [(answer.text, answer.sampling) for answer in found] == [("ja", says)] * 5


def test_the_text_of_an_answer_is_what_a_person_would_see():
    events = [
        {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"delta": {"reasoning_content": "hm"}}]},
        {"choices": [{"delta": {"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Wi"}]}}]},
        {"choices": [{"delta": {"content": "en"}}]},
        {"choices": [], "usage": {"completion_tokens": 2}},
    ]
    body = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)
    assert answer_text(body + b"data: [DONE]\n\n") == "Wien"
    assert answer_text(body + b"data: {broken") == "Wien"
    assert answer_text(b"") == ""
