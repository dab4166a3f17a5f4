"""A search in a night: its points measured one by one, each a trial of its own, and its answer landed.

Each point runs in its own process, as every trial does: a local target's engine starts anew for each.
"""

import dataclasses
from datetime import UTC, datetime
from functools import partial

from flows.measure import Outcome
from flows.orders import trial_spec
from flows.plan import FINAL, PlannedTrial, point_quote_usd
from flows.points import PERCENTILE, Point, PointResult, point_requests
from flows.running import Running, TrialResult
from flows.search import Found, answer, run_search, start_search, verdict
from flows.spec import search_id, trial_id
from flows.steps import load_and_account, over_budget, result_of, run_trials
from flows.workload import Workload, point_of
from probes.errors import ProbeError
from probes.host import host_facts
from warehouse.landing import land
from warehouse.rows import SearchRow


class _Seeking:
    """One search under way."""

    def __init__(self, running: Running, planned: PlannedTrial, spent_usd: float) -> None:
        self.running = running
        self.planned = planned
        self.spent_usd = spent_usd
        self.search_id = search_id(planned.trial_id)
        self.results: list[TrialResult] = []
        self.over_budget: str | None = None
        self.cut = False  # from outside: the search starts again in a re-run, and has no answer yet

    def measure(self, point: Point) -> PointResult | str:
        """Measure one point."""
        running = self.running
        if running.interrupt.asked:
            self.cut = True
            return "ended by Ctrl-C or SIGTERM"
        planned = self._planned(point)
        self.over_budget = over_budget(
            planned, planned.quote_usd_worst or 0.0, self.spent_usd, running.request.budget_usd
        )
        if self.over_budget is not None:
            self.cut = True
            return self.over_budget
        running.observer.trial_started(planned)
        weights = running.weights.get(planned.target.id)
        if isinstance(weights, ProbeError):
            self.cut = True
            return str(weights)
        spec = trial_spec(
            running.request, running.plan, planned, weights, search_id=self.search_id, search_point=point.number
        )
        name = f"measure {planned.target.id} under {planned.workload.id} at {point.rate_rps:.4g}/s"
        outcomes: dict[str, Outcome] = running.step(
            name, partial(run_trials, running, [spec], {planned.trial_id: planned})
        )
        outcome = outcomes[planned.trial_id]
        self.spent_usd = load_and_account(running)
        told = outcome.reason
        if outcome.point is not None:
            told = f"{point.rate_rps:.4g}/s: {verdict(self.planned.workload, outcome.point)}"
        result = result_of(running, planned, dataclasses.replace(outcome, reason=told))
        self.results.append(result)
        running.observer.trial_ended(planned, result, self.spent_usd)
        if outcome.point is not None:
            return outcome.point
        self.cut = outcome.status not in FINAL
        return f"the point at {point.rate_rps:.4g}/s was not measured to its end: {outcome.status}, {outcome.reason}"

    def _planned(self, point: Point) -> PlannedTrial:
        planned, workload = self.planned, self.planned.workload
        requests = point_requests(workload, point.rate_rps)
        at_rate = point_of(workload, rate_rps=point.rate_rps, requests=requests)
        try_number = planned.try_number + point.number
        identity = trial_id(self.running.plan.run_id, planned.target.id, workload.id, try_number)
        return dataclasses.replace(
            planned,
            trial_id=identity,
            try_number=try_number,
            repeat_number=point.repeat,
            workload=at_rate,
            requests=requests,
            quote_usd_worst=point_quote_usd(planned, requests),
        )


def seek(running: Running, planned: PlannedTrial, spent_usd: float) -> tuple[list[TrialResult], float, str | None]:
    """Run one search to its answer and land that.

    Returns:
        What became of it as a whole (nothing if no point was measured), USD spent by then, and why the budget ended it.
    """
    seeking = _Seeking(running, planned, spent_usd)
    started_at = datetime.now(UTC)
    found = run_search(start_search(planned.workload), seeking.measure)
    if not seeking.cut:
        row = search_row(planned.workload, found, planned.target.id, running.plan.run_id, seeking.search_id, started_at)
        land(running.request.data_dir, batch_id=row.search_id, host_id=host_facts().host_id, rows=[row])
    name = f"{planned.target.id} under {planned.workload.id}"
    running.observer.note(f"{name}: {answer(planned.workload, found)}")
    points = seeking.results
    if not points:
        return [], seeking.spent_usd, seeking.over_budget
    last = points[-1]
    whole = dataclasses.replace(
        last,
        # A rate that the target could not hold is what a search is for, no failure of the target's.
        status=last.status if seeking.cut and seeking.over_budget is None else "completed",
        reason=found.reason,
        ok=sum(r.ok for r in points),
        attempts=sum(r.attempts for r in points),
    )
    return [whole], seeking.spent_usd, seeking.over_budget


def search_row(
    workload: Workload, found: Found, target_id: str, run_id: str, search_id: str, started_at: datetime
) -> SearchRow:
    """A search's answer as it lands."""
    return SearchRow(
        search_id=search_id,
        run_id=run_id,
        target_id=target_id,
        workload_id=workload.id,
        kind="sweep" if workload.search == "sweep" else "slo",
        started_at=started_at,
        ended_at=datetime.now(UTC),
        points=found.points,
        slo_ttft_s=workload.slo_ttft_ms / 1000,
        slo_tpot_s=workload.slo_tpot_ms / 1000,
        slo_percentile=PERCENTILE,
        found_rate_rps_low=found.low_rps,
        found_rate_rps=found.rate_rps,
        found_rate_rps_high=found.high_rps,
        reason=found.reason,
    )
