"""A metered command while it runs, and how it lands: `data/spool-jobs/JOB/`.

    lock            held as long as the track of it lives
    job.json        what it is called, and the facts its account will rest on   written before the command starts
    power.jsonl     raw meter readings                                          appended by the sampler
    end.json        exit code, window, CPU seconds                              written when it has ended

There is one way to land, `land_job`. A track that was killed leaves its folder behind, and the next one lands it, with
an exit code that is not known and a window that ends with the last readings. The command line is never written.
"""

import contextlib
import dataclasses
import json
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.held import held_folder, unheld
from flows.version import VERSION

if TYPE_CHECKING:
    from probes.power.readings import PowerSample
    from warehouse.rows import LandingRow


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What is known of a job before it starts."""

    job_id: str
    label: str
    program: str
    started_at: datetime
    clock_offset_start_ns: int
    functional_unit: str | None
    functional_units: float | None
    facts: tuple[dict[str, Any], ...]  # fields of FactRow
    tariff: tuple[dict[str, Any], ...] = ()  # fields of TariffHour, of the hours ahead
    tariff_name: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """What is known of it once it has ended."""

    exit_code: int | None
    ended_at: datetime
    window_start_ns: int | None
    window_end_ns: int | None
    cpu_s: float | None
    cpu_busy_s: float | None
    peak_rss_bytes: int | None


def new_job_id(at: datetime) -> str:
    """Sortable, readable, unique."""
    return f"job-{at:%Y-%m-%dT%H%M%SZ}-{os.urandom(3).hex()}"


def jobs_root(data_dir: Path) -> Path:
    """Where jobs in progress live."""
    return data_dir / "spool-jobs"


def job_folder(data_dir: Path, spec: JobSpec) -> contextlib.AbstractContextManager[Path]:
    """The folder of a job about to start, with its spec; held within the block, so that nobody else lands it."""
    folder = jobs_root(data_dir) / spec.job_id
    return held_folder(folder, lambda new: _write(new / "job.json", dataclasses.asdict(spec)))


def write_end(folder: Path, end: JobEnd) -> None:
    """Put down how the command ended."""
    _write(folder / "end.json", dataclasses.asdict(end))


def land_job(data_dir: Path, folder: Path) -> "list[LandingRow]":
    """Land one job and remove its folder.

    Returns:
        The rows that landed.

    Raises:
        WarehouseError: the disk would not take them; the folder stays, so that the next track can land it.
        ProbeError: its power log is no power log.
    """
    from warehouse.landing import land
    from warehouse.rows import JobRow

    rows = job_rows(folder)
    (job,) = (row for row in rows if isinstance(row, JobRow))
    land(data_dir, batch_id=job.job_id, host_id=job.host_id, rows=rows)
    shutil.rmtree(folder)
    return rows


def land_left_over_jobs(data_dir: Path) -> list[str]:
    """Land the jobs whose track was killed; returns their ids.

    Raises:
        WarehouseError, ProbeError: as `land_job`.
    """
    root = jobs_root(data_dir)
    if not root.is_dir():
        return []
    from warehouse.landing import landed_batches

    landed, found = landed_batches(data_dir), []
    for folder in sorted(root.glob("[!.]*")):
        with unheld(folder) as free:
            if not free:
                continue
            if folder.name in landed:
                shutil.rmtree(folder)  # landed, and killed before it could tidy away
            else:
                land_job(data_dir, folder)
                found.append(folder.name)
    return found


def job_rows(folder: Path) -> "list[LandingRow]":
    """The landing rows of a job's folder, however much of it there is.

    Raises:
        ProbeError: its power log is no power log.
    """
    from flows.spool import window_of
    from flows.tariff import TariffHour, over_window
    from probes.host import host_facts
    from probes.power.log import read_power_log
    from warehouse.rows import FactRow, JobRow, MeterRow, PowerSampleRow

    spec = _read_spec(folder)
    meters, samples = read_power_log(folder / "power.jsonl")
    end = _read_end(folder) or _end_by_readings(spec, samples)
    host = host_facts()
    job = JobRow(
        job_id=spec.job_id,
        label=spec.label,
        program=spec.program,
        exit_code=end.exit_code,
        started_at=spec.started_at,
        ended_at=end.ended_at,
        window_start_ns=end.window_start_ns,
        window_end_ns=end.window_end_ns,
        clock_offset_start_ns=spec.clock_offset_start_ns,
        cpu_s=end.cpu_s,
        cpu_busy_s=end.cpu_busy_s,
        peak_rss_bytes=end.peak_rss_bytes,
        functional_unit=spec.functional_unit,
        functional_units=spec.functional_units,
        host_id=host.host_id,
        cpu_model=host.cpu_model,
        cpu_threads=host.cpu_threads,
        ram_bytes=host.ram_bytes,
        gpu_models=host.gpu_models,
        os=host.os,
        python_version=host.python_version,
        megatoken_version=VERSION,
    )
    return [
        job,
        *(MeterRow(trial_id=spec.job_id, **dataclasses.asdict(meter)) for meter in meters),
        *(PowerSampleRow(trial_id=spec.job_id, **dataclasses.asdict(sample)) for sample in samples),
        *over_window(
            [FactRow(**fact) for fact in spec.facts],
            [TariffHour(**hour) for hour in spec.tariff],
            spec.tariff_name,
            window_of(job),
        ),
    ]


def _end_by_readings(spec: JobSpec, samples: "Sequence[PowerSample]") -> JobEnd:
    """The end of a job whose track was killed: its window is what all meters cover."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for sample in samples:
        if sample.phase == "load":
            first.setdefault(sample.meter, sample.t_ns)
            last[sample.meter] = sample.t_ns
    start_ns, end_ns = max(first.values(), default=None), min(last.values(), default=None)
    if start_ns is None or end_ns is None or end_ns <= start_ns:
        start_ns = end_ns = None
    return JobEnd(
        exit_code=None,
        ended_at=spec.started_at
        if end_ns is None
        else datetime.fromtimestamp((end_ns + spec.clock_offset_start_ns) / 1e9, UTC),
        window_start_ns=start_ns,
        window_end_ns=end_ns,
        cpu_s=None,
        cpu_busy_s=None,
        peak_rss_bytes=None,
    )


def _write(path: Path, value: dict[str, Any]) -> None:
    """Write whole or not at all, and onto the disk: what it says must outlive us."""
    partial = path.with_suffix(".tmp")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(value, file, default=datetime.isoformat)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _read_spec(folder: Path) -> JobSpec:
    fields = json.loads((folder / "job.json").read_bytes())
    fields["started_at"] = datetime.fromisoformat(fields["started_at"])
    fields["facts"] = tuple(fields["facts"])
    fields["tariff"] = tuple(fields.get("tariff", ()))
    return JobSpec(**fields)


def _read_end(folder: Path) -> JobEnd | None:
    try:
        fields = json.loads((folder / "end.json").read_bytes())
    except FileNotFoundError:
        return None
    fields["ended_at"] = datetime.fromisoformat(fields["ended_at"])
    return JobEnd(**fields)
