"""What a trial's child process is told: one order a trial, written as it begins."""

from datetime import UTC, datetime

from flows.facts import facts_for
from flows.plan import Plan, PlannedTrial
from flows.prepare import NightRequest
from flows.spec import TrialSpec, WeightsRef
from flows.tariff import hours_ahead, tariff_of


def trial_spec(
    request: NightRequest,
    plan: Plan,
    planned: PlannedTrial,
    weights: WeightsRef | None,
    *,
    group_id: str | None = None,
    search_id: str | None = None,
    search_point: int | None = None,
    now: datetime | None = None,
) -> TrialSpec:
    """The order for one trial's child process.

    Its facts are those of the day on which it begins, not of the plan's: a night may pass midnight, and the year of a
    grid or a price is another then.

    Args:
        now: when it begins, UTC; this instant, if None.

    Raises:
        ConfigError: something that the plan had found is not known on that day any more.
    """
    config = request.loaded.config
    at = datetime.now(UTC) if now is None else now
    # a hosted target's electricity is its provider's
    by_hour = tariff_of(config.site) if config.site is not None and planned.target.kind == "local" else None
    return TrialSpec(
        trial_id=planned.trial_id,
        run_id=plan.run_id,
        try_number=planned.try_number,
        target=planned.target,
        workload=planned.workload,
        timeouts=config.night.timeouts,
        idle_baseline_s=config.night.idle_baseline_s,
        idle_fresh_s=config.night.idle_fresh_h * 3600,
        weights=weights,
        cpu_tdp_w=config.site.cpu_tdp_w if config.site else None,
        rapl_psys=config.site is not None and config.site.rapl_psys,
        meters=config.site.meters if config.site else [],
        facts=facts_for(planned.target, config.site, trial_id=planned.trial_id, at=at),
        tariff=hours_ahead(by_hour, at),
        tariff_name=by_hour.name if by_hour is not None else "",
        repeat_number=planned.repeat_number,
        group_id=group_id,
        search_id=search_id,
        search_point=search_point,
    )
