"""Whether the load client keeps time at a trial's load, on this machine: tested against itself, and remembered."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from flows.paths import selftests_home
from flows.spec import TrialSpec
from flows.version import VERSION
from flows.workload import Workload
from probes.errors import ProbeError
from probes.load.plan import Plan
from probes.load.selftest import SelfTest, cached_self_test, self_test
from warehouse.rows import AttemptRow, LandingRow, TrialRow

MOST_TTFT_ERROR_NS = 1_000_000
LEAST_CONCURRENCY = 0.98


def certified(
    specs: Sequence[TrialSpec], rows: Sequence[list[LandingRow]], data_dir: Path
) -> tuple[list[list[LandingRow]], str | None]:
    """The rows of trials with their client's self-test at the load that they turned out to be.

    It runs after the load and never before: nobody waits for it. It is taken from a cache where there is a fresh one.

    Args:
        specs: one trial, or the members of one group, which one client held together.
        rows: of each, as they will land.
        data_dir: the data folder; self-tests are kept there, unless MEGATOKEN_SELFTESTS says where.

    Returns:
        The rows of each, and why there is no self-test, if there is none.
    """
    load = _load_of(specs, rows)
    if load is None:
        return list(rows), None  # nothing was measured, so there is nothing to certify
    streams, rate_rps = load
    try:
        test = cached_self_test(
            selftests_home(data_dir),
            streams=streams,
            rate_rps=rate_rps,
            processes=specs[0].workload.client_processes if len(specs) == 1 else 1,  # a group has one client
            version=VERSION,
        )
    except ProbeError as error:
        return list(rows), str(error)
    columns = dataclasses.asdict(test)
    return [
        [dataclasses.replace(row, **columns) if isinstance(row, TrialRow) else row for row in each] for each in rows
    ], None


def client_holds(data_dir: Path, streams: int) -> bool:
    """Whether the client keeps time with so many streams on this machine, by its self-test."""
    try:
        test = cached_self_test(selftests_home(data_dir), streams=streams, version=VERSION)
        # A neighbour's busy second is not the client's limit: it is refuted by two tests, not by one.
        return _passes(test) or _passes(self_test(streams=streams))
    except ProbeError:
        return False  # it could not even run at that load


def _passes(test: SelfTest) -> bool:
    return (
        test.selftest_ttft_error_p99_ns <= MOST_TTFT_ERROR_NS and test.selftest_concurrency_share >= LEAST_CONCURRENCY
    )


def _load_of(specs: Sequence[TrialSpec], rows: Sequence[list[LandingRow]]) -> tuple[int, float | None] | None:
    """Streams in flight and planned rate of trials that ran together; None if nobody was answered."""
    streams = rate_rps = 0.0
    for spec, each in zip(specs, rows, strict=True):
        measured = [row for row in each if isinstance(row, AttemptRow) and row.phase == "measured"]
        spans = [(r.t_start_ns, r.t_end_ns) for r in measured if r.t_start_ns is not None and r.t_end_ns is not None]
        if not any(row.error_class is None for row in measured):
            return None
        if spec.workload.concurrency is not None:
            streams += spec.workload.concurrency
            continue
        window_ns = max(end for _, end in spans) - min(start for start, _ in spans)
        streams += sum(end - start for start, end in spans) / max(window_ns, 1)
        rate_rps += highest_rate_rps(spec.workload)
    return max(1, math.ceil(streams)), rate_rps or None


def highest_rate_rps(workload: Workload) -> float:
    """The highest rate that an open loop plans, over a second where it varies."""
    if workload.rate_rps is None:
        return float(max(1, Plan(workload).busiest(1.0)))
    return max(workload.rate_rps, workload.rate_end_rps or 0.0)


def planned_streams(workload: Workload) -> int:
    """Requests that a workload is planned to have in flight: what its client must be able to hold.

    An open loop's are the most that fall into the time in which an answer still meets the service level.
    """
    if workload.concurrency is not None:
        return workload.concurrency
    seconds = (workload.slo_ttft_ms + workload.slo_tpot_ms * (workload.output_tokens - 1)) / 1000
    return max(1, Plan(workload).busiest(seconds))
