"""A server of somebody else as a process of ours: on the loopback address, waited for, and gone afterwards."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.real_servers.programs import PROGRAMS

_POLL_S = 0.25
_END_TIMEOUT_S = 10.0
# Nothing is looked up, fetched or told to anybody, whatever the server would like.
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "NO_PROXY": "127.0.0.1,localhost",
}


@contextmanager
def served(
    command: Sequence[str | Path],
    *,
    ready_url: str,
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    ready_timeout_s: float = 180.0,
) -> Iterator[int]:
    """A server for as long as the `with` lasts; its whole process group is gone afterwards.

    Should we be killed, the kernel kills what was started, which must then end its own helpers.

    Args:
        command: what to run.
        ready_url: answers 200 once it can be asked.
        log: everything it says goes there; replaced.
        env: beside `OFFLINE` and our own environment.
        cwd: where it runs; None: here.
        ready_timeout_s: longest wait, seconds.

    Yields:
        Its process id.

    Raises:
        RuntimeError: it ended, or was not ready in time; with the end of its log.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-E", str(PROGRAMS / "leash.py"), str(os.getpid()), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(os.environ) | OFFLINE | dict(env),
            cwd=cwd,
        )
    try:
        _wait(process, ready_url, log, time.monotonic() + ready_timeout_s)
        yield process.pid
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path, deadline_s: float) -> None:
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"it ended with exit code {process.returncode}; its log ends: {_tail(log)}")
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"it was not ready in time; its log ends: {_tail(log)}")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(_POLL_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the group: a server that has workers may leave them behind when only it is asked."""
    for sign, patience_s in ((signal.SIGTERM, _END_TIMEOUT_S), (signal.SIGKILL, _END_TIMEOUT_S)):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _tail(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").strip().splitlines()[-4:])[-600:]
