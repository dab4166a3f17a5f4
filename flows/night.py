"""The story of a night, in order. `flows.nightly` runs it under Prefect, `megatoken night --no-prefect` as it is."""

import contextlib
import dataclasses
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from flows.lock import host_lock
from flows.measure import measure
from flows.plan import Plan, PlannedTrial
from flows.prepare import (
    NightRequest,
    land_leftovers,
    land_plan,
    plan_night,
    resolve_all_weights,
    trial_spec,
)
from flows.spec import WeightsRef
from flows.spool import create_spool, land_spool
from probes.errors import ProbeError
from probes.host import host_facts
from warehouse.landing import land
from warehouse.loader import load, trial_results
from warehouse.publish import publish
from warehouse.rows import RunEndRow, RunState, TrialStatus

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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """What a night came to."""

    run_id: str
    state: RunState
    reason: str | None
    results: list[TrialResult]
    skipped: dict[str, str]
    snapshot: Path
    spent_usd: float


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
class _Running:
    """A night under way."""

    request: NightRequest
    plan: Plan
    weights: dict[str, WeightsRef | ProbeError]
    step: Step[Any]
    observer: Observer
    interrupt: Interrupt
    lock: int


def night(request: NightRequest, *, step: Step[Any], observer: Observer) -> NightReport:
    """Plan, measure, load, account, publish.

    Raises:
        ConfigError, NightError: before anything was sent.
        WarehouseError: the disk would not take a landing; what had landed stays.
    """
    with Interrupt().listening() as interrupt, host_lock() as lock:
        for trial in step("land leftovers", lambda: land_leftovers(request.data_dir)):
            observer.note(f"landed what a killed run had left of {trial}")
        plan: Plan = step("plan", lambda: plan_night(request))
        observer.planned(request, plan)
        step("land plan", lambda: land_plan(request, plan))
        weights = step("weights", lambda: resolve_all_weights(request, plan, observer.note))
        running = _Running(
            request=request,
            plan=plan,
            weights=weights,
            step=step,
            observer=observer,
            interrupt=interrupt,
            lock=lock,
        )
        results, state, reason = _measure_all(running)
        step("land end", lambda: _land_end(request, plan, state, reason))
        spent_usd = step("load and account", lambda: _load(running))
        snapshot = step("publish", lambda: publish(request.data_dir))
    return NightReport(
        run_id=plan.run_id,
        state=state,
        reason=reason,
        results=results,
        skipped={f"{t.target.id} under {t.workload.id}": t.skip_reason for t in plan.trials if t.skip_reason},
        snapshot=snapshot,
        spent_usd=spent_usd,
    )


def _measure_all(running: _Running) -> tuple[list[TrialResult], RunState, str | None]:
    """Each trial that is due, one after the other, as long as the budget and the person allow."""
    results: list[TrialResult] = []
    # A new run has spent nothing; asking the warehouse would keep its first request waiting.
    spent_usd = 0.0 if running.plan.is_new else _load(running)
    for planned in running.plan.due:
        if running.interrupt.asked:
            break
        reason = _over_budget(planned, spent_usd, running.request.budget_usd)
        if reason is not None:
            return results, "stopped_at_budget", reason
        running.observer.trial_started(planned)

        def run_one(planned: PlannedTrial = planned) -> tuple[TrialStatus, str | None]:
            return _measure_one(running, planned)

        status, why = running.step(f"measure {planned.target.id} under {planned.workload.id}", run_one)
        spent_usd = _load(running)
        result = _result(running, planned, status, why)
        results.append(result)
        running.observer.trial_ended(planned, result, spent_usd)
    if running.interrupt.asked:
        return results, "aborted", "ended by Ctrl-C or SIGTERM"
    failed = dict.fromkeys(r.target_id for r in results if r.failed)
    return results, ("failed_targets" if failed else "completed"), (f"failed: {', '.join(failed)}" if failed else None)


def _over_budget(planned: PlannedTrial, spent_usd: float, budget_usd: float) -> str | None:
    quote = planned.quote_usd_worst
    if quote is None or spent_usd + quote <= budget_usd:
        return None
    return (
        f"stopped before {planned.target.id} under {planned.workload.id}: {spent_usd:.4f} USD spent and up to"
        f" {quote:.4f} USD to come would pass max_usd = {budget_usd:g}"
    )


def _measure_one(running: _Running, planned: PlannedTrial) -> tuple[TrialStatus, str | None]:
    found = running.weights.get(planned.target.id)
    data_dir = running.request.data_dir
    if isinstance(found, ProbeError):
        spec = trial_spec(running.request, running.plan, planned, None)
        land_spool(data_dir, create_spool(data_dir, spec), status="setup_failed", reason=str(found))
        return "setup_failed", str(found)
    return measure(
        trial_spec(running.request, running.plan, planned, found),
        data_dir,
        on_event=lambda event, values: running.observer.trial_event(planned, event, values),
        should_stop=lambda: running.interrupt.asked,
        keep_open=(running.lock,),
    )


def _load(running: _Running) -> float:
    """Bring what has landed into the warehouse and account for it. Returns USD spent by this run so far.

    Rather too much than too little: warm-ups are billed like measured requests, and a trial whose cost is unknown (a
    server that sent no usage) counts with its worst case.
    """
    for sentence in load(running.request.data_dir).damaged:
        running.observer.note(sentence)
    cells = {(t.target.id, t.workload.id): t for t in running.plan.trials}
    spent_usd = 0.0
    for result in trial_results(running.request.data_dir, running.plan.run_id):
        cell = cells.get((result.target_id, result.workload_id))
        if result.usd is not None:
            workload = cell.workload if cell else None
            spent_usd += result.usd * (1 + workload.warmup_requests / workload.requests if workload else 1)
        elif cell is not None and result.attempts:
            spent_usd += cell.quote_usd_worst or 0.0
    return spent_usd


def _result(running: _Running, planned: PlannedTrial, status: TrialStatus, reason: str | None) -> TrialResult:
    counted = {r.trial_id: r for r in trial_results(running.request.data_dir, running.plan.run_id)}
    row = counted.get(planned.trial_id)
    return TrialResult(
        trial_id=planned.trial_id,
        target_id=planned.target.id,
        workload_id=planned.workload.id,
        status=status,
        reason=reason,
        ok=row.ok if row else 0,
        attempts=row.attempts if row else 0,
    )


def _land_end(request: NightRequest, plan: Plan, state: RunState, reason: str | None) -> None:
    now = datetime.now(UTC)
    host_id = host_facts().host_id
    end = RunEndRow(run_id=plan.run_id, ended_at=now, state=state, reason=reason)
    land(request.data_dir, batch_id=f"{plan.run_id}.end.{now:%Y%m%dT%H%M%S%f}", host_id=host_id, rows=[end])
