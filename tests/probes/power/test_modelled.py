"""Models for what has no counter: known points, laws of the range, and where the TDP comes from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.host import CpuFacts, cpu_facts
from probes.power.modelled import (
    CpuModel,
    RamModel,
    cubic_power_share,
    linear_power_share,
    logarithmic_power_share,
    machine_tdp_w,
)
from probes.power.readings import PowerOverrides, PowerRange

LOADS = st.floats(0, 1)


def cpu(model, threads, *, sockets=1, virtual=False):
    return CpuFacts(model=model, threads=threads, sockets=sockets, virtual=virtual)


@pytest.mark.parametrize(
    ("load", "share"), [(0, 0.1), (0.1, 0.1009), (0.25, 0.1141), (0.5, 0.2125), (0.75, 0.4797), (1, 1)]
)
def test_the_low_curve_is_codecarbons(load, share):
    assert cubic_power_share(load) == pytest.approx(share, abs=5e-5)


@pytest.mark.parametrize(("load", "share"), [(0, 0.12), (0.1, 0.32), (0.5, 0.75), (1, 1.02)])
def test_the_high_curve_goes_through_boaviztas_points(load, share):
    assert logarithmic_power_share(load) == pytest.approx(share, abs=0.002)


@given(load=LOADS)
def test_low_is_below_central_is_below_high(load):
    assert cubic_power_share(load) <= linear_power_share(load) + 1e-12
    assert linear_power_share(load) <= logarithmic_power_share(load)


@given(loads=st.tuples(LOADS, LOADS))
def test_more_load_never_takes_less_power(loads):
    less, more = sorted(loads)
    for curve in (cubic_power_share, linear_power_share, logarithmic_power_share):
        assert curve(less) <= curve(more)


def test_bare_metal_has_the_tdp_of_all_its_packages():
    tdp, source = machine_tdp_w(cpu("Intel(R) Xeon(R) Platinum 8480+", 224, sockets=2))
    assert (tdp.low, tdp.central, tdp.high) == (700, 700, 700)
    assert "Intel Xeon Platinum 8480+" in source


def test_a_guest_of_a_known_cpu_has_its_threads_share():
    # 280 W for 64 cores: 8 virtual threads are 4 cores if cores are shared, 8 if not.
    tdp, _ = machine_tdp_w(cpu("AMD EPYC 7763 64-Core Processor", 8, virtual=True))
    assert (tdp.low, tdp.central, tdp.high) == pytest.approx((17.5, 17.5, 35))


def test_an_unknown_cpu_has_four_watts_a_thread_within_what_server_parts_range_over():
    tdp, source = machine_tdp_w(cpu("AMD EPYC", 2, virtual=True))
    assert (tdp.low, tdp.central, tdp.high) == pytest.approx((2 * 360 / 256, 8, 2 * 180 / 16))
    assert "not in the table" in source


def test_a_guest_never_has_more_than_the_package():
    tdp, _ = machine_tdp_w(cpu("Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", 8, virtual=True))
    assert tdp.high == 15
    assert tdp.low <= tdp.central <= tdp.high


def test_the_users_own_tdp_replaces_the_table(tmp_path):
    model = CpuModel(cpu_facts(), PowerOverrides(cpu_tdp_w=PowerRange(low=10, central=20, high=30)))
    assert "TDP 10-20-30 W (TDP from the config)" in model.record.source


def test_this_machines_cpu_reads_as_a_range_between_its_idle_and_full_power():
    model = CpuModel(cpu_facts(), PowerOverrides(cpu_tdp_w=PowerRange(low=10, central=20, high=30)))
    reading = None
    while reading is None:  # the kernel's clock ticks every 10 ms
        reading = model.read()
    assert 0 <= reading.load_share <= 1
    assert reading.power_w == pytest.approx(20 * linear_power_share(reading.load_share))
    assert 1 <= reading.power_w_low <= reading.power_w <= reading.power_w_high <= 30.7


def test_two_looks_within_one_tick_say_nothing():
    model = CpuModel(cpu_facts(), PowerOverrides(cpu_tdp_w=PowerRange(low=10, central=20, high=30)))
    assert None in {model.read() for _ in range(3)}


@given(ram_bytes=st.integers(2**29, 2**43))
def test_memory_has_a_range_around_codecarbons_rule(ram_bytes):
    reading = RamModel(ram_bytes).read()
    assert 0 < reading.power_w_low <= reading.power_w <= reading.power_w_high


def test_memory_of_a_typical_server_slice():
    reading = RamModel(24 * 1024**3).read()
    # 4 DIMMs x 5 W; 0.7 x (3 W / 32 GB + 0.055 W/GB) x 24 GB; the rule of 3 W per 8 GB lies between.
    assert (reading.power_w_low, reading.power_w, reading.power_w_high) == pytest.approx((2.499, 20, 20), abs=1e-3)


def test_a_range_upside_down_is_refused():
    with pytest.raises(ValueError, match="low <= central <= high, got 3, 2, 4"):
        PowerRange(low=3, central=2, high=4)
