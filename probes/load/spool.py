"""Raw attempts on disk while a trial runs: bounded memory, and nothing lost to a kill but the block being written."""

import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from probes.errors import ProbeError
from probes.load.raw import MAGIC, RawAttempt, RawPart, encode, encode_part, read_raw
from probes.load.record import AttemptRecord
from probes.load.recorder import record_of

_BLOCK_BYTES: Final = 1 << 20
_MOST_PIECES: Final = 512  # of one writev; Linux takes 1024
_PHASE_ORDER: Final = {"warmup": 0, "measured": 1, "lost": 2}


def read_spool(path: Path) -> list[AttemptRecord]:
    """The attempts of a trial, finished or killed: warm-ups first, then measured, by seq. A torn end is left out.

    Raises:
        ProbeError: there is no such file, or it is no spool.
    """
    records = [record_of(raw) for raw in read_raw(path)]
    records.sort(key=lambda record: (_PHASE_ORDER[record.phase], record.seq))
    return records


class SpoolWriter:
    """Appends records to a new file, a block at a time.

    Raises:
        ProbeError: the file exists already or cannot be written (a full disk).
    """

    __slots__ = ("_fd", "_held", "_held_bytes", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: list[bytes] = [MAGIC]
        self._held_bytes = len(MAGIC)
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError as error:
            raise ProbeError(f"{path} is the spool of an earlier trial; read or remove it first") from error
        except OSError as error:
            raise ProbeError(f"cannot create the spool {path}: {error.strerror}") from error
        self.flush()

    def add(self, raw: RawAttempt) -> None:
        """Take an attempt that is over."""
        self._add(encode(raw))

    def add_part(self, part: RawPart) -> None:
        """Take a piece of an attempt under way; it counts once the attempt itself is there."""
        self._add(encode_part(part))

    def _add(self, pieces: tuple[bytes, ...]) -> None:
        for piece in pieces:
            self._held.append(piece)
            self._held_bytes += len(piece)
        if self._held_bytes >= _BLOCK_BYTES or len(self._held) >= _MOST_PIECES:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the kernel; from there a kill of this process cannot take it."""
        if not self._held:
            return
        held, size = self._held, self._held_bytes
        self._held, self._held_bytes = [], 0
        try:
            written = os.writev(self._fd, held)
            if written < size:  # a signal, or the disk is nearly full: the rest in the plain way, which tells
                rest = memoryview(b"".join(held))[written:]
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            raise ProbeError(f"cannot write the spool {self._path}: {error.strerror}; free some space") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
        finally:
            os.close(self._fd)
