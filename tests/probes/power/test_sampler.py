"""The sampler as it runs: real processes, counters that the test turns, and ways to die."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from probes.errors import ProbeError
from probes.power import log
from probes.power.readings import MeterRecord, PowerOverrides, PowerRange, Reading
from probes.power.sampler import PowerSampler, read_power_log
from tests.probes.power.trees import SERVER, set_energy_uj, write_tree

GENEROUS_S = 30.0  # a limit for a machine that is very busy; nothing waits that long


def wait_until(condition):
    deadline = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def samples_of(path, meter, phase):
    return [sample for sample in read_power_log(path)[1] if sample.meter == meter and sample.phase == phase]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "power.jsonl"


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "powercap", SERVER, energy_uj=0)


def test_counters_are_read_exactly_at_the_edges_of_a_phase(path, tree):
    with PowerSampler(path, hz=1, powercap_root=tree) as sampler:
        sampler.mark("idle")
        set_energy_uj(tree, "intel-rapl:0", 5_000_000)
        sampler.mark("load")
        set_energy_uj(tree, "intel-rapl:0", 12_000_000)
    idle, load = (samples_of(path, "rapl:package-0", phase) for phase in ("idle", "load"))
    assert (idle[0].energy_j, idle[-1].energy_j) == (0, 5)
    assert (load[0].energy_j, load[-1].energy_j) == (5, 12)


def test_the_readings_of_an_edge_are_on_disk_when_its_mark_returns(path, tree):
    with PowerSampler(path, powercap_root=tree) as sampler:
        before_ns = time.monotonic_ns()
        marked_ns = sampler.mark("idle")
        edge = samples_of(path, "rapl:package-0", "idle")[0]
        assert before_ns < edge.t_ns < marked_ns < time.monotonic_ns()


def test_every_meter_has_one_reading_an_instant_and_time_moves_on(path, tree):
    with PowerSampler(path, hz=100, powercap_root=tree) as sampler:
        for phase in ("idle", "load", "idle"):
            sampler.mark(phase)
            wait_until(lambda: len(read_power_log(path)[1]) > 20)
    meters, samples = read_power_log(path)
    for meter in meters:
        instants = [sample.t_ns for sample in samples if sample.meter == meter.meter]
        assert instants == sorted(set(instants))


def test_a_model_stands_in_only_for_what_no_counter_shows(tmp_path, path):
    packages_only = write_tree(tmp_path / "powercap", {"intel-rapl:0": "package-0"})
    with PowerSampler(path, powercap_root=packages_only):
        pass
    basis = {meter.component: meter.basis for meter in read_power_log(path)[0] if meter.component != "gpu"}
    assert basis == {"cpu": "measured", "ram": "modelled"}


def test_without_counters_the_users_tdp_bounds_the_model(tmp_path, path):
    overrides = PowerOverrides(cpu_tdp_w=PowerRange(low=10, central=20, high=30))
    with PowerSampler(path, hz=50, overrides=overrides, powercap_root=tmp_path) as sampler:
        sampler.mark("idle")
        wait_until(lambda: samples_of(path, "modelled:cpu", "idle"))
        sampler.mark("load")
        wait_until(lambda: len(samples_of(path, "modelled:cpu", "load")) > 2)
    for sample in samples_of(path, "modelled:cpu", "load"):
        assert 1 <= sample.power_w_low <= sample.power_w <= sample.power_w_high <= 30.7


def test_nothing_is_read_before_the_first_mark(path, tree):
    with PowerSampler(path, hz=100, powercap_root=tree) as sampler:
        assert sampler.latest_power_w() is None
        assert read_power_log(path)[1] == []


RECORDED = MeterRecord(
    meter="nvml:0",
    component="gpu",
    basis="measured",
    method="nvml-power-sampled",
    device="a card",
    source="a recording",
)


def recording(path, readings):
    lines = [log.meter_line(RECORDED), *(log.sample_line(0, "load", i, reading) for i, reading in enumerate(readings))]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_meter_that_fails_on_the_way_is_invalid_from_then_on_and_never_zero(tmp_path, path):
    three = recording(tmp_path / "recording", [Reading(power_w=watts) for watts in (100.0, 200.0, 300.0)])
    with PowerSampler(path, hz=100, replay=three) as sampler:
        sampler.mark("load")
        wait_until(lambda: not read_power_log(path)[0][0].valid)
        sampler.mark("idle")
    (meter,), samples = read_power_log(path)
    assert meter.invalid_reason == "the recording of nvml:0 is over"
    assert [sample.power_w for sample in samples] == [100, 200, 300]


def test_the_watts_for_display_are_those_of_the_last_second(tmp_path, path):
    steady = recording(tmp_path / "recording", [Reading(power_w=250.0)] * 1000)
    with PowerSampler(path, replay=steady) as sampler:
        sampler.mark("load")
        assert sampler.latest_power_w() == 250


def test_the_watts_of_a_counter_are_its_rise_over_time(path, tree):
    with PowerSampler(path, hz=0.05, powercap_root=tree) as sampler:  # but for its edges it is hardly ever read
        sampler.mark("load")
        set_energy_uj(tree, "intel-rapl:0", 5_000_000)
        sampler.mark("load")
        assert sampler.latest_power_w() > 0


def test_a_sampler_that_is_killed_leaves_its_readings_and_a_reason_and_the_trial_goes_on(path, tree):
    with PowerSampler(path, hz=100, powercap_root=tree) as sampler:
        assert sampler.mark("idle") is not None
        os.kill(sampler.pid, signal.SIGKILL)
        assert sampler.mark("load") is None
        assert sampler.latest_power_w() is None
    meters, samples = read_power_log(path)
    assert {meter.invalid_reason for meter in meters} == {"the power sampler ended with exit code -9"}
    assert samples


def test_a_sampler_ends_with_a_parent_that_was_killed_and_closes_its_log(path, tree):
    script = (
        "import sys, time; from pathlib import Path; from probes.power.sampler import PowerSampler\n"
        "with PowerSampler(Path(sys.argv[1]), hz=50, powercap_root=Path(sys.argv[2])) as sampler:\n"
        "    sampler.mark('load'); print(sampler.pid, flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path), str(tree)], stdout=subprocess.PIPE) as parent:
        sampler_pid = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: not psutil.pid_exists(sampler_pid))
    assert '{"end":' in path.read_text()
    meters, samples = read_power_log(path)
    assert all(meter.valid for meter in meters)
    assert samples


def test_a_terminated_sampler_closes_its_log(path, tree):
    with PowerSampler(path, powercap_root=tree) as sampler:
        sampler.mark("load")
        os.kill(sampler.pid, signal.SIGTERM)
        wait_until(lambda: '{"end":' in path.read_text())


def test_no_process_stays_behind_and_a_second_stop_does_nothing(path, tree):
    with PowerSampler(path, powercap_root=tree) as sampler:
        pid = sampler.pid
        sampler.mark("load")
        sampler.stop()
        assert not psutil.pid_exists(pid)
    assert list(path.parent.glob("*.stderr")) == []
    assert all(meter.valid for meter in read_power_log(path)[0])


def test_the_samplers_process_is_small_because_it_imports_little():
    script = (
        "import sys, probes.power.sampler_process\n"
        "heavy = {'codecarbon', 'numpy', 'pandas', 'pynvml', 'gguf', 'xllamacpp', 'psutil', 'argparse', 'http'}\n"
        "print(sorted(sys.modules.keys() & heavy))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("hz", [0, -1, 1000])
def test_a_rate_out_of_bounds_is_refused(path, hz):
    with pytest.raises(ProbeError, match=f"hz = {hz} must be > 0 and <= 100"):
        PowerSampler(path, hz=hz)


def test_a_log_that_cannot_be_written_is_a_sentence(tmp_path):
    sampler = PowerSampler(tmp_path / "no" / "folder" / "power.jsonl")
    with pytest.raises(ProbeError, match="cannot be written: No such file or directory"):
        sampler.__enter__()


def test_a_sampler_that_cannot_start_says_so_at_the_first_mark_and_in_its_log(tmp_path, path):
    (tmp_path / "recording").write_text('{"some": "thing"}\n')
    with PowerSampler(path, replay=tmp_path / "recording") as sampler:
        assert sampler.mark("idle") is None
        assert "is not a line of a power log" in sampler.failure
        assert not psutil.pid_exists(sampler.pid)
        assert sampler.mark("load") is None
    (record,), samples = read_power_log(path)
    assert (record.component, record.valid, samples) == ("machine", False, [])
    assert record.invalid_reason == sampler.failure


def test_starting_waits_for_nothing(path, tree):
    name = tree / "intel-rapl:0" / "name"
    name.unlink()
    os.mkfifo(name)
    sampler = PowerSampler(path, powercap_root=tree)
    with sampler:
        assert read_power_log(path)[0] == []  # it cannot have found its meters: nobody has said yet what this one is
        name.write_text("package-0\n")
        sampler.mark("load")
        assert read_power_log(path)[0] != []


def test_an_older_log_does_not_outlive_the_start_of_a_new_one(path, tree):
    path.write_text("an older night's\n")
    with PowerSampler(path, powercap_root=tree) as sampler:
        os.kill(sampler.pid, signal.SIGKILL)
        assert sampler.mark("load") is None
    assert read_power_log(path)[0][0].invalid_reason.startswith("the power sampler ended with exit code -9")


def test_ctrl_c_while_the_first_mark_waits_leaves_no_process_behind(path, tree):
    script = (
        "import os, signal, sys, threading, time; from pathlib import Path\n"
        "from probes.power.sampler import PowerSampler\n"
        "def interrupt():\n"
        "  time.sleep(0.2); os.kill(os.getpid(), signal.SIGINT)\n"
        "  time.sleep(0.2); os.kill(sampler.pid, signal.SIGCONT)\n"
        "try:\n"
        "  with PowerSampler(Path(sys.argv[1]), powercap_root=Path(sys.argv[2])) as sampler:\n"
        "    print(sampler.pid, flush=True)\n"
        "    os.kill(sampler.pid, signal.SIGSTOP)\n"  # it will not be ready before we are interrupted
        "    threading.Thread(target=interrupt).start()\n"
        "    sampler.mark('load')\n"
        "except KeyboardInterrupt:\n"
        "  print('interrupted')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(tree)],
        capture_output=True,
        text=True,
        check=True,
        timeout=GENEROUS_S,
    )
    sampler_pid, *rest = done.stdout.split()
    assert rest == ["interrupted"]
    assert not psutil.pid_exists(int(sampler_pid))


def test_ctrl_c_of_a_terminal_does_not_reach_the_sampler(path, tree):
    with PowerSampler(path, powercap_root=tree) as sampler:
        assert os.getpgid(sampler.pid) == sampler.pid != os.getpgrp()
