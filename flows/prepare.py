"""What a night needs before its first trial: leftovers landed, a plan with facts and a quote, weights on disk."""

import dataclasses
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flows.canaryplan import asked_targets
from flows.config import LoadedConfig, LocalTarget, api_key
from flows.errors import ConfigError
from flows.facts import facts_for
from flows.orchestrated import Orchestrated
from flows.plan import Plan, PlannedTrial, build_plan, new_run_id, total_usd
from flows.spec import WeightsRef, searched_cells
from flows.spool import land_spool, unfinished_spools
from flows.tariff import hours_ahead, tariff_of
from flows.track import land_left_over_jobs
from flows.version import VERSION
from probes.engines.folder import resolve_folder
from probes.engines.weights import resolve_weights
from probes.errors import ProbeError
from probes.factors import ram_power_w
from probes.host import cpu_facts, host_facts
from probes.load.protocols import protocol
from probes.power.modelled import machine_tdp_w
from warehouse.landing import land, landed_batches, landed_run, landed_trials
from warehouse.rows import LandingRow, PlannedTrialRow, RunKind, RunRow, TariffHourRow

_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}")  # folders are named after it
CUT_OFF = "found unfinished at the start of a later run: the machine or the night had been killed"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NightRequest:
    """What a person asked for."""

    loaded: LoadedConfig
    data_dir: Path
    only: tuple[str, ...] = ()
    max_usd: float | None = None
    run_id: str | None = None
    run_kind: RunKind = "night"
    orchestrated: Orchestrated = dataclasses.field(default_factory=Orchestrated)

    @property
    def budget_usd(self) -> float:
        """The command line's limit, else the config's."""
        return self.loaded.config.night.max_usd if self.max_usd is None else self.max_usd


def land_leftovers(data_dir: Path) -> list[str]:
    """Land what killed trials and tracked jobs left in their folders; returns their ids."""
    folders = unfinished_spools(data_dir)
    for folder in folders:
        land_spool(data_dir, folder, status="crashed", reason=CUT_OFF)
    return [*(folder.name for folder in folders), *land_left_over_jobs(data_dir)]


def check_request(request: NightRequest) -> None:
    """What only the command line and this machine can tell, all at once.

    Raises:
        ConfigError: one sentence per mistake.
    """
    config, name = request.loaded.config, request.loaded.path.name
    problems = []
    known = [t.id for t in config.targets]
    problems += [
        f"--only {i!r} is no target of {name}; it has {', '.join(known)}" for i in request.only if i not in known
    ]
    if request.run_id is not None and not _RUN_ID.fullmatch(request.run_id):
        problems.append(
            f"--run-id {request.run_id!r} is no name of a run: letters, digits, - _ and . after the first, at most"
            " 120 in all"
        )
    if request.max_usd is not None and request.max_usd < 0:
        problems.append(f"--max-usd {request.max_usd:g} must be >= 0")
    for target in config.targets:
        if target.kind == "endpoint":
            try:
                protocol(target.api)
            except ProbeError as error:
                problems.append(f'{name}: target "{target.id}" api = {target.api!r}: {error}')
    if problems:
        raise ConfigError(problems)


def plan_night(request: NightRequest) -> Plan:
    """The plan of a new run, or of what is left of one.

    Raises:
        ConfigError: the run was made by another config, or a fact cannot be found.
    """
    check_request(request)
    loaded, config = request.loaded, request.loaded.config
    now = datetime.now(UTC)
    run_id = request.run_id or new_run_id(config.night.name, now)
    earlier = landed_run(request.data_dir, run_id)
    if earlier is not None and earlier.config_sha256 != loaded.sha256:
        raise ConfigError(
            [
                f"run {run_id} was made by config {earlier.config_name!r} ({earlier.config_sha256[:12]}), not by"
                f" {loaded.path.name} as it is now ({loaded.sha256[:12]}); pass that config, or leave --run-id out"
            ]
        )
    return build_plan(
        config,
        run_id=run_id,
        only=request.only,
        landed=landed_trials(request.data_dir, run_id),
        searched=searched_cells(run_id, landed_batches(request.data_dir)),
        asked=asked_targets(run_id, landed_batches(request.data_dir)) if request.run_kind == "night" else None,
        has_key=lambda target: api_key(target) is not None,
        facts_for=lambda target, trial: facts_for(target, config.site, trial_id=trial, at=now),
        worst_power_w=_worst_power_w(request),
    )


def _worst_power_w(request: NightRequest) -> float:
    """The most that this machine is thought to draw; only local targets are quoted by it."""
    site = request.loaded.config.site
    if site is None:
        return 0.0
    tdp = site.cpu_tdp_w
    tdp_w = machine_tdp_w(cpu_facts())[0].high if tdp is None else (tdp.central if tdp.high is None else tdp.high)
    return tdp_w + ram_power_w(host_facts().ram_bytes)


def land_plan(request: NightRequest, plan: Plan) -> None:
    """Write down what is about to be tried, once per run: also a night that dies at once leaves its name."""
    if landed_run(request.data_dir, plan.run_id) is not None:
        return
    run = run_row(request, plan.run_id, plan.quote_usd_worst)
    rows: list[LandingRow] = [run, *_cells(plan), *_tariff_hours(request, plan, run.started_at)]
    land(request.data_dir, batch_id=f"{plan.run_id}.plan", host_id=run.host_id, rows=rows)


def _tariff_hours(request: NightRequest, plan: Plan, at: datetime) -> list[TariffHourRow]:
    """The week ahead, where a target of ours pays by the hour: one may ask later when its tokens are cheap."""
    site = request.loaded.config.site
    tariff = None if site is None else tariff_of(site)
    if tariff is None or all(trial.target.kind != "local" for trial in plan.trials):
        return []
    return [
        TariffHourRow(
            run_id=plan.run_id,
            hour_at=datetime.fromtimestamp(each.hour * 3600, UTC),
            usd_per_kwh=each.usd_per_kwh,
            tariff_name=tariff.name,
        )
        for each in hours_ahead(tariff, at)
    ]


def run_row(request: NightRequest, run_id: str, quote_usd_worst: float | None) -> RunRow:
    """What is written down of a run before it starts."""
    loaded = request.loaded
    return RunRow(
        run_id=run_id,
        started_at=datetime.now(UTC),
        config_name=loaded.config.night.name,
        config_sha256=loaded.sha256,
        config_toml=loaded.text,
        host_id=host_facts().host_id,
        megatoken_version=VERSION,
        quote_usd_worst=quote_usd_worst,
        max_usd=request.budget_usd,
        run_kind=request.run_kind,
        flow_run_id=request.orchestrated.flow_run_id,
        flow_run_url=request.orchestrated.flow_run_url,
        next_run_at=request.orchestrated.next_run_at,
    )


def _cells(plan: Plan) -> list[PlannedTrialRow]:
    """One row a cell: its repeats together."""
    cells: dict[tuple[str, str], list[PlannedTrial]] = {}
    for trial in plan.trials:
        cells.setdefault((trial.target.id, trial.workload.id), []).append(trial)
    return [
        PlannedTrialRow(
            run_id=plan.run_id,
            target_id=target_id,
            workload_id=workload_id,
            # Of a local trial that only time ends the number is not known beforehand: at least one for each repeat.
            planned_requests=sum(t.requests or 1 for t in repeats),
            quote_usd_worst=total_usd(t.quote_usd_worst for t in repeats),
            skip_reason=repeats[0].skip_reason,
        )
        for (target_id, workload_id), repeats in cells.items()
    ]


def resolve_all_weights(
    request: NightRequest, plan: Plan, on_progress: Callable[[str], None]
) -> dict[str, WeightsRef | ProbeError]:
    """Weights of every local target that is due, by target id; a target whose weights are missing gets its error."""
    weights: dict[str, WeightsRef | ProbeError] = {}
    due = [*(trial.target for trial in plan.due), *(canary.target for canary in plan.canaries_due)]
    for target in {each.id: each for each in due}.values():
        if isinstance(target, LocalTarget):
            resolve = resolve_folder if target.engine == "transformers" else resolve_weights
            try:
                found = resolve(
                    target.model, target.quantisation, request.data_dir / "weights", on_progress=on_progress
                )
            except ProbeError as error:
                weights[target.id] = error
            else:
                weights[target.id] = WeightsRef(
                    path=found.path, sha256=found.sha256, quantisation=found.quantisation, note=found.note
                )
    return weights
