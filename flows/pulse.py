"""A pulse: a few attempts at each hosted target between nights, by the measuring of a night.

It lands what a night lands, under a run of its own kind, so that it is in the pages on time and reliability and not in
the leaderboard. It has a limit of its own for each UTC day, counted from what has landed, and it gives way: where
another run measures on this machine, it only writes down that it was skipped.
"""

import dataclasses
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from flows.config import BenchmarkConfig, LoadedConfig, Pulse
from flows.errors import ConfigError
from flows.lock import host_lock_if_free
from flows.night import Interrupt, NightReport, Observer, Step, land_end, measured_run
from flows.plan import new_run_id
from flows.prepare import NightRequest, check_request, run_row
from flows.traces import completed
from flows.words import usd
from flows.workload import Workload
from probes.errors import ProbeError
from warehouse.landing import land, landed_run
from warehouse.loader import load
from warehouse.rows import PlannedTrialRow
from warehouse.spending import PulseSpending, pulse_spending

EVERY = timedelta(hours=3)
TAKEN = "another run was measuring on this machine"
_LONGEST_TRIAL_S = 120.0  # a few requests; a target that hangs must not keep a night waiting


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PulseReport:
    """What a pulse came to: `night` is None if it was skipped. `spent_before_usd` is of the earlier ones of its day."""

    run_id: str
    skipped: str | None
    night: NightReport | None
    spent_before_usd: float
    max_usd_per_day: float


def pulse_request(request: NightRequest, now: datetime) -> NightRequest:
    """The request of a pulse, out of one that names a config with a `[pulse]` table.

    Raises:
        ConfigError: there is no such table, or nothing that it could measure.
    """
    loaded = request.loaded
    asked = _asked(loaded)
    config = pulse_config(loaded.config, asked, name=loaded.path.name)
    run_id = request.run_id or new_run_id(f"{config.night.name}-pulse", now)
    # another order each time: where the day's limit ends a pulse early, it is not always the same who goes without
    targets = list(config.targets)
    random.Random(run_id).shuffle(targets)
    made = LoadedConfig(path=loaded.path, text=loaded.text, config=config.model_copy(update={"targets": targets}))
    found = dataclasses.replace(
        request,
        loaded=made,
        run_kind="pulse",
        max_usd=asked.max_usd_per_day if request.max_usd is None else min(request.max_usd, asked.max_usd_per_day),
        run_id=run_id,
    )
    check_request(found)
    return found


def pulse_config(config: BenchmarkConfig, asked: Pulse, *, name: str) -> BenchmarkConfig:
    """A config with what a pulse measures alone: hosted targets, one workload, a few requests.

    Raises:
        ConfigError: nothing is left, or the workload cannot be had in a few requests; `name` is the file's.
    """
    problems = []
    targets = [target for target in config.targets if asked.local_targets or target.kind == "endpoint"]
    if not targets:
        problems.append(
            f"{name}: [pulse] has no hosted target to measure; set local_targets = true to pulse engines of this"
            " machine too"
        )
    ids = [workload.id for workload in config.workloads]
    wanted = ids[0] if asked.workload is None else asked.workload
    if wanted not in ids:
        problems.append(f"{name}: [pulse] workload = {wanted!r} is no workload of it; it has {', '.join(ids)}")
        raise ConfigError(problems)
    workload = config.workloads[ids.index(wanted)]
    if workload.search is not None:
        problems.append(
            f"{name}: [pulse] workload = {wanted!r} is a search, which takes more than a few requests; name another"
        )
    if problems:
        raise ConfigError(problems)
    try:
        short = completed(_shortened(workload, asked.attempts))
    except ProbeError as error:
        raise ConfigError([f"{name}: [pulse] workload = {wanted!r}: {error}"]) from error
    timeouts = config.night.timeouts
    shorter = dataclasses.replace(timeouts, trial_s=min(timeouts.trial_s, _LONGEST_TRIAL_S))
    night = config.night.model_copy(update={"timeouts": shorter})
    return config.model_copy(update={"targets": targets, "workloads": [short], "night": night})


def _shortened(workload: Workload, attempts: int) -> Workload:
    """The same load in a few requests; one warm-up, so that opening a connection is in no figure, as on a night."""
    return dataclasses.replace(
        workload,
        requests=attempts,
        duration_s=None,
        concurrency=None if workload.concurrency is None else min(workload.concurrency, attempts),
        warmup_requests=min(workload.warmup_requests, 1),
        repeats=1,
        stop_at_relative_half_width=None,
        client_processes=1,
    )


def drawn_start(tick: datetime, name: str) -> datetime:
    """The instant at which the pulse of a tick begins: anywhere in the three hours after it, to the second.

    Drawn out of the tick and the name of the config, so that a flow that is run again draws the same. One draw a
    stretch, not one minute a full hour: over weeks every hour of the week is reached, and no period of the world, an
    hourly job or a daily one, is always met in the same phase.

    Source: stratified ("jittered") sampling: Cochran, Sampling Techniques, 1977, chapter 8.
    """
    seconds = random.Random(f"{name} {tick.astimezone(UTC).isoformat()}").randrange(int(EVERY.total_seconds()))
    return tick + timedelta(seconds=seconds)


def run_id_at(start: datetime, name: str) -> str:
    """The name of a pulse that was drawn: the same whenever it is run again."""
    return f"{start.astimezone(UTC):%Y-%m-%dT%H%M%SZ}-{name}-pulse"


def pulse(request: NightRequest, *, step: Step[Any], observer: Observer) -> PulseReport:
    """Measure, load, account, publish; or write down that it was skipped.

    Args:
        request: as `pulse_request` makes it.
        step: as for a night.
        observer: as for a night.

    Raises:
        ConfigError, NightError: before anything was sent.
        WarehouseError: the disk would not take a landing; what had landed stays.
    """
    limit_usd = request.budget_usd
    assert request.run_id is not None  # pulse_request gives one
    run_id = request.run_id
    with Interrupt().listening() as interrupt, host_lock_if_free() as lock:
        if lock is None:
            step("land skipped pulse", lambda: _land_skipped(request, run_id))
            observer.note(f"skipped: {TAKEN}")
            return PulseReport(
                run_id=run_id, skipped=TAKEN, night=None, spent_before_usd=0.0, max_usd_per_day=limit_usd
            )
        spent: PulseSpending = step("count today's pulses", lambda: _spent_today(request, observer))
        observer.note(
            f"pulses of {request.loaded.config.night.name} have spent {usd(spent.usd)} today, of"
            f" {usd(limit_usd)} (max_usd_per_day)"
        )
        left = dataclasses.replace(request, max_usd=max(limit_usd - spent.usd, 0.0))
        report = measured_run(left, step=step, observer=observer, interrupt=interrupt, lock=lock)
    return PulseReport(run_id=run_id, skipped=None, night=report, spent_before_usd=spent.usd, max_usd_per_day=limit_usd)


def _asked(loaded: LoadedConfig) -> Pulse:
    if loaded.config.pulse is None:
        raise ConfigError(
            [f"{loaded.path.name}: has no [pulse] table; add one with max_usd_per_day = X, the most it may spend a day"]
        )
    return loaded.config.pulse


def _spent_today(request: NightRequest, observer: Observer) -> PulseSpending:
    for sentence in load(request.data_dir).damaged:
        observer.note(sentence)
    name = request.loaded.config.night.name
    return pulse_spending(request.data_dir, datetime.now(UTC).date(), config_name=name, but_run_id=request.run_id)


def _land_skipped(request: NightRequest, run_id: str) -> None:
    """Only landed: to load it would take the warehouse from the run that is measuring, whose next load brings it."""
    if landed_run(request.data_dir, run_id) is None:
        config = request.loaded.config
        run = run_row(request, run_id, None)
        cells = [
            PlannedTrialRow(
                run_id=run_id,
                target_id=target.id,
                workload_id=workload.id,
                planned_requests=workload.requests or 0,
                quote_usd_worst=None,
                skip_reason="not named by --only" if request.only and target.id not in request.only else TAKEN,
            )
            for target in config.targets
            for workload in config.workloads
        ]
        land(request.data_dir, batch_id=f"{run_id}.plan", host_id=run.host_id, rows=[run, *cells])
    land_end(request, run_id, "skipped", TAKEN)
