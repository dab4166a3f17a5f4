"""The process that reads the meters: `python -m probes.power.sampler_process`, started by `probes.power.sampler`.

It takes one command a line on standard input and answers one JSON line on standard output:
`mark idle`, `mark warmup`, `mark load` -> {"t_ns": ...} once every meter has been read and written; `latest` ->
{"power_w": ...}; `stop` -> {"t_ns": ...} and the end. End of input or of its parent ends it too.
"""

import argparse
import json
import os
import select
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from probes.errors import ProbeError
from probes.power import log
from probes.power.discover import discover
from probes.power.readings import Meter, Phase, PowerOverrides, PowerRange, Reading
from probes.power.replay import replay_meters

_LATEST_WINDOW_NS = 1_000_000_000  # watts of a counter shown to people are its mean over about this long

_PHASES: Final[dict[str, Phase]] = {"mark idle": "idle", "mark warmup": "warmup", "mark load": "load"}


@dataclass(slots=True)
class _Watched:
    number: int
    meter: Meter
    next_ns: int = 0
    valid: bool = True
    recent: deque[tuple[int, Reading]] = field(default_factory=deque)

    def power_w(self) -> float | None:
        if not self.recent:
            return None
        (t0_ns, first), (t1_ns, last) = self.recent[0], self.recent[-1]
        if last.energy_j is None or first.energy_j is None:
            return last.power_w
        return (last.energy_j - first.energy_j) / (t1_ns - t0_ns) * 1e9 if t1_ns > t0_ns else None


class _Sampler:
    def __init__(self, log_fd: int, meters: list[_Watched], step_ns: int) -> None:
        self._log_fd = log_fd
        self._meters = meters
        self._step_ns = step_ns
        self.phase: Phase | None = None  # nothing is read before the first mark
        self.next_ns = 0

    def read_due(self, now_ns: int) -> None:
        """Read the meters whose time has come; nothing before the first mark."""
        if self.phase is not None:
            self._read([watched for watched in self._meters if watched.next_ns <= now_ns], now_ns)

    def read_all(self, next_phase: Phase | None = None) -> None:
        """Read every meter now: at the edge of a phase, and at the end.

        An edge belongs to both its phases, so that each is covered to its end: the one reading is written for the
        phase that ends and, a nanosecond later, for the one that begins.
        """
        if self.phase is None:
            # A modelled load is a mean since the last look, and the last look was long before the first mark.
            for watched in self._meters:
                if watched.meter.record.basis == "modelled":
                    watched.meter.read()
        self._read(self._meters, time.monotonic_ns(), next_phase)

    def latest_power_w(self) -> float | None:
        """Watts of all meters together; None until each that is valid has an answer."""
        watts = [watched.power_w() for watched in self._meters if watched.valid]
        known = [value for value in watts if value is not None]
        return sum(known) if known and len(known) == len(watts) else None

    def _read(self, due: list[_Watched], now_ns: int, next_phase: Phase | None = None) -> None:
        phases: list[Phase] = [phase for phase in (self.phase, next_phase) if phase is not None]
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
                if next_phase is None or not watched.recent:
                    continue
                reading = watched.recent[-1][1]  # too soon for a new one, and at an edge the last still holds
            t_ns = (before_ns + time.monotonic_ns()) // 2  # a card's driver takes up to milliseconds to answer
            lines += [log.sample_line(watched.number, phase, t_ns + i, reading) for i, phase in enumerate(phases)]
            watched.recent.append((t_ns, reading))
            while len(watched.recent) > 2 and t_ns - watched.recent[1][0] > _LATEST_WINDOW_NS:
                watched.recent.popleft()
        if lines:
            _write(self._log_fd, lines)
        if next_phase is not None:
            self.phase = next_phase
        self.next_ns = min((watched.next_ns for watched in self._meters if watched.valid), default=now_ns + 10**9)


def main(arguments: list[str]) -> int:
    """Read meters until told to stop; returns the exit code."""
    options = _options(arguments)
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group: our parent ends us when it is done
    log_fd = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
    meters = _open_meters(log_fd, options)
    sampler = _Sampler(log_fd, meters, step_ns=round(1e9 / options.hz))
    _answer({"ready": len(meters)})
    commands = _Commands()
    # A parent that died leaves its pipe open if a child of its own inherited it: so the parent's id is looked at too.
    while not stopping and os.getppid() == options.parent:
        wait_s = max(sampler.next_ns - time.monotonic_ns(), 0) / 1e9 if sampler.phase else 1.0
        command = commands.next(wait_s)
        if command is None:
            sampler.read_due(time.monotonic_ns())
        elif command in ("", "stop"):
            break
        elif command == "latest":
            _answer({"power_w": sampler.latest_power_w()})
        else:
            sampler.read_all(next_phase=_PHASES[command])
            _answer({"t_ns": time.monotonic_ns()})
    sampler.read_all()
    end_ns = time.monotonic_ns()
    _write(log_fd, [log.end_line(end_ns)])
    os.close(log_fd)
    if os.getppid() == options.parent:
        _answer({"t_ns": end_ns})
    return 0


class _Commands:
    """Whole lines from standard input, without ever blocking in a read."""

    def __init__(self) -> None:
        self._pending = b""

    def next(self, wait_s: float) -> str | None:
        """The next command; "" at the end of input; None if there is none within `wait_s`."""
        while b"\n" not in self._pending:
            if not select.select([0], [], [], wait_s)[0]:
                return None
            data = os.read(0, 4096)
            if not data:
                return ""
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode()


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", required=True, help="file to append readings to")
    parser.add_argument("--hz", type=float, required=True, help="readings a second")
    parser.add_argument("--parent", type=int, required=True, help="process whose end ends this one")
    parser.add_argument("--powercap-root", type=Path, required=True)
    parser.add_argument("--cpu-tdp-w", type=float, nargs=3, metavar=("LOW", "CENTRAL", "HIGH"))
    parser.add_argument("--replay", type=Path, help="a recorded power log to play instead of reading this machine")
    return parser.parse_args(arguments)


def _open_meters(log_fd: int, options: argparse.Namespace) -> list[_Watched]:
    if options.replay is not None:
        meters: list[Meter] = [*replay_meters(options.replay)]
        _write(log_fd, [log.meter_line(meter.record) for meter in meters])
    else:
        tdp_w = options.cpu_tdp_w
        tdp = None if tdp_w is None else PowerRange(low=tdp_w[0], central=tdp_w[1], high=tdp_w[2])
        found = discover(PowerOverrides(cpu_tdp_w=tdp), powercap_root=options.powercap_root)
        meters = [*found.meters]
        _write(log_fd, [log.meter_line(record) for record in (*(meter.record for meter in meters), *found.missing)])
    return [_Watched(number=number, meter=meter) for number, meter in enumerate(meters)]


def _write(log_fd: int, lines: list[str]) -> None:
    # One write a round: a kill in between leaves whole lines.
    data = "".join(f"{line}\n" for line in lines).encode()
    while data:
        data = data[os.write(log_fd, data) :]


def _answer(value: dict[str, int | float | None]) -> None:
    os.write(1, json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ProbeError as error:
        sys.exit(str(error))
