"""Every trouble the fake endpoint can play ends in the class it should, and in a row, never in an exception."""

import socket
import socketserver
import threading

import pytest

from probes.fake_endpoint import FAULTS, FakeScript, fake_endpoint

EXPECTED = {
    "none": None,
    "http-400-context": "context_length",
    "http-401": "auth",
    "http-402": "quota_or_spend",
    "http-404-model": "model_not_found",
    "http-429": "rate_limited",
    "http-429-no-delay": "quota_or_spend",
    "http-500": "server_error",
    "http-503": "overloaded",
    "http-529": "overloaded",
    "echo-key-401": "auth",
    "bad-http": "parse_error",
    "json-answer": "parse_error",
    "error-after-200": "stream_error",
    "bare-json-error": "stream_error",
    "not-json": "parse_error",
    "truncated": "truncated",
    "drop": "truncated",
    "drop-unanswered": "truncated",
    "stall": "stall",
    "silent": "timeout_first_token",
    "role-then-silent": "timeout_first_token",
    "hold-open": None,
    "empty": "empty",
    "filtered": "filtered",
    "cut-in-character": None,
    "one-write": None,
    "crlf": None,
    "comments": None,
    "role-early": None,
    "reasoning": None,
    "hidden-reasoning": None,
    "tool-calls": None,
    "no-usage": None,
    "no-length": None,
    "connection-close": None,
    "close-silently": None,
    "early-hints": None,
}
KEY = "sk-secret-0123456789"


def test_every_fault_is_expected_here():
    assert set(EXPECTED) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_class(fault, load):
    with fake_endpoint(FakeScript(fault=fault, itl_s=0.001)) as fake:
        result = load(fake.base_url, api_key=KEY, requests=2)
    assert [attempt.error_class for attempt in result.attempts] == [EXPECTED[fault]] * 2
    for attempt in result.attempts:
        assert attempt.t_start_ns <= attempt.t_end_ns
        assert (attempt.error_message is None) == (attempt.error_class is None)
        assert KEY not in (attempt.error_message or "")
        if attempt.error_class is None:
            assert attempt.chunks == 8
            assert attempt.t_start_ns <= attempt.t_byte_ns <= attempt.t_first_ns <= attempt.t_last_ns
            assert attempt.t_last_ns <= attempt.t_end_ns


def test_a_fault_of_some_requests_leaves_the_others_alone(load):
    with fake_endpoint(FakeScript(fault="drop", fault_every=3)) as fake:
        result = load(fake.base_url, requests=9, concurrency=1)
    assert [attempt.error_class for attempt in result.attempts] == ["truncated", None, None] * 3


def test_a_key_that_the_server_repeats_is_neither_in_the_record_nor_on_disk(load, tmp_path):
    with fake_endpoint(FakeScript(fault="echo-key-401")) as fake:
        result = load(fake.base_url, api_key=KEY, extra_headers={"X-Tenant": "tenant-secret"})
    assert "provided: ***" in result.attempts[0].error_message
    assert KEY not in result.stopped_reason
    spool = (tmp_path / "spool1").read_bytes()
    assert KEY.encode() not in spool
    assert b"tenant-secret" not in spool


@pytest.mark.parametrize("fault", ["http-401", "http-404-model", "http-402"])
def test_a_target_that_refuses_everybody_is_asked_three_times(fault, load):
    with fake_endpoint(FakeScript(fault=fault)) as fake:
        result = load(fake.base_url, requests=50, concurrency=8, warmup_requests=1)
        assert len(fake.requests) == len(result.attempts) == 3
    assert f"3 attempts in a row ended in {EXPECTED[fault]}" in result.stopped_reason


def test_a_refused_connection_is_tried_three_times(load):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        result = load(f"http://127.0.0.1:{closed.getsockname()[1]}/v1", requests=50, concurrency=8)
    assert [attempt.error_class for attempt in result.attempts] == ["connect_refused"] * 3
    assert "Connection refused" in result.attempts[0].error_message
    assert {attempt.http_status for attempt in result.attempts} == {None}
    assert {attempt.stamp_source for attempt in result.attempts} == {None}
    assert result.stopped_reason is not None


def test_a_name_that_does_not_resolve_is_a_dns_failure(load):
    result = load("http://no-such-host.invalid/v1", requests=9)
    assert [attempt.error_class for attempt in result.attempts] == ["dns"] * 3


def test_a_connection_that_never_comes_is_given_up(load):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = []
        for _ in range(3):  # fill the queue of connections that nobody accepts
            other = socket.socket()
            other.setblocking(False)
            other.connect_ex(full.getsockname())
            others.append(other)
        limits = {"connect_s": 0.2}
        result = load(f"http://127.0.0.1:{full.getsockname()[1]}/v1", requests=1, timeouts=_timeouts(**limits))
        for other in others:
            other.close()
    assert [attempt.error_class for attempt in result.attempts] == ["connect_timeout"]


def test_an_answer_that_takes_too_long_as_a_whole_is_given_up(load):
    with fake_endpoint(FakeScript(itl_s=0.05)) as fake:
        result = load(fake.base_url, requests=1, output_tokens=1000, timeouts=_timeouts(total_s=0.4))
    [attempt] = result.attempts
    assert attempt.error_class == "timeout_total"
    assert attempt.chunks > 0


def test_plain_http_where_tls_is_expected_is_a_tls_failure(load):
    class Plain(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65536)
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Plain) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        result = load(f"https://127.0.0.1:{server.server_address[1]}/v1", requests=1)
        server.shutdown()
    [attempt] = result.attempts
    assert attempt.error_class == "tls"
    assert "WRONG_VERSION_NUMBER" in attempt.error_message


def _timeouts(**given):
    from probes.load.client import Timeouts

    return Timeouts(**({"connect_s": 5, "first_token_s": 5, "stall_s": 5, "total_s": 5} | given))
