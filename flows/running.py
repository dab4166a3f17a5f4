"""A night under way: what its parts share, and who is told how it goes."""

import contextlib
import dataclasses
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from flows.plan import Plan, PlannedTrial
from flows.prepare import NightRequest
from flows.spec import WeightsRef
from probes.errors import ProbeError
from warehouse.rows import TrialStatus

T = TypeVar("T")
# Runs one named step. Plain: calls it. Under Prefect: calls it as a task.
Step = Callable[[str, Callable[[], T]], T]


class Observer(Protocol):
    """Who is told how a night goes: a terminal, a log."""

    def planned(self, request: NightRequest, plan: Plan) -> None:
        """The plan stands; nothing has been sent yet."""

    def note(self, sentence: str) -> None:
        """Something a person should know."""

    def trial_started(self, planned: PlannedTrial) -> None:
        """A trial's process is about to start."""

    def trial_event(self, planned: PlannedTrial, event: str, values: dict[str, Any]) -> None:
        """What the trial's process says: phase, progress."""

    def trial_ended(self, planned: PlannedTrial, result: "TrialResult", spent_usd: float) -> None:
        """A trial has landed."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """How one planned trial went."""

    trial_id: str
    target_id: str
    workload_id: str
    status: TrialStatus
    reason: str | None
    ok: int
    attempts: int

    @property
    def failed(self) -> bool:
        """A trial that could not run to its end, or in which nobody was served."""
        return self.status != "completed" or self.ok == 0


class Interrupt:
    """Ctrl-C or SIGTERM as a wish to end: what was measured lands first. A second Ctrl-C insists."""

    def __init__(self) -> None:
        self.asked = False

    def _hear(self, _number: int, _frame: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    @contextlib.contextmanager
    def listening(self) -> Iterator["Interrupt"]:
        """Hear signals within the block; only a process's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {n: signal.signal(n, self._hear) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A night under way."""

    request: NightRequest
    plan: Plan
    weights: dict[str, WeightsRef | ProbeError]
    step: Step[Any]
    observer: Observer
    interrupt: Interrupt
    lock: int
