"""From the reads of answers to their events in time, and to a Parquet file of them, in bounded memory.

The columns are described in `warehouse.events`, where the file lands.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from warehouse.errors import WarehouseError
from warehouse.parquet import join_parquet, literal, write_parquet
from warehouse.tables import SCHEMA_NUMBER

Ints = NDArray[np.int64]

# An event's class is stored as the name at its number. `CHOICE` and `PAYLOAD` are the numbers that have one.
EVENT_CLASSES: Final = (
    "other", "usage", "empty", "finish", "reasoning", "tool", "audio", "refusal", "text", "image", "result", "done",
    "error",
)  # fmt: skip
CHOICE: Final = range(EVENT_CLASSES.index("empty"), EVENT_CLASSES.index("result") + 1)
PAYLOAD: Final = range(EVENT_CLASSES.index("reasoning"), EVENT_CLASSES.index("result") + 1)

HELD_EVENTS: Final = 1 << 19  # in memory, about 30 bytes each; trials of more are written in parts and put together
PHASES: Final = ("warmup", "measured", "lost")


# not frozen: there is one for every attempt
@dataclass(slots=True, kw_only=True)
class Answer:
    """One attempt: how it ended, and its events as they were read.

    `event_ends[i]` is the body offset at which event i was complete, `event_classes[i]` the number of its class; read j
    came at `read_stamps_ns[j]` and reached the body offset `read_ends[j]`.
    """

    phase: Literal["warmup", "measured", "lost"]
    seq: int
    t_start_ns: int
    error_class: str | None
    streamed_tokens: int | None
    event_ends: Sequence[int]
    event_classes: bytes
    read_ends: Sequence[int]
    read_stamps_ns: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedEvents:
    """The events of some answers, one after the other; every array but `counts` has the shape (events,)."""

    counts: Ints  # shape (answers,)
    t_ns: Ints
    read_index: Ints
    classes: NDArray[np.uint8]
    body_bytes: Ints
    coalesced: NDArray[np.bool_]

    @property
    def payload(self) -> NDArray[np.bool_]:
        """Which of the events brought something generated."""
        return (self.classes >= PAYLOAD.start) & (self.classes < PAYLOAD.stop)


def timed_events(answers: Sequence[Answer]) -> TimedEvents:
    """Look up when each event came: with the first read that reached its end."""
    counts = np.fromiter((len(a.event_classes) for a in answers), np.int64, len(answers))
    reads = np.fromiter((len(a.read_ends) for a in answers), np.int64, len(answers))
    sizes = np.fromiter((a.read_ends[-1] if len(a.read_ends) else 0 for a in answers), np.int64, len(answers))
    body_starts = np.cumsum(sizes) - sizes
    # One answer's offsets begin where those of the one before end, so that one search serves all.
    own_ends = _joined([a.event_ends for a in answers], int(counts.sum()))
    ends = own_ends + np.repeat(body_starts, counts)
    read_ends = _joined([a.read_ends for a in answers], int(reads.sum())) + np.repeat(body_starts, reads)
    read = np.searchsorted(read_ends, ends, side="left")
    stamps = _joined([a.read_stamps_ns for a in answers], int(reads.sum()))
    firsts = (np.cumsum(counts) - counts)[counts > 0]
    before = np.empty_like(own_ends)
    before[1:] = own_ends[:-1]
    before[firsts] = 0
    coalesced = np.zeros(len(ends), np.bool_)
    coalesced[1:] = read[1:] == read[:-1]  # no read belongs to two answers
    return TimedEvents(
        counts=counts,
        t_ns=stamps[read],
        read_index=read - np.repeat(np.cumsum(reads) - reads, counts),
        classes=np.frombuffer(b"".join(a.event_classes for a in answers), np.uint8),
        body_bytes=own_ends - before,
        coalesced=coalesced,
    )


def _joined(parts: Sequence[Sequence[int]], count: int) -> Ints:
    return np.fromiter(chain.from_iterable(parts), np.int64, count)


class EventFile:
    """Writes the events of one trial to a Parquet file, in bounded memory whatever their number.

    Args:
        path: the file; it appears whole, with `close`. `path` with a number at its end is used meanwhile.
        trial_id: of the trial.
        constants: what else does not change in the trial, for the file's metadata.

    Raises:
        WarehouseError: the disk refused.
    """

    def __init__(self, path: Path, *, trial_id: str, constants: Mapping[str, str]) -> None:
        self._path = path
        self._trial_id = trial_id
        self._metadata = {
            "megatoken.schema_number": str(SCHEMA_NUMBER),
            "megatoken.trial_id": trial_id,
            **{f"megatoken.{name}": value for name, value in constants.items()},
        }
        self._held: list[dict[str, NDArray[Any]]] = []
        self._held_events = 0
        self._parts: list[Path] = []

    def add(self, answers: Sequence[Answer], events: TimedEvents) -> None:
        """Append the events of some answers."""
        if not len(events.t_ns):
            return
        self._held.append(_columns(answers, events))
        self._held_events += len(events.t_ns)
        if self._held_events >= HELD_EVENTS:
            part = self._path.with_name(f"{self._path.name}.{len(self._parts)}")
            self._write_held(part, compression="uncompressed")
            self._parts.append(part)

    def close(self) -> Path | None:
        """Write the file and wait until the disk has it; None, and no file, if there was no event."""
        if not self._held and not self._parts:
            return None
        partial = self._path.with_name(f"{self._path.name}.tmp")
        if not self._parts:
            self._write_held(partial, compression="zstd")
        else:
            if self._held:
                self._parts.append(self._path.with_name(f"{self._path.name}.{len(self._parts)}"))
                self._write_held(self._parts[-1], compression="uncompressed")
            try:
                join_parquet(self._parts, partial, metadata=self._metadata)
            except OSError as error:
                raise refused(partial, error) from error
        try:
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(self._path)
            for part in self._parts:
                part.unlink()
        except OSError as error:
            raise refused(self._path, error) from error
        return self._path

    def _write_held(self, path: Path, *, compression: Literal["zstd", "uncompressed"]) -> None:
        columns = {name: np.concatenate([held[name] for held in self._held]) for name in self._held[0]}
        try:
            write_parquet(path, columns, _select(self._trial_id), metadata=self._metadata, compression=compression)
        except OSError as error:
            raise refused(path, error) from error
        self._held, self._held_events = [], 0


def _select(trial_id: str) -> str:
    # As an ENUM a column of names is its own dictionary, and goes to the file as text all the same; as VARCHAR each of
    # its rows is looked up anew, which took half of the time for the file.
    def name(code: str, names: Sequence[str]) -> str:
        listed = ", ".join(map(literal, names))
        return f"([{listed}]::ENUM({listed})[])[{code}]"

    return (
        f"{name('1', [trial_id])} AS trial_id, {name('phase + 1', PHASES)} AS phase, seq, event, t_ns, read_index,"
        f" {name('class + 1', EVENT_CLASSES)} AS class, body_bytes, coalesced"
    )


def _columns(answers: Sequence[Answer], events: TimedEvents) -> dict[str, NDArray[Any]]:
    counts = events.counts
    phases = np.fromiter((PHASES.index(a.phase) for a in answers), np.uint8, len(answers))
    seqs = np.fromiter((a.seq for a in answers), np.int32, len(answers))
    index = np.arange(len(events.t_ns)) - np.repeat(np.cumsum(counts) - counts, counts)
    return {
        "phase": np.repeat(phases, counts),
        "seq": np.repeat(seqs, counts),
        "event": index.astype(np.int32),
        "t_ns": events.t_ns,
        "read_index": events.read_index.astype(np.int32),
        "class": events.classes,
        "body_bytes": events.body_bytes.astype(np.int32),
        "coalesced": events.coalesced,
    }


def refused(path: Path, error: Exception) -> WarehouseError:
    """The sentence for a disk that would not take events."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return WarehouseError(f"events could not be written to {path}: {reason}; free the disk or allow writing there")
