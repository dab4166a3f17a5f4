"""The sentences a night speaks in, the same on a terminal and in a log."""

import math
from collections.abc import Iterator

from flows.checked import never_checked
from flows.plan import Plan, total_usd
from flows.plurals import counted
from flows.prepare import NightRequest
from flows.running import TrialResult
from flows.uncounted import uncounted
from flows.workload import Workload
from warehouse.canary_questions import questions


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
    requests = sum(t.requests or 0 for t in due)
    targets = len({t.target.id for t in due})
    searches = sum(t.workload.search is not None for t in due)
    trials = counted(len(due) - searches, "trial") + (f", {counted(searches, 'search')}" if searches else "")
    most = f"{'up to ' if searches else ''}{counted(requests, 'request')}"
    yield f"run {plan.run_id}: {counted(targets, 'target')}, {trials}, {most}"
    landed = sum(t.landed for t in plan.trials)
    if landed:
        have, are = ("has", "is") if landed == 1 else ("have", "are")
        yield f"{counted(landed, 'trial')} of this run {have} landed already and {are} not measured again"
    canaries = plan.canaries_due
    if canaries:
        worst, asked = usd(total_usd(each.quote_usd_worst for each in canaries)), len(canaries)
        whom = f"each of {asked} targets" if asked > 1 else "1 target"
        yield f"canary: {len(questions())} fixed questions to {whom} in the end, at worst {worst}"
    yield f"worst case {usd(plan.quote_usd_worst)}; stops before {usd(request.budget_usd)} (max_usd)"
    yield from uncounted((trial.target, trial.workload) for trial in due)
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
    yield from never_checked(plan, request.data_dir)


def arrivals_words(workload: Workload) -> str:
    """How requests arrive, in a few words."""
    if workload.search_limits is not None:
        limits = workload.search_limits
        return f"{workload.search} search, {limits.rate_min_rps:g} to {limits.rate_max_rps:g}/s"
    file = workload.trace_file or workload.rates_file
    if file is not None:
        return f"{workload.arrivals} {file.name}" + (
            f", {workload.trace_speed:g} times as fast" if workload.trace_speed != 1 else ""
        )
    if workload.rate_rps is None:
        return f"{workload.concurrency} at once"
    to = f" to {workload.rate_end_rps:g}" if workload.rate_end_rps is not None else ""
    return f"{workload.arrivals} {workload.rate_rps:g}{to}/s"


def result_sentence(result: TrialResult) -> str:
    """How one trial went."""
    head = (
        f"{result.target_id} under {result.workload_id}: {result.status}, {result.ok} of {result.attempts} attempts ok"
    )
    return f"{head} ({result.reason})" if result.reason else head
