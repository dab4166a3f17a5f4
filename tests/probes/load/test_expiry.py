"""Nobody is called late for what had come in time and was not read yet."""

import select
import signal
import socket
import time

import pytest

from probes.load.expiry import Sweep
from probes.load.spec import Timeouts
from probes.load.spool import SpoolWriter
from tests.probes.load.test_receiving import HEAD, WORD, Bench, closing, event

END = event(b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}') + event(b"[DONE]") + b"0\r\n\r\n"
LIMIT_S = 0.8
AN_HOUR_NS = 3_600_000_000_000


@pytest.fixture
def bench(tmp_path):
    with SpoolWriter(tmp_path / "spool") as spool, closing(Bench(spool)) as made:
        yield made


def judge(bench, seen_ns):
    sweep = Sweep(bench.receiver)
    sweep.begin(bench.by_fd.values())
    sweep.judge(seen_ns)


@pytest.mark.parametrize("rest", [WORD + END, WORD * 5000 + END], ids=["one read", "more than one read takes"])
def test_an_answer_that_waits_in_the_queue_is_read_before_it_is_judged(bench, rest):
    connection, server = bench.pair()
    with server:
        server.sendall(HEAD + WORD)
        bench.hear()
        server.sendall(rest)
        bench.hear()
        assert connection.queued
        judge(bench, time.monotonic_ns() + AN_HOUR_NS)
        assert len(bench.landed) == 1
        assert bench.lane.last_landed.failure is None
        assert bench.lane.last_landed.response.complete


def test_what_waits_and_is_no_end_does_not_save_an_attempt_from_its_limits(bench):
    connection, server = bench.pair()
    with server:
        server.sendall(HEAD + WORD)
        bench.hear()
        server.sendall(WORD)
        bench.hear()
        assert connection.queued
        judge(bench, time.monotonic_ns() + AN_HOUR_NS)
        landed = bench.lane.last_landed
        assert landed.failure[0] == "timeout_total"
        assert len(landed.response.stamps) == 2  # and what waited is part of it
        assert landed.t_end_ns >= landed.response.last_stamp_ns


def test_what_waits_is_read_and_the_stream_goes_on(bench):
    connection, server = bench.pair()
    connection.flight.t_start_ns = time.monotonic_ns()
    bench.lane.quiet_ns = 0  # every stream is looked at
    with server:
        server.sendall(HEAD + WORD)
        bench.hear()
        server.sendall(WORD)
        bench.hear()
        judge(bench, time.monotonic_ns())
        assert len(connection.response.stamps) == 2
        assert not bench.landed


def test_what_came_while_the_client_stood_still_is_read_before_anything_is_late(load):
    """The handler of a signal keeps the loop out of its wait, as a stop would, until every limit has passed."""
    accepted, answered = [], []

    def stop():
        """Called by the loop some times a second: once the request is there, have the loop interrupted."""
        if not accepted:
            with_connection, _, _ = select.select([listener], [], [], 0)
            accepted.extend(listener.accept()[0] for _ in with_connection)
        elif not answered and select.select(accepted, [], [], 0)[0]:
            signal.setitimer(signal.ITIMER_REAL, 0.01)

    def stand_still(_number, _frame):
        if not answered:
            answered.append(accepted[0].recv(1 << 16))
            accepted[0].sendall(HEAD + WORD + END)
            time.sleep(LIMIT_S * 1.1)

    before = signal.signal(signal.SIGALRM, stand_still)
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            limits = Timeouts(connect_s=60, first_token_s=LIMIT_S, stall_s=LIMIT_S, total_s=LIMIT_S)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            result = load(url, requests=1, concurrency=1, timeouts=limits, stop=stop)
            for connection in accepted:
                connection.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    [attempt] = result.attempts
    assert attempt.error_class is None
    assert attempt.t_end_ns - attempt.t_start_ns < LIMIT_S * 1e9
    assert attempt.t_last_ns <= attempt.t_end_ns
