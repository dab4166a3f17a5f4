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
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from probes.errors import ProbeError
from probes.power.log import died_line, read_power_log
from probes.power.powercap import POWERCAP_ROOT
from probes.power.readings import MeterRecord, Phase, PowerOverrides, PowerRange, PowerSample

__all__ = ["MeterRecord", "Phase", "PowerOverrides", "PowerRange", "PowerSample", "PowerSampler", "read_power_log"]

_READY_TIMEOUT_S = 60.0  # a wedged driver, not a slow start (0.3 s), is what this waits for
_ANSWER_TIMEOUT_S = 10.0


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
            overrides: what the user knows better than the tables.
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
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def __enter__(self) -> Self:
        """Start the process and wait until its meters are open.

        Raises:
            ProbeError: it does not start; with its last words.
        """
        command = [sys.executable, "-m", "probes.power.sampler_process", "--log", str(self._path)]
        command += ["--hz", str(self._hz), "--parent", str(os.getpid()), "--powercap-root", str(self._powercap_root)]
        tdp = self._overrides.cpu_tdp_w
        if tdp is not None:
            command += ["--cpu-tdp-w", str(tdp.low), str(tdp.central), str(tdp.high)]
        if self._replay is not None:
            command += ["--replay", str(self._replay)]
        try:
            with self._errors_path.open("wb") as errors:
                self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        except OSError as error:
            raise ProbeError(f"the power log {self._path} cannot be written: {error.strerror}") from error
        try:
            self._read_answer(self._process, _READY_TIMEOUT_S)
        except BaseException:  # Ctrl-C while it starts, too: no process stays behind
            self._end(self._process)
            raise
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
        self._ask("stop")
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
            CLOCK_MONOTONIC nanoseconds just after the edge's readings; None if the sampler has died, which the log
            then says for every meter.
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
                assert self._process.stdin is not None  # opened as a pipe above
                self._process.stdin.write(f"{command}\n".encode())
                self._process.stdin.flush()
                return self._read_answer(self._process, _ANSWER_TIMEOUT_S)
            except (ProbeError, BrokenPipeError) as error:
                # The trial goes on without watts: its log says so for every meter.
                self._stopped = True
                self._end(self._process)
                reason = str(error) if isinstance(error, ProbeError) else self._death(self._process)
                with self._path.open("a", encoding="utf-8") as log:
                    log.write(f"{died_line(reason)}\n")
                return None

    def _read_answer(self, process: subprocess.Popen[bytes], timeout_s: float) -> dict[str, float | None]:
        assert process.stdout is not None  # opened as a pipe above
        deadline_s = time.monotonic() + timeout_s
        while True:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not select.select([process.stdout], [], [], left_s)[0]:
                raise ProbeError(f"the power sampler did not answer within {timeout_s:g} s; a driver may hang")
            line = process.stdout.readline()
            if not line:
                raise ProbeError(self._death(process))
            answer: dict[str, float | None] = json.loads(line)
            return answer

    def _death(self, process: subprocess.Popen[bytes]) -> str:
        code = process.wait(timeout=_ANSWER_TIMEOUT_S)
        words = self._errors_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"the power sampler ended with exit code {code}" + (f": {words[-1]}" if words else "")

    def _end(self, process: subprocess.Popen[bytes]) -> None:
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
