"""One load sent by several processes."""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from probes.errors import ProbeError
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.client import LoadSpec, run_load
from probes.load.requests import RequestSource
from probes.load.spool import read_spool
from tests.probes.load.conftest import PATIENT


def run(tmp_path, url, processes=2, **given):
    hooks = {name: given.pop(name) for name in ("stop", "on_progress", "on_window_start") if name in given}
    order = {"model": "m", "output_tokens": 4, "attempt_prefix": "t", "timeouts": PATIENT} | given
    return run_load(LoadSpec(base_url=url, **order), spool_path=tmp_path / "spool", processes=processes, **hooks)


OTHERS = set()


@pytest.fixture(autouse=True)
def what_other_tests_left():
    OTHERS.clear()
    OTHERS.update(children())


def children():
    """Those that this test began."""
    return set(map(int, Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())) - OTHERS


def test_a_closed_loop_is_split_and_its_attempts_are_one_plan(tmp_path):
    seen = []
    with fake_endpoint(FakeScript(ttft_s=0.02, itl_s=0.002)) as fake:
        result = run(tmp_path, fake.base_url, concurrency=5, requests=21, warmup_requests=3, on_progress=seen.append)
    assert [attempt.attempt_id for attempt in result.attempts] == [
        *("t.w00", "t.w01", "t.w02"),
        *(f"t.{n:05d}" for n in range(21)),
    ]
    assert {attempt.error_class for attempt in result.attempts} == {None}
    assert result.stopped_reason is None
    assert (seen[-1].phase, seen[-1].done, seen[-1].total, seen[-1].in_flight) == ("measured", 21, 21, 0)
    measured = [attempt for attempt in result.attempts if attempt.phase == "measured"]
    assert [_most_in_flight(measured[part::2]) for part in (0, 1)] == [3, 2]
    assert result.evidence.client_processes == 2
    assert result.evidence.client_rss_bytes > 20_000_000
    assert result.client_cpu_s > 0.1
    assert not children()


def _most_in_flight(attempts):
    return max(sum(one.t_start_ns <= each.t_start_ns < one.t_end_ns for one in attempts) for each in attempts)


def test_the_sends_of_an_open_loop_are_those_of_one_process(tmp_path):
    load = {"arrivals": "poisson", "rate_rps": 200.0, "requests": 60, "seed": 5}
    with fake_endpoint() as fake:
        result = run(tmp_path, fake.base_url, processes=3, **load)
        spec = LoadSpec(base_url=fake.base_url, model="m", output_tokens=4, attempt_prefix="t", **load)
    alone = [planned.t_sched_ns for planned in _plan(spec)]
    together = [attempt.t_sched_ns for attempt in result.attempts]
    assert [b - a for a, b in pairwise(together)] == [b - a for a, b in pairwise(alone)]
    assert len({request.body["messages"][0]["content"] for request in fake.requests}) == 60
    assert result.evidence.sends_planned == 60
    assert all(attempt.t_start_ns >= attempt.t_sched_ns for attempt in result.attempts)


def _plan(spec):
    from probes.load.origin import parse_origin
    from probes.load.protocols import protocol

    wire = protocol(spec.api)
    return RequestSource(spec, wire, parse_origin(spec.base_url, wire.path(spec))).unscheduled()


def test_a_stop_reaches_all_of_them(tmp_path):
    with fake_endpoint(FakeScript(fault="silent")) as fake:
        result = run(
            tmp_path, fake.base_url, concurrency=4, requests=8, stop=lambda: "enough" if fake.requests else None
        )
    assert result.stopped_reason == "enough"
    assert {(a.error_class, a.error_message) for a in result.attempts} == {("aborted", "enough")}
    assert not children()


def test_a_target_that_refuses_everybody_ends_the_plan_of_all(tmp_path):
    with fake_endpoint(FakeScript(fault="http-401")) as fake:
        result = run(tmp_path, fake.base_url, concurrency=4, requests=10_000)
    assert "3 attempts in a row ended in auth" in result.stopped_reason
    assert {attempt.error_class for attempt in result.attempts} == {"auth"}
    assert len(result.attempts) < 1000


def test_one_that_dies_is_told_in_a_sentence_and_what_was_measured_is_kept(tmp_path):
    victims = []

    def kill_one(progress):
        if progress.phase == "measured" and progress.done > 20 and not victims:
            victims.append(max(children()))
            os.kill(victims[0], signal.SIGKILL)

    with fake_endpoint(FakeScript(ttft_s=0.01)) as fake:
        result = run(tmp_path, fake.base_url, concurrency=4, requests=None, duration_s=30, on_progress=kill_one)
    assert result.stopped_reason == "a process of the load client ended by SIGKILL"
    assert {attempt.error_class for attempt in result.attempts} <= {None, "aborted"}
    assert len([attempt for attempt in result.attempts if attempt.error_class is None]) > 10
    assert result.evidence.client_processes == 1  # nobody speaks for the dead one
    assert not children()


def test_workers_do_not_outlive_a_parent_that_was_interrupted(tmp_path):
    def interrupt(progress):
        if progress.phase == "measured":
            raise KeyboardInterrupt

    with fake_endpoint(FakeScript(ttft_s=0.01)) as fake, pytest.raises(KeyboardInterrupt):
        run(tmp_path, fake.base_url, concurrency=4, requests=None, duration_s=30, on_progress=interrupt)
    assert not children()
    assert read_spool(tmp_path / "spool")


PARENT = """
import sys
from pathlib import Path
from probes.load.client import LoadSpec, run_load
spec = LoadSpec(base_url=sys.argv[1], model="m", concurrency=4, duration_s=60, output_tokens=4, attempt_prefix="t")
run_load(
    spec, spool_path=Path(sys.argv[2]), processes=2, on_progress=lambda p: print(p.phase, p.done, flush=True)
)
"""


def test_workers_do_not_outlive_a_parent_that_was_killed_and_what_they_measured_is_there(tmp_path):
    with fake_endpoint(FakeScript(ttft_s=0.01)) as fake:
        command = [sys.executable, "-c", PARENT, fake.base_url, str(tmp_path / "spool")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
            while (told := parent.stdout.readline().split()) and not (told[0] == "measured" and int(told[1]) > 20):
                pass
            workers = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
            parent.kill()
        assert len(workers) == 2
        while any(_is_alive(pid) for pid in workers):
            time.sleep(0.02)
    records = read_spool(tmp_path / "spool")
    assert len([record for record in records if record.error_class is None]) > 20
    gone = {record.error_message for record in records if record.error_class == "aborted"}
    assert gone == {"the process that started this one is gone"}


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_an_order_that_cannot_be_carried_out_is_refused_as_by_one(tmp_path):
    with pytest.raises(ProbeError, match="processes = 0"):
        run(tmp_path, "http://h/v1", processes=0, concurrency=1, requests=1)
    (tmp_path / "spool.worker001").touch()
    with fake_endpoint() as fake, pytest.raises(ProbeError, match="spool of an earlier trial"):
        run(tmp_path, fake.base_url, concurrency=4, requests=8)
    assert not children()
