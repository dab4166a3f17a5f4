"""A trial's own folder while it runs, and how it lands: `data/spool/TRIAL/`.

    spec.json       what was asked for             written by the parent before the child starts
    start.json      host, engine, when it began    written by the child once the engine is ready
    attempts.spool  raw attempts, as they finish   appended by the load client
    power.jsonl     raw meter readings             appended by the sampler
    end.json        window, clocks, CPU seconds    written by the child after the load
    engine.log      the engine's own words
    lock            held as long as a bench lives  whose trials no night may land; a night's own are its machine's

    events.parquet  every event of every answer    written while the attempts are read for landing

There is one way to land, `land_spool`, whether the child lands itself or its parent (or the next night) lands what a
killed child left behind. What is missing from the folder is NULL in the rows.
"""

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.attempts import TrialAttempts, read_attempts
from flows.held import held_folder, unheld
from flows.spec import TrialSpec, read_json, spec_json
from flows.tariff import over_window
from flows.trial_row import EVIDENCE, TrialEnd, TrialStart, trial_row
from probes.host import HostFacts, host_facts
from warehouse.landing import land, landed_batches
from warehouse.rows import JobRow, LandingRow, MeterRow, PowerSampleRow, TrialRow, TrialStatus

if TYPE_CHECKING:
    from warehouse.accounting.hourly import Window

__all__ = [
    "EVIDENCE",
    "TrialEnd",
    "TrialStart",
    "create_spool",
    "held_spool",
    "land_spool",
    "read_spec",
    "rows_of",
    "spool_root",
    "unfinished_spools",
    "write_json",
]

_EVENTS: Final = "events.parquet"


def spool_root(data_dir: Path) -> Path:
    """Where trials in progress live."""
    return data_dir / "spool"


def create_spool(data_dir: Path, spec: TrialSpec) -> Path:
    """Make the folder of a trial about to start and put its spec there."""
    folder = spool_root(data_dir) / spec.trial_id
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "spec.json", spec_json(spec))
    return folder


def held_spool(data_dir: Path, spec: TrialSpec) -> contextlib.AbstractContextManager[Path]:
    """The same for a trial that is measured without the machine's lock: held within the block, so no night lands it."""
    folder = spool_root(data_dir) / spec.trial_id
    return held_folder(folder, lambda new: write_json(new / "spec.json", spec_json(spec)))


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write whole or not at all: a reader never sees half a file."""
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(value), encoding="utf-8")
    partial.replace(path)


def read_spec(folder: Path) -> TrialSpec:
    """The spec that the parent wrote."""
    return read_json((folder / "spec.json").read_bytes())


def land_spool(
    data_dir: Path,
    folder: Path,
    *,
    status: TrialStatus,
    reason: str | None,
    rows: list[LandingRow] | None = None,
) -> list[LandingRow]:
    """Land whatever a trial's folder holds, then remove the folder.

    The events land first. A kill between leaves them without their batch, and the folder: whoever lands that finds the
    events in their place and keeps them. The other way round they would be lost, since a folder whose batch has landed
    is tidied away.

    Args:
        data_dir: the data folder.
        folder: of the trial.
        status: how it went.
        reason: why it did not complete.
        rows: of an earlier `rows_of` with `keep_events`, to spare reading the attempts again.

    Returns:
        The rows that landed.

    Raises:
        WarehouseError: the disk would not take them; the folder stays, so that the next night can land it.
    """
    if rows is None:
        rows = rows_of(folder, status=status, reason=reason, keep_events=True)
    trial = next(row for row in rows if isinstance(row, TrialRow))
    events = folder / _EVENTS
    if events.exists():
        from warehouse.events import land_events

        land_events(data_dir, events, host_id=trial.host_id, trial_id=trial.trial_id, started_at=trial.started_at)
    land(data_dir, batch_id=trial.trial_id, host_id=trial.host_id, rows=rows)
    shutil.rmtree(folder)
    return rows


def unfinished_spools(data_dir: Path) -> list[Path]:
    """Folders that a killed night or bench left behind; those whose batch had landed already are tidied away here."""
    root = spool_root(data_dir)
    if not root.is_dir():
        return []
    landed = landed_batches(data_dir)
    left = []
    for folder in sorted(root.glob("[!.]*")):
        with unheld(folder) as free:
            if not free:
                continue
            if folder.name in landed or not (folder / "spec.json").exists():
                shutil.rmtree(folder)  # landed before it died, or died before it had begun
            else:
                left.append(folder)
    return left


def rows_of(
    folder: Path,
    *,
    status: TrialStatus,
    reason: str | None,
    keep_events: bool = False,
    spec: TrialSpec | None = None,
) -> list[LandingRow]:
    """The landing rows of a trial's folder, however much of it there is.

    With `keep_events` the single events are written beside them, for `land_spool` to land. Who still holds the trial's
    spec, which is in the folder too, may spare reading it.

    Raises:
        WarehouseError: the disk would not take the events, or the evidence names what is no column.
    """
    spec = spec or read_spec(folder)
    start = _read(folder / "start.json")
    end = _read(folder / "end.json")
    host = HostFacts(**start["host"]) if start else host_facts()
    attempts = _attempts(spec, folder, keep_events=keep_events, base_url=start.get("base_url"))
    trial = trial_row(spec, start, end, attempts, host, status, reason)
    return [
        trial,
        *attempts.rows,
        *attempts.exchanges,
        *_power_rows(spec.trial_id, folder / "power.jsonl"),
        *(over_window(spec.facts, spec.tariff, spec.tariff_name, window_of(trial)) if spec.tariff else spec.facts),
    ]


def window_of(row: TrialRow | JobRow) -> "Window | None":
    """The measured window of what landed; None if there was none."""
    from warehouse.accounting.hourly import Window

    if row.window_start_ns is None or row.window_end_ns is None:
        return None
    return Window(start_ns=row.window_start_ns, end_ns=row.window_end_ns, clock_offset_ns=row.clock_offset_start_ns)


def _power_rows(trial_id: str, log: Path) -> Iterator[MeterRow | PowerSampleRow]:
    """What meters said; nothing where there was none, as beside someone else's endpoint."""
    if not log.exists():
        return
    from probes.power.log import read_power_log

    meters, samples = read_power_log(log)
    yield from (MeterRow(trial_id=trial_id, **_fields(meter)) for meter in meters)
    yield from (PowerSampleRow(trial_id=trial_id, **_fields(sample)) for sample in samples)


def _attempts(spec: TrialSpec, folder: Path, *, keep_events: bool, base_url: str | None) -> TrialAttempts:
    path = folder / "attempts.spool"
    if not path.exists():
        return TrialAttempts(rows=[], steady_start_ns=None, steady_end_ns=None, steady_output_tokens=None)
    if not keep_events:
        return read_attempts(path, spec, events=None, base_url=base_url)
    from warehouse.event_file import EventFile

    constants = {"run_id": spec.run_id, "target_id": spec.target.id, "workload_id": spec.workload.id}
    file = EventFile(folder / _EVENTS, trial_id=spec.trial_id, constants=constants)
    attempts = read_attempts(path, spec, events=file, base_url=base_url)
    file.close()
    return attempts


def _read(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    return value


def _fields(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a slotted dataclass of probes
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
