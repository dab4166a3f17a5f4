"""The two ways to start a sampler, each in a process of its own: pytest's may have one thread or several."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from probes.power.sampler import read_power_log
from tests.probes.power.trees import SERVER, write_tree

ONE_THREAD, TWO_THREADS = (
    "",
    # one that stays: reading an input that is at its end would be over before the sampler starts
    "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()\n",
)

PARENT = """
import fcntl, json, os, signal, sys, time
from pathlib import Path
from probes.power.sampler import PowerSampler

log, tree = Path(sys.argv[1]), Path(sys.argv[2])
heard = []
signal.signal(signal.SIGTERM, lambda *_: heard.append(os.write(1, b"a handler of ours")))
lock = open(log.with_name("lock"), "w")
fcntl.flock(lock, fcntl.LOCK_EX)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
"""

MEASURE = """
with PowerSampler(log, hz=50, powercap_root=tree) as sampler:
    marked = sampler.mark("load")
    of = Path("/proc") / str(sampler.pid)
    os.kill(sampler.pid, signal.SIGSTOP)  # it opens and closes what its meters read 50 times a second
    while (of / "stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.001)
    status = (of / "status").read_text().splitlines()
    said = {
        "marked": marked is not None, "group": os.getpgid(sampler.pid) == sampler.pid,
        "command": (of / "cmdline").read_bytes().decode().split("\\0"),
        "open": sorted(os.readlink(fd) for fd in (of / "fd").iterdir() if int(fd.name) > 2),
        "blocked": next(line.split()[1] for line in status if line.startswith("SigBlk")),
    }
    os.kill(sampler.pid, signal.SIGCONT)
    os.kill(sampler.pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while '{"end":' not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
os.write(1, json.dumps(said).encode())
"""


def measured(tmp_path, threads):
    log, tree = tmp_path / "power.jsonl", write_tree(tmp_path / "powercap", SERVER, energy_uj=0)
    done = subprocess.run(
        [sys.executable, "-c", PARENT + threads + MEASURE, str(log), str(tree)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    meters, samples = read_power_log(log)
    assert all(meter.valid for meter in meters if meter.component != "gpu")
    assert samples
    assert '{"end":' in log.read_text()
    return json.loads(done.stdout)


def test_a_process_of_one_thread_forks_its_sampler(tmp_path):
    assert "-c" in measured(tmp_path, ONE_THREAD)["command"]


def test_a_process_of_two_threads_starts_a_fresh_one_because_a_lock_may_be_held_by_the_other(tmp_path):
    said = measured(tmp_path, TWO_THREADS)
    assert "probes.power.sampler_process" in said["command"]


@pytest.mark.parametrize("threads", [ONE_THREAD, TWO_THREADS])
def test_a_sampler_keeps_no_file_of_its_parents_open_and_nobodys_lock(tmp_path, threads):
    said = measured(tmp_path, threads)
    being_read = (str(tmp_path / "powercap"), "/proc/", "/sys/")  # stopped in the midst of a reading
    assert [Path(name).name for name in said["open"] if not name.startswith(being_read)] == ["power.jsonl"]
    assert said["marked"] and said["group"]


@pytest.mark.parametrize("threads", [ONE_THREAD, TWO_THREADS])
def test_signals_that_its_parent_holds_back_are_held_back_by_the_sampler_too(tmp_path, threads):
    sigusr1 = 1 << (10 - 1)
    assert int(measured(tmp_path, threads)["blocked"], 16) == sigusr1


def test_a_fork_finds_its_pipes_where_its_parent_has_no_standard_input(tmp_path):
    log, tree = tmp_path / "power.jsonl", write_tree(tmp_path / "powercap", SERVER, energy_uj=0)
    command = [sys.executable, "-c", "import os; os.close(0)\n" + PARENT + MEASURE, str(log), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout)["marked"]
