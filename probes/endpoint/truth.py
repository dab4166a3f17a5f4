"""What the endpoint really did, one CSV line a request.

Clocks: `*_mono_ns` is CLOCK_MONOTONIC, `*_real_ns` CLOCK_REALTIME, both of this host. Durations are taken between
monotonic ones; the two real ones say how long the request lay in our socket before it was read, which a client rightly
sees as waiting: the true time to first token is
`first_mono_ns - recv_mono_ns + recv_real_ns - recv_kern_real_ns`.
"""

import csv
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

from probes.errors import ProbeError

_BLOCK = 1024


@dataclass(slots=True, kw_only=True)
class Truth:
    """One request as the endpoint saw it. 0 in a time point: it never came."""

    request_id: str  # X-Request-Id, or X-Correlation-Id, or "" without either
    status: int = 200  # 499: the client left before the end
    n_tokens: int = 0  # asked for
    n_sent: int = 0
    recv_real_ns: int = 0  # when the request's last byte was read
    recv_kern_real_ns: int = 0  # when its last segment reached the socket, by the kernel; the read, without a stamp
    recv_mono_ns: int = 0  # when its last byte was read
    start_mono_ns: int = 0  # when it came out of the queue; with neither a capacity nor slots that is recv_mono_ns
    first_mono_ns: int = 0  # before the write with the first token
    last_mono_ns: int = 0  # before the write with the last token
    done_mono_ns: int = 0  # after the write with [DONE]
    mean_late_ns: int = 0  # writes against their schedule: this endpoint's own lateness
    max_late_ns: int = 0

    @property
    def ttft_ns(self) -> int:
        """From the arrival of the request at the socket to the first token."""
        return self.first_mono_ns - self.recv_mono_ns + self.recv_real_ns - self.recv_kern_real_ns

    @property
    def tpot_ns(self) -> float | None:
        """Mean gap between tokens; None for fewer than two."""
        return (self.last_mono_ns - self.first_mono_ns) / (self.n_sent - 1) if self.n_sent > 1 else None


NAMES = tuple(field.name for field in fields(Truth))


class TruthLog:
    """Keeps the lines, in memory a block at a time.

    Raises:
        ProbeError: the file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._held: list[tuple[object, ...]] = []
        self._path = path
        try:
            self._file = None if path is None else path.open("w", newline="", encoding="utf-8")
        except OSError as error:
            raise ProbeError(f"the truth log {path} cannot be written: {error.strerror}") from error
        self._writer = None if self._file is None else csv.writer(self._file)
        if self._writer is not None:
            self._writer.writerow(NAMES)

    def add(self, truth: Truth) -> None:
        if self._writer is None:
            return
        self._held.append(tuple(getattr(truth, name) for name in NAMES))
        if len(self._held) >= _BLOCK:
            self._flush()

    def _flush(self) -> None:
        if self._writer is not None:
            self._writer.writerows(self._held)
            self._held.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        if self._file is not None:
            self._file.close()


def read_truth(path: Path) -> list[Truth]:
    """The lines of a log that was closed, in the order in which the requests ended.

    Columns that are not ours are passed over, so a log with more of them is read as well.

    Raises:
        ProbeError: there is no such file, or a line of it is not whole; names the line.
    """
    found: list[Truth] = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                try:
                    numbers = {name: int(row[name]) for name in NAMES if name != "request_id" and name in row}
                    found.append(Truth(request_id=row["request_id"], **numbers))
                except (KeyError, TypeError, ValueError) as error:
                    raise ProbeError(f"{path}, line {number} is no whole line of a truth log: {error}") from error
    except OSError as error:
        raise ProbeError(f"the truth log {path} cannot be read: {error.strerror}") from error
    return found
