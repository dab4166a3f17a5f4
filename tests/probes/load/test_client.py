"""Whole trials against the fake endpoint."""

import os
import signal
import subprocess
import sys
from itertools import pairwise

import pytest

from probes.errors import ProbeError
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.client import LoadSpec, run_load
from probes.load.spool import read_spool


def test_a_closed_loop_keeps_its_concurrency_and_reuses_its_connections(load):
    with fake_endpoint(FakeScript(ttft_s=0.02, itl_s=0.002)) as fake:
        result = load(fake.base_url, concurrency=4, requests=20)
        assert fake.connections == 4
    assert [attempt.seq for attempt in result.attempts] == list(range(20))
    assert {attempt.error_class for attempt in result.attempts} == {None}
    assert {attempt.connection_reused for attempt in result.attempts} == {True}
    changes = sorted([(a.t_start_ns, 1) for a in result.attempts] + [(a.t_end_ns, -1) for a in result.attempts])
    in_flight, most = 0, 0
    for _, change in changes:
        in_flight += change
        most = max(most, in_flight)
    assert most == 4


def test_times_agree_with_those_the_server_kept(load):
    with fake_endpoint(FakeScript(ttft_s=0.03, itl_s=0.005)) as fake:
        result = load(fake.base_url, concurrency=2, requests=6)
    truth = {request.request_id: request for request in fake.requests}
    for attempt in result.attempts:
        request = truth[attempt.attempt_id]
        assert attempt.error_class is None  # or the server's last write need not have been awaited
        # What was written cannot have come before, and the sending lies before the server's reading.
        assert attempt.t_start_ns < request.recv_ns
        assert attempt.t_first_ns >= request.first_ns
        assert attempt.t_last_ns >= request.last_ns
        assert attempt.t_first_ns <= attempt.t_last_ns
        assert (attempt.chunks, attempt.output_tokens, attempt.streamed_tokens) == (8, 8, 8)


def test_stamps_are_the_kernels_on_linux(load):
    with fake_endpoint() as fake:
        result = load(fake.base_url)
    assert result.stamp_source == "kernel"


def test_warm_ups_are_rows_of_their_own_before_the_window(load):
    started = []
    with fake_endpoint() as fake:
        result = load(
            fake.base_url,
            requests=3,
            warmup_requests=4,
            on_window_start=lambda: started.append(len(fake.requests)),
        )
    assert [attempt.attempt_id for attempt in result.attempts] == [
        *("t.w00", "t.w01", "t.w02", "t.w03"),
        *("t.00000", "t.00001", "t.00002"),
    ]
    assert started == [4]
    warm, measured = result.attempts[:4], result.attempts[4:]
    assert max(attempt.t_end_ns for attempt in warm) <= result.window_start_ns
    assert result.window_start_ns == min(attempt.t_start_ns for attempt in measured)
    assert result.window_end_ns == max(attempt.t_end_ns for attempt in measured)


@pytest.mark.parametrize("asked", [60, 300, 3000])
def test_warm_ups_teach_the_client_how_the_server_counts(asked, load):
    with fake_endpoint() as fake:  # it counts words
        result = load(fake.base_url, prompt_tokens=asked, warmup_requests=2)
    for attempt in result.attempts:
        if attempt.phase == "measured":
            assert attempt.prompt_tokens == pytest.approx(asked, rel=0.02)


def test_the_request_carries_id_key_and_extras_and_no_compression(load):
    with fake_endpoint() as fake:
        load(fake.base_url, requests=1, api_key="k", extra_headers={"X-Team": "a"}, extra_body={"ignore_eos": True})
    [request] = fake.requests
    assert request.request_id == "t.00000"
    assert request.headers["authorization"] == "Bearer k"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["x-team"] == "a"
    assert request.body["ignore_eos"] is True
    assert request.body["max_tokens"] == 8


def test_proxy_settings_of_the_environment_are_ignored(load, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with fake_endpoint() as fake:
        assert load(fake.base_url).attempts[0].error_class is None


def test_no_prompt_is_sent_twice(load):
    with fake_endpoint() as fake:
        load(fake.base_url, requests=20)
    assert len({request.body["messages"][0]["content"] for request in fake.requests}) == 20


def test_a_constant_rate_is_sent_by_plan_while_answers_are_slow(load):
    with fake_endpoint(FakeScript(ttft_s=0.15)) as fake:
        result = load(fake.base_url, arrivals="constant", rate_rps=100, requests=30)
        assert fake.connections > 8  # more than were guessed beforehand
    planned = [attempt.t_sched_ns for attempt in result.attempts]
    assert {after - before for before, after in pairwise(planned)} == {10_000_000}
    assert all(attempt.t_start_ns >= attempt.t_sched_ns for attempt in result.attempts)
    assert {attempt.error_class for attempt in result.attempts} == {None}
    waited = [attempt for attempt in result.attempts if not attempt.connection_reused]
    assert all(attempt.t_start_ns <= attempt.t_conn_ns <= attempt.t_sent_ns for attempt in waited)


def test_a_closed_loop_sends_until_its_time_is_over_and_waits_for_the_rest(load):
    with fake_endpoint(FakeScript(ttft_s=0.02)) as fake:
        result = load(fake.base_url, requests=None, duration_s=0.2)
    starts = [attempt.t_start_ns for attempt in result.attempts]
    assert len(starts) >= 2
    # A send may be stamped after the end if its turn came before it; it is the only one, and the next is not sent.
    assert sum(start - min(starts) > 200_000_000 for start in starts) <= 1
    assert {attempt.error_class for attempt in result.attempts} == {None}
    assert result.stopped_reason is None


def test_a_stop_aborts_what_is_in_flight_and_keeps_what_was_done(load):
    with fake_endpoint(FakeScript(ttft_s=0.01)) as fake:
        result = load(
            fake.base_url,
            requests=1000,
            output_tokens=4,
            stop=lambda: "enough now" if len(fake.requests) > 10 else None,
        )
    assert result.stopped_reason == "enough now"
    last = [attempt for attempt in result.attempts if attempt.error_class is not None]
    assert {attempt.error_class for attempt in last} <= {"aborted"}
    assert {attempt.error_message for attempt in last} <= {"enough now"}
    assert 10 < len(result.attempts) < 1000


def test_a_stop_ends_a_wait_for_an_answer_that_never_comes(load):
    with fake_endpoint(FakeScript(fault="silent")) as fake:
        result = load(fake.base_url, stop=lambda: "deadline" if fake.requests else None)
    assert {attempt.error_class for attempt in result.attempts} == {"aborted"}


def test_an_exception_in_a_callback_leaves_the_attempts_in_the_spool(load, tmp_path):
    with fake_endpoint(FakeScript(fault="silent")) as fake:

        def on_progress(progress):
            if fake.requests:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            load(fake.base_url, on_progress=on_progress)
    assert {record.error_class for record in read_spool(tmp_path / "spool1")} == {"aborted"}


def test_a_send_on_a_connection_that_the_server_had_closed_is_a_row_of_its_own_and_is_sent_again(load):
    with fake_endpoint(FakeScript(fault="close-silently")) as fake:
        result = load(fake.base_url, requests=6, concurrency=1)
        assert fake.connections == 6
        assert len(fake.requests) == 6
    measured = [attempt for attempt in result.attempts if attempt.phase == "measured"]
    assert [attempt.seq for attempt in measured] == list(range(6))
    assert {attempt.error_class for attempt in measured} == {None}
    lost = {attempt.attempt_id: attempt for attempt in result.attempts if attempt.phase == "lost"}
    assert [attempt.retry_of for attempt in measured] == [None, *lost]  # whose connection was new had none to lose
    for attempt in measured[1:]:
        first = lost[attempt.retry_of]
        assert (first.error_class, first.seq, first.connection_reused) == ("stale_connection", attempt.seq, True)
        assert (first.http_status, first.t_byte_ns, first.stamp_source) == (None, None, None)
        assert first.t_start_ns <= first.t_sent_ns <= first.t_end_ns <= attempt.t_start_ns
        assert attempt.connection_reused is False
        assert attempt.t_start_ns <= attempt.t_conn_ns <= attempt.t_sent_ns


def test_events_that_share_a_read_are_marked_and_not_spread(load):
    with fake_endpoint(FakeScript(fault="one-write")) as fake:
        [attempt] = load(fake.base_url, requests=1).attempts
    assert (attempt.chunks, attempt.coalesced_chunks, attempt.reads) == (8, 7, 1)
    assert attempt.t_first_ns == attempt.t_last_ns
    assert attempt.chunk_gap_max_ns == 0


def test_progress_counts_up_to_the_end(load):
    seen = []
    with fake_endpoint(FakeScript(ttft_s=0.01)) as fake:
        load(fake.base_url, requests=10, warmup_requests=1, on_progress=seen.append)
    last = seen[-1]
    assert (last.phase, last.done, last.total, last.ok, last.in_flight) == ("measured", 10, 10, 10, 0)
    assert last.output_tokens == 80


def test_a_killed_client_leaves_every_flushed_attempt_readable(tmp_path):
    spool = tmp_path / "spool"
    program = (
        "import sys; from pathlib import Path; from probes.load.client import *\n"
        "run_load(LoadSpec(base_url=sys.argv[1], model='m', concurrency=2, requests=100000, output_tokens=4,"
        " attempt_prefix='t'), spool_path=Path(sys.argv[2]), on_progress=lambda p: print(p.done, flush=True))"
    )
    with fake_endpoint() as fake:
        command = [sys.executable, "-c", program, fake.base_url, str(spool)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            while not read_if_any(spool):
                assert client.stdout.readline()
            os.kill(client.pid, signal.SIGKILL)
    records = read_spool(spool)
    assert records
    assert {record.error_class for record in records} == {None}
    assert len({record.attempt_id for record in records}) == len(records)


def read_if_any(spool):
    return spool.exists() and read_spool(spool)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"base_url": "ftp://h"}, "must start with http"),
        ({"api": "openai-chatt"}, 'did you mean "openai-chat"'),
        ({"concurrency": 0}, "concurrency = 0 must be >= 1"),
        ({"arrivals": "poisson", "rate_rps": 0}, "rate_rps = 0 must be > 0"),
        ({"requests": None}, "would never end"),
        ({"requests": 0}, "requests = 0"),
        ({"duration_s": 0}, "duration_s = 0"),
        ({"output_tokens": 0}, "output_tokens = 0"),
        ({"extra_headers": {"X-A": "a\r\nEvil: b"}}, "extra_headers: the value of X-A"),
        ({"extra_headers": {"X A": "a"}}, "not an HTTP header name"),
        ({"api_key": "sk\n"}, "the API key has a line break"),
        ({"base_url": "https://h", "ca_file": "/nowhere.pem"}, "ca_file"),
        ({"concurrency": 10**9}, "ulimit -n"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused_before_anything_is_sent(given, words, tmp_path):
    order = {"base_url": "http://h", "model": "m", "concurrency": 1, "requests": 1, "attempt_prefix": "t"} | given
    with pytest.raises(ProbeError, match=words):
        run_load(LoadSpec(**order), spool_path=tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_key_is_in_no_text_form_of_the_order():
    spec = LoadSpec(base_url="http://h", model="m", concurrency=1, requests=1, attempt_prefix="t", api_key="sk-1")
    assert "sk-1" not in repr(spec)


def test_importing_the_client_loads_nothing_heavy():
    program = (
        "import sys, probes.load.client; print(sorted(set(sys.modules) & {'ssl','asyncio','numpy','httpx','email'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
