"""Who is read when: answers that have not begun at once, the others from a queue. On real sockets."""

import select
import socket
import struct
import time
import tracemalloc
from contextlib import contextmanager

import pytest

from probes.load.clock import WallClock
from probes.load.flight import Flight, Planned
from probes.load.lane import Lane
from probes.load.origin import Origin
from probes.load.protocols import protocol
from probes.load.receiving import Receiver
from probes.load.redaction import Secrets
from probes.load.spec import Timeouts
from probes.load.spool import SpoolWriter
from probes.load.transport import LISTEN, READ_BYTES, Connection, State, connecting_socket

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(text):
    data = b"data: " + text + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


ROLE = event(b'{"choices":[{"delta":{"role":"assistant","content":""}}]}')
WORD = event(b'{"choices":[{"delta":{"content":"word"}}]}')


class Bench:
    """A receiver, and pairs of a connection that carries a flight and the server's end of it."""

    def __init__(self, spool):
        self.landed = []
        self.epoll = select.epoll()
        self.by_fd = {}
        self.receiver = Receiver(clock=WallClock(), on_landed=lambda flight, lane: self.landed.append(flight))
        self.lane = Lane(
            origin=Origin(tls=False, host="127.0.0.1", port=1, target="/"),
            protocol=protocol("openai-chat"),
            timeouts=Timeouts(),
            spool=spool,
            secrets=Secrets(),
        )
        self.lane.open_pool(self.epoll, self.by_fd, lambda connection: None, lambda *failure: None)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)

    def pair(self):
        from probes.load.origin import Address

        sock = connecting_socket(Address(family=socket.AF_INET, sockaddr=self.listener.getsockname()))
        server, _ = self.listener.accept()
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        planned = Planned(attempt_id="t", seq=0, phase="measured", t_sched_ns=None, request=b"")
        flight = Flight(planned=planned, wall_offset_ns=0, t_start_ns=1, reused=False)
        connection = Connection(sock, lane=self.lane, address_index=0, tries_left=0, opened_ns=0, flight=flight)
        connection.state = State.BUSY
        self.by_fd[connection.fd] = connection
        self.epoll.register(connection.fd, LISTEN)
        self.lane.in_flight += 1
        return connection, server

    def hear(self, count=1):
        """Let the receiver hear of `count` arrivals."""
        heard = 0
        while heard < count:
            for fd, mask in self.epoll.poll(5):
                self.receiver.heard(self.by_fd[fd], mask)
                heard += 1


@pytest.fixture
def bench(tmp_path):
    with SpoolWriter(tmp_path / "spool") as spool, closing(Bench(spool)) as made:
        yield made


@contextmanager
def closing(bench):
    try:
        yield bench
    finally:
        bench.lane.pool.close_all()
        bench.epoll.close()
        bench.listener.close()


def test_an_answer_is_read_at_once_until_its_first_payload_and_from_the_queue_after_it(bench):
    connection, server = bench.pair()
    with server:
        for n, (piece, calm) in enumerate([(HEAD, False), (ROLE, False), (event(b""), False), (WORD, True)], start=1):
            server.sendall(piece)
            bench.hear()
            assert (len(connection.response.stamps), connection.calm) == (n, calm)
        server.sendall(WORD)
        bench.hear()
        assert len(connection.response.stamps) == 4  # it waits
        bench.receiver.read_queued(0)
        assert len(connection.response.stamps) == 5


def test_bytes_that_overtook_others_count_from_when_those_had_come(bench):
    # TCP hands over in order of sending; the stamp of a segment that came out of order is older than that of the one
    # it had to wait for.
    connection, server = bench.pair()
    really = connection.recvmsg_into
    overtaken_ns = 60_000_000_000

    def overtaking(buffers, ancillary_bytes):
        count, ((level, kind, stamp),), flags, address = really(buffers, ancillary_bytes)
        seconds, nanoseconds = struct.unpack("qq", stamp)
        earlier = divmod(seconds * 1_000_000_000 + nanoseconds - overtaken_ns, 1_000_000_000)
        return count, [(level, kind, struct.pack("qq", *earlier))], flags, address

    with server:
        server.sendall(HEAD)
        bench.hear()
        server.sendall(ROLE)
        connection.recvmsg_into = overtaking
        bench.hear()
        connection.recvmsg_into = really
        server.sendall(event(b""))
        bench.hear()
    first, second, third = connection.response.stamps
    assert first == second < third


def test_waiting_streams_do_not_hold_up_a_first_token(bench):
    pairs = [bench.pair() for _ in range(50)]
    late, late_server = bench.pair()
    for _, server in pairs:
        server.sendall(HEAD + WORD)
    bench.hear(50)
    for _, server in pairs:
        server.sendall(WORD)
    late_server.sendall(HEAD + WORD)
    bench.hear(51)
    assert len(late.response.stamps) == 1
    assert len(bench.receiver.queue) == 50
    bench.receiver.read_queued(0)
    assert 0 < len(bench.receiver.queue) < 50  # some at a time, so that the next first token need not wait for all
    bench.receiver.read_queued(time.monotonic_ns() + 60_000_000_000)
    assert not bench.receiver.queue
    assert {len(connection.response.stamps) for connection, _ in pairs} == {2}
    for server in (late_server, *(server for _, server in pairs)):
        server.close()


def test_a_stream_that_is_heard_twice_before_it_is_read_waits_once(bench):
    connection, server = bench.pair()
    with server:
        server.sendall(HEAD + WORD)
        bench.hear()
        server.sendall(WORD)
        bench.hear()
        server.sendall(WORD)
        bench.hear()
        assert len(bench.receiver.queue) == 1
        bench.receiver.read_queued(0)
        assert not bench.receiver.queue
        assert (len(connection.response.stamps), len(connection.response.parts)) == (2, 3)


def test_an_end_that_comes_while_the_stream_waits_is_not_lost(bench):
    connection, server = bench.pair()
    server.sendall(HEAD + WORD)
    bench.hear()
    server.sendall(WORD)
    bench.hear()
    server.close()
    bench.hear()
    bench.receiver.read_queued(0)
    assert (len(connection.response.stamps), bench.landed) == (2, [])
    bench.receiver.read_queued(0)
    assert len(bench.landed) == 1
    assert not bench.by_fd


def test_more_than_one_read_takes_is_read_on_without_another_event(bench):
    connection, server = bench.pair()
    with server:
        server.sendall(HEAD + WORD)
        bench.hear()
        server.sendall(WORD * 4000)
        received = 0
        while received < 4001:
            if not bench.receiver.queue:
                bench.hear()
            bench.receiver.read_queued(0)
            received = b"".join(connection.response.parts).count(b"data: ")
    assert received == 4001


def test_a_read_makes_nothing_larger_than_what_came(bench):
    """Objects of the size asked for, cut down at once, make the heap grow for hours."""
    connection, server = bench.pair()
    server.sendall(HEAD + ROLE + WORD)
    bench.hear()
    tracemalloc.start()
    try:
        for _ in range(20):
            server.sendall(WORD)
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            bench.hear()
            bench.receiver.read_queued(0)
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < READ_BYTES // 4  # epoll itself takes 12 KiB
    finally:
        tracemalloc.stop()
        server.close()
    assert b"".join(connection.response.parts).count(b"word") == 21
