"""What has been told to whom, in the data folder: a change is told once, and once more rather than never.

A line is added, and on disk, after a change was delivered; a night that is killed between the two tells it again, under
the same id. The file is not derived from what landed: keep it with the data folder.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from warehouse.changes import Change

FILE = "notified.jsonl"
# The night of a shift may be found again a few nights off, once more nights are there.
_SAME_SHIFT = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A change as it was told."""

    channel: str
    told_at: datetime
    change_id: str
    change_kind: str
    target_id: str
    workload_id: str | None
    metric_id: str
    is_up: bool
    changed_on: date
    title: str
    text: str

    def is_of(self, change: Change) -> bool:
        """Whether the change is the one that was told."""
        same = (self.change_kind, self.target_id, self.workload_id, self.metric_id, self.is_up) == (
            change.change_kind, change.target_id, change.workload_id, change.metric_id, change.is_up,
        )  # fmt: skip
        within = _SAME_SHIFT if change.change_kind == "shift" else timedelta(0)
        return same and abs(self.changed_on - change.changed_on) <= within


def told(data_dir: Path) -> list[Told]:
    """Everything that has been told, the oldest first; a line that a kill cut short counts as not told.

    Raises:
        OSError: the file is there and cannot be read.
    """
    try:
        lines = (data_dir / FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [found for line in lines if (found := _read(line)) is not None]


def add_told(data_dir: Path, members: Sequence[Told]) -> None:
    """Write down what was delivered, so that it is on disk when this returns.

    Raises:
        OSError: the disk refused; it will be told again.
    """
    path = data_dir / FILE
    text = "".join(f"{json.dumps(_written(one), ensure_ascii=False)}\n" for one in members)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            text = f"\n{text}"  # a kill cut the last line short
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written(one: Told) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name in Told.__slots__
        for value in (getattr(one, name),)
    }


def _read(line: str) -> Told | None:
    try:
        raw = json.loads(line)
        raw["told_at"] = datetime.fromisoformat(raw["told_at"])
        raw["changed_on"] = date.fromisoformat(raw["changed_on"])
        return Told(**raw)
    except (ValueError, TypeError, KeyError):
        return None
