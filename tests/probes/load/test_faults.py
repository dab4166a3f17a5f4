"""Trouble ends in a row, never in an exception; every fixture in every format: tests/probes/fake."""

import socket
import socketserver
import threading
from dataclasses import replace

import pytest

from probes.fake_endpoint import FakeScript, fake_endpoint
from tests.probes.load.conftest import PATIENT

KEY = "sk-secret-0123456789"


def test_a_fault_of_some_requests_leaves_the_others_alone(load):
    with fake_endpoint(FakeScript(fault="drop", fault_every=3)) as fake:
        result = load(fake.base_url, requests=9, concurrency=1)
    assert [attempt.error_class for attempt in result.attempts] == ["truncated", None, None] * 3


@pytest.mark.parametrize("given", [{"api_key": KEY}, {"extra_headers": {"Authorization": f"Bearer {KEY}"}}])
def test_a_key_that_the_server_repeats_is_neither_in_the_record_nor_on_disk(given, load, tmp_path):
    headers = {"X-Tenant": "tenant-secret"} | given.get("extra_headers", {})
    with fake_endpoint(FakeScript(fault="echo-key-401")) as fake:
        result = load(fake.base_url, **given | {"extra_headers": headers})
    assert "provided: ***" in result.attempts[0].error_message
    assert KEY not in result.stopped_reason
    spool = (tmp_path / "spool1").read_bytes()
    assert KEY.encode() not in spool
    assert b"tenant-secret" not in spool


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("http-401", "auth"), ("http-404-model", "model_not_found"), ("http-402", "quota_or_spend")],
)
def test_a_target_that_refuses_everybody_is_asked_three_times(fault, kind, load):
    with fake_endpoint(FakeScript(fault=fault)) as fake:
        result = load(fake.base_url, requests=50, concurrency=8, warmup_requests=1)
        assert len(fake.requests) == len(result.attempts) == 3
    assert f"3 attempts in a row ended in {kind}" in result.stopped_reason


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
        limits = replace(PATIENT, connect_s=0.2)
        result = load(f"http://127.0.0.1:{full.getsockname()[1]}/v1", requests=1, timeouts=limits)
        for other in others:
            other.close()
    assert [attempt.error_class for attempt in result.attempts] == ["connect_timeout"]


def test_an_answer_that_takes_too_long_as_a_whole_is_given_up(load):
    with fake_endpoint(FakeScript(itl_s=0.05)) as fake:
        result = load(fake.base_url, requests=1, output_tokens=1000, timeouts=replace(PATIENT, total_s=1.0))
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
