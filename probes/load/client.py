"""One load trial: connections, warm-up, the measured window, and the attempts as records.

spec -> session (requests, loop) -> spool -> recorder -> result
"""

import resource
import sys
from collections.abc import Callable
from pathlib import Path

from probes.errors import ProbeError
from probes.load.clock import sample_offset_ns
from probes.load.evidence import ClientEvidence
from probes.load.rounds import rounds_of_one
from probes.load.session import Session
from probes.load.spec import LoadResult, LoadSpec, Progress, Timeouts

__all__ = ["LoadResult", "LoadSpec", "Progress", "Timeouts", "run_load"]


def run_load(
    spec: LoadSpec,
    *,
    spool_path: Path,
    processes: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], str | None] = lambda: None,
    on_window_start: Callable[[], None] | None = None,
) -> LoadResult:
    """Run one trial. Failed attempts are records, never exceptions.

    The spool holds every attempt as soon as it is over; after a kill, `spool.read_spool` gives what there
    was. The result is read back from it too: there is one path.

    Args:
        spec: what to do.
        spool_path: a file that does not exist yet, in a directory that does.
        processes: how many share the load, each on a core of its own where there are enough.
        on_progress: called about four times a second, from this thread.
        stop: polled at least four times a second; a reason ends the trial, with what is in flight as "aborted".
        on_window_start: called right before the first measured request is sent.

    Raises:
        ProbeError: no process, a bad URL, an unknown api, too few file descriptors, a spool that cannot be written.
    """
    check_platform()
    if processes < 1:
        raise ProbeError(f"processes = {processes} must be >= 1")
    if processes > 1:
        from probes.load.processes import run_load_in_processes

        return run_load_in_processes(
            spec,
            processes=processes,
            spool_path=spool_path,
            on_progress=on_progress,
            stop=stop,
            on_window_start=on_window_start,
        )
    cpu_start_s = cpu_s()
    offset_start_ns = sample_offset_ns()
    tell = None if on_progress is None else _told_alone(on_progress)
    with Session([spec], [spool_path], stop=stop, on_progress=tell) as session:
        session.get_ready(session.warm_up())
        if not session.loop.is_over:
            rounds = rounds_of_one(session.requests[0].measured())
            session.measure(rounds, before=on_window_start or nothing)
        [evidence] = session.evidence()
        stopped_reason = session.stopped_reason(0)
    return read_result(
        spool_path,
        offset_start_ns=offset_start_ns,
        evidence=evidence,
        stopped_reason=stopped_reason,
        cpu_before_s=cpu_start_s,
    )


def read_result(
    spool_path: Path,
    *,
    offset_start_ns: int,
    evidence: ClientEvidence,
    stopped_reason: str | None,
    cpu_before_s: float,
) -> LoadResult:
    """The result of a trial whose spool is complete. Its CPU seconds are those since `cpu_before_s`."""
    return LoadResult(
        spool_path=spool_path,
        clock_offset_start_ns=offset_start_ns,
        clock_offset_end_ns=sample_offset_ns(),
        client_cpu_s=cpu_s() - cpu_before_s,
        evidence=evidence,
        stopped_reason=stopped_reason,
    )


def check_platform() -> None:
    """Raises ProbeError where the load client cannot run."""
    if sys.platform != "linux":
        raise ProbeError(f"the load client needs Linux (epoll, timerfd, kernel receive stamps); this is {sys.platform}")


def cpu_s() -> float:
    """CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _told_alone(on_progress: Callable[[Progress], None]) -> Callable[[int, Progress], None]:
    return lambda _, progress: on_progress(progress)


def nothing() -> None:
    """Nobody wants to know that the window starts."""
