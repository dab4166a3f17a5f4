"""A meter of the user's own: a smart plug, a BMC or a PDU, asked by a small command or over HTTP."""

import json
import math
import os
import re
import subprocess
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from probes.errors import ProbeError
from probes.power.hook_command import MOST_BYTES, kill, outputs
from probes.power.readings import HookSpec, MeterRecord, Reading, Unit

if TYPE_CHECKING:
    from probes.power.hook_http import HttpQuestion

_IN_W_OR_J: dict[Unit, float] = {"W": 1.0, "kW": 1e3, "J": 1.0, "kJ": 1e3, "Wh": 3600.0, "kWh": 3.6e6}
_SHOWN = 80
# No machine draws a megawatt: what says so is in another unit, or broken.
_MOST_W = 1e6
# A meter that counts whole kWh may take its step right after we began.
_MOST_TICK_J = 3.6e6
_OK = 200


class HookMeter:
    """Asks once a reading; slow, and may hang for its timeout, so it is for a thread of its own (see background)."""

    def __init__(self, spec: HookSpec, *, keeps_open: bool = False) -> None:
        """Ask by `spec`; nothing is asked yet. A connection is kept open for the next question only if `keeps_open`."""
        self.spec = spec
        self._keeps_open = keeps_open
        self._http: HttpQuestion | None = None
        self.silence: str | None = None  # why the last question had no answer
        self._running: subprocess.Popen[bytes] | None = None
        self._last_j: float | None = None
        self._moved_s = time.monotonic()  # when the counter was last seen to move
        energy = spec.value == "energy"
        self.record = MeterRecord(
            meter=f"hook:{spec.id}",
            component=spec.component,
            basis="measured",
            method="hook-energy-counter" if energy else "hook-power-sampled",
            device=spec.id,
            source=f"{_address(spec)}, {spec.value} in {spec.unit}",
            resolution_s=spec.resolution_s,
        )

    @property
    def period_s(self) -> float:
        """As the user says."""
        return self.spec.period_s

    def read(self) -> Reading | None:
        """Ask, and find the number in the answer.

        Returns:
            Watts or cumulative joules; None when nobody answered in time, and why in `silence`.

        Raises:
            ProbeError: the answer holds no such number, or one that cannot be: negative, more than any machine draws,
                or a counter that went back.
        """
        text = self._run() if self.spec.command is not None else self._get()
        if text is None:
            return None
        self.silence = None
        number = number_in(text, self.spec)
        what = f"{self.record.meter} reports {number:g} {self.spec.unit}"
        if number < 0:
            raise ProbeError(f"{what}; {self.spec.value} cannot be negative: look at its wiring, json_path or pattern")
        amount = number * _IN_W_OR_J[self.spec.unit]
        if self.spec.value == "power":
            if amount > _MOST_W:
                raise ProbeError(f"{what}, and no machine draws {_MOST_W / 1e6:g} MW: look at its unit")
            return Reading(power_w=amount)
        self._check_counter(amount, what)
        return Reading(energy_j=amount)

    def _check_counter(self, energy_j: float, what: str) -> None:
        now_s = time.monotonic()
        if not math.isfinite(energy_j):
            raise ProbeError(f"{what}, which is more than can be counted: look at its unit")
        if self._last_j is not None:
            after = f"{what} after {self._last_j / _IN_W_OR_J[self.spec.unit]:g}"
            if energy_j < self._last_j:
                raise ProbeError(f"{after}: its counter went back, it was reset while we measured")
            if energy_j - self._last_j > _MOST_TICK_J + _MOST_W * (now_s - self._moved_s):
                raise ProbeError(
                    f"{after}, and no machine draws {_MOST_W / 1e6:g} MW: its counter was set while we measured, or its"
                    " unit is another"
                )
        if self._last_j is None or energy_j > self._last_j:
            self._moved_s = now_s
        self._last_j = energy_j

    def stop(self) -> None:
        """End a command that still runs; what it started goes with it. For another thread than the reading one."""
        running = self._running
        if running is not None and running.poll() is None:
            kill(running)

    def close(self) -> None:
        """End a connection that was kept open. For the reading thread."""
        if self._http is not None:
            self._http.close()

    def _run(self) -> str | None:
        command = self.spec.command
        assert command is not None  # one of command and url is given
        try:
            # A session of its own, so that a script's children end with it.
            self._running = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ProbeError(f"{command[0]} cannot be run: {error.strerror}") from error
        with self._running as process:
            try:
                out, err = outputs(process, time.monotonic() + self.spec.timeout_s)
            except (TimeoutError, subprocess.TimeoutExpired):
                kill(process)
                self.silence = f"{command[0]} did not end within {self.spec.timeout_s:g} s"
                return None
            except OverflowError:
                kill(process)
                self.silence = f"{command[0]} wrote more than {MOST_BYTES // 1024} KiB"
                return None
        if process.returncode != 0:
            words = err.strip().splitlines()
            self.silence = f"{command[0]} ended with exit code {process.returncode}" + (
                f": {words[-1][:_SHOWN]}" if words else ""
            )
            return None
        return out

    def _get(self) -> str | None:
        headers = [(header, _secret(self.record.meter, name)) for header, name in self.spec.header_env]
        try:
            # No redirect is followed: it could carry the headers to another host.
            answer = self._question().ask(headers)
        except OSError as error:
            self.silence = f"no answer: {error or type(error).__name__}"
            return None
        except ValueError as error:
            raise ProbeError(f"{self.record.meter}: {error}") from None
        if answer.status != _OK:
            self.silence = f"the answer was HTTP {answer.status} {answer.reason}"
            return None
        return answer.body.decode("utf-8", errors="replace")

    def _question(self) -> "HttpQuestion":
        if self._http is None:
            from probes.power.hook_http import HttpQuestion  # only for those who have such a meter

            assert self.spec.url is not None  # one of command and url is given
            self._http = HttpQuestion(self.spec.url, timeout_s=self.spec.timeout_s, keeps_open=self._keeps_open)
        return self._http


def number_in(text: str, spec: HookSpec) -> float:
    """The number that `spec` points at in an answer; ProbeError when it is not there or no finite number."""
    where = f"hook:{spec.id}"
    if spec.json_path is not None:
        found = _at(text, spec.json_path, where)
    elif spec.pattern is not None:
        match = re.search(spec.pattern, text)
        if match is None:
            raise ProbeError(f"{where}: pattern {spec.pattern!r} is not in the answer {text.strip()[:_SHOWN]!r}")
        found = match[1]
    else:
        found = text
    try:
        # Python would take True and "1_000" too.
        number = math.nan if isinstance(found, bool) or (isinstance(found, str) and "_" in found) else float(found)
    except (TypeError, ValueError, OverflowError):  # JSON has whole numbers of any length
        number = math.nan
    if not math.isfinite(number):
        shown = found.strip() if isinstance(found, str) else found
        raise ProbeError(f"{where}: {str(shown)[:_SHOWN]!r} is no number; set json_path or pattern to where it stands")
    return number


def _at(text: str, path: str, where: str) -> Any:  # noqa: ANN401 - whatever the JSON holds there
    try:
        here = json.loads(text)
    except (ValueError, RecursionError):  # no JSON; a number of thousands of digits; brackets without an end
        raise ProbeError(f"{where}: json_path is set, but the answer is no JSON: {text.strip()[:_SHOWN]!r}") from None
    for step in path.split("."):
        try:
            here = here[int(step)] if isinstance(here, list) else here[step]
        except (KeyError, IndexError, ValueError, TypeError):
            known = f"; known there: {', '.join(map(str, here))[:_SHOWN]}" if isinstance(here, dict) else ""
            raise ProbeError(f"{where}: the answer has no {step!r} of json_path {path!r}{known}") from None
    return here


def _secret(meter: str, name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ProbeError(f"{meter}: the environment variable {name} is not set; header_env takes a header from it")
    return value


def _address(spec: HookSpec) -> str:
    """Where the number comes from, without arguments and queries: those may hold what is nobody's business."""
    if spec.command is not None:
        return f"command {spec.command[0]}"
    parts = urlsplit(spec.url or "")
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
