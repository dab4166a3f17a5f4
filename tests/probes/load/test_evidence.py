"""What the client says of itself, when it is well and when it is not."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.clock import WallClock
from probes.load.evidence import ClientEvidence, Gauge, LagCounts, peak_rss_bytes, worst_of
from warehouse.rows import TrialRow

MS = 1_000_000
QUIET = ClientEvidence(
    client_processes=1,
    loop_busy_share=0.1,
    receive_lag_p99_ns=1000,
    receive_lag_max_ns=2000,
    suspended_ns=0,
    clock_step_ns=0,
    sends_planned=None,
    sends_missed=None,
    client_rss_bytes=10,
)


def test_its_fields_are_columns_of_trials():
    assert {field.name for field in fields(ClientEvidence)} <= {field.name for field in fields(TrialRow)}


def test_a_quiet_trial_has_nothing_to_confess(load):
    with fake_endpoint(FakeScript(ttft_s=0.02, itl_s=0.005)) as fake:
        evidence = load(fake.base_url, requests=6).evidence
    assert evidence.client_processes == 1
    assert 0 <= evidence.loop_busy_share < 1
    assert 0 <= evidence.receive_lag_p99_ns <= evidence.receive_lag_max_ns
    assert evidence.clock_step_ns == 0
    assert (evidence.sends_planned, evidence.sends_missed) == (None, None)
    assert evidence.client_rss_bytes > 10_000_000


def test_sends_that_a_stop_left_undone_were_missed_if_they_were_due(load):
    with fake_endpoint(FakeScript(fault="silent")) as fake:
        result = load(
            fake.base_url,
            arrivals="constant",
            rate_rps=100.0,
            requests=1000,
            stop=lambda: "enough" if len(fake.requests) >= 5 else None,
        )
    evidence = result.evidence
    assert evidence.sends_planned < 1000
    assert evidence.sends_planned - evidence.sends_missed <= len(result.attempts) <= evidence.sends_planned


def test_sends_to_a_target_that_was_given_up_are_missed_not_forgotten(load):
    with fake_endpoint(FakeScript(fault="http-401")) as fake:
        result = load(fake.base_url, arrivals="constant", rate_rps=50.0, requests=200)
    assert result.stopped_reason
    assert result.evidence.sends_planned >= len(result.attempts) >= 3


CLIENT = """
import sys, json, dataclasses
from pathlib import Path
from probes.load.client import *
result = run_load(
    LoadSpec(base_url=sys.argv[1], model="m", concurrency=4, requests=16, output_tokens=100, attempt_prefix="t"),
    spool_path=Path(sys.argv[2]),
    on_progress=lambda progress: print(progress.in_flight, flush=True),
)
attempts = [(a.attempt_id, a.error_class, a.t_start_ns, a.t_first_ns, a.t_last_ns, a.chunks, a.coalesced_chunks)
            for a in result.attempts]
print(json.dumps([dataclasses.asdict(result.evidence), attempts]))
"""


def test_a_client_that_was_stopped_and_continued_says_for_how_long(tmp_path):
    with fake_endpoint(FakeScript(ttft_s=0.02, itl_s=0.01)) as fake:
        command = [sys.executable, "-c", CLIENT, fake.base_url, str(tmp_path / "spool")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            while not int(client.stdout.readline()):
                pass
            os.kill(client.pid, signal.SIGSTOP)
            os.waitpid(client.pid, os.WUNTRACED)
            time.sleep(1.2)
            os.kill(client.pid, signal.SIGCONT)
            evidence, attempts = json.loads(client.stdout.read().splitlines()[-1])
        truth = {request.request_id: request for request in fake.requests}
    assert 700 * MS < evidence["suspended_ns"] < 60_000 * MS
    assert len(attempts) == 16
    for attempt_id, error_class, start_ns, first_ns, last_ns, chunks, _ in attempts:
        request = truth[attempt_id]
        assert error_class is None
        assert chunks == 100
        # What came while it was stopped is never dated before it was written.
        assert start_ns < request.recv_ns
        assert first_ns >= request.first_ns
        assert last_ns >= request.last_ns
    assert sum(coalesced for *_, coalesced in attempts) > 0  # and what it read late is marked


@given(st.lists(st.tuples(st.integers(0, 2**50), st.integers(1, 1000)), min_size=1, max_size=50))
def test_a_percentile_of_lags_is_right_to_an_eighth_and_never_too_low(lags):
    counts = LagCounts()
    for lag_ns, reads in lags:
        counts.add(lag_ns, reads)
    every = sorted(lag_ns for lag_ns, reads in lags for _ in range(reads))
    for percent in (1, 50, 99, 100):
        true_ns = every[-(-percent * len(every) // 100) - 1]
        assert true_ns <= counts.percentile_ns(percent) <= true_ns * 9 / 8 + 1
    assert counts.max_ns == every[-1]


def test_lags_of_no_read_are_unknown_and_of_a_clock_ahead_zero():
    counts = LagCounts()
    assert (counts.percentile_ns(99), counts.max_ns) == (None, None)
    counts.add(-40, 3)
    assert (counts.percentile_ns(99), counts.max_ns) == (0, 0)


def test_a_wait_that_overran_its_timeout_counts_and_one_in_time_does_not():
    gauge = Gauge()
    gauge.waited(0, 240 * MS, 250 * MS)
    assert gauge.suspended_ns == 0
    gauge.waited(0, 950 * MS, 250 * MS)
    assert gauge.suspended_ns == 700 * MS
    gauge.woken_late(100, 900 * MS, 50 * MS)  # stamped while it waited
    assert gauge.suspended_ns == 850 * MS
    gauge.woken_late(100 * MS, 2000 * MS, 50 * MS)  # stamped before: it was at work
    assert gauge.suspended_ns == 850 * MS


def test_work_that_took_cpu_is_no_suspension_and_sleep_is_one():
    gauge = Gauge()
    began = time.monotonic_ns()
    gauge.restart()  # what was lost before belongs to no stretch that is asked about
    cpu_until = time.thread_time_ns() + 20 * MS
    while time.thread_time_ns() < cpu_until:
        pass
    gauge.worked(began, time.monotonic_ns())
    worked_ns = time.monotonic_ns() - began
    assert gauge.suspended_ns <= worked_ns - 19 * MS
    began = time.monotonic_ns()
    time.sleep(0.03)
    gauge.worked(began, time.monotonic_ns())
    assert gauge.suspended_ns >= 29 * MS


def test_the_largest_step_of_the_wall_clock_is_kept_with_its_sign():
    offsets_ns = [0]
    clock = WallClock(lambda: time.monotonic_ns() + offsets_ns[-1])
    for offset_ns in (5_000 * MS, 2_000 * MS, 2_000 * MS, -6_000 * MS):
        offsets_ns.append(offset_ns)
        clock.look(time.monotonic_ns())
    assert clock.step_ns == pytest.approx(-8_000 * MS, abs=MS)


def test_of_several_processes_the_worst_counts_and_sends_add_up():
    busy = replace(QUIET, loop_busy_share=0.9, clock_step_ns=-5, suspended_ns=7, sends_planned=3, sends_missed=1)
    other = replace(QUIET, receive_lag_p99_ns=None, clock_step_ns=4, sends_planned=2, sends_missed=0)
    both = worst_of([busy, other])
    assert both.client_processes == 2
    assert (both.loop_busy_share, both.suspended_ns, both.clock_step_ns) == (0.9, 7, -5)
    assert (both.receive_lag_p99_ns, both.sends_planned, both.sends_missed) == (1000, 5, 1)
    assert both.client_rss_bytes == 20
    assert worst_of([QUIET]) == QUIET


def test_the_peak_of_memory_is_this_processs_own():
    before = peak_rss_bytes()
    program = "from probes.load.evidence import peak_rss_bytes; print(peak_rss_bytes())"
    child = int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)
    assert 5_000_000 < child < before
