"""What one process does for a trial or a group of trials: warm-up, then the measured part, in one loop.

specs -> lanes + requests -> loop -> spools
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns
from types import TracebackType
from typing import Final, Self

from probes.load.evidence import ClientEvidence, peak_rss_bytes
from probes.load.flight import Planned
from probes.load.lane_spec import lane_of, part_of, tls_context
from probes.load.loop import LoadLoop
from probes.load.origin import parse_origin
from probes.load.own_process import descriptors_for, no_collections
from probes.load.protocols import protocol
from probes.load.raw import read_raw
from probes.load.record import RunPhase
from probes.load.recorder import record_of
from probes.load.requests import RequestSource
from probes.load.rounds import Ahead
from probes.load.spec import LoadSpec, Progress
from probes.load.spool import SpoolWriter
from probes.load.stamping import kernel_stamps

_S: Final = 1_000_000_000
_PROGRESS_NS: Final = _S // 4
_CALIBRATIONS: Final = 2  # warm-ups sent one by one, of two lengths, to learn how the server counts our text


@dataclass(slots=True, kw_only=True)
class Readiness:
    """What warm-ups tell about one target, and so all that a second process needs to go on from there."""

    samples: list[tuple[int, int]]  # words sent, prompt tokens counted
    connections: int  # to have open before the first measured send
    unit_tokens: Sequence[int] | None = None  # of each word of the text, where somebody says


class Session:
    """One process's part of a trial (one spec), or of a group of them. A context manager.

    Args:
        specs: one a lane; all with the same plan (arrivals, rates, counts).
        spool_paths: one a lane; files that do not exist yet.
        share: (i, n): of the plan, every n-th send from the i-th on, and that part of the concurrency.
        stop: polled at least four times a second; a reason ends everything, with what is in flight as "aborted".
        on_progress: called about four times a second for each lane, with its index.

    Raises:
        ProbeError: a bad URL, an unknown api, a plan that cannot be made, too few file descriptors, a spool that
            cannot be written.
    """

    def __init__(
        self,
        specs: Sequence[LoadSpec],
        spool_paths: Sequence[Path],
        *,
        share: tuple[int, int] = (0, 1),
        stop: Callable[[], str | None],
        on_progress: Callable[[int, Progress], None] | None,
    ) -> None:
        self._specs = specs
        self._spool_paths = spool_paths
        self._share = share
        self._stop = stop
        self._on_progress = on_progress
        self._phase: RunPhase = "warmup"
        self._phase_start_ns = monotonic_ns()
        self._progress_due_ns = 0
        self._stack = ExitStack()
        protocols = [protocol(spec.api) for spec in specs]
        origins = [parse_origin(spec.base_url, wire.path(spec)) for spec, wire in zip(specs, protocols, strict=True)]
        self.requests = [RequestSource(*parts) for parts in zip(specs, protocols, origins, strict=True)]
        contexts = [tls_context(spec) if origin.tls else None for spec, origin in zip(specs, origins, strict=True)]
        self._concurrency = part_of(specs[0].concurrency, share)
        descriptors = descriptors_for((self._concurrency or 1) * len(specs))
        with ExitStack() as stack:
            stack.enter_context(kernel_stamps())
            spools = [stack.enter_context(SpoolWriter(path)) for path in spool_paths]
            parts = zip(specs, protocols, origins, contexts, spools, strict=True)
            self.lanes = [lane_of(*each, parts=share[1]) for each in parts]
            self.loop = stack.enter_context(
                LoadLoop(self.lanes, max_connections=descriptors, stop=stop, on_tick=self._tick)
            )
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        self._stack.enter_context(no_collections())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def warm_up(self) -> list[Readiness]:
        """Send each lane's warm-ups, the first of them one by one to learn how long our prompts are."""
        lanes = range(len(self._specs))
        most = max(spec.warmup_requests for spec in self._specs)
        self._enter("warmup")
        ready = [Readiness(samples=[], connections=1) for _ in lanes]
        durations_ns, done = [0 for _ in lanes], [0 for _ in lanes]
        for told, source in zip(ready, self.requests, strict=True):
            told.unit_tokens = source.token_table()
            source.take_table(told.unit_tokens)
        if most:
            self.loop.open_connections([1 for _ in lanes])
        calibrations = min(_CALIBRATIONS, most) if self.requests[0].calibrates else 0
        for n in range(calibrations):
            words = [source.calibration_words(n) for source in self.requests]
            self._run_warm_ups([self._warm_up_round(n, words)], 1, durations_ns, done)
            for lane in lanes:
                self._calibrate(lane, ready[lane])
        if most > calibrations and not self.loop.is_over:
            rounds = [self._warm_up_round(n, None) for n in range(calibrations, most)]
            limit = min(part_of(self.requests[0].warmup_limit(), self._share) or 1, len(rounds))
            self.loop.open_connections([limit for _ in lanes])
            self._run_warm_ups(rounds, limit, durations_ns, done)
            for lane in lanes:
                self._calibrate(lane, ready[lane])
        for lane in lanes:
            mean_s = durations_ns[lane] / done[lane] / _S if done[lane] else None
            ready[lane].connections = self.requests[lane].connections_ahead(mean_s)
        return ready

    def get_ready(self, ready: Sequence[Readiness]) -> None:
        """Take what warm-ups told, here or in another process, and have connections open."""
        for source, told in zip(self.requests, ready, strict=True):
            source.take_table(told.unit_tokens)
            source.learn(told.samples)
        self.loop.open_connections([part_of(told.connections, self._share) or 1 for told in ready])

    def measure(self, rounds: Iterator[Sequence[Planned]], *, before: Callable[[], None]) -> None:
        """The measured part.

        Args:
            rounds: what to send.
            before: called right before the first send, when everything that can be prepared is.
        """
        spec = self._specs[0]
        closed = spec.arrivals == "closed"
        limit = self._concurrency if closed else None
        self._enter("measured")
        ahead = Ahead(rounds, limit or 0)
        if limit is not None:
            ahead.build(limit)
        gc.collect()
        gc.freeze()
        before()
        self._phase_start_ns = monotonic_ns()
        self.loop.gauge.restart()
        until_ns = None
        if closed and spec.duration_s is not None:
            until_ns = self._phase_start_ns + round(spec.duration_s * _S)
        self.loop.run(ahead, limit=limit, send_until_ns=until_ns)
        self._progress(force=True)

    def evidence(self) -> list[ClientEvidence]:
        """Of the measured part so far, one a lane."""
        gauge, clock = self.loop.gauge, self.loop.clock
        busy_share, rss_bytes = gauge.busy_share(), peak_rss_bytes()
        is_open = self._specs[0].arrivals != "closed"
        return [
            ClientEvidence(
                client_processes=1,
                loop_busy_share=busy_share,
                receive_lag_p99_ns=gauge.lags.percentile_ns(99),
                receive_lag_max_ns=gauge.lags.max_ns,
                suspended_ns=gauge.suspended_ns,
                clock_step_ns=clock.step_ns,
                sends_planned=lane.sends_planned if is_open else None,
                sends_missed=lane.sends_missed if is_open else None,
                client_rss_bytes=rss_bytes,
                name_lookup_ns=lane.opener.name_lookup_ns,
                held_back_ns=None if lane.pacer is None else lane.pacer.held_ns,
            )
            for lane in self.lanes
        ]

    def stopped_reason(self, lane: int) -> str | None:
        """Why a lane's plan was not sent whole; None if it was."""
        return self.lanes[lane].stopped_reason or self.loop.stopped_reason

    def _warm_up_round(self, n: int, words: Sequence[int] | None) -> list[Planned]:
        planned_round = []
        for lane, (spec, source) in enumerate(zip(self._specs, self.requests, strict=True)):
            if n < spec.warmup_requests:
                planned = source.warmup(n, words=None if words is None else words[lane])
                planned.lane = lane
                planned_round.append(planned)
        return planned_round

    def _run_warm_ups(
        self, rounds: Sequence[Sequence[Planned]], limit: int, durations_ns: list[int], done: list[int]
    ) -> None:
        self.loop.run(Ahead(iter(rounds), 0), limit=limit)
        for n, lane in enumerate(self.lanes):
            durations_ns[n] += lane.counts.duration_sum_ns
            done[n] += lane.counts.done

    def _calibrate(self, lane: int, ready: Readiness) -> None:
        """Learn from all warm-ups of a lane so far."""
        source = self.requests[lane]
        counted = ((raw.attempt_id, record_of(raw).prompt_tokens) for raw in read_raw(self._spool_paths[lane]))
        told = (source.sample(attempt_id, tokens) for attempt_id, tokens in counted if tokens is not None)
        ready.samples = [sample for sample in told if sample is not None]
        source.learn(ready.samples)

    def _enter(self, phase: RunPhase) -> None:
        self._phase, self._phase_start_ns = phase, monotonic_ns()

    def _tick(self) -> None:
        self._progress(force=False)

    def _progress(self, *, force: bool) -> None:
        now_ns = monotonic_ns()
        if self._on_progress is None or (now_ns < self._progress_due_ns and not force):
            return
        self._progress_due_ns = now_ns + _PROGRESS_NS
        for n, (spec, lane) in enumerate(zip(self._specs, self.lanes, strict=True)):
            self._on_progress(
                n,
                Progress(
                    phase=self._phase,
                    done=lane.counts.done,
                    total=spec.warmup_requests if self._phase == "warmup" else spec.requests,
                    ok=lane.counts.ok,
                    in_flight=lane.in_flight,
                    output_tokens=lane.counts.output_tokens,
                    elapsed_s=(now_ns - self._phase_start_ns) / _S,
                ),
            )
