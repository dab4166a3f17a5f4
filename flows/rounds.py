"""A night's measuring: unit after unit, as long as the budget and the person allow, each landed before the next."""

import dataclasses
from collections.abc import Sequence
from functools import partial

from flows.group import affordable, group_id, units, within_capacity
from flows.measure import Outcome
from flows.orders import trial_spec
from flows.plan import FINAL, PlannedTrial
from flows.repeats import known_well_enough
from flows.running import Running, TrialResult
from flows.seek import seek
from flows.spool import create_spool, land_spool
from flows.steps import load_and_account, over_budget, result_of, run_trials
from probes.errors import ProbeError
from warehouse.loader import TrialResult as LoadedTrial
from warehouse.loader import trial_results
from warehouse.rows import RunState


def measure_all(running: Running) -> tuple[list[TrialResult], RunState, str | None]:
    """Every unit that is due. Returns the results, how the run ended, and why if it did not complete."""
    budget_usd = running.request.budget_usd
    results: list[TrialResult] = []
    spent_usd = 0.0 if running.plan.is_new else load_and_account(running)
    due = units(running.plan.due, paired=running.request.loaded.config.night.paired)
    while due and not running.interrupt.asked:
        parts = _parts(running, due.pop(0))
        due[:0] = parts[1:]
        for unit in parts[:1]:
            if unit[0].workload.search is not None:
                found, spent_usd, over = seek(running, unit[0], spent_usd)
                results += found
            else:
                kept = affordable(unit, budget_usd - spent_usd)
                if kept:
                    measured, spent_usd = _measure_unit(running, kept)
                    results += measured
                left = unit[len(kept) :]
                over = over_budget(left[0], left[0].quote_usd_worst or 0.0, spent_usd, budget_usd) if left else None
            if over is not None and not running.interrupt.asked:
                return results, "stopped_at_budget", over
    if running.interrupt.asked:
        return results, "aborted", "ended by Ctrl-C or SIGTERM"
    failed = dict.fromkeys(r.target_id for r in results if r.failed)
    return results, ("failed_targets" if failed else "completed"), (f"failed: {', '.join(failed)}" if failed else None)


def _parts(running: Running, unit: Sequence[PlannedTrial]) -> list[list[PlannedTrial]]:
    """What is left to measure of a unit, in parts that one client can hold."""
    left = [counted for planned in unit if (counted := _still_due(running, planned)) is not None]
    if len(left) < 2:
        return [left] if left else []
    from flows.selftests import client_holds, planned_streams

    holds = partial(client_holds, running.request.data_dir)
    return within_capacity(left, lambda planned: planned_streams(planned.workload), holds)


def _still_due(running: Running, planned: PlannedTrial) -> PlannedTrial | None:
    """The next repeat of a cell, numbered after those that count; None once they have said enough."""
    if planned.repeat_number == 1:
        return planned
    workload, cell = planned.workload, (planned.target.id, planned.workload.id)
    done: list[LoadedTrial] = [
        result
        for result in trial_results(running.request.data_dir, running.plan.run_id)
        if (result.target_id, result.workload_id) == cell and result.status in FINAL
    ]
    within_share = workload.stop_at_relative_half_width
    if within_share is not None and known_well_enough(done, within_share=within_share):
        running.observer.note(
            f"{cell[0]} under {cell[1]}: repeat {planned.repeat_number} of {workload.repeats} is left out, TTFT and"
            f" TPOT are known to within {within_share:.0%} from {len(done)}"
        )
        return None
    return dataclasses.replace(planned, repeat_number=len(done) + 1)


def _measure_unit(running: Running, unit: Sequence[PlannedTrial]) -> tuple[list[TrialResult], float]:
    """Measure trials together. Returns how each went, and what the run has spent by then."""
    for planned in unit:
        running.observer.trial_started(planned)
    names = ", ".join(planned.target.id for planned in unit)
    outcomes: dict[str, Outcome] = running.step(
        f"measure {names} under {unit[0].workload.id}", partial(_outcomes, running, unit)
    )
    spent_usd = load_and_account(running)
    results = []
    for planned in unit:
        result = result_of(running, planned, outcomes[planned.trial_id])
        running.observer.trial_ended(planned, result, spent_usd)
        results.append(result)
    return results, spent_usd


def _outcomes(running: Running, unit: Sequence[PlannedTrial]) -> dict[str, Outcome]:
    found = running.weights.get(unit[0].target.id)
    request, plan, data_dir = running.request, running.plan, running.request.data_dir
    if isinstance(found, ProbeError):
        spec = trial_spec(request, plan, unit[0], None)
        land_spool(data_dir, create_spool(data_dir, spec), status="setup_failed", reason=str(found))
        return {spec.trial_id: Outcome(status="setup_failed", reason=str(found))}
    together = group_id(unit)
    specs = [trial_spec(request, plan, planned, found, group_id=together) for planned in unit]
    return run_trials(running, specs, {planned.trial_id: planned for planned in unit})
