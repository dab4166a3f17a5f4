"""More cores by processes: each sends its part of one plan, on a core of its own, into a spool of its own.

    parent: warm-ups -> start instant -> progress, stop     worker: connections -> its sends -> spool

The parts are dealt out like cards, so the union of what the workers send is the plan that one process would send, from
the same instant on. Reading the spool reads those of the workers too (`raw.read_raw`).
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic_ns
from typing import IO, TYPE_CHECKING, Final, Literal

from probes.errors import ProbeError
from probes.load.client import cpu_s, nothing, read_result
from probes.load.clock import sample_offset_ns
from probes.load.evidence import worst_of
from probes.load.raw import worker_path
from probes.load.session import Session
from probes.load.spec import LoadResult, LoadSpec, Progress
from probes.load.worker import Order, Outcome, Task

if TYPE_CHECKING:
    from probes.load.worker import Pipe

_S: Final = 1_000_000_000
_LEAD_NS: Final = 400_000_000  # from the order to start to the start: workers build their first requests in it
_POLL_S: Final = 0.1
_PROGRAM: Final = "import sys; from probes.load.worker import main; sys.exit(main(sys.argv[1:]))"
_END_S: Final = 5.0  # a worker that has nothing more to do gets this to end by itself


class _Worker:
    """A worker, seen from its parent."""

    def __init__(self, process: "subprocess.Popen[bytes]", pipe: "Pipe", words: IO[bytes]) -> None:
        self.process = process
        self.pipe = pipe
        self.words = words  # what it writes to standard error
        self.is_ready = False
        self.progress: Progress | None = None
        self.outcome: Outcome | None = None

    def tell(self, message: object) -> None:
        """Send a message; one that has died is noticed when it is listened to."""
        try:
            self.pipe.send(message)
        except OSError:
            self.is_ready = False

    def listen(self) -> None:
        """Take all it has said. Raises EOFError if it is gone without an outcome."""
        while self.outcome is None and self.pipe.poll():
            try:
                message = self.pipe.recv()
            except OSError as error:
                raise EOFError from error
            if isinstance(message, Progress):
                self.progress = message
            elif isinstance(message, Outcome):
                self.outcome = message
            else:
                self.is_ready = True

    def last_words(self) -> str:
        """How it ended, in a few words."""
        code = self.process.wait(_END_S)
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        self.words.seek(0)
        lines = self.words.read().decode("utf-8", "replace").strip().splitlines()
        return f"{how}: {lines[-1][:200]}" if lines else how


def run_load_in_processes(
    spec: LoadSpec,
    *,
    processes: int,
    spool_path: Path,
    on_progress: Callable[[Progress], None] | None,
    stop: Callable[[], str | None],
    on_window_start: Callable[[], None] | None,
) -> LoadResult:
    """`run_load` with several processes; more than there are requests in flight are not started.

    A worker that dies ends the trial: the others' attempts are kept, and the result says so.
    """
    cpu_start_s = cpu_s() + _children_cpu_s()
    offset_start_ns = sample_offset_ns()
    count = min(processes, spec.concurrency or processes, spec.requests or processes)
    with _workers(count) as workers:
        with Session([spec], [spool_path], stop=stop, on_progress=_first(on_progress)) as session:
            ready = session.warm_up()[0]
            reason = session.stopped_reason(0)
            evidence = session.evidence()[0]
        if reason is None:
            for n, worker in enumerate(workers):
                worker.tell(Task(spec=spec, ready=ready, share=(n, count), spool_path=worker_path(spool_path, n)))
            reason = _Watch(workers, spec, stop, on_progress).run(on_window_start or nothing)
            told = [worker.outcome.evidence for worker in workers if worker.outcome and worker.outcome.evidence]
            evidence = worst_of(told) if told else evidence
    return read_result(
        spool_path,
        offset_start_ns=offset_start_ns,
        evidence=evidence,
        stopped_reason=reason,
        cpu_before_s=cpu_start_s - _children_cpu_s(),
    )


class _Watch:
    """The parent's part while workers work."""

    def __init__(
        self,
        workers: Sequence[_Worker],
        spec: LoadSpec,
        stop: Callable[[], str | None],
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._workers = workers
        self._spec = spec
        self._stop = stop
        self._on_progress = on_progress
        self._start_ns = monotonic_ns()
        self._reason: str | None = None

    def run(self, before: Callable[[], None]) -> str | None:
        """Start the workers at one instant and see them through; returns why the plan was not sent whole.

        Raises:
            ProbeError: a worker could not begin.
        """
        while not all(worker.is_ready or worker.outcome for worker in self._workers):
            if not self._listen():
                break
        if self._reason is None:
            before()
            self._start_ns = monotonic_ns() + _LEAD_NS
            self._tell_all(Order(kind="start", start_ns=self._start_ns))
        while not all(worker.outcome for worker in self._workers) and self._listen():
            self._report()
        self._report()
        return self._reason

    def _listen(self) -> bool:
        """Hear what the workers say; False once there is nobody left to wait for."""
        from multiprocessing.connection import wait

        wait([worker.pipe for worker in self._workers if worker.outcome is None], _POLL_S)
        for worker in self._workers:
            try:
                worker.listen()
            except EOFError:
                self._end("stop", f"a process of the load client ended {worker.last_words()}")
                worker.outcome = Outcome(evidence=None, stopped_reason=self._reason)
            if worker.outcome is not None and worker.outcome.refused is not None:
                raise ProbeError(worker.outcome.refused)
            if worker.outcome is not None and worker.outcome.stopped_reason is not None:
                self._end("cease", worker.outcome.stopped_reason)
        stopped = self._stop()
        if stopped is not None:
            self._end("stop", stopped)
        return any(worker.outcome is None for worker in self._workers)

    def _end(self, kind: Literal["cease", "stop"], reason: str) -> None:
        if self._reason is None:
            self._reason = reason
            self._tell_all(Order(kind=kind, reason=reason))

    def _tell_all(self, order: Order) -> None:
        for worker in self._workers:
            if worker.outcome is None:
                worker.tell(order)

    def _report(self) -> None:
        known = [worker.progress for worker in self._workers if worker.progress is not None]
        if self._on_progress is None or not known:
            return
        tokens = [progress.output_tokens for progress in known if progress.output_tokens is not None]
        self._on_progress(
            Progress(
                phase="measured",
                done=sum(progress.done for progress in known),
                total=self._spec.requests,
                ok=sum(progress.ok for progress in known),
                in_flight=sum(progress.in_flight for progress in known),
                output_tokens=sum(tokens) if tokens else None,
                elapsed_s=(monotonic_ns() - self._start_ns) / _S,
            )
        )


def _first(on_progress: Callable[[Progress], None] | None) -> Callable[[int, Progress], None] | None:
    return None if on_progress is None else lambda _, progress: on_progress(progress)


@contextmanager
def _workers(count: int) -> Iterator[list[_Worker]]:
    """Start workers; none is left when the block ends."""
    from multiprocessing.connection import Pipe as make_pipe

    cores = sorted(os.sched_getaffinity(0))
    # The checkout that this module comes from, wherever the worker is started.
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    with ExitStack() as stack:
        workers: list[_Worker] = []
        for n in range(count):
            ours, theirs = make_pipe()
            stack.callback(ours.close)
            words = stack.enter_context(tempfile.TemporaryFile())
            core = str(cores[n]) if count <= len(cores) else "any"
            process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), core],
                pass_fds=[theirs.fileno()],
                env=os.environ | {"PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
            )
            theirs.close()
            worker = _Worker(process, ours, words)
            stack.callback(_see_out, worker)
            workers.append(worker)
        yield workers


def _see_out(worker: _Worker) -> None:
    """Hang up, which a worker takes as the end, and wait for it."""
    worker.pipe.close()
    try:
        worker.process.wait(_END_S)
    except subprocess.TimeoutExpired:
        worker.process.kill()
        worker.process.wait()


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
