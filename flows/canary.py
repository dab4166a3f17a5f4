"""The fidelity canary of a night: after the measuring, every target answers the same few questions as every night.

plan -> a process a target (flows.canarychild) -> landing; the warehouse then judges (warehouse.canary_judging)
"""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from flows.canaryplan import DEADLINE_S, SPEC_NAME, PlannedCanary, asked_targets, canary_batch_id
from flows.measure import TrialProcess, follow
from flows.running import Running
from flows.spec import TrialSpec, WeightsRef, spec_json
from flows.spool import spool_root, write_json
from flows.words import usd
from flows.workload import Workload
from probes.errors import ProbeError
from warehouse.canary import canary_spending
from warehouse.landing import landed_batches

# Hosted targets asked at a time: each costs a process that mostly waits.
_AT_ONCE: Final = 8
# A trial's spec carries it; the questions have lengths of their own.
_WORKLOAD: Final = Workload(
    id="canary", arrivals="closed", concurrency=1, requests=1, prompt_tokens=1, output_tokens=1, warmup_requests=0
)


def ask_all(running: Running, spent_usd: float) -> None:
    """Ask every target whose canary is due: ours one by one, hosted ones side by side; none beyond the budget.

    Nothing that goes wrong here fails a night: what a target did not answer has no verdict, and the note says why.

    Args:
        running: the night.
        spent_usd: by this run so far.
    """
    due, left = _affordable(running, spent_usd)
    for planned in left:
        running.observer.note(
            f"{planned.target.id} was not asked the canary's questions: up to {usd(planned.quote_usd_worst)} more would"
            f" pass max_usd = {running.request.budget_usd:g}"
        )
    local = [planned for planned in due if planned.target.kind == "local"]
    hosted = [planned for planned in due if planned.target.kind == "endpoint"]
    began_s = time.monotonic()
    said = [_ask_one(running, planned) for planned in local]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        said += pool.map(lambda planned: _ask_one(running, planned), hosted)
    for told in said:
        if isinstance(told, str):
            running.observer.note(told)
    answers = [told for told in said if isinstance(told, int)]
    if answers:
        running.observer.note(
            f"canary: {sum(answers)} answers of {len(answers)} targets in {time.monotonic() - began_s:.0f} s"
        )


def canary_spent_usd(running: Running) -> float:
    """What the canaries of this run that have landed came to, US dollars; rather too much than too little.

    A hosted target is billed by its tokens, one that counted none with its worst case. A local one is not metered: it
    costs its worst case for the part of the time in which it answered.
    """
    facts = {planned.target.id: planned.facts for planned in running.plan.trials}
    spent_usd = 0.0
    data_dir, run_id = running.request.data_dir, running.plan.run_id
    if not running.plan.canaries or not asked_targets(run_id, landed_batches(data_dir)):
        return 0.0  # so far: the warehouse need not be opened for that
    found = canary_spending(data_dir, run_id)
    for planned in running.plan.canaries:
        spent = found.get(planned.target.id)
        worst_usd = planned.quote_usd_worst or 0.0
        if spent is None:
            continue
        if planned.target.kind == "local":
            spent_usd += worst_usd * min(spent.seconds / DEADLINE_S, 1.0)
            continue
        price = {fact.quantity: fact.central for fact in facts[planned.target.id]}
        per_input, per_output = price.get("price_usd_per_input_mtok"), price.get("price_usd_per_output_mtok")
        if spent.uncounted or per_input is None or per_output is None:
            spent_usd += worst_usd
        else:
            spent_usd += (spent.prompt_tokens * per_input + spent.output_tokens * per_output) / 1e6
    return spent_usd


def _affordable(running: Running, spent_usd: float) -> tuple[list[PlannedCanary], list[PlannedCanary]]:
    """Which canaries are due and within the budget, and which are due and not."""
    due: list[PlannedCanary] = []
    left: list[PlannedCanary] = []
    for planned in running.plan.canaries_due:
        cost_usd = planned.quote_usd_worst or 0.0
        fits = spent_usd + cost_usd <= running.request.budget_usd
        (due if fits else left).append(planned)
        spent_usd += cost_usd if fits else 0.0
    return due, left


def _ask_one(running: Running, planned: PlannedCanary) -> int | str:
    """Ask one target. Returns how many questions it answered, or why it could not be asked."""
    target = planned.target
    if running.interrupt.asked:
        return f"{target.id} was not asked the canary's questions: the night was to end"
    found = running.weights.get(target.id)
    if isinstance(found, ProbeError):
        return f"{target.id} was not asked the canary's questions: {found}"
    spec = _spec(running, planned, found)
    folder = spool_root(running.request.data_dir) / canary_batch_id(spec.run_id, target.id)
    if folder.exists():
        shutil.rmtree(folder)  # of an earlier try of this run, which was cut off
    folder.mkdir(parents=True)
    write_json(folder / SPEC_NAME, spec_json(spec))
    told: dict[str, Any] = {}
    keep_open = (running.lock,)
    with TrialProcess([folder], running.request.data_dir, keep_open, module="flows.canarychild") as child:
        follow(child, DEADLINE_S, lambda _id, _event, values: told.update(values), lambda: running.interrupt.asked)
    if "answers" in told:
        answers: int = told["answers"]
        shutil.rmtree(folder)
        return answers
    reason = told.get("reason") or _last_words(child, folder)
    shutil.rmtree(folder)
    return f"{target.id} was not asked the canary's questions to the end: {reason}"


def _last_words(child: TrialProcess, folder: Path) -> str:
    lines = (folder / "stderr.log").read_text(errors="replace").strip().splitlines()
    return f"its process ended with exit code {child.process.returncode}: {lines[-1][:300] if lines else 'no message'}"


def _spec(running: Running, planned: PlannedCanary, weights: WeightsRef | None) -> TrialSpec:
    """A trial's order, of which the child needs the target, its weights and the timeouts."""
    night = running.request.loaded.config.night
    return TrialSpec(
        trial_id=canary_batch_id(running.plan.run_id, planned.target.id),
        run_id=running.plan.run_id,
        try_number=1,
        target=planned.target,
        workload=_WORKLOAD,
        timeouts=night.timeouts,
        idle_baseline_s=night.idle_baseline_s,
        weights=weights,
        cpu_tdp_w=None,
        facts=[],
    )
