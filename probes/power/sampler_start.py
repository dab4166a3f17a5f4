"""Starting the sampler's process: a fork of ours where that is safe, else a fresh Python.

A fork has its first reading after 20 ms. A fresh Python must load its modules first and has it after 100, for which a
metered command would wait.
"""

import contextlib
import fcntl
import gc
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import IO, NoReturn

_FIRST_POLL_S, _MOST_POLL_S = 0.0005, 0.02


class Fork:
    """A fork of this process, with what `subprocess.Popen` has of one: its pipes, its id, its end."""

    def __init__(self, pid: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        """Take the child of that id, which reads from `stdin` and writes to `stdout`."""
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self._code: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns the exit code, negative for the signal that ended it.

        Raises:
            subprocess.TimeoutExpired: it has not ended after `timeout` seconds.
        """
        deadline_s = None if timeout is None else time.monotonic() + timeout
        pause_s = _FIRST_POLL_S
        while self._code is None:
            ended, status = os.waitpid(self.pid, 0 if deadline_s is None else os.WNOHANG)
            if ended:
                self._code = os.waitstatus_to_exitcode(status)
            elif deadline_s is not None:
                if time.monotonic() >= deadline_s:
                    raise subprocess.TimeoutExpired("power sampler", timeout or 0.0)
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _MOST_POLL_S)
        return self._code

    def kill(self) -> None:
        """End it at once."""
        if self._code is None:  # not waited for, so its id is still its own
            os.kill(self.pid, signal.SIGKILL)


def start_sampler(errors: IO[bytes]) -> "Fork | subprocess.Popen[bytes]":
    """Start it in a process group of its own: Ctrl-C is for us, who end it when we are done.

    Args:
        errors: where its standard error goes.

    Raises:
        OSError: no process is to be had.
    """
    if _is_alone():
        return _fork(errors)
    return subprocess.Popen(
        [sys.executable, "-m", "probes.power.sampler_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        process_group=0,
    )


def _is_alone() -> bool:
    """Whether this process is one thread: a fork of several may find a lock held by one that it does not have."""
    threads = Path("/proc/self/task")
    # where there is no such folder (macOS), system libraries do not stand a fork at all
    return threads.is_dir() and len(list(threads.iterdir())) == 1


def _fork(errors: IO[bytes]) -> Fork:
    orders_r, orders_w = os.pipe()
    answers_r, answers_w = os.pipe()
    # No signal handler of ours may run in the child.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _become_sampler((orders_r, answers_w, errors.fileno()), before)
        os.setpgid(pid, pid)  # as the child does: whoever is first
    except OSError:
        os.close(orders_w)
        os.close(answers_r)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(orders_r)
        os.close(answers_w)
    return Fork(pid, os.fdopen(orders_w, "wb"), os.fdopen(answers_r, "rb"))


def _become_sampler(streams: tuple[int, int, int], mask: set[int | signal.Signals]) -> NoReturn:
    """What an exec would have done, then the sampler; never back into what our parent was doing."""
    try:
        os.setpgid(0, 0)
        gc.freeze()  # a file that our parent had let go must not close one of ours of the same number
        high = [fcntl.fcntl(stream, fcntl.F_DUPFD, 3) for stream in streams]  # ours may be 0 to 2, if those were closed
        for number, stream in enumerate(high):
            os.dup2(stream, number)
        for inherited in list(Path("/proc/self/fd").iterdir()):
            if int(inherited.name) > 2:
                with contextlib.suppress(OSError):  # that of the listing itself, which is over
                    os.close(int(inherited.name))
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        from probes.power.sampler_process import serve

        serve()
    except BaseException:  # noqa: BLE001 - whatever it is, two processes must not go on from here
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(1)
