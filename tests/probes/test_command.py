"""A command run as if nobody stood between: its exit code, its CPU time, its signals. Real processes throughout."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from probes.command import Signals, machine_busy_s
from probes.errors import ProbeError

ROOT = Path(__file__).parents[2]
# Runs its arguments as a command and prints how that ended; pytest's own process may have threads that take signals.
RUNNER = """
import sys
from probes.command import Signals
with Signals() as signals:
    end = signals.run(sys.argv[1:])
print("ended", end.exit_code)
"""
# Says that it is ready, waits for a signal, counts how often it comes in a fifth of a second, and gives that.
COUNTS = """
import signal, sys, time
came = []
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
    signal.signal(number, lambda number, frame: came.append(number))
print("ready", flush=True)
while not came:
    time.sleep(0.01)
time.sleep(0.2)
sys.exit(10 * len(came) + (came[0] == signal.SIGUSR1))
"""

WAITER = """
from probes.command import Signals
with Signals() as signals:
    print("ready", flush=True)
    print(signals.sleep(60), signals.stop.name)
"""


def run(*argv):
    with Signals() as signals:
        return signals.run(argv)


def runner(*argv, **options):
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, *argv], stdout=subprocess.PIPE, text=True, cwd=ROOT, **options
    )


def wait_for_line(process, line):
    assert process.stdout.readline() == f"{line}\n"


def test_the_exit_code_is_the_commands():
    assert run("sh", "-c", "exit 7").exit_code == 7


def test_a_signal_that_ends_it_is_negative():
    assert run("sh", "-c", "kill -KILL $$").exit_code == -signal.SIGKILL


def test_cpu_time_and_memory_are_of_the_command_and_the_children_it_waited_for():
    end = run("sh", "-c", f"{sys.executable} -c 'b = bytes([1]) * 50_000_000; sum(range(3_000_000))'; true")
    assert end.cpu_s > 0.01
    assert end.peak_rss_bytes > 50_000_000
    assert end.end_ns > end.start_ns
    assert end.machine_busy_s >= 0


def test_a_process_that_it_leaves_behind_is_not_waited_for(tmp_path):
    started_s = time.monotonic()
    run("sh", "-c", f"sleep 60 & echo $! > {tmp_path / 'pid'}")
    assert time.monotonic() - started_s < 30
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_it_reads_our_input_and_writes_our_output():
    process = runner("cat", stdin=subprocess.PIPE)
    out, _ = process.communicate("through and through\n", timeout=60)
    assert out == "through and through\nended 0\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 10), (signal.SIGINT, 10), (signal.SIGUSR1, 11)])
def test_what_is_sent_to_us_is_handed_on_once(number, code):
    process = runner(sys.executable, "-c", COUNTS)
    wait_for_line(process, "ready")
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert out == f"ended {code}\n"


def test_what_the_terminal_sends_reaches_the_command_once():
    # a session with a terminal of its own: its Ctrl-C goes to every process in the foreground
    ours, theirs = pty.openpty()
    process = runner(
        sys.executable, "-c", COUNTS,
        stdin=theirs, start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    wait_for_line(process, "ready")
    os.write(ours, b"\x03")
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert out == "ended 10\n"


def test_the_command_begins_with_the_signals_of_a_shell():
    # blocked and ignored signals outlive exec: Python ignores SIGPIPE, and we hold back SIGTERM
    text = subprocess.run(
        [sys.executable, "-c", RUNNER, "cat", "/proc/self/status"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    masks = {name: int(mask, 16) for name, mask in (line.split() for line in text.splitlines() if line[:3] == "Sig")
             if "/" not in mask}  # fmt: skip
    assert masks["SigBlk:"] == 0
    assert masks["SigIgn:"] & (1 << (signal.SIGPIPE - 1)) == 0


def test_a_signal_that_was_ignored_stays_ignored():
    process = runner(
        "sh", "-c", "echo ready; sleep 0.3", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    wait_for_line(process, "ready")
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=60)
    assert out == "ended 0\n"


def test_a_file_that_is_no_program_is_a_sentence(tmp_path):
    path = tmp_path / "program"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    with pytest.raises(ProbeError, match=r"the command '.*program' cannot be run: No such file or directory"):
        run(str(path))


def test_waiting_ends_early_when_somebody_asks_for_an_end():
    process = subprocess.Popen([sys.executable, "-c", WAITER], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    wait_for_line(process, "ready")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert out == "False SIGTERM\n"


def test_busy_time_is_what_the_kernel_counts_without_idle_and_guests(tmp_path):
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 20 30 4000 500 6 7 8 90 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    assert machine_busy_s(stat) == pytest.approx((100 + 20 + 30 + 6 + 7 + 8) / ticks_per_s)


def test_where_no_kernel_says_it_busy_time_is_unknown(tmp_path):
    assert machine_busy_s(tmp_path / "stat") is None
