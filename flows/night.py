"""The story of a night, in order. `flows.nightly` runs it under Prefect, `megatoken night --no-prefect` as it is."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.canary import ask_all
from flows.lock import host_lock
from flows.plan import Plan
from flows.prepare import NightRequest, land_leftovers, land_plan, plan_night, resolve_all_weights
from flows.rounds import measure_all
from flows.running import Interrupt, Observer, Running, Step, TrialResult
from flows.steps import load_and_account
from probes.host import host_facts
from warehouse.events import prune_events
from warehouse.landing import land
from warehouse.publish import publish
from warehouse.rows import RunEndRow, RunState

__all__ = ["Interrupt", "NightReport", "Observer", "Step", "TrialResult", "night"]


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


def night(request: NightRequest, *, step: Step[Any], observer: Observer) -> NightReport:
    """Plan, measure, load, account, publish.

    Raises:
        ConfigError, NightError: before anything was sent.
        WarehouseError: the disk would not take a landing; what had landed stays.
    """
    with Interrupt().listening() as interrupt, host_lock() as lock:
        return measured_run(request, step=step, observer=observer, interrupt=interrupt, lock=lock)


def measured_run(
    request: NightRequest, *, step: Step[Any], observer: Observer, interrupt: Interrupt, lock: int
) -> NightReport:
    """The same for a caller that holds this machine."""
    for left in step("land leftovers", lambda: land_leftovers(request.data_dir)):
        observer.note(f"landed what a killed run had left of {left}")
    plan: Plan = step("plan", lambda: plan_night(request))
    observer.planned(request, plan)
    step("land plan", lambda: land_plan(request, plan))
    weights = step("weights", lambda: resolve_all_weights(request, plan, observer.note))
    running = Running(
        request=request,
        plan=plan,
        weights=weights,
        step=step,
        observer=observer,
        interrupt=interrupt,
        lock=lock,
    )
    results, state, reason = measure_all(running)
    if plan.canaries_due and not interrupt.asked:
        spent_usd = step("load and account", lambda: load_and_account(running))
        step("canary", lambda: ask_all(running, spent_usd))
    step("land end", lambda: land_end(request, plan.run_id, state, reason))
    for said in step("grid hours", lambda: _grid_hours(request)):
        observer.note(said)
    spent_usd = step("load and account", lambda: load_and_account(running))
    if request.run_kind == "night":
        step("watch", lambda: _watch(request))
    snapshot = step("publish", lambda: publish(request.data_dir))
    for said in step("notify", lambda: _notify(request, plan.run_id)):
        observer.note(said)
    step("prune events", lambda: _prune(request, observer))
    return NightReport(
        run_id=plan.run_id,
        state=state,
        reason=reason,
        results=results,
        skipped={f"{t.target.id} under {t.workload.id}": t.skip_reason for t in plan.trials if t.skip_reason},
        snapshot=snapshot,
        spent_usd=spent_usd,
    )


def _grid_hours(request: NightRequest) -> list[str]:
    site = request.loaded.config.site
    if site is None or site.grid_provider is None:
        return []
    from flows.grid import fetch_for_night  # brings an HTTP client, which few nights need

    return fetch_for_night(request.data_dir, site, now=datetime.now(UTC))


def _watch(request: NightRequest) -> None:
    from warehouse.watch import record_changes  # brings numpy, which a night needs only when it is over

    record_changes(request.data_dir)


def _notify(request: NightRequest, run_id: str) -> list[str]:
    config = request.loaded.config.notify
    if config is None or request.run_kind != "night":
        return []
    from flows.notify import notify  # brings a mail and a web client, which few nights need

    return notify(request.data_dir, config, run_id=run_id)


def _prune(request: NightRequest, observer: Observer) -> None:
    keep_days = request.loaded.config.night.keep_events_days
    removed = prune_events(request.data_dir, keep_days, datetime.now(UTC))
    if removed:
        observer.note(f"removed the single events of {removed} trials older than {keep_days} days (keep_events_days)")


def land_end(request: NightRequest, run_id: str, state: RunState, reason: str | None) -> None:
    """Write down how a run ended."""
    now = datetime.now(UTC)
    host_id = host_facts().host_id
    end = RunEndRow(run_id=run_id, ended_at=now, state=state, reason=reason)
    land(request.data_dir, batch_id=f"{run_id}.end.{now:%Y%m%dT%H%M%S%f}", host_id=host_id, rows=[end])
