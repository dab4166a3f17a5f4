"""Landing: what was measured, written once, never changed; all else can be rebuilt from here.

    landing/date=2026-11-22/HOST-BATCH/
        manifest.json       who wrote it, under which schema, and the SHA-256 of each file beside it
        trials.parquet      one file for each table that has rows
        attempts.parquet    ...

A batch is a folder because it holds rows of several grains that must appear together. It is written under a hidden
name, every file and folder is synced to the disk, and then it is renamed: whoever reads `landing/` sees all of a batch
or nothing. By its manifest a batch that was copied here from another machine, and only half arrived, shows itself.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warehouse.errors import WarehouseError
from warehouse.parquet import write_parquet
from warehouse.rows import LandingRow, RunRow, TrialStatus
from warehouse.tables import SCHEMA_NUMBER, by_table, columns_of, select_of, to_columns

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=@-]*")
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedTrial:
    """What has landed of a trial: enough to know that it need not be measured again."""

    trial_id: str
    target_id: str
    workload_id: str
    try_number: int
    status: TrialStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One landed batch, as its manifest describes it; `tables` maps a table to the rows in its file."""

    folder: Path
    landed_path: str  # relative to landing/
    batch_id: str
    host_id: str
    schema_number: int
    landed_at: datetime
    run_ids: tuple[str, ...]
    tables: dict[str, int]
    sha256: str  # of the manifest

    def file(self, table: str) -> Path:
        """The Parquet file of a table that this batch has."""
        return self.folder / f"{table}.parquet"


def land(
    data_dir: Path, *, batch_id: str, host_id: str, rows: Sequence[LandingRow], landed_at: datetime | None = None
) -> Path:
    """Write rows as one immutable batch, all or nothing.

    Args:
        data_dir: the data folder; `landing/` is made in it.
        batch_id: unique name of the batch, for example the trial_id; letters, digits and `._+=@-`.
        host_id: the machine that writes it.
        rows: rows of any landing tables, at least one.
        landed_at: UTC instant to file it under; now, if None.

    Returns:
        The folder of the batch.

    Raises:
        WarehouseError: the batch has landed already, a name or value cannot be written, or the disk refused; what had
            landed before is untouched, and nothing of this batch is left behind.
    """
    when = datetime.now(UTC) if landed_at is None else landed_at
    for what, name in (("batch_id", batch_id), ("host_id", host_id)):
        if not _NAME.fullmatch(name):
            raise WarehouseError(
                f"{what} = {name!r} cannot name a folder; use letters, digits and ._+=@- only, a letter or digit first"
            )
    if not rows:
        raise WarehouseError(f"batch {batch_id} has no rows; land at least one")
    landing = data_dir / "landing"
    name = f"{host_id}-{batch_id}"
    there = next(landing.glob(f"date=*/{name}"), None)
    if there is not None:
        raise WarehouseError(
            f"batch {batch_id} has landed already, in {there};"
            " a landed batch is never overwritten, use another batch_id"
        )
    columns = {table: to_columns(table, members) for table, members in by_table(rows).items()}
    day = landing / f"date={when.astimezone(UTC):%Y-%m-%d}"
    unfinished = day / f".{name}.{os.getpid()}.tmp"
    folder = day / name
    try:
        unfinished.mkdir(parents=True)
        files = {}
        for table, values in columns.items():
            path = unfinished / f"{table}.parquet"
            about = {"megatoken.table": table, "megatoken.schema_number": str(SCHEMA_NUMBER)}
            write_parquet(path, values, select_of(table), metadata=about)
            files[path.name] = _synced(path)
        write_synced(unfinished / _MANIFEST, _manifest_bytes(batch_id, host_id, when, rows, files))
        sync_folder(unfinished)
        # fails if the folder has come to be in the meantime: rename replaces empty folders only
        unfinished.rename(folder)
        for parent in (day, landing, data_dir):
            sync_folder(parent)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise WarehouseError(
            f"batch {batch_id} could not be landed in {day}: {error.strerror or error};"
            " nothing that had landed is lost, free the disk or allow writing there, then land it again"
        ) from error
    return folder


def has_landed(data_dir: Path, *, batch_id: str, host_id: str) -> bool:
    """Whether a machine has landed a batch, whole or damaged; of one only, where `landed_batches` reads them all."""
    return next((data_dir / "landing").glob(f"date=*/{host_id}-{batch_id}"), None) is not None


def landed_batches(data_dir: Path) -> set[str]:
    """The batch_ids of everything that has landed, whole or damaged."""
    names = set()
    for folder in batch_folders(data_dir):
        try:
            names.add(read_manifest(folder).batch_id)
        except WarehouseError:
            # Its name is taken all the same; without a manifest the host cannot be told from the batch in it.
            parts = folder.name.split("-")
            names.update("-".join(parts[cut:]) for cut in range(1, len(parts)))
    return names


def landed_trials(data_dir: Path, run_id: str) -> list[LandedTrial]:
    """Trials of a run that have landed, in the order of their batches.

    Raises:
        WarehouseError: a batch of this run cannot be read; names it.
    """
    names = ("trial_id", "target_id", "workload_id", "try_number", "status")
    found = _read_of_run(data_dir, run_id, "trials")
    return [LandedTrial(**{name: row[name] for name in names}) for row in found]


def landed_run(data_dir: Path, run_id: str) -> RunRow | None:
    """The row of a run, if it has landed.

    Raises:
        WarehouseError: a batch of this run cannot be read; names it.
    """
    for row in _read_of_run(data_dir, run_id, "runs"):
        fields: dict[str, Any] = {column.name: row.get(column.name) for column in columns_of("runs")}
        return RunRow(**fields)
    return None


def batch_folders(data_dir: Path) -> list[Path]:
    """Folders of all landed batches, the oldest date first; what is still being written is not among them."""
    return sorted(path for path in (data_dir / "landing").glob("date=*/[!.]*") if path.is_dir())


def read_manifest(folder: Path) -> Batch:
    """What a batch says of itself; its files are not looked at.

    Raises:
        WarehouseError: there is no manifest, or it cannot be read.
    """
    path = folder / _MANIFEST
    try:
        content = path.read_bytes()
        fields: dict[str, Any] = json.loads(content)
        return Batch(
            folder=folder,
            landed_path=f"{folder.parent.name}/{folder.name}",
            batch_id=fields["batch_id"],
            host_id=fields["host_id"],
            schema_number=fields["schema_number"],
            landed_at=datetime.fromisoformat(fields["landed_at"]),
            run_ids=tuple(fields["run_ids"]),
            tables={name.removesuffix(".parquet"): entry["rows"] for name, entry in fields["files"].items()},
            sha256=hashlib.sha256(content).hexdigest(),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WarehouseError(
            f"batch {folder} is damaged: its {_MANIFEST} cannot be read ({type(error).__name__}: {error});"
            " copy the batch here again from where it was measured, or move it out of landing/"
        ) from None


def verify(batch: Batch) -> None:
    """Compare the files of a batch with its manifest.

    Raises:
        WarehouseError: a file is missing, torn or changed, or the batch is of a newer schema; names it.
    """
    if batch.schema_number > SCHEMA_NUMBER:
        raise WarehouseError(
            f"batch {batch.folder} was landed by a newer Megatoken (schema {batch.schema_number}, known up to"
            f" {SCHEMA_NUMBER}); update Megatoken and load again"
        )
    manifest = json.loads((batch.folder / _MANIFEST).read_bytes())
    for name, entry in manifest["files"].items():
        try:
            content = (batch.folder / name).read_bytes()
        except OSError as error:
            cause = error.strerror or str(error)
        else:
            if hashlib.sha256(content).hexdigest() == entry["sha256"]:
                continue
            cause = f"{len(content)} bytes of another SHA-256 than its manifest says"
        raise WarehouseError(
            f"batch {batch.folder} is damaged: {name}: {cause}; the other batches are not affected,"
            " copy it here again from where it was measured, or move it out of landing/"
        )


def write_synced(path: Path, content: bytes) -> None:
    """Write a new file and wait until the disk has it."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _synced(path: Path) -> bytes:
    """What is in a file, once the disk has it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return file.read()


def _manifest_bytes(
    batch_id: str, host_id: str, landed_at: datetime, rows: Sequence[LandingRow], files: dict[str, bytes]
) -> bytes:
    counts = {table: len(members) for table, members in by_table(rows).items()}
    # facts, meters and attempts name a trial only: a batch of these without its trial names no run
    run_ids = sorted({run_id for row in rows if (run_id := getattr(row, "run_id", None)) is not None})
    manifest = {
        "batch_id": batch_id,
        "host_id": host_id,
        "schema_number": SCHEMA_NUMBER,
        "landed_at": landed_at.astimezone(UTC).isoformat(),
        "run_ids": run_ids,
        "files": {
            name: {"rows": counts[name.removesuffix(".parquet")], "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        },
    }
    return (json.dumps(manifest, indent=1) + "\n").encode()


def _read_of_run(data_dir: Path, run_id: str, table: str) -> Iterator[dict[str, Any]]:
    import polars as pl

    for folder in batch_folders(data_dir):
        try:
            batch = read_manifest(folder)
        except WarehouseError:
            if run_id in folder.name:
                raise
            continue  # the loader names it; it is none of this run's
        if run_id not in batch.run_ids or table not in batch.tables:
            continue
        try:
            frame = pl.read_parquet(batch.file(table))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise WarehouseError(
                f"batch {folder} is damaged: {table}.parquet cannot be read ({error});"
                " move it out of landing/ to measure its trials again"
            ) from None
        yield from frame.filter(pl.col("run_id") == run_id).to_dicts()
