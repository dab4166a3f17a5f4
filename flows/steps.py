"""What every measurement of a night takes: a child process, then the warehouse, then the sum spent so far."""

from collections.abc import Iterable, Mapping, Sequence

from flows.canary import canary_spent_usd
from flows.measure import Outcome, measure
from flows.plan import PlannedTrial, point_quote_usd, request_quote_usd
from flows.running import Running, TrialResult
from flows.spec import TrialSpec
from warehouse.loader import TrialResult as LoadedTrial
from warehouse.loader import load, trial_results


def run_trials(running: Running, specs: Sequence[TrialSpec], planned: Mapping[str, PlannedTrial]) -> dict[str, Outcome]:
    """Measure trials together, in one process; what it says goes to the observer. Returns outcomes by trial_id."""
    return measure(
        specs,
        running.request.data_dir,
        on_event=lambda trial_id, event, values: running.observer.trial_event(planned[trial_id], event, values),
        should_stop=lambda: running.interrupt.asked,
        keep_open=(running.lock,),
    )


def load_and_account(running: Running) -> float:
    """Bring what has landed into the warehouse and account for it. Returns USD spent by this run so far.

    Rather too much than too little: warm-ups are billed like measured requests, and a trial whose cost is unknown (a
    server that sent no usage) counts with its worst case.
    """
    for sentence in load(running.request.data_dir).damaged:
        running.observer.note(sentence)
    results = trial_results(running.request.data_dir, running.plan.run_id)
    return trials_spent_usd(results, running.plan.trials) + canary_spent_usd(running)


def trials_spent_usd(results: Iterable[LoadedTrial], planned: Iterable[PlannedTrial]) -> float:
    """What trials of a run have cost, with their warm-ups; a trial or a failure of unknown cost counts its worst case.

    Args:
        results: the trials that are loaded.
        planned: every cell of the run. One that is a search was measured as many trials, each quoted by its share.
    """
    cells = {(t.target.id, t.workload.id): t for t in planned}
    spent_usd = 0.0
    for result in results:
        cell = cells.get((result.target_id, result.workload_id))
        if result.usd is not None:
            warmups = cell.workload.warmup_requests if cell and result.attempts else 0
            spent_usd += result.usd * (1 + warmups / max(result.attempts, 1))
            spent_usd += result.failed_untold * (request_quote_usd(cell) if cell else 0.0)
        elif cell is not None and result.attempts:
            searches = cell.workload.search is not None
            spent_usd += (point_quote_usd(cell, result.attempts) if searches else cell.quote_usd_worst) or 0.0
    return spent_usd


def result_of(running: Running, planned: PlannedTrial, outcome: Outcome) -> TrialResult:
    """How a planned trial went, with the counts of the warehouse."""
    counted = {r.trial_id: r for r in trial_results(running.request.data_dir, running.plan.run_id)}
    row = counted.get(planned.trial_id)
    return TrialResult(
        trial_id=planned.trial_id,
        target_id=planned.target.id,
        workload_id=planned.workload.id,
        status=outcome.status,
        reason=outcome.reason,
        ok=row.ok if row else 0,
        attempts=row.attempts if row else 0,
    )


def over_budget(planned: PlannedTrial, quote_usd: float, spent_usd: float, budget_usd: float) -> str | None:
    """Why a measurement may not start; None if it may."""
    if spent_usd + quote_usd <= budget_usd:
        return None
    return (
        f"stopped before {planned.target.id} under {planned.workload.id}: {spent_usd:.4f} USD spent and up to"
        f" {quote_usd:.4f} USD to come would pass max_usd = {budget_usd:g}"
    )
