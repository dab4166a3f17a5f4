"""Running somebody's command as if nobody stood between it and its terminal, and what it took."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probes.errors import ProbeError

# What people and schedulers send to a job: to end it, or, some of them, to have it write a checkpoint.
FORWARDED = (
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH,
)  # fmt: skip
_FROM_KERNEL = 0x80  # si_code of a signal that the terminal sent, to the command too: it is in our process group
# Python ignores these, and an ignored signal stays ignored across exec.
_PYTHON_IGNORES = (signal.SIGPIPE, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnd:
    """How a command ended. CPU time and memory are of it and of the processes that it waited for."""

    exit_code: int  # negative: the signal that ended it
    start_ns: int  # CLOCK_MONOTONIC, just before it was started
    end_ns: int  # and just after its end was seen
    cpu_s: float
    machine_busy_s: float | None  # CPU time of the whole machine meanwhile; None where no /proc/stat says
    peak_rss_bytes: int  # of the largest of its processes


def machine_busy_s(stat: Path = Path("/proc/stat")) -> float | None:
    """CPU seconds that this machine has spent since boot, over all its threads; None where there is no such file.

    User, nice, system, irq, softirq and stolen time; guest time is in user time already. As `probes.host.read_cpu`, but
    psutil takes longer to import than a command may have to wait for.

    Source: proc_stat(5).
    """
    try:
        with stat.open("rb") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
    except FileNotFoundError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = ticks
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class Signals:
    """Holds back what is sent to us while a command is set up, running and being written down, to hand it on.

    A signal that was ignored when we started (`nohup`) stays ignored. As a context manager: inside the block signals
    wait; those that came too late for the command are dropped at its end, since all that they ask for is being done.
    """

    def __init__(self) -> None:
        self._taken = {number for number in FORWARDED if signal.getsignal(number) is not signal.SIG_IGN}
        self._before: set[int | signal.Signals] = set()
        self.stop: signal.Signals | None = None  # the last that asked for an end

    def __enter__(self) -> "Signals":
        self._before = set(signal.pthread_sigmask(signal.SIG_BLOCK, self._taken | {signal.SIGCHLD}))
        return self

    def __exit__(self, *_: object) -> None:
        while signal.sigtimedwait(self._taken, 0) is not None:
            continue
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def run(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> CommandEnd:
        """Run a command to its end with our standard input, output and error, handing on signals.

        What the terminal sends (Ctrl-C) has reached the command already and is not sent twice. Processes that the
        command leaves behind are not waited for, and are not in its CPU time.

        Args:
            argv: the program, looked up in PATH, and its arguments.
            env: its environment; ours, if None.

        Raises:
            ProbeError: it cannot be run.
        """
        busy_s = machine_busy_s()
        start_ns = time.monotonic_ns()
        try:
            pid = os.posix_spawnp(
                argv[0], list(argv), os.environ if env is None else dict(env),
                setsigmask=self._before, setsigdef=_PYTHON_IGNORES,
            )  # fmt: skip
        except OSError as error:
            raise ProbeError(f"the command {argv[0]!r} cannot be run: {error.strerror}") from None
        while True:
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                break
            came = signal.sigwaitinfo(self._taken | {signal.SIGCHLD})
            if came.si_signo != signal.SIGCHLD:
                self._hand_on(pid, came)
        end_ns, busy_end_s = time.monotonic_ns(), machine_busy_s()
        return CommandEnd(
            exit_code=os.waitstatus_to_exitcode(status),
            start_ns=start_ns,
            end_ns=end_ns,
            machine_busy_s=None if busy_s is None or busy_end_s is None else max(busy_end_s - busy_s, 0.0),
            cpu_s=usage.ru_utime + usage.ru_stime,
            # macOS counts bytes
            peak_rss_bytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        )

    def sleep(self, seconds: float) -> bool:
        """Wait; False as soon as somebody asks for an end."""
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0:
            came = signal.sigtimedwait(self._taken | {signal.SIGCHLD}, left_s)
            if came is not None and came.si_signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                self.stop = signal.Signals(came.si_signo)
                return False
        return True

    def _hand_on(self, pid: int, came: signal.struct_siginfo) -> None:
        number = signal.Signals(came.si_signo)
        if came.si_code != _FROM_KERNEL:
            os.kill(pid, number)  # ours, and not waited for yet: it cannot be another process
