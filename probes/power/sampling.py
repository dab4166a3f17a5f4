"""When each meter is read, and what of it is written: the loop's work, without its process."""

import os
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probes.errors import ProbeError
from probes.power import log
from probes.power.readings import Meter, MeterRecord, Phase, Reading

if TYPE_CHECKING:
    from probes.power.background import BackgroundMeter

_LATEST_WINDOW_NS = 1_000_000_000  # watts of a counter shown to people are its mean over about this long
_MOST_WAIT_S = 0.5  # between two looks at what the slow meters have read


@dataclass(slots=True, kw_only=True)
class _Watched:
    """A meter by its number in the log, and its last second."""

    number: int
    record: MeterRecord
    valid: bool = True
    recent: deque[tuple[int, Reading]] = field(default_factory=deque)

    def remember(self, t_ns: int, reading: Reading) -> None:
        self.recent.append((t_ns, reading))
        while len(self.recent) > 2 and t_ns - self.recent[1][0] > _LATEST_WINDOW_NS:
            self.recent.popleft()

    def power_w(self) -> float | None:
        if not self.recent:
            return None
        (t0_ns, first), (t1_ns, last) = self.recent[0], self.recent[-1]
        if last.energy_j is None or first.energy_j is None:
            return last.power_w
        return (last.energy_j - first.energy_j) / (t1_ns - t0_ns) * 1e9 if t1_ns > t0_ns else None


@dataclass(slots=True, kw_only=True)
class _Fast(_Watched):
    meter: Meter
    next_ns: int = 0


@dataclass(slots=True, kw_only=True)
class _Slow(_Watched):
    meter: "BackgroundMeter"


class Sampling:
    """Meters and the log they write to. The fast ones are read in the loop, the slow ones read themselves."""

    def __init__(
        self, log_fd: int, fast: list[Meter], slow: "list[BackgroundMeter]", missing: tuple[MeterRecord, ...], hz: float
    ) -> None:
        """Introduce every meter in the log and let the slow ones begin."""
        self._log_fd = log_fd
        self._step_ns = round(1e9 / hz)
        self._fast = [_Fast(number=n, record=meter.record, meter=meter) for n, meter in enumerate(fast)]
        self._slow = [_Slow(number=n, record=meter.record, meter=meter) for n, meter in enumerate(slow, len(fast))]
        self._next_ns = 0
        self.phase: Phase | None = None  # nothing is written before the first mark
        records = [watched.record for watched in (*self._fast, *self._slow)]
        self._write([log.meter_line(record) for record in (*records, *missing)])
        for meter in slow:
            meter.start()

    def wait_s(self) -> float:
        """How long there is nothing to do, seconds."""
        most_s = _MOST_WAIT_S if self._slow else 1.0
        return most_s if self.phase is None else min(max(self._next_ns - time.monotonic_ns(), 0) / 1e9, most_s)

    def read_due(self) -> None:
        """Read the meters whose time has come, fetch what the slow ones have read; nothing before the first mark."""
        if self.phase is not None:
            now_ns = time.monotonic_ns()
            self._read([watched for watched in self._fast if watched.next_ns <= now_ns], now_ns, (self.phase,))
        self._fetch(() if self.phase is None else (self.phase,))

    def read_edge(self, next_phase: Phase | None) -> None:
        """Read every meter now: at the edge of a phase, and at the end, which has no next phase.

        An edge belongs to both its phases, so that each is covered to its end: the one reading is written for the
        phase that ends and, a nanosecond later, for the one that begins. A slow meter is asked anew first, and the
        others go on being read until it has answered or its time is up.
        """
        phases = tuple(phase for phase in (self.phase, next_phase) if phase is not None)
        if not phases:
            return
        self._read_slow_edge(phases)
        if self.phase is None:
            # A modelled load is a mean since the last look, and the last look was long before the first mark.
            for watched in self._fast:
                if watched.record.basis == "modelled":
                    watched.meter.read()
        self._read(self._fast, time.monotonic_ns(), phases, edge=True)
        self.phase = next_phase

    def stop(self) -> None:
        """End the slow meters; the log may be closed."""
        for watched in self._slow:
            watched.meter.stop()

    def end(self) -> int:
        """Write that all went well; returns the instant, CLOCK_MONOTONIC nanoseconds."""
        end_ns = time.monotonic_ns()
        self._write([log.end_line(end_ns)])
        return end_ns

    def latest_power_w(self) -> float | None:
        """Watts of all meters together; None until each that is valid has an answer.

        A meter of the whole machine stands for its parts.
        """
        everyone = [watched for watched in (*self._fast, *self._slow) if watched.valid]
        machine = [watched for watched in everyone if watched.record.component == "machine"]
        watts = [watched.power_w() for watched in machine or everyone]
        known = [value for value in watts if value is not None]
        return sum(known) if known and len(known) == len(watts) else None

    def _read_slow_edge(self, phases: tuple[Phase, ...]) -> None:
        waited_for = [watched for watched in self._slow if watched.valid]
        if not waited_for:
            return
        self._fetch(() if self.phase is None else (self.phase,))
        for watched in waited_for:
            watched.meter.want()
        deadline_s = time.monotonic() + max(watched.meter.edge_timeout_s for watched in waited_for)
        for watched in waited_for:
            while not watched.meter.wait(min(self.wait_s(), max(deadline_s - time.monotonic(), 0.0))):
                if time.monotonic() >= deadline_s:
                    break
                if self.phase is not None:
                    now_ns = time.monotonic_ns()
                    self._read([fast for fast in self._fast if fast.next_ns <= now_ns], now_ns, (self.phase,))
        self._fetch(phases)

    def _fetch(self, phases: tuple[Phase, ...]) -> None:
        """What the slow meters have read since the last time; only the last reading of each can be one of an edge."""
        earlier = () if self.phase is None else (self.phase,)
        lines: list[str] = []
        for watched in self._slow:
            taken = watched.meter.take()
            for place, (t_ns, reading) in enumerate(taken, start=1):
                watched.remember(t_ns, reading)
                of = phases if place == len(taken) else earlier
                lines += [log.sample_line(watched.number, phase, t_ns + i, reading) for i, phase in enumerate(of)]
            failure = watched.meter.failure() if watched.valid else None
            if failure is not None:
                watched.valid = False
                lines.append(log.invalid_line(watched.number, failure, time.monotonic_ns()))
        self._write(lines)

    def _read(self, due: list[_Fast], now_ns: int, phases: tuple[Phase, ...], *, edge: bool = False) -> None:
        lines: list[str] = []
        for watched in due:
            if not watched.valid:
                continue
            period_ns = self._step_ns if watched.meter.period_s is None else int(watched.meter.period_s * 1e9)
            watched.next_ns = now_ns - now_ns % self._step_ns + period_ns
            before_ns = time.monotonic_ns()
            try:
                reading = watched.meter.read()
            except ProbeError as error:
                watched.valid = False
                lines.append(log.invalid_line(watched.number, str(error), before_ns))
                continue
            if reading is None:
                if not edge or not watched.recent:
                    continue
                reading = watched.recent[-1][1]  # too soon for a new one, and at an edge the last still holds
            t_ns = (before_ns + time.monotonic_ns()) // 2  # a card's driver takes up to milliseconds to answer
            lines += [log.sample_line(watched.number, phase, t_ns + i, reading) for i, phase in enumerate(phases)]
            watched.remember(t_ns, reading)
        self._write(lines)
        self._next_ns = min((watched.next_ns for watched in self._fast if watched.valid), default=now_ns + 10**9)

    def _write(self, lines: list[str]) -> None:
        # One write a round: a kill in between leaves whole lines.
        data = "".join(f"{line}\n" for line in lines).encode()
        while data:
            data = data[os.write(self._log_fd, data) :]
