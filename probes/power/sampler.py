"""Metering a window of time: a small process of its own reads the meters, so that it never waits for the load client.

with PowerSampler(path) as sampler:
    sampler.mark("idle")
    ...
    sampler.mark("load")
    ...
meters, samples = read_power_log(path)
"""

import json
import os
import select
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from probes.errors import ProbeError
from probes.power.log import died_line, meter_line, read_power_log
from probes.power.order import Order, order_line
from probes.power.powercap import POWERCAP_ROOT
from probes.power.readings import MeterRecord, Phase, PowerOverrides, PowerRange, PowerSample
from probes.power.sampler_start import Fork, start_sampler

__all__ = ["MeterRecord", "Phase", "PowerOverrides", "PowerRange", "PowerSample", "PowerSampler", "read_power_log"]

_READY_TIMEOUT_S = 60.0  # a wedged driver, not a slow start (0.2 s), is what this waits for
_ANSWER_TIMEOUT_S = 20.0  # a hook of the user's own may take its 10 s at an edge


class PowerSampler:
    """A running sampler. Every meter is read `hz` times a second, and exactly at each mark."""

    def __init__(
        self,
        path: Path,
        *,
        hz: float = 10.0,
        overrides: PowerOverrides | None = None,
        powercap_root: Path = POWERCAP_ROOT,
        replay: Path | None = None,
    ) -> None:
        """Say what to sample; nothing starts before the `with`.

        Args:
            path: the power log to write; an existing file is replaced.
            hz: readings a second, 0 < hz <= 100; a meter that cannot be read so fast is read at its own pace.
            overrides: what the user knows better than the tables, and the meters of their own.
            powercap_root: the powercap tree; a recorded one in tests.
            replay: a recorded power log whose meters are played instead of reading this machine.

        Raises:
            ProbeError: `hz` is out of its range.
        """
        if not 0 < hz <= 100:
            raise ProbeError(f"power sampling at hz = {hz} must be > 0 and <= 100; 10 is enough for trapezoids")
        self._path = path
        self._hz = hz
        self._overrides = overrides or PowerOverrides()
        self._powercap_root = powercap_root
        self._replay = replay
        self._lock = threading.Lock()  # a progress display asks while the trial marks
        self._process: Fork | subprocess.Popen[bytes] | None = None
        self._ready = False
        self._stopped = False
        self.failure: str | None = None  # why it runs no more, once it has failed to start or died

    def __enter__(self) -> Self:
        """Start the process, and go on while it opens its meters: the first mark waits until they are open.

        Raises:
            ProbeError: the log cannot be written, or there is no process to be had.
        """
        told = Order(
            log=self._path,
            hz=self._hz,
            parent=os.getpid(),
            powercap_root=self._powercap_root,
            replay=self._replay,
            overrides=self._overrides,
        )
        try:
            self._path.write_bytes(b"")
            with self._errors_path.open("wb") as errors:
                self._process = start_sampler(errors)
        except OSError as error:
            raise ProbeError(f"the power log {self._path} cannot be written: {error.strerror}") from error
        self._tell(self._process, order_line(told))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """As `stop`."""
        self.stop()

    def stop(self) -> None:
        """Read every meter a last time, close the log, and leave no process behind; a second call does nothing.

        For a window that ends before the `with` does. A sampler that has died raises nothing: its log says so.
        """
        try:
            self._ask("stop")
        finally:  # Ctrl-C while it waits, too
            if self._process is not None:
                self._end(self._process)
            self._stopped = True
            self._errors_path.unlink(missing_ok=True)

    @property
    def pid(self) -> int:
        """Process id of the sampler, for those who count its CPU time; ProbeError before the `with`."""
        if self._process is None:
            raise ProbeError("the power sampler has not been started; use it in a with statement")
        return self._process.pid

    def mark(self, phase: Phase) -> int | None:
        """Begin a phase: every meter is read at this edge, and the readings are on their way to disk on return.

        Returns:
            CLOCK_MONOTONIC nanoseconds just after the edge's readings; None if the sampler could not start or has
            died, which the log then says for every meter, and `failure` here.
        """
        answer = self._ask(f"mark {phase}")
        return None if answer is None or answer["t_ns"] is None else int(answer["t_ns"])

    def latest_power_w(self) -> float | None:
        """Watts of all meters together over about the last second, for display; None while that is unknown."""
        answer = self._ask("latest")
        return None if answer is None else answer["power_w"]

    @property
    def _errors_path(self) -> Path:
        return self._path.with_name(f"{self._path.name}.stderr")

    def _ask(self, command: str) -> dict[str, float | None] | None:
        with self._lock:
            if self._process is None or self._stopped:
                return None
            try:
                if not self._ready:
                    self._read_answer(self._process, _READY_TIMEOUT_S)
                    self._ready = True
                self._tell(self._process, f"{command}\n".encode())
                return self._read_answer(self._process, _ANSWER_TIMEOUT_S)
            except ProbeError as error:
                # The trial goes on without watts: its log says so for every meter.
                self._fail(self._process, str(error))
                return None

    def _fail(self, process: Fork | subprocess.Popen[bytes], reason: str) -> None:
        self._stopped = True
        self.failure = reason
        self._end(process)
        introduced = bool(read_power_log(self._path)[0])
        with self._path.open("a", encoding="utf-8") as log:
            log.write(f"{died_line(reason)}\n" if introduced else f"{meter_line(_never_started(reason))}\n")

    def _tell(self, process: Fork | subprocess.Popen[bytes], line: bytes) -> None:
        assert process.stdin is not None  # opened as a pipe above
        try:
            process.stdin.write(line)
            process.stdin.flush()
        except BrokenPipeError:  # it has died: what it does not answer says so
            return

    def _read_answer(self, process: Fork | subprocess.Popen[bytes], timeout_s: float) -> dict[str, float | None]:
        assert process.stdout is not None  # opened as a pipe above
        if not select.select([process.stdout], [], [], timeout_s)[0]:
            raise ProbeError(f"the power sampler did not answer within {timeout_s:g} s; a driver may hang")
        line = process.stdout.readline()
        if not line:
            raise ProbeError(self._death(process))
        answer: dict[str, float | None] = json.loads(line)
        return answer

    def _death(self, process: Fork | subprocess.Popen[bytes]) -> str:
        code = process.wait(timeout=_ANSWER_TIMEOUT_S)
        words = self._errors_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"the power sampler ended with exit code {code}" + (f": {words[-1]}" if words else "")

    def _end(self, process: Fork | subprocess.Popen[bytes]) -> None:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # a command that never reached it
                    continue
        try:
            process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _never_started(reason: str) -> MeterRecord:
    """What stands in the log of a sampler that found no meter: energy that nobody knows, with the reason."""
    return MeterRecord(
        meter="sampler",
        component="machine",
        basis="measured",
        method="none",
        device="all meters of this machine",
        source="the power sampler",
        valid=False,
        invalid_reason=reason,
    )
