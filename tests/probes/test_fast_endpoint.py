"""The fast endpoint: what it answers, when it says it did, and the limits that it can be given."""

import http.client
import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from probes.endpoint.answer import WORDS, Answers
from probes.errors import ProbeError
from probes.fast_endpoint import EndpointSpec, fast_endpoint, main, read_truth
from probes.load.client import LoadSpec, run_load
from probes.load.sse import cut_events
from tests.certificate import make_certificate

AT_ONCE = EndpointSpec(ttft_s=0.0, itl_s=0.0)


def connect(base_url):
    return http.client.HTTPConnection(base_url.split("/")[2], timeout=60)


def ask(connection, *, request_id="r1", **body):
    order = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "a b c"}], **body}
    connection.request("POST", "/v1/chat/completions", json.dumps(order), {"X-Request-Id": request_id})
    answer = connection.getresponse()
    return answer, answer.read()


def load(endpoint, folder, **changes):
    order = {"base_url": endpoint.base_url, "model": "m", "attempt_prefix": "t", "requests": 8, "output_tokens": 4}
    return run_load(LoadSpec(**{"concurrency": 4, **order, **changes}), spool_path=folder / "spool")


def test_it_answers_a_client_that_is_not_ours_twice_on_one_connection():
    with fast_endpoint(AT_ONCE) as endpoint:
        connection = connect(endpoint.base_url)
        for tokens in (3, 1):
            answer, text = ask(connection, max_tokens=tokens)
            assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
            events = cut_events(text).data
            assert events[-1] == b"[DONE]"
            told = [json.loads(event) for event in events[:-1]]
            assert told[-1]["usage"]["completion_tokens"] == tokens
            assert told[-1]["usage"]["prompt_tokens"] == 3
            assert told[-2]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "length"}
            words = [event["choices"][0]["delta"]["content"] for event in told[:-2]]
            assert words == ["", *(word.decode() for word in WORDS[:tokens])]
        connection.close()


@pytest.mark.parametrize("burst", [1, 3, 7, 64])
@pytest.mark.parametrize("tokens", [1, 2, 3, 20])
def test_an_answer_is_the_same_however_many_tokens_go_in_a_write(tokens, burst):
    def whole(answers):
        return b"".join(answers.write(sent, tokens, 5) for sent in range(0, tokens, answers.burst))

    assert whole(Answers(burst)) == whole(Answers(1))


def test_its_truth_is_what_a_client_sees_and_its_times_are_in_order(tmp_path):
    with fast_endpoint(EndpointSpec(ttft_s=0.03, itl_s=0.005)) as endpoint:
        result = load(endpoint, tmp_path)
        truth = {each.request_id: each for each in endpoint.truth()}
    assert [attempt.error_class for attempt in result.attempts] == [None] * 8
    assert set(truth) == {attempt.attempt_id for attempt in result.attempts}
    for attempt in result.attempts:
        true = truth[attempt.attempt_id]
        assert (true.status, true.n_tokens, true.n_sent) == (200, 4, 4)
        assert 0 < true.recv_kern_real_ns <= true.recv_real_ns
        assert attempt.t_start_ns < true.recv_mono_ns <= true.start_mono_ns
        assert true.first_mono_ns - true.start_mono_ns >= 30_000_000
        assert true.last_mono_ns - true.first_mono_ns >= 15_000_000 - true.max_late_ns
        assert true.last_mono_ns <= true.done_mono_ns
        assert 0 <= true.mean_late_ns <= true.max_late_ns
        assert attempt.t_first_ns >= true.first_mono_ns - 50_000  # the offset of the clocks is known to that


def test_a_capacity_lets_requests_start_one_after_the_other_at_its_rate(tmp_path):
    with fast_endpoint(EndpointSpec(ttft_s=0.001, itl_s=0.0, capacity_rps=200.0)) as endpoint:
        load(endpoint, tmp_path, concurrency=12, requests=12)
        starts = sorted(each.start_mono_ns for each in endpoint.truth())
    assert len(starts) == 12
    assert min(later - earlier for earlier, later in pairwise(starts)) >= 5_000_000


def test_slots_bound_how_many_are_served_at_once_and_the_others_are_served_after_them(tmp_path):
    with fast_endpoint(EndpointSpec(ttft_s=0.01, itl_s=0.0, slots=3)) as endpoint:
        load(endpoint, tmp_path, concurrency=12, requests=12)
        served = [(each.start_mono_ns, each.done_mono_ns) for each in endpoint.truth()]
    assert len(served) == 12
    at_once = [sum(start <= instant < end for start, end in served) for instant, _ in served]
    assert max(at_once) == 3


def test_a_client_that_reads_late_gets_the_whole_answer():
    tokens = 100_000  # more than the buffers of two sockets hold
    with fast_endpoint(EndpointSpec(ttft_s=0.0, itl_s=0.0, burst=64)) as endpoint:
        connection = connect(endpoint.base_url)
        quick = connect(endpoint.base_url)
        order = {"stream": True, "max_tokens": tokens, "messages": []}
        connection.request("POST", "/v1/chat/completions", json.dumps(order))
        answer = connection.getresponse()
        assert ask(quick)[0].status == 200  # it is not kept waiting by the one that does not read
        text = answer.read()
        connection.close()
        quick.close()
    assert text.count(b'"content":" ') == tokens
    assert text.endswith(b"data: [DONE]\n\n")


def test_it_speaks_tls_to_a_client_that_verifies(tmp_path):
    certificate, key = make_certificate(tmp_path)
    with fast_endpoint(EndpointSpec(ttft_s=0.01, itl_s=0.001, certificate=certificate, key=key)) as endpoint:
        assert endpoint.base_url.startswith("https://localhost:")
        result = load(endpoint, tmp_path, ca_file=str(certificate))
        truth = endpoint.truth()
    assert [attempt.error_class for attempt in result.attempts] == [None] * 8
    assert [each.n_sent for each in truth] == [4] * 8


def test_many_clients_at_once_are_all_served():
    with fast_endpoint(EndpointSpec(ttft_s=0.001, itl_s=0.0001, tokens=20)) as endpoint:

        def one(n):
            connection = connect(endpoint.base_url)
            answer, text = ask(connection, request_id=str(n))
            connection.close()
            return answer.status, text.count(b'"content":" ')

        with ThreadPoolExecutor(32) as clients:
            assert set(clients.map(one, range(128))) == {(200, 20)}
        assert {each.request_id for each in endpoint.truth()} == set(map(str, range(128)))


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/chat/completions", b"{oops", "unexpected"),
        ("/v1/chat/completions", b'{"messages": []}', "only streams"),
        ("/v1/chat/completions", b'{"stream": true}', "messages"),
        ("/v1/chat/completions", b'{"stream": true, "messages": [], "max_tokens": -1}', "max_tokens = -1"),
        ("/v1/completions", b'{"stream": true}', "prompt"),
        ("/v1/responses", b"{}", "no such route"),
    ],
)
def test_a_request_that_it_cannot_serve_is_refused_and_the_next_is_served(path, body, said):
    with fast_endpoint(AT_ONCE) as endpoint:
        connection = connect(endpoint.base_url)
        connection.request("POST", path, body)
        refused = connection.getresponse()
        assert refused.status == 400
        assert said in json.loads(refused.read())["error"]["message"]
        assert ask(connection)[0].status == 200
        connection.close()
        assert len(endpoint.truth()) == 1


def test_it_answers_text_completions_as_their_clients_read_them():
    with fast_endpoint(AT_ONCE) as endpoint:
        connection = connect(endpoint.base_url)
        order = {"prompt": "a b", "stream": True, "max_tokens": 2}
        connection.request("POST", "/v1/completions", json.dumps(order))
        told = [json.loads(event) for event in cut_events(connection.getresponse().read()).data[:-1]]
        connection.close()
    assert [event["choices"][0]["text"] for event in told[:-1]] == [" the", " of", ""]
    assert {event["object"] for event in told} == {"text_completion"}
    assert told[-1]["usage"]["prompt_tokens"] == 2


def test_it_lists_its_model():
    with fast_endpoint(AT_ONCE) as endpoint:
        connection = connect(endpoint.base_url)
        connection.request("GET", "/v1/models")
        assert json.loads(connection.getresponse().read())["data"][0]["id"] == "fast"
        connection.close()


def test_what_is_not_http_ends_that_connection_alone():
    with fast_endpoint(AT_ONCE) as endpoint:
        host, port = endpoint.base_url.split("/")[2].split(":")
        with socket.create_connection((host, int(port)), 60) as stranger:
            stranger.sendall(b"EHLO there\r\n\r\n")
            assert stranger.recv(100) == b""
        connection = connect(endpoint.base_url)
        assert ask(connection)[0].status == 200
        connection.close()


def test_a_client_that_leaves_is_logged_as_gone():
    with fast_endpoint(EndpointSpec(ttft_s=0.0, itl_s=0.01, tokens=100_000)) as endpoint:
        connection = connect(endpoint.base_url)
        order = {"stream": True, "messages": []}
        connection.request("POST", "/v1/chat/completions", json.dumps(order), {"X-Request-Id": "gone"})
        connection.getresponse().read(10)
        connection.close()
        other = connect(endpoint.base_url)
        ask(other, max_tokens=20)
        other.close()
        gone, _ = endpoint.truth()
    assert (gone.request_id, gone.status) == ("gone", 499)
    assert 0 < gone.n_sent < 100_000
    assert gone.done_mono_ns == 0


def test_what_is_under_way_when_it_is_stopped_is_in_the_log():
    with fast_endpoint(EndpointSpec(ttft_s=0.0, itl_s=10.0)) as endpoint:
        connection = connect(endpoint.base_url)
        connection.request("POST", "/v1/chat/completions", json.dumps({"stream": True, "messages": []}))
        connection.getresponse().read(10)
        [cut] = endpoint.truth()
        connection.close()
    assert (cut.status, cut.n_sent) == (499, 1)
    assert cut.tpot_ns is None


def test_it_ends_when_whoever_started_it_is_gone():
    command = [sys.executable, "-m", "probes.fast_endpoint", "--port", "0", "--until-eof"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"http://127.0.0.1:")
        process.stdin.close()
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ttft_s": -0.1}, "ttft_s = -0.1"),
        ({"itl_s": float("inf")}, "itl_s = inf"),
        ({"tokens": 0}, "tokens = 0"),
        ({"burst": 0}, "burst = 0"),
        ({"capacity_rps": 0.0}, "capacity_rps = 0.0"),
        ({"slots": 0}, "slots = 0"),
        ({"slots": 1, "capacity_rps": 1.0}, "give one"),
        ({"certificate": Path("a.pem")}, "both a certificate and a key"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_with_the_value(changes, said):
    with pytest.raises(ProbeError, match=said):
        EndpointSpec(**changes)


def test_a_port_that_is_taken_is_one_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as end:
            main(["--port", str(port)])
    assert end.value.code == 2
    assert f"cannot start on port {port}" in capsys.readouterr().err


def test_an_endpoint_that_does_not_start_says_why(tmp_path):
    missing = tmp_path / "none.pem"
    with (
        pytest.raises(ProbeError, match="did not start: the endpoint cannot start"),
        fast_endpoint(EndpointSpec(certificate=missing, key=missing)),
    ):
        pass


def test_a_torn_truth_log_names_its_line(tmp_path):
    log = tmp_path / "truth.csv"
    log.write_text("request_id,status,recv_mono_ns\na,200,12\nb,20")
    with pytest.raises(ProbeError, match="line 3 is no whole line"):
        read_truth(log)
    with pytest.raises(ProbeError, match="cannot be read"):
        read_truth(tmp_path / "none.csv")
