"""Publishing: an immutable copy of the warehouse under a new name, and a link that always names the newest.

Readers open the copy, so they never wait for a loader and a loader never waits for them. The name is new each time
because DuckDB, asked for a path that it has open already, answers from the old file even after it was replaced.
"""

import os
import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from warehouse.errors import WarehouseError
from warehouse.landing import sync_folder
from warehouse.writer import LOCK_TIMEOUT_S, connected, locked, warehouse_path

KEEP = 10
LINK = "megatoken.duckdb"
_SNAPSHOT = re.compile(r"megatoken-(\d{8}T\d{6}Z)-(\d+)\.duckdb")


def published_link(data_dir: Path) -> Path:
    """The name that readers use; a link to the newest snapshot."""
    return data_dir / "published" / LINK


def snapshots(data_dir: Path) -> list[Path]:
    """Published snapshots that are still there, the oldest first."""
    found = []
    for path in (data_dir / "published").glob("megatoken-*.duckdb"):
        match = _SNAPSHOT.fullmatch(path.name)
        if match:
            found.append((match[1], int(match[2]), path))
    return [path for _, _, path in sorted(found)]


def publish(
    data_dir: Path, *, keep: int = KEEP, now: datetime | None = None, lock_timeout_s: float = LOCK_TIMEOUT_S
) -> Path:
    """Copy the warehouse to a new snapshot and point the link at it.

    Readers that have an older snapshot open keep it, also when it is deleted here.

    Args:
        data_dir: the data folder.
        keep: how many snapshots to keep, at least 1; older ones are deleted, never the one the link names.
        now: UTC instant to name it after; now, if None.
        lock_timeout_s: how long to wait for a loader, seconds.

    Returns:
        The new snapshot.

    Raises:
        WarehouseError: another process writes the warehouse for longer, or the disk refused; the link still names the
            snapshot before.
    """
    if keep < 1:
        raise WarehouseError(f"keep = {keep} would delete what readers use; keep at least 1 snapshot")
    folder = data_dir / "published"
    stamp = f"{(datetime.now(UTC) if now is None else now).astimezone(UTC):%Y%m%dT%H%M%SZ}"
    unfinished = folder / f".megatoken.{os.getpid()}.tmp"
    with locked(data_dir, lock_timeout_s=lock_timeout_s):
        path = warehouse_path(data_dir)
        if not path.exists() or path.with_name(f"{path.name}.wal").exists():
            with connected(data_dir) as con:
                con.execute("CHECKPOINT").fetchall()
        # closed, by us or by the last loader: all of the warehouse is in its one file now
        snapshot = folder / f"megatoken-{stamp}-{_next_number(data_dir)}.duckdb"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, unfinished)
            with unfinished.open("rb+") as file:
                os.fsync(file.fileno())
            unfinished.rename(snapshot)
            sync_folder(folder)
            _swap_link(folder, snapshot)
            _delete_older(data_dir, snapshot, keep)
        except OSError as error:
            with suppress(OSError):  # the disk that refused the copy may refuse this too; the next publish tries again
                unfinished.unlink()
            raise WarehouseError(
                f"no snapshot could be published in {folder}: {error.strerror or error}; readers keep the one before,"
                " free the disk or allow writing there, then publish again"
            ) from error
    return snapshot


def _next_number(data_dir: Path) -> int:
    numbers = [int(match[2]) for path in snapshots(data_dir) if (match := _SNAPSHOT.fullmatch(path.name))]
    return max(numbers, default=0) + 1


def _swap_link(folder: Path, snapshot: Path) -> None:
    new_link = folder / f".{LINK}.{os.getpid()}.tmp"
    new_link.unlink(missing_ok=True)
    # relative: the data folder may be moved, or mounted elsewhere
    new_link.symlink_to(snapshot.name)
    new_link.replace(folder / LINK)
    sync_folder(folder)


def _delete_older(data_dir: Path, linked: Path, keep: int) -> None:
    for path in snapshots(data_dir)[:-keep]:
        if path != linked:
            path.unlink(missing_ok=True)
