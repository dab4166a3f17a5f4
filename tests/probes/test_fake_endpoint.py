"""The scripted endpoint itself, seen through plain sockets and its command line."""

import http.client
import json
import signal
import socket
import subprocess
import sys

import pytest

from probes.errors import ProbeError
from probes.fake.command import main
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.sse import cut_events


def ask(base_url, *, request_id="r1", **body):
    connection = http.client.HTTPConnection(base_url.split("/")[2], timeout=60)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    order = json.dumps({"model": "m", **options, "messages": [{"role": "user", "content": "a b c"}], **body})
    connection.request("POST", "/v1/chat/completions", order, {"X-Request-Id": request_id})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, text


def test_it_answers_a_client_that_is_not_ours():
    with fake_endpoint(FakeScript(tokens=3)) as fake:
        answer, text = ask(fake.base_url)
    events = cut_events(text).data
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    assert events[-1] == b"[DONE]"
    usage = json.loads(events[-2])["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (3, 3)
    content = [json.loads(event)["choices"][0]["delta"].get("content") for event in events[:-2]]
    assert content == ["", " the", " quick", " grüne", None]


def test_it_keeps_its_times_in_order():
    with fake_endpoint(FakeScript(tokens=4, ttft_s=0.02, itl_s=0.01)) as fake:
        ask(fake.base_url, request_id="mine")
    [row] = fake.truth()
    assert row["request_id"] == "mine"
    assert row["recv_ns"] + 19_000_000 < row["first_ns"] < row["last_ns"] < row["done_ns"]
    assert len(row["chunk_ns"]) == row["tokens"] == 4


def test_its_log_has_neither_headers_nor_bodies():
    with fake_endpoint() as fake:
        ask(fake.base_url)
    assert not {"headers", "body"} & set(fake.truth()[0])


def test_another_route_is_not_found():
    with fake_endpoint() as fake:
        connection = http.client.HTTPConnection(fake.base_url.split("/")[2], timeout=60)
        connection.request("GET", "/v1/nothing")
        assert connection.getresponse().status == 404
        connection.close()


def test_a_port_that_is_taken_is_told_in_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ProbeError, match=f"cannot start on port {port}"), fake_endpoint(port=port):
            pass
        with pytest.raises(SystemExit) as ended:
            main(["--port", str(port)])
    assert ended.value.code == 2


def test_the_command_prints_its_url_serves_and_writes_its_log(tmp_path):
    log = tmp_path / "truth.jsonl"
    command = [sys.executable, "-m", "probes.fake_endpoint", "--port", "0", "--ttft-ms", "1", "--itl-ms", "0"]
    with subprocess.Popen([*command, "--log", str(log)], stdout=subprocess.PIPE, text=True) as server:
        try:
            answer, _ = ask(server.stdout.readline().strip(), max_tokens=2)
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)
    assert answer.status == 200
    assert server.returncode == 0
    assert [json.loads(line)["tokens"] for line in log.read_text().splitlines()] == [2]
