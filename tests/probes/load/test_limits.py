"""Answers that are too long for memory, ports and connections that run out, connections that are not kept."""

import os
import resource
import socketserver
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load import expiry
from probes.load.raw import RawPart, read_raw
from probes.load.response import Response
from probes.load.spool import SpoolWriter, read_spool
from tests.probes.load.test_spool import RAW

MIB = 1 << 20
EVENT = b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n'


@contextmanager
def flood(*pieces: tuple[bytes, int]):
    """A server whose answer, ended by the connection, is each piece so many times; gives its URL and what it wrote."""
    written = [0]

    class Flood(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65536)
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            try:
                for piece, times in pieces:
                    for _ in range(times):
                        self.request.sendall(piece)
                        written[0] += len(piece)
            except OSError:
                return  # the client had enough

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Flood) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", written
        server.shutdown()


def test_a_gigabyte_without_a_line_break_is_given_up_early_and_memory_stays_flat(load):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with flood((b"x" * MIB, 1024)) as (url, written):
        [attempt] = load(url, requests=1, concurrency=1).attempts
    assert attempt.error_class == "parse_error"
    assert "no line break in 4 MiB" in attempt.error_message
    assert written[0] < 64 * MIB
    assert attempt.response_bytes < 8 * MIB
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 64 * MIB


def test_a_long_answer_leaves_memory_while_it_comes_and_is_read_back_whole(load, tmp_path):
    event = EVENT % (b"w" * 1000)
    count = 9000
    body = (event * 100, count // 100)
    end = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    with flood(body, (end, 1)) as (url, _):
        [attempt] = load(url, requests=1, concurrency=1).attempts
    assert attempt.error_class is None
    assert attempt.chunks == count
    assert attempt.response_bytes == count * len(event) + len(end)
    spool = tmp_path / "spool1"
    assert spool.read_bytes().count(b'"part_of"') >= 8  # a piece for each MiB
    [raw] = read_raw(spool)
    assert raw.body == event * count + end
    assert raw.read_ends == sorted(set(raw.read_ends))
    assert raw.read_ends[-1] == len(raw.body)
    assert len(raw.read_stamps_ns) == len(raw.read_ends)
    assert raw.read_stamps_ns == sorted(raw.read_stamps_ns)


def test_many_answers_under_way_leave_memory_together_when_they_hold_too_much(load, tmp_path, monkeypatch):
    monkeypatch.setattr(expiry, "_HELD_LIMIT_BYTES", 20_000)
    monkeypatch.setattr(expiry, "_SPILL_BYTES", 2_000)
    with fake_endpoint(FakeScript(itl_s=0.004)) as fake:
        result = load(fake.base_url, concurrency=4, requests=4, output_tokens=300)
    for attempt in result.attempts:
        assert (attempt.error_class, attempt.chunks, attempt.output_tokens) == (None, 300, 300)
        assert attempt.t_start_ns < attempt.t_byte_ns <= attempt.t_first_ns < attempt.t_last_ns
    assert (tmp_path / "spool1").read_bytes().count(b'"part_of"') > 4


@pytest.mark.parametrize("keep_bytes", [0, 10, 11, 12, 13, 20, 25, 30, 1000])
def test_a_spill_never_cuts_the_key_in_two(keep_bytes):
    key = b"sk-0123456789"
    response = Response()
    response.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    response.part_counts.append(0)
    response.stamps.append(1)
    for n in range(10):
        response.feed(b"a" * 7)
        response.stamps.append(n + 2)
        response.part_counts.append(len(response.parts))
    response.feed(key)
    response.stamps.append(12)
    response.part_counts.append(len(response.parts))
    response.feed(b"b" * 12)
    response.stamps.append(13)
    response.part_counts.append(len(response.parts))
    stamps, ends, body = response.spill(keep_bytes, [b"another", key])
    rest = b"".join(response.parts)
    assert body + rest == b"a" * 70 + key + b"b" * 12
    assert (key in body) != (key in rest)
    assert len(rest) >= min(keep_bytes, 95)
    response.feed(b"c" * 5)
    response.stamps.append(14)
    response.part_counts.append(len(response.parts))
    later_stamps, later_ends = response.body_reads()
    assert stamps + later_stamps == list(range(2, 15))
    assert ends + later_ends == [*range(7, 71, 7), 83, 95, 100]


def test_parts_of_an_attempt_that_never_ended_are_left_out(tmp_path):
    path = tmp_path / "s"
    lost = RawPart(part_of="t.00007", body=b"half", read_stamps_ns=[1], read_ends=[4])
    first = RawPart(part_of=RAW.attempt_id, body=b"abc", read_stamps_ns=[5, 6], read_ends=[1, 3])
    with SpoolWriter(path) as spool:
        spool.add_part(first)
        spool.add_part(lost)
        spool.add(replace(RAW, body=b"de", read_stamps_ns=[7], read_ends=[5]))
        spool.add(replace(RAW, attempt_id="t.00001", seq=1))
    whole, other = read_raw(path)
    assert (whole.body, whole.read_stamps_ns, whole.read_ends) == (b"abcde", [5, 6, 7], [1, 3, 5])
    assert other == replace(RAW, attempt_id="t.00001", seq=1)
    assert len(read_spool(path)) == 2


@pytest.mark.parametrize("arrivals", ["closed", "constant"])
def test_cold_requests_open_and_close_a_connection_each(arrivals, load):
    given = {"concurrency": 2} if arrivals == "closed" else {"rate_rps": 100.0}
    with fake_endpoint(FakeScript(ttft_s=0.01)) as fake:
        result = load(fake.base_url, arrivals=arrivals, connections="cold", requests=8, warmup_requests=2, **given)
        assert fake.connections == 10
    for attempt in result.attempts:
        assert (attempt.error_class, attempt.connection_reused) == (None, False)
        assert attempt.t_start_ns <= attempt.t_conn_ns <= attempt.t_sent_ns
        assert attempt.t_conn_ns < attempt.t_first_ns  # a stop between a send and its stamp may outlast the answer


FEW_PORTS = """
import fcntl, socket, struct, sys
from pathlib import Path
with socket.socket() as link:  # loopback up
    fcntl.ioctl(link, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))
Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("50000 50003")
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.client import LoadSpec, run_load
with fake_endpoint(FakeScript(ttft_s=0.05)) as fake:
    spec = LoadSpec(base_url=fake.base_url, model="m", concurrency=20, requests=40, output_tokens=2, attempt_prefix="t")
    result = run_load(spec, spool_path=Path(sys.argv[1]))
print(result.stopped_reason)
print({attempt.error_class for attempt in result.attempts})
"""


def test_local_ports_that_run_out_are_our_fault_and_said_so(tmp_path):
    command = ["unshare", "--map-root-user", "--net", sys.executable, "-c", FEW_PORTS, str(tmp_path / "spool")]
    try:
        subprocess.run([*command[:3], "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no network namespace of our own here")
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "."})
    reason, classes = done.stdout.splitlines()
    assert "no local port left" in reason
    assert "ip_local_port_range" in reason
    assert "connect_refused" not in classes
    assert "aborted" in classes


FEW_DESCRIPTORS = """
import os, resource, sys
from pathlib import Path
from probes.load.client import LoadSpec, run_load
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
def take_all():
    try:
        while True:
            os.dup(0)
    except OSError:
        pass
spec = LoadSpec(base_url=sys.argv[1], model="m", concurrency=10, requests=40, connections="cold", attempt_prefix="t")
result = run_load(spec, spool_path=Path(sys.argv[2]), on_window_start=take_all)
print(result.stopped_reason)
print([attempt.error_class for attempt in result.attempts])
"""


def test_descriptors_that_run_out_are_our_fault_and_said_so(tmp_path):
    with fake_endpoint() as fake:
        command = [sys.executable, "-c", FEW_DESCRIPTORS, fake.base_url, str(tmp_path / "spool")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert not fake.requests
    reason, classes = done.stdout.splitlines()
    assert "no file descriptor left; raise the limit with: ulimit -n" in reason
    assert classes == "['aborted']"
