"""The parent's side of a trial: start the child, hear what it says, end it when it must end, and see that it landed."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.spec import TrialSpec
from flows.spool import create_spool, land_spool
from warehouse.landing import landed_batches
from warehouse.rows import TrialStatus

# A child ends itself at its deadline; the parent only steps in when it did not, by this much later.
GRACE_S = 10.0
KILL_AFTER_S = 4.0

OnEvent = Callable[[str, dict[str, Any]], None]
ShouldStop = Callable[[], bool]


class TrialProcess:
    """A child process with its whole process group, which never outlives the `with` block."""

    def __init__(self, folder: Path, data_dir: Path, keep_open: tuple[int, ...]) -> None:
        self._errors = (folder / "stderr.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flows.trial", str(folder), str(data_dir)],
            stdin=subprocess.PIPE,  # closes when we die, however we die: the child then lands and ends
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C reaches us alone; the engine and the sampler share the child's group
            pass_fds=keep_open,
            env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
        )

    def __enter__(self) -> "TrialProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.signal_group(signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self._errors.close()

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the child, its engine and its sampler."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def measure(
    spec: TrialSpec, data_dir: Path, *, on_event: OnEvent, should_stop: ShouldStop, keep_open: tuple[int, ...] = ()
) -> tuple[TrialStatus, str | None]:
    """Run one trial in a process of its own and return how it landed.

    Args:
        on_event: called with what the child says (see flows.trial): phase, progress, landed.
        should_stop: polled; once true the child is told to end and to land what it has.
        keep_open: file descriptors the child keeps, so that a lock is held as long as any of us lives.

    Raises:
        WarehouseError: the trial could not be landed (disk full, no permission); its spool folder stays.
    """
    folder = create_spool(data_dir, spec)
    landed: dict[str, Any] = {}

    def hear(event: str, values: dict[str, Any]) -> None:
        if event == "landed":
            landed.update(values)
        on_event(event, values)

    with TrialProcess(folder, data_dir, keep_open) as child:
        overdue = _follow(child, spec, hear, should_stop)
    if landed:
        return landed["status"], landed["reason"]
    if spec.trial_id in landed_batches(data_dir):
        return "completed", "landed, but was ended before it could say so"
    status, reason = _epitaph(child, folder, spec, overdue=overdue)
    land_spool(data_dir, folder, status=status, reason=reason)
    return status, reason


def _epitaph(child: TrialProcess, folder: Path, spec: TrialSpec, *, overdue: bool) -> tuple[TrialStatus, str]:
    """The status and sentence for a child that did not land itself."""
    if overdue:
        return "timed_out", f"the trial did not end {GRACE_S:g} s after its deadline of {spec.timeouts.trial_s:g} s"
    code = child.process.returncode
    if code < 0:
        return "crashed", f"the trial process was ended by {signal.Signals(-code).name}"
    lines = (folder / "stderr.log").read_text(errors="replace").strip().splitlines()
    return "crashed", f"the trial process ended with exit code {code}: {lines[-1][:300] if lines else 'no message'}"


def _follow(child: TrialProcess, spec: TrialSpec, hear: OnEvent, should_stop: ShouldStop) -> bool:
    """Pass on what the child says until it ends. Returns whether it had to be ended for being overdue."""
    assert child.process.stdout is not None  # opened as a pipe above
    stream = child.process.stdout
    os.set_blocking(stream.fileno(), False)
    overdue_at = time.monotonic() + spec.timeouts.trial_s + GRACE_S
    overdue = told = False
    kill_at: float | None = None
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=0.1):
                data = stream.read()
                if data == b"":
                    return overdue
                pending += data or b""
                *lines, pending = pending.split(b"\n")
                for line in lines:
                    message = json.loads(line)
                    hear(message.pop("event"), message)
            now = time.monotonic()
            overdue = overdue or now > overdue_at
            if not told and (overdue or should_stop()):
                # The child alone: its engine must live until the client has written down what was in flight.
                child.process.terminate()
                told, kill_at = True, now + KILL_AFTER_S
            if kill_at is not None and now > kill_at:
                child.signal_group(signal.SIGKILL)
