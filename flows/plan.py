"""config -> what to measure, what it could cost at worst, what is skipped and why. Pure: nothing is opened or sent."""

import dataclasses
import itertools
import math
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from flows.canaryplan import PlannedCanary, planned_canaries
from flows.config import BenchmarkConfig, EndpointTarget, LocalTarget, Range, Site, Target, Timeouts
from flows.facts import SECONDS_PER_YEAR
from flows.points import longest_point
from flows.pricefacts import worst_request_usd
from flows.spec import trial_id
from flows.tariff import tariff_of
from flows.uncounted import unlimited_tokens
from flows.workload import Workload
from warehouse.landing import LandedTrial
from warehouse.rows import FactRow, TrialStatus

J_PER_KWH = 3.6e6
SECONDS_PER_HOUR = 3600
# A target that hung or was measured is a result; what was cut off from outside is measured again.
FINAL: frozenset[TrialStatus] = frozenset({"completed", "timed_out"})
# A prompt is calibrated to its length only after the first answer; until then it may be this much longer than asked.
PROMPT_MARGIN = 1.5
# Of Cohere's searches: documents that one ranks, and tokens, the query's among them, above which one counts as several.
_SEARCH_PIECES = 100
_SEARCH_PIECE_TOKENS = 500
# Nonce, instruction, chat template, and what it takes to learn how a server counts: no prompt of ours is shorter.
SHORTEST_PROMPT_TOKENS = 120


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrial:
    """One measurement of a cell (a target under a workload): its only one, one of its repeats, or a whole search."""

    trial_id: str
    try_number: int
    repeat_number: int
    target: Target
    workload: Workload
    facts: list[FactRow]
    requests: int | None  # measured ones, at most; None if only time ends it
    quote_usd_worst: float | None  # None: a price is unknown, so no bound can be given
    skip_reason: str | None
    landed: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run, before it starts."""

    run_id: str
    trials: list[PlannedTrial]
    is_new: bool  # nothing of this run has landed yet
    canaries: Sequence[PlannedCanary] = ()

    @property
    def due(self) -> list[PlannedTrial]:
        """What is left to measure."""
        return [t for t in self.trials if t.skip_reason is None and not t.landed]

    @property
    def quote_usd_worst(self) -> float | None:
        """The most that what is due could cost, the canary's questions too; None if a price is unknown."""
        trials, canaries = self.due, self.canaries_due
        return total_usd([*(t.quote_usd_worst for t in trials), *(c.quote_usd_worst for c in canaries)])

    @property
    def canaries_due(self) -> list[PlannedCanary]:
        """Which targets are still to be asked the canary's questions."""
        return [each for each in self.canaries if each.skip_reason is None and not each.landed]


def total_usd(quotes: Iterable[float | None]) -> float | None:
    """The sum; None if one of them is unknown."""
    known = list(quotes)
    return None if None in known else math.fsum(q for q in known if q is not None)


def new_run_id(name: str, now: datetime) -> str:
    """Sortable, readable, unique: 2026-11-22T021500Z-first-night-3f9a."""
    return f"{now:%Y-%m-%dT%H%M%SZ}-{name}-{secrets.token_hex(2)}"


def build_plan(
    config: BenchmarkConfig,
    *,
    run_id: str,
    only: Collection[str],
    landed: Sequence[LandedTrial],
    searched: Collection[tuple[str, str]] = (),
    asked: Collection[str] | None = None,
    has_key: Callable[[EndpointTarget], bool],
    facts_for: Callable[[Target, str], list[FactRow]],
    worst_power_w: float,
) -> Plan:
    """Every target under every workload, in the config's order; repeats are spread: all cells' first, then all second.

    Args:
        only: target ids to keep; empty keeps all.
        landed: the trials of this run_id that have landed, any status.
        searched: (target_id, workload_id) of the searches of this run_id that have landed.
        asked: target ids whose canary of this run_id has landed; None for a run that asks none.
        has_key: whether the environment holds the key an endpoint names.
        facts_for: facts of a target for a trial_id.
        worst_power_w: the most that this machine is thought to draw, for the quote of local targets.
    """
    trials = []
    rounds = max(workload.repeats for workload in config.workloads)
    for repeat, target, workload in itertools.product(range(1, rounds + 1), config.targets, config.workloads):
        if repeat > workload.repeats:
            continue
        earlier = [t for t in landed if (t.target_id, t.workload_id) == (target.id, workload.id)]
        if workload.search is None:
            done = sorted(t.try_number for t in earlier if t.status in FINAL)
        else:  # its points have landed one by one; only their answer makes it whole
            done = [1] if (target.id, workload.id) in searched else []
        # The k-th measurement that counts is repeat k, whatever was cut off in between.
        next_try = max((t.try_number for t in earlier), default=0) + repeat - len(done)
        try_number = done[repeat - 1] if repeat <= len(done) else next_try
        identity = trial_id(run_id, target.id, workload.id, try_number)
        facts = facts_for(target, identity)
        requests = _most_requests(workload)
        quote = quote_usd(target, workload, requests, config.site, config.night.timeouts, facts, worst_power_w)
        trials.append(
            PlannedTrial(
                trial_id=identity,
                try_number=try_number,
                repeat_number=repeat,
                target=target,
                workload=workload,
                facts=facts,
                requests=requests,
                quote_usd_worst=quote,
                skip_reason=_skip_reason(target, only, has_key, quote),
                landed=repeat <= len(done),
            )
        )
    return Plan(
        run_id=run_id,
        trials=trials,
        is_new=not landed,
        canaries=() if asked is None else _canaries(config, trials, asked, worst_power_w),
    )


def _canaries(
    config: BenchmarkConfig, trials: Sequence[PlannedTrial], asked: Collection[str], worst_power_w: float
) -> tuple[PlannedCanary, ...]:
    return planned_canaries(
        config,
        asked=asked,
        skipped={trial.target.id: trial.skip_reason for trial in trials if trial.skip_reason is not None},
        facts={trial.target.id: trial.facts for trial in trials},
        local_quote_usd=lambda timeouts: _local_quote_usd(config.site, timeouts, worst_power_w),
    )


def _most_requests(workload: Workload) -> int | None:
    if workload.search_limits is None:
        return workload.requests  # of an open loop counted when the config was read
    return workload.search_limits.max_points * longest_point(workload)


def _skip_reason(
    target: Target, only: Collection[str], has_key: Callable[[EndpointTarget], bool], quote: float | None
) -> str | None:
    if only and target.id not in only:
        return "not named by --only"
    if isinstance(target, EndpointTarget):
        if target.api_key_env is not None and not has_key(target):
            return f"{target.api_key_env} is not set in the environment"
        if quote is None:
            return (
                f"no list price is known for {target.provider}/{target.model}, so max_usd could not be kept;"
                " add a [targets.price] table"
            )
    return None


def quote_usd(
    target: Target,
    workload: Workload,
    requests: int | None,
    site: Site | None,
    timeouts: Timeouts,
    facts: Sequence[FactRow],
    worst_power_w: float,
) -> float | None:
    """The most that a trial or a search could cost in USD, or None if a price is unknown.

    Hosted: every request as long as the longest, answered in full length, no token cached. Local: the whole deadline
    at full power, dearest tariff and hardware, for each trial that it may take.
    """
    trials = workload.search_limits.max_points if workload.search_limits else 1
    if isinstance(target, LocalTarget):
        each = _local_quote_usd(site, timeouts, worst_power_w)
        return None if each is None else each * trials
    prompt_tokens = max(workload.most_prompt_tokens * PROMPT_MARGIN, SHORTEST_PROMPT_TOKENS)
    searches = _searches(workload) if target.api == "cohere-rerank" else 1
    output_tokens = max(workload.most_output_tokens, unlimited_tokens(target.api, prompt_tokens))
    each = worst_request_usd(facts, prompt_tokens, output_tokens, searches=searches)
    return None if each is None or requests is None else (requests + trials * workload.warmup_requests) * each


def _searches(workload: Workload) -> int:
    """The most that one rerank is billed for at Cohere: a search ranks 100 documents, or pieces of longer ones.

    Source: cohere.com/pricing, 2026-10-18: a query with up to 100 documents; they are cut at 500 to 510 tokens.
    """
    room_tokens = max(_SEARCH_PIECE_TOKENS - workload.prompt_tokens * PROMPT_MARGIN, 1)  # beside the query
    pieces = math.ceil(workload.document_tokens * PROMPT_MARGIN / room_tokens)
    return max(1, math.ceil(workload.documents * pieces / _SEARCH_PIECES))


def point_quote_usd(search: PlannedTrial, requests: int) -> float | None:
    """The most that one point of a planned search could cost, by its share of the search's own worst case."""
    limits, warmups = search.workload.search_limits, search.workload.warmup_requests
    if limits is None or search.quote_usd_worst is None or search.requests is None:
        return None
    if isinstance(search.target, LocalTarget):
        return search.quote_usd_worst / limits.max_points
    return search.quote_usd_worst * (requests + warmups) / (search.requests + limits.max_points * warmups)


def request_quote_usd(planned: PlannedTrial) -> float:
    """The most that one request of a cell can cost in USD; 0 where time costs, not requests, or no price is known."""
    if isinstance(planned.target, LocalTarget) or planned.quote_usd_worst is None or planned.requests is None:
        return 0.0
    limits, warmups = planned.workload.search_limits, planned.workload.warmup_requests
    return planned.quote_usd_worst / (planned.requests + (limits.max_points if limits else 1) * warmups)


def _local_quote_usd(site: Site | None, timeouts: Timeouts, worst_power_w: float) -> float | None:
    if site is None:
        return None
    seconds = timeouts.trial_s
    hardware = site.hardware
    if hardware.rent_usd_per_h is not None:
        owned_per_second = _high(hardware.rent_usd_per_h) / SECONDS_PER_HOUR
    else:
        assert hardware.price_usd is not None  # the config was checked: one of the two is given
        owned_per_second = _high(hardware.price_usd) / (_low(hardware.lifetime_years) * SECONDS_PER_YEAR)
    per_second = owned_per_second * hardware.share / _low(hardware.utilisation_share)
    kwh = worst_power_w * _high(site.pue) * seconds / J_PER_KWH
    tariff = tariff_of(site)
    dearest = max(_high(site.electricity_usd_per_kwh), tariff.dearest_usd_per_kwh if tariff is not None else 0.0)
    return seconds * per_second + kwh * dearest


def _low(value: Range) -> float:
    return value.central if value.low is None else value.low


def _high(value: Range) -> float:
    return value.central if value.high is None else value.high
