"""The row of a trial: from what was planned, what its child said at the start and at the end, and its attempts."""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from flows.attempts import TrialAttempts
from flows.spec import TrialSpec, plan_columns
from flows.version import VERSION
from probes.host import HostFacts
from warehouse.errors import WarehouseError
from warehouse.rows import TrialRow, TrialStatus
from warehouse.tables import columns_of

# Columns that the evidence of a trial may fill: those that came with schema 2, but for what landing works out itself.
_WORKED_OUT: Final = frozenset({"steady_start_ns", "steady_end_ns", "steady_output_tokens", "idle_trial_id"})
EVIDENCE: Final = (
    frozenset(field.name for field in dataclasses.fields(TrialRow) if field.default is not dataclasses.MISSING)
    - _WORKED_OUT
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialStart:
    """What is known once the target is ready to be measured."""

    started_at: str
    host: dict[str, Any]
    engine_version: str | None = None
    engine_ready_s: float | None = None
    base_url: str | None = None
    idle_trial_id: str | None = None  # whose idle baseline stands for this trial's


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnd:
    """What the load client and the watch over the machine said at the end."""

    clock_offset_start_ns: int | None
    clock_offset_end_ns: int | None
    client_cpu_s: float | None
    engine_cpu_s: float | None
    cpu_share_others: float | None
    load_average_1m: float | None
    # Columns of `trials` by name, see EVIDENCE; instants in ISO format. What is not named is unknown.
    evidence: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(self.evidence.keys() - EVIDENCE)
        if unknown:
            raise ValueError(
                f"evidence {', '.join(unknown)} is no column of trials that it may fill: {sorted(EVIDENCE)}"
            )


def trial_row(
    spec: TrialSpec,
    start: dict[str, Any],
    end: dict[str, Any],
    attempts: TrialAttempts,
    host: HostFacts,
    status: TrialStatus,
    reason: str | None,
) -> TrialRow:
    """One trial as it lands; `start` and `end` are what its folder holds of them, empty where it was killed before."""
    measured = [a for a in attempts.rows if a.phase == "measured"]
    starts = [a.t_start_ns for a in measured if a.t_start_ns is not None]
    ends = [a.t_end_ns for a in measured if a.t_end_ns is not None]
    sources = {a.stamp_source for a in attempts.rows} - {None}
    local, endpoint, workload = spec.local, spec.endpoint, spec.workload
    now = datetime.now(UTC)
    return TrialRow(
        trial_id=spec.trial_id,
        run_id=spec.run_id,
        target_id=spec.target.id,
        workload_id=workload.id,
        try_number=spec.try_number,
        status=status,
        status_reason=reason,
        started_at=datetime.fromisoformat(start["started_at"]) if start else now,
        ended_at=now,
        window_start_ns=min(starts, default=None),
        window_end_ns=max(ends, default=None),
        clock_offset_start_ns=end.get("clock_offset_start_ns"),
        clock_offset_end_ns=end.get("clock_offset_end_ns"),
        kind=spec.target.kind,
        provider=spec.target.provider,
        model=spec.target.model,
        quantisation=spec.weights.quantisation if spec.weights else None,
        weights_sha256=spec.weights.sha256 if spec.weights else None,
        weights_note=spec.weights.note if spec.weights else None,
        base_url=endpoint.base_url if endpoint else start.get("base_url"),
        api=endpoint.api if endpoint else "openai-chat",
        region=endpoint.region if endpoint else None,
        engine=local.engine if local else None,
        engine_version=start.get("engine_version"),
        device=local.device if local else None,
        threads=local.threads if local else None,
        slots=local.slots if local else None,
        engine_ready_s=start.get("engine_ready_s"),
        arrivals=workload.arrivals,
        concurrency=workload.concurrency,
        rate_rps=workload.rate_rps,
        requests_planned=workload.requests if spec.duration_s is None else None,
        prompt_tokens_asked=workload.prompt_tokens,
        output_tokens_asked=workload.output_tokens,
        slo_ttft_s=workload.slo_ttft_ms / 1000,
        slo_tpot_s=workload.slo_tpot_ms / 1000,
        seed=workload.seed,
        stamp_source=None if not sources else "read" if "read" in sources else "kernel",
        client_cpu_s=end.get("client_cpu_s"),
        engine_cpu_s=end.get("engine_cpu_s"),
        cpu_share_others=end.get("cpu_share_others"),
        load_average_1m=end.get("load_average_1m"),
        host_id=host.host_id,
        cpu_model=host.cpu_model,
        cpu_threads=host.cpu_threads,
        ram_bytes=host.ram_bytes,
        gpu_models=host.gpu_models,
        os=host.os,
        python_version=host.python_version,
        megatoken_version=VERSION,
        steady_start_ns=attempts.steady_start_ns,
        steady_end_ns=attempts.steady_end_ns,
        steady_output_tokens=attempts.steady_output_tokens,
        idle_trial_id=start.get("idle_trial_id"),
        # The plan is known even of a trial that was killed; what its client said goes before it.
        **plan_columns(spec) | _evidence(spec.trial_id, end.get("evidence", {})),
    )


def _evidence(trial_id: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the client said of itself, as columns."""
    unknown = sorted(told.keys() - EVIDENCE)
    if unknown:
        raise WarehouseError(
            f"the evidence of {trial_id} names {', '.join(unknown)}, which trials does not know; it was measured by"
            " another version of Megatoken, land it with that one"
        )
    instants = {column.name for column in columns_of("trials") if column.python_type is datetime}
    return {
        name: datetime.fromisoformat(value) if name in instants and value is not None else value
        for name, value in told.items()
    }
