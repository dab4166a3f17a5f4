"""What machine this is, and who else was busy on it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from probes.host import CpuReading, CpuWatch, cpu_facts, host_facts, others_share

TWO_SOCKETS = """processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8480+
physical id\t: 0
flags\t\t: fpu vme avx2

processor\t: 1
model name\t: Intel(R) Xeon(R) Platinum 8480+
physical id\t: 1
flags\t\t: fpu vme avx2
"""


def test_the_host_has_a_stable_id_that_does_not_show_the_machines_own():
    facts = host_facts()
    host_facts.cache_clear()
    assert host_facts() == facts
    assert len(facts.host_id) == 12
    int(facts.host_id, 16)
    machine_id = Path("/etc/machine-id")
    assert not machine_id.exists() or facts.host_id not in machine_id.read_text()


def test_the_host_facts_are_those_of_this_machine():
    facts = host_facts()
    assert facts.cpu_threads == os.cpu_count()
    assert facts.ram_bytes > 2**28
    assert facts.cpu_model
    assert facts.python_version == ".".join(map(str, sys.version_info[:3]))
    assert os.uname().release in facts.os


def test_two_packages_are_two_sockets_and_bare_metal_is_no_guest(tmp_path):
    (tmp_path / "cpuinfo").write_text(TWO_SOCKETS)
    cpu = cpu_facts(tmp_path / "cpuinfo")
    assert (cpu.model, cpu.sockets, cpu.virtual) == ("Intel(R) Xeon(R) Platinum 8480+", 2, False)


def test_a_hypervisor_flag_tells_a_guest(tmp_path):
    (tmp_path / "cpuinfo").write_text("model name\t: AMD EPYC\nflags\t\t: fpu hypervisor avx2\n")
    assert cpu_facts(tmp_path / "cpuinfo").virtual


def test_a_kernel_that_names_no_model_still_gives_a_name(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\n")
    cpu = cpu_facts(tmp_path / "cpuinfo")
    assert cpu.model == os.uname().machine
    assert cpu.sockets == 1


def reading(total_s, busy_s, own_s):
    return CpuReading(total_s=total_s, busy_s=busy_s, own_s=own_s)


def test_others_have_what_is_busy_and_not_ours():
    assert others_share(reading(100, 40, 10), reading(120, 55, 15)) == pytest.approx((15 - 5) / 20)


def test_clocks_that_tick_apart_give_no_negative_share():
    assert others_share(reading(0, 0, 0), reading(20, 5, 5.01)) == 0


def test_without_time_there_is_no_share():
    assert others_share(reading(7, 1, 1), reading(7, 1, 1)) is None


def test_work_of_our_children_is_ours_also_after_they_have_ended():
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with bystander:
        ours, without_us = CpuWatch([os.getpid()]), CpuWatch([bystander.pid])
        ours.start()
        without_us.start()
        subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
        # The same busy time in the same window: only whose it is differs.
        share_with_us, share_without_us = ours.stop(), without_us.stop()
        bystander.communicate(b"\n")
    assert share_with_us < share_without_us


def test_a_watch_that_was_never_started_knows_nothing():
    assert CpuWatch([os.getpid()]).stop() is None
