"""A search in a process of its own: whatever becomes of it, what it did until then is known.

It counts in memory that its parent shares, so an end by a signal, by the kernel for want of memory, or by a crash in
somebody else's C code loses no count - and the last two are findings like any other.
"""

import mmap
import multiprocessing
import resource
import signal
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Final

FOUND: Final = 3  # exit status of a search that broke something and has said what; libFuzzer has others
SETTLED_INPUTS: Final = 2000  # after these the memory of a search is its own, and more is growth
_LAYOUT: Final = struct.Struct("<qqdddd")  # the fields of a tally, in their order
_BROKE_ITSELF: Final = (1, 2)  # how Python ends with an exception of its own


class Tally:
    """What a search has done so far, in shared memory."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _LAYOUT.size)
        self._started_s = 0.0
        self.read()

    def start(self) -> None:
        """Now the first input is made."""
        self._started_s = time.process_time()

    def add(self, input_bytes: int, cpu_s: float) -> None:
        """Count one input, with how long its reading took."""
        self.inputs += 1
        self.input_bytes += input_bytes
        self.slowest_cpu_s = max(self.slowest_cpu_s, cpu_s)
        self.cpu_s = time.process_time() - self._started_s
        self.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if self.inputs == SETTLED_INPUTS:
            self.settled_mb = self.peak_mb
        _LAYOUT.pack_into(
            self._memory,
            0,
            self.inputs,
            self.input_bytes,
            self.cpu_s,
            self.slowest_cpu_s,
            self.settled_mb,
            self.peak_mb,
        )

    def read(self) -> None:
        """Take over what another process has counted."""
        counts = _LAYOUT.unpack_from(self._memory)
        self.inputs, self.input_bytes, self.cpu_s, self.slowest_cpu_s, self.settled_mb, self.peak_mb = counts

    @property
    def growth_mb(self) -> float | None:
        """Of the peak of memory, since the first inputs; None among these."""
        return self.peak_mb - self.settled_mb if self.settled_mb else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a search ended."""

    tally: Tally
    fault: str | None  # what broke, as far as its end tells; None also where it was told to end
    stopped_by: signal.Signals | None  # what told us to end, and so it


def keep(search: Callable[[Tally], bool]) -> Kept:
    """Run a search to its end, or until this process is told to end by SIGTERM or SIGINT.

    Args:
        search: counts into what it is given; False once something broke, of which it says what. It may also end its
            process.

    Raises:
        RuntimeError: it was the search that broke, not what it searched; its traceback is printed.
    """
    tally = Tally()
    stopped: list[signal.Signals] = []
    process = multiprocessing.get_context("fork").Process(target=_be_kept, args=(search, tally))

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.append(signal.Signals(number))
        if process.pid is not None:
            process.kill()  # its counts are in our memory, and it has nothing else to tidy

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        process.start()
        if stopped:
            process.kill()
        process.join()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    tally.read()
    return Kept(
        tally=tally,
        fault=None if stopped else _fault(process.exitcode, tally.inputs),
        stopped_by=stopped[0] if stopped else None,
    )


def _be_kept(search: Callable[[Tally], bool], tally: Tally) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells us as well, and we end it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if not search(tally):
        raise SystemExit(FOUND)


def _fault(status: int | None, inputs: int) -> str | None:
    assert status is not None
    if status in _BROKE_ITSELF:
        raise RuntimeError(f"the search itself ended with {status}; why is said above")
    if status < 0:
        return f"died by {signal.Signals(-status).name} at input {inputs + 1:,}; the same seed leads there"
    return f"the search ended with {status}; what it found is said above" if status else None
