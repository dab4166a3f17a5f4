"""The sentences a night speaks in, the same on a terminal and in a log."""

import math
from collections.abc import Iterator

from flows.night import TrialResult
from flows.plan import Plan
from flows.prepare import NightRequest


def usd(value: float | None) -> str:
    """An amount a person can read: cents where there are any, else two significant digits, never an exponent."""
    if value is None:
        return "unknown"
    if value >= 0.1 or value == 0:
        return f"{value:.2f} USD"
    return f"{value:.{1 - math.floor(math.log10(value))}f} USD"


def plan_sentences(request: NightRequest, plan: Plan) -> Iterator[str]:
    """The plan: how much is due, what it costs at worst, what is skipped and why."""
    due = plan.due
    requests = sum(t.workload.requests for t in due)
    targets = len({t.target.id for t in due})
    yield f"run {plan.run_id}: {targets} targets, {len(due)} trials, {requests} requests"
    landed = sum(t.landed for t in plan.trials)
    if landed:
        yield f"{landed} trials of this run have landed already and are not measured again"
    yield f"worst case {usd(plan.quote_usd_worst)}; stops before {usd(request.budget_usd)} (max_usd)"
    site = request.loaded.config.site
    if site is not None:
        where = f"grid zone {site.zone}, PUE {site.pue.central:g}"
        yield f"declared site: {where} (change [site] in {request.loaded.path.name})"
    reasons: dict[str, list[str]] = {}
    for trial in plan.trials:
        if trial.skip_reason:
            reasons.setdefault(trial.skip_reason, []).append(trial.target.id)
    for reason, ids in reasons.items():
        yield f"skipped {', '.join(dict.fromkeys(ids))}: {reason}"


def result_sentence(result: TrialResult) -> str:
    """How one trial went."""
    head = (
        f"{result.target_id} under {result.workload_id}: {result.status}, {result.ok} of {result.attempts} attempts ok"
    )
    return f"{head} ({result.reason})" if result.reason else head
