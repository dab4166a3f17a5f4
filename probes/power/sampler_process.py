"""The process that reads the meters: `python -m probes.power.sampler_process`, or a fork (see sampler_start).

The first line on standard input is its order (see probes.power.order). Then it takes one command a line and answers one
JSON line on standard output: `mark idle`, `mark warmup`, `mark load` -> {"t_ns": ...} once every meter has been read
and written; `latest` -> {"power_w": ...}; `stop` -> {"t_ns": ...} and the end. End of input or of its parent ends it
too.
"""

import json
import os
import select
import signal
import time
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

from probes.errors import ProbeError
from probes.power.discover import discover
from probes.power.order import Order, read_order
from probes.power.readings import HookSpec, Phase
from probes.power.sampling import Sampling

if TYPE_CHECKING:
    from probes.power.background import BackgroundMeter

_PHASES: Final[dict[str, Phase]] = {"mark idle": "idle", "mark warmup": "warmup", "mark load": "load"}


def main() -> int:
    """Read meters until told to stop; returns the exit code."""
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    signal.signal(signal.SIGTERM, stop)
    commands = _Commands()
    first = commands.next(None)
    if not first:
        return 0  # the parent had gone before it said anything
    told = read_order(first)
    sampling = _open(told)
    _answer({"ready": True})
    # A parent that died leaves its pipe open if a child of its own inherited it: so the parent's id is looked at too.
    while not stopping and os.getppid() == told.parent:
        command = commands.next(sampling.wait_s())
        if command is None:
            sampling.read_due()
        elif command in ("", "stop"):
            break
        elif command == "latest":
            _answer({"power_w": sampling.latest_power_w()})
        else:
            sampling.read_edge(_PHASES[command])
            _answer({"t_ns": time.monotonic_ns()})
    sampling.read_edge(None)
    end_ns = sampling.end()
    sampling.stop()
    if os.getppid() == told.parent:
        _answer({"t_ns": end_ns})
    return 0


class _Commands:
    """Whole lines from standard input, without ever blocking in a read."""

    def __init__(self) -> None:
        self._pending = b""

    def next(self, wait_s: float | None) -> str | None:
        """The next command; "" at the end of input; None if there is none within `wait_s`, which may be for ever."""
        while b"\n" not in self._pending:
            if not select.select([0], [], [], wait_s)[0]:
                return None
            data = os.read(0, 4096)
            if not data:
                return ""
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode()


def _open(told: Order) -> Sampling:
    log_fd = os.open(told.log, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    if told.replay is not None:
        from probes.power.replay import replay_meters

        return Sampling(log_fd, [*replay_meters(told.replay)], [], (), told.hz)
    found = discover(told.overrides, powercap_root=told.powercap_root)
    return Sampling(log_fd, [*found.meters], _slow(told.overrides.hooks), found.missing, told.hz)


def _slow(hooks: tuple[HookSpec, ...]) -> "list[BackgroundMeter]":
    if not hooks:
        return []
    from probes.power.background import BackgroundMeter  # threads, subprocesses, HTTP: 20 ms that few samplers need
    from probes.power.hook import HookMeter

    return [BackgroundMeter(HookMeter(spec, keeps_open=True)) for spec in hooks]


def _answer(value: dict[str, int | float | None]) -> None:
    os.write(1, json.dumps(value).encode() + b"\n")


def serve() -> NoReturn:
    """Read meters until told to stop, and end this process."""
    try:
        code = main()
    except ProbeError as error:
        os.write(2, f"{error}\n".encode())
        code = 1
    except BrokenPipeError:  # the parent has gone
        code = 0
    # Everything is written: the interpreter's tidying up would cost the parent 10 ms, and waits for threads that hang.
    os._exit(code)


if __name__ == "__main__":
    serve()
