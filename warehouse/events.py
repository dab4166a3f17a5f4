"""Every event of every answer, in a Parquet set of its own: large, immutable, and kept for a while only.

    events/date=2026-11-22/HOST-TRIAL.parquet     date: UTC day on which the trial began
    events/removed_before                         ISO date: what is older was removed by `prune_events`

One row is one event; the rows of an answer are in order, the answers in the order in which they ended. What does not
change in a trial is in the file's metadata too (`megatoken.trial_id` and others). Columns:

    trial_id, phase, seq   the attempt, as in the table `attempts`
    event                  index in its answer, from 0
    t_ns                   when it was complete: the time of its read, CLOCK_MONOTONIC
    read_index             of that read among the reads of its answer with body bytes, from 0
    class                  what it is for, see `event_file.EVENT_CLASSES`
    body_bytes             of the body, from the end of the event before to its own end: comments before it included
    coalesced              whether an earlier event of its answer shares its read, so that its own time is not known

Summaries live in `attempts` for good; nothing that is computed nightly needs this set.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from warehouse.errors import WarehouseError
from warehouse.event_file import EVENT_CLASSES, PHASES, refused
from warehouse.landing import sync_folder

if TYPE_CHECKING:
    import polars as pl

_MARK: Final = "removed_before"


def events_path(data_dir: Path, *, host_id: str, trial_id: str, started_at: datetime) -> Path:
    """Where the events of a trial land."""
    return data_dir / "events" / f"date={started_at.astimezone(UTC):%Y-%m-%d}" / f"{host_id}-{trial_id}.parquet"


def land_events(data_dir: Path, file: Path, *, host_id: str, trial_id: str, started_at: datetime) -> Path:
    """Move a closed event file to its place, all or nothing. What has landed there before stays, and `file` goes.

    Raises:
        WarehouseError: the disk refused; `file` is still where it was.
    """
    path = events_path(data_dir, host_id=host_id, trial_id=trial_id, started_at=started_at)
    try:
        if path.exists():
            file.unlink()
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        file.rename(path)
        for folder in (path.parent, path.parent.parent, data_dir):
            sync_folder(folder)
    except OSError as error:
        raise refused(path, error) from error
    return path


def read_events(data_dir: Path, trial_id: str, *, started_at: datetime) -> "pl.DataFrame | str":
    """The events of a trial, or one sentence that says why there are none.

    Args:
        data_dir: the data folder.
        trial_id: of the trial.
        started_at: UTC instant at which it began, to tell what was removed from what never was.

    Raises:
        WarehouseError: its file cannot be read.
    """
    import polars as pl

    for path in sorted((data_dir / "events").glob(f"date=*/*-{trial_id}.parquet")):
        try:
            if pl.read_parquet_metadata(path).get("megatoken.trial_id") != trial_id:
                continue  # its name only ends like the one we look for
            frame = pl.read_parquet(path, hive_partitioning=False)
            return frame.with_columns(
                pl.col("phase").cast(pl.Enum(PHASES)), pl.col("class").cast(pl.Enum(EVENT_CLASSES))
            )
        except (OSError, pl.exceptions.PolarsError) as error:
            raise WarehouseError(
                f"{path} is damaged: {error}; delete it, or copy it here again from where it was measured"
            ) from None
    removed_before = _removed_before(data_dir)
    if removed_before is not None and started_at.astimezone(UTC).date() < removed_before:
        return f"the events of {trial_id} are gone: those of trials before {removed_before} have been removed"
    return f"no events of {trial_id} were recorded"


def prune_events(data_dir: Path, keep_days: int, now: datetime) -> int:
    """Delete the events of trials that began more than `keep_days` days ago, and nothing else.

    Args:
        data_dir: the data folder.
        keep_days: whole days to keep before today, >= 0.
        now: the present, UTC.

    Returns:
        How many files were deleted.

    Raises:
        WarehouseError: keep_days is below 0, or a file cannot be deleted.
    """
    if keep_days < 0:
        raise WarehouseError(f"keep_events_days = {keep_days} must be >= 0; 0 keeps the events of today only")
    root = data_dir / "events"
    before = now.astimezone(UTC).date() - timedelta(days=keep_days)
    old = [path for path in sorted(root.glob("date=*/*.parquet")) if _date_of(path.parent) < before]
    if not old:
        return 0
    try:
        # Said before it is done: whoever finds them half removed is told why.
        partial = root / f"{_MARK}.tmp"
        partial.write_text(f"{max(before, _removed_before(data_dir) or before)}\n", encoding="ascii")
        partial.replace(root / _MARK)
        for path in old:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in old}:
            if not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        raise WarehouseError(
            f"old events could not be removed from {root}: {error.strerror or error}; allow writing there"
        ) from error
    return len(old)


def _removed_before(data_dir: Path) -> date | None:
    try:
        return date.fromisoformat((data_dir / "events" / _MARK).read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return None


def _date_of(folder: Path) -> date:
    try:
        return date.fromisoformat(folder.name.removeprefix("date="))
    except ValueError:
        raise WarehouseError(f"{folder} is not named date=YYYY-MM-DD; move it out of {folder.parent}") from None
