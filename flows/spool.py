"""A trial's own folder while it runs, and how it lands: `data/spool/TRIAL/`.

    spec.json       what was asked for             written by the parent before the child starts
    start.json      host, engine, when it began    written by the child once the engine is ready
    attempts.spool  raw attempts, as they finish   appended by the load client
    power.jsonl     raw meter readings             appended by the sampler
    end.json        window, clocks, CPU seconds    written by the child after the load
    engine.log      the engine's own words

There is one way to land, `land_spool`, whether the child lands itself or its parent (or the next night) lands what a
killed child left behind. What is missing from the folder is NULL in the rows.
"""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.spec import TrialSpec
from flows.version import VERSION
from probes.host import HostFacts, host_facts
from probes.load.spool import read_spool
from probes.power.log import read_power_log
from warehouse.landing import land, landed_batches
from warehouse.rows import AttemptRow, LandingRow, MeterRow, PowerSampleRow, TrialRow, TrialStatus


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialStart:
    """What is known once the target is ready to be measured."""

    started_at: str
    host: dict[str, Any]
    engine_version: str | None = None
    engine_ready_s: float | None = None
    base_url: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnd:
    """What the load client and the watch over the machine said at the end."""

    window_start_ns: int | None
    window_end_ns: int | None
    clock_offset_start_ns: int | None
    clock_offset_end_ns: int | None
    stamp_source: str | None
    client_cpu_s: float | None
    engine_cpu_s: float | None
    cpu_share_others: float | None
    load_average_1m: float | None


def spool_root(data_dir: Path) -> Path:
    """Where trials in progress live."""
    return data_dir / "spool"


def create_spool(data_dir: Path, spec: TrialSpec) -> Path:
    """Make the folder of a trial about to start and put its spec there."""
    folder = spool_root(data_dir) / spec.trial_id
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "spec.json", spec.model_dump(mode="json"))
    return folder


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write whole or not at all: a reader never sees half a file."""
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(value), encoding="utf-8")
    partial.replace(path)


def read_spec(folder: Path) -> TrialSpec:
    """The spec that the parent wrote."""
    return TrialSpec.model_validate_json((folder / "spec.json").read_bytes())


def land_spool(data_dir: Path, folder: Path, *, status: TrialStatus, reason: str | None) -> list[LandingRow]:
    """Land whatever a trial's folder holds, then remove the folder.

    Returns:
        The rows that landed.

    Raises:
        WarehouseError: the disk would not take them; the folder stays, so that the next night can land it.
    """
    rows = rows_of(folder, status=status, reason=reason)
    spec = read_spec(folder)
    host = next(row.host_id for row in rows if isinstance(row, TrialRow))
    land(data_dir, batch_id=spec.trial_id, host_id=host, rows=rows)
    shutil.rmtree(folder)
    return rows


def unfinished_spools(data_dir: Path) -> list[Path]:
    """Folders that a killed night left behind; those whose batch had landed already are tidied away here."""
    root = spool_root(data_dir)
    if not root.is_dir():
        return []
    landed = landed_batches(data_dir)
    left = []
    for folder in sorted(root.iterdir()):
        if folder.name in landed or not (folder / "spec.json").exists():
            shutil.rmtree(folder)  # landed before it died, or died before it had begun
        else:
            left.append(folder)
    return left


def rows_of(folder: Path, *, status: TrialStatus, reason: str | None) -> list[LandingRow]:
    """The landing rows of a trial's folder, however much of it there is."""
    spec = read_spec(folder)
    start = _read(folder / "start.json")
    end = _read(folder / "end.json")
    attempts = list(_attempt_rows(spec, folder))
    meters, samples = read_power_log(folder / "power.jsonl")
    host = HostFacts(**start["host"]) if start else host_facts()
    trial = _trial_row(spec, start, end, attempts, host, status, reason)
    return [
        trial,
        *attempts,
        *(MeterRow(trial_id=spec.trial_id, **_fields(m)) for m in meters),
        *(PowerSampleRow(trial_id=spec.trial_id, **_fields(s)) for s in samples),
        *spec.facts,
    ]


def _attempt_rows(spec: TrialSpec, folder: Path) -> Iterator[AttemptRow]:
    path = folder / "attempts.spool"
    if path.exists():
        for record in read_spool(path):
            yield AttemptRow(trial_id=spec.trial_id, **_fields(record))


def _trial_row(
    spec: TrialSpec,
    start: dict[str, Any],
    end: dict[str, Any],
    attempts: list[AttemptRow],
    host: HostFacts,
    status: TrialStatus,
    reason: str | None,
) -> TrialRow:
    measured = [a for a in attempts if a.phase == "measured"]
    starts = [a.t_start_ns for a in measured if a.t_start_ns is not None]
    ends = [a.t_end_ns for a in measured if a.t_end_ns is not None]
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
        # A child that was killed left no end.json; its window is then what its attempts span.
        window_start_ns=end.get("window_start_ns") or min(starts, default=None),
        window_end_ns=end.get("window_end_ns") or max(ends, default=None),
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
        stamp_source=end.get("stamp_source"),
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
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    return value


def _fields(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a slotted dataclass of probes
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
