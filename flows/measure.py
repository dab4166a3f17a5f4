"""The parent's side of trials: start the child, hear what it says, end it when it must end, and see that all landed."""

import contextlib
import dataclasses
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flows.points import PointResult
from flows.spec import TrialSpec
from flows.spool import create_spool, land_spool
from warehouse.landing import landed_batches
from warehouse.rows import TrialStatus

# A child ends itself at its deadline; the parent only steps in when it did not, by this much later.
GRACE_S = 10.0
KILL_AFTER_S = 4.0

OnEvent = Callable[[str, str, dict[str, Any]], None]  # trial_id, event, its values
ShouldStop = Callable[[], bool]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a trial landed; `point` is what it came to as a point of a search, None for any other trial."""

    status: TrialStatus
    reason: str | None
    point: PointResult | None = None


class TrialProcess:
    """A child process with its whole process group, which never outlives the `with` block."""

    def __init__(
        self, folders: Sequence[Path], data_dir: Path, keep_open: tuple[int, ...], *, module: str = "flows.trial"
    ) -> None:
        # A child lands in order: the last folder is there as long as it has anything to say.
        self._errors = (folders[-1] / "stderr.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, folders), str(data_dir)],
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
    specs: Sequence[TrialSpec],
    data_dir: Path,
    *,
    on_event: OnEvent,
    should_stop: ShouldStop,
    keep_open: tuple[int, ...] = (),
) -> dict[str, Outcome]:
    """Run one trial, or the trials of one group, in a process of their own; returns how each landed, by trial_id.

    Args:
        specs: one trial, or several that one client interleaves; each lands by itself.
        on_event: called with what the child says (see flows.trial): phase, progress, landed.
        should_stop: polled; once true the child is told to end and to land what it has.
        keep_open: file descriptors the child keeps, so that a lock is held as long as any of us lives.

    Raises:
        WarehouseError: a trial could not be landed (disk full, no permission); its spool folder stays.
    """
    folders = {spec.trial_id: create_spool(data_dir, spec) for spec in specs}
    outcomes: dict[str, Outcome] = {}

    def hear(trial_id: str, event: str, values: dict[str, Any]) -> None:
        if event == "landed":
            point = values.pop("point", None)
            outcomes[trial_id] = Outcome(**values, point=PointResult(**point) if point else None)
        on_event(trial_id, event, values)

    longest_s = max(spec.timeouts.trial_s for spec in specs)
    with TrialProcess(list(folders.values()), data_dir, keep_open) as child:
        overdue = follow(child, longest_s, hear, should_stop)
    if len(outcomes) < len(specs):
        epitaph = _epitaph(child, list(folders.values())[-1], longest_s, overdue=overdue)
        landed = landed_batches(data_dir)
        for trial_id, folder in folders.items():
            if trial_id in outcomes:
                continue
            if trial_id in landed:
                outcomes[trial_id] = Outcome(status="completed", reason="landed, but was ended before it could say so")
            else:
                land_spool(data_dir, folder, status=epitaph.status, reason=epitaph.reason)
                outcomes[trial_id] = epitaph
    return outcomes


def _epitaph(child: TrialProcess, folder: Path, longest_s: float, *, overdue: bool) -> Outcome:
    """The status and sentence for a child that did not land its trials itself."""
    if overdue:
        return Outcome(
            status="timed_out", reason=f"the trial did not end {GRACE_S:g} s after its deadline of {longest_s:g} s"
        )
    code = child.process.returncode
    if code < 0:
        return Outcome(status="crashed", reason=f"the trial process was ended by {signal.Signals(-code).name}")
    lines = (folder / "stderr.log").read_text(errors="replace").strip().splitlines()
    last = lines[-1][:300] if lines else "no message"
    return Outcome(status="crashed", reason=f"the trial process ended with exit code {code}: {last}")


def follow(
    child: TrialProcess, longest_s: float, hear: Callable[[str, str, dict[str, Any]], None], should_stop: ShouldStop
) -> bool:
    """Pass on what a child says until it ends. Returns whether it had to be ended for being overdue."""
    assert child.process.stdout is not None  # opened as a pipe above
    stream = child.process.stdout
    os.set_blocking(stream.fileno(), False)
    overdue_at = time.monotonic() + longest_s + GRACE_S
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
                    hear(message.pop("trial_id"), message.pop("event"), message)
            now = time.monotonic()
            overdue = overdue or now > overdue_at
            if not told and (overdue or should_stop()):
                # The child alone: its engine must live until the client has written down what was in flight.
                child.process.terminate()
                told, kill_at = True, now + KILL_AFTER_S
            if kill_at is not None and now > kill_at:
                child.signal_group(signal.SIGKILL)
