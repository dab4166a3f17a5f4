"""A process of a load that several share: told by its parent what to do, when to start, and when to stop.

It is started by `processes`, which holds the other end of its pipe.
"""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns, sleep
from typing import TYPE_CHECKING, Final, Literal

from probes.errors import ProbeError
from probes.load.evidence import ClientEvidence
from probes.load.rounds import rounds_of_one
from probes.load.session import Readiness, Session
from probes.load.spec import LoadSpec, Progress

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    Pipe = Connection[object, object]

_S: Final = 1_000_000_000
_ORPHANED: Final = "the process that started this one is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a worker is to do, once it knows."""

    spec: LoadSpec
    ready: Readiness
    share: tuple[int, int]
    spool_path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker is told: to start at an instant, to send nothing more, or to abort what is in flight too."""

    kind: Literal["start", "cease", "stop"]
    start_ns: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a worker came to."""

    evidence: ClientEvidence | None
    stopped_reason: str | None
    refused: str | None = None  # a ProbeError's sentence: it could not begin


class _Orders:
    """A worker's end of the pipe, and what the parent has said so far."""

    def __init__(self, pipe: "Pipe") -> None:
        self._pipe = pipe
        self.start_ns: int | None = None
        self.ceased: str | None = None
        self.stopped: str | None = None

    def take(self) -> str | None:
        """Hear what has been said; a reason to stop, or None."""
        try:
            while self.stopped is None and self._pipe.poll():
                self._obey(self._pipe.recv())
        except (EOFError, OSError):
            self.stopped = _ORPHANED
        return self.stopped

    def tell(self, message: object) -> None:
        """Answer the parent; a reason to stop if it is gone."""
        try:
            self._pipe.send(message)
        except OSError:
            self.stopped = _ORPHANED

    def _obey(self, order: object) -> None:
        if not isinstance(order, Order):
            raise ProbeError(f"a load process was told {order!r}, which is no order")
        if order.kind == "start":
            self.start_ns = order.start_ns
        elif order.kind == "cease":
            self.ceased = order.reason
        else:
            self.stopped = order.reason


def _work(pipe: "Pipe", task: Task) -> Outcome:
    """A worker's whole life."""
    orders = _Orders(pipe)
    sessions: list[Session] = []

    def stop() -> str | None:
        reason = orders.take()
        if orders.ceased is not None:
            sessions[0].loop.cease()
        return reason

    def tell(_lane: int, progress: Progress) -> None:
        orders.tell(progress)

    with Session([task.spec], [task.spool_path], share=task.share, stop=stop, on_progress=tell) as session:
        sessions.append(session)
        session.get_ready([task.ready])
        orders.tell("ready")
        while orders.start_ns is None and orders.take() is None:
            sleep(0.005)
        if orders.start_ns is not None and not session.loop.is_over:
            part, parts = task.share
            plan = session.requests[0].measured(part=part, parts=parts, start_ns=orders.start_ns)
            session.measure(rounds_of_one(plan), before=lambda: _sleep_until(orders.start_ns or 0))
        return Outcome(
            evidence=session.evidence()[0], stopped_reason=orders.ceased or session.stopped_reason(0) or orders.stopped
        )


def _sleep_until(at_ns: int) -> None:
    """All begin together; an open loop's own plan keeps the time more finely."""
    left_ns = at_ns - monotonic_ns()
    if left_ns > 0:
        sleep(left_ns / _S)


def main(arguments: Sequence[str]) -> int:
    """A worker: its pipe's descriptor and its core ("any" for no particular one)."""
    from multiprocessing.connection import Connection

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and tells
    descriptor, core = arguments
    if core != "any":
        os.sched_setaffinity(0, {int(core)})
    with Connection(int(descriptor)) as pipe:
        try:
            task = pipe.recv()
        except EOFError:
            return 0  # warm-ups showed that there is nothing to be measured
        if not isinstance(task, Task):
            raise ProbeError(f"a load process was given {task!r}, which is no task")
        try:
            outcome = _work(pipe, task)
        except ProbeError as error:
            outcome = Outcome(evidence=None, stopped_reason=None, refused=str(error))
        try:
            pipe.send(outcome)
        except OSError:
            return 1  # nobody is left to tell
    return 0
