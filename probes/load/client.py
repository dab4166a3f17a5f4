"""One load trial: connections, warm-up, the measured window, and the attempts as records.

spec -> requests (prompts + arrivals) -> loop (transport | protocol) -> spool -> recorder -> result
"""

import gc
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from probes.errors import ProbeError
from probes.load.clock import sample_offset_ns
from probes.load.loop import LoadLoop
from probes.load.origin import Origin, parse_origin
from probes.load.protocols import protocol
from probes.load.protocols.base import WireProtocol
from probes.load.raw import read_raw
from probes.load.record import AttemptRecord, Phase
from probes.load.recorder import record_of
from probes.load.requests import RequestSource
from probes.load.spec import LoadResult, LoadSpec, Progress, Timeouts
from probes.load.spool import SpoolWriter, read_spool

if TYPE_CHECKING:
    import ssl

__all__ = ["LoadResult", "LoadSpec", "Progress", "Timeouts", "run_load"]

_S: Final = 1_000_000_000
_PROGRESS_NS: Final = _S // 4
_SPARE_DESCRIPTORS: Final = 64
_CALIBRATIONS: Final = 2  # warm-ups sent one by one, of two lengths, to learn how the server counts our text


def run_load(
    spec: LoadSpec,
    *,
    spool_path: Path,
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
        on_progress: called about four times a second, from this thread.
        stop: polled at least four times a second; a reason ends the trial, with what is in flight as "aborted".
        on_window_start: called right before the first measured request is sent.

    Raises:
        ProbeError: a bad URL, an unknown api, too few file descriptors, a spool that cannot be written.
    """
    if sys.platform != "linux":
        raise ProbeError(f"the load client needs Linux (epoll, timerfd, kernel receive stamps); this is {sys.platform}")
    trial = _Trial(spec, on_progress=on_progress, on_window_start=on_window_start)
    cpu_start_s = _cpu_s()
    offset_start_ns = sample_offset_ns()
    with SpoolWriter(spool_path) as spool, _no_collections():
        stopped_reason = trial.run(spool, spool_path, stop)
    attempts = read_spool(spool_path)
    measured = [attempt for attempt in attempts if attempt.phase == "measured"]
    sources = {attempt.stamp_source for attempt in attempts if attempt.stamp_source is not None}
    return LoadResult(
        attempts=attempts,
        window_start_ns=min((a.t_start_ns for a in measured if a.t_start_ns is not None), default=None),
        window_end_ns=max((a.t_end_ns for a in measured if a.t_end_ns is not None), default=None),
        clock_offset_start_ns=offset_start_ns,
        clock_offset_end_ns=sample_offset_ns(),
        stamp_source=None if not sources else ("read" if "read" in sources else "kernel"),
        client_cpu_s=_cpu_s() - cpu_start_s,
        stopped_reason=stopped_reason,
    )


class _Trial:
    """What one call of `run_load` keeps in mind."""

    def __init__(
        self,
        spec: LoadSpec,
        *,
        on_progress: Callable[[Progress], None] | None,
        on_window_start: Callable[[], None] | None,
    ) -> None:
        self._spec = spec
        self._on_progress = on_progress
        self._on_window_start = on_window_start
        self._protocol: WireProtocol = protocol(spec.api)
        self._origin: Origin = parse_origin(spec.base_url, self._protocol.path_suffix)
        self._requests = RequestSource(spec, self._protocol, self._origin)
        self._tls_context = _tls_context(spec) if self._origin.tls else None
        self._max_connections = _descriptors(spec.concurrency or 1)
        self._phase: Phase = "warmup"
        self._total: int | None = None
        self._phase_start_ns = monotonic_ns()
        self._progress_due_ns = 0
        self._loop: LoadLoop | None = None

    def run(self, spool: SpoolWriter, spool_path: Path, stop: Callable[[], str | None]) -> str | None:
        """Warm up, measure; returns why the trial stopped early, if it did."""
        spec = self._spec
        with LoadLoop(
            origin=self._origin,
            protocol=self._protocol,
            timeouts=spec.timeouts,
            spool=spool,
            secret=spec.api_key or "",
            tls_context=self._tls_context,
            max_connections=self._max_connections,
            stop=stop,
            on_tick=self._tick,
        ) as loop:
            self._loop = loop
            ahead = self._warm_up(loop, spool, spool_path)
            loop.open_connections(ahead)
            if loop.stopped_reason is None:
                self._measure(loop)
            self._progress(force=True)
            return loop.stopped_reason

    def _warm_up(self, loop: LoadLoop, spool: SpoolWriter, spool_path: Path) -> int:
        """Send the warm-ups, the first of them to learn how long our prompts are; returns connections to have ready."""
        spec = self._spec
        self._enter("warmup", spec.warmup_requests)
        samples: list[tuple[int, int]] = []
        loop.open_connections(1)
        durations_ns = done = 0
        for n in range(min(_CALIBRATIONS, spec.warmup_requests)):
            words = self._requests.calibration_words(n)
            loop.run(iter([self._requests.warmup(n, words=words)]), limit=1)
            spool.flush()
            for record in _records_of(spool_path, f"{spec.attempt_prefix}.w{n:02d}"):
                if record.prompt_tokens is not None:
                    samples.append((words, record.prompt_tokens))
            self._requests.learn(samples)
            durations_ns += loop.counts.duration_sum_ns
            done += loop.counts.done
        rest = range(_CALIBRATIONS, spec.warmup_requests)
        if rest and loop.stopped_reason is None:
            limit = min(self._requests.warmup_limit(), len(rest))
            loop.open_connections(limit)
            loop.run((self._requests.warmup(n) for n in rest), limit=limit)
            durations_ns += loop.counts.duration_sum_ns
            done += loop.counts.done
        return self._requests.connections_ahead(durations_ns / done / _S if done else None)

    def _measure(self, loop: LoadLoop) -> None:
        spec = self._spec
        self._enter("measured", spec.requests)
        until_ns = None
        source = self._requests.measured()
        gc.freeze()
        if self._on_window_start is not None:
            self._on_window_start()
        self._phase_start_ns = monotonic_ns()
        if spec.arrivals == "closed" and spec.duration_s is not None:
            until_ns = self._phase_start_ns + round(spec.duration_s * _S)
        loop.run(source, limit=spec.concurrency if spec.arrivals == "closed" else None, send_until_ns=until_ns)

    def _enter(self, phase: Phase, total: int | None) -> None:
        self._phase, self._total, self._phase_start_ns = phase, total, monotonic_ns()

    def _tick(self) -> None:
        self._progress(force=False)

    def _progress(self, *, force: bool) -> None:
        now_ns = monotonic_ns()
        loop = self._loop
        if self._on_progress is None or loop is None or (now_ns < self._progress_due_ns and not force):
            return
        self._progress_due_ns = now_ns + _PROGRESS_NS
        self._on_progress(
            Progress(
                phase=self._phase,
                done=loop.counts.done,
                total=self._total,
                ok=loop.counts.ok,
                in_flight=loop.in_flight,
                output_tokens=loop.counts.output_tokens,
                elapsed_s=(now_ns - self._phase_start_ns) / _S,
            )
        )


def _records_of(spool_path: Path, attempt_id: str) -> list[AttemptRecord]:
    return [record_of(raw) for raw in read_raw(spool_path) if raw.attempt_id == attempt_id]


def _tls_context(spec: LoadSpec) -> "ssl.SSLContext":
    # Here, because ssl is slow to import and local targets need none.
    from probes.load.tls import client_context

    try:
        return client_context(spec.ca_file)
    except OSError as error:
        raise ProbeError(f"ca_file {spec.ca_file} cannot be used: {error}; it must be a PEM certificate") from error


def _descriptors(concurrency: int) -> int:
    """How many connections this process may have; raises its soft limit to the hard one.

    Raises:
        ProbeError: fewer than `concurrency`; says the limit and the command.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = hard if hard != resource.RLIM_INFINITY else 1 << 20
    if concurrency + _SPARE_DESCRIPTORS > most:
        raise ProbeError(
            f"concurrency = {concurrency} needs {concurrency + _SPARE_DESCRIPTORS} file descriptors, the limit is "
            f"{most}; raise it with: ulimit -n {concurrency + _SPARE_DESCRIPTORS}"
        )
    return most - _SPARE_DESCRIPTORS


@contextmanager
def _no_collections() -> Iterator[None]:
    """No garbage collection: a full one would stop the loop for tens of milliseconds."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
