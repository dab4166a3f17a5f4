"""A command and its whole process tree: wall time, CPU seconds, peak memory, and what the rest of the machine did."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil

_SAMPLE_S = 0.05
_SCAN_EVERY = 10  # samples; looking for new members costs milliseconds
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command went. Instants are CLOCK_MONOTONIC."""

    exit_code: int
    stdout: str
    started_ns: int
    ended_ns: int
    cpu_s: float  # of the process and of all descendants that were waited for
    peak_anon_mb: float  # of the tree together, sampled 20 times a second
    machine_busy_s: float  # CPU seconds of the whole machine meanwhile


def run(
    command: Sequence[str], *, env: Mapping[str, str], folder: Path, cpu: int | None, timeout_s: float = 300.0
) -> Finished:
    """Run a command to its end, or kill it with all its descendants when that takes too long.

    Args:
        command: what to run.
        env: set beside our own environment.
        folder: to run in; its words go to `stderr.log` there.
        cpu: to pin it to; None leaves it free.
        timeout_s: after which it is killed.
    """
    pinned = [*(["taskset", "-c", str(cpu)] if cpu is not None else []), *command]
    with (folder / "stderr.log").open("wb") as errors, (folder / "stdout.log").open("wb") as words:
        busy_s, started_ns = machine_busy_s(), time.monotonic_ns()
        process = subprocess.Popen(
            pinned, stdout=words, stderr=errors, env=os.environ | dict(env), cwd=folder, start_new_session=True
        )
        with _Watch(process.pid, timeout_s) as watch:
            _, status, usage = os.wait4(process.pid, 0)
            ended_ns = time.monotonic_ns()
        process.returncode = os.waitstatus_to_exitcode(status)
        busy_s = machine_busy_s() - busy_s
    return Finished(
        exit_code=process.returncode,
        stdout=(folder / "stdout.log").read_text(errors="replace"),
        started_ns=started_ns,
        ended_ns=ended_ns,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_anon_mb=watch.peak_anon_kb / 1024,
        machine_busy_s=busy_s,
    )


class _Watch:
    """Samples a tree's memory, and ends the tree when its time is up or its root is gone."""

    def __init__(self, pid: int, timeout_s: float) -> None:
        self._pid = pid
        self._give_up = time.monotonic() + timeout_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._members = {pid}
        self.peak_anon_kb = 0

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._members.discard(self._pid)  # it has been waited for: the number may be another's by now
        self._kill()

    def _watch(self) -> None:
        for sample in count():
            if self._over.wait(_SAMPLE_S):
                return
            if sample % _SCAN_EVERY == 0:
                with contextlib.suppress(psutil.NoSuchProcess):
                    self._members |= {child.pid for child in psutil.Process(self._pid).children(recursive=True)}
            self.peak_anon_kb = max(self.peak_anon_kb, sum(map(anon_kb, self._members)))
            if time.monotonic() > self._give_up:
                self._kill()

    def _kill(self) -> None:
        for pid in self._members:
            if _session(pid) == self._pid:  # still one of ours
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def cpu_s(pid: int) -> float:
    """CPU seconds of a running process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def machine_busy_s() -> float:
    """CPU seconds that the machine has worked since it was started."""
    with Path("/proc/stat").open() as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS


def anon_kb(pid: int) -> int:
    """Anonymous memory of a process, KiB; 0 once it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    return 0


def _session(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.getsid(pid)
    return None
