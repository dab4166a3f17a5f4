"""RAPL counters, read from trees as the kernel writes them."""

import contextlib
import itertools
import os
import tempfile
from pathlib import Path

import pytest

from probes.errors import ProbeError
from probes.power.discover import discover
from probes.power.powercap import PowercapMeter, powercap_meters, psys_domain
from probes.power.readings import PowerOverrides
from tests.probes.power.trees import LAPTOP, RANGE_UJ, SERVER, set_energy_uj, write_tree


def package_meter(root, *, elapsed_s=0.1):
    """The first package, looked at again and again after so long."""
    clock_s = itertools.count(step=elapsed_s)
    return PowercapMeter(
        root / "intel-rapl:0", meter="rapl:package-0", component="cpu", clock_s=lambda: float(next(clock_s))
    )


def test_a_server_has_a_meter_for_each_package_and_each_memory(tmp_path):
    meters = powercap_meters(write_tree(tmp_path, SERVER))
    assert {(meter.record.meter, meter.record.component) for meter in meters} == {
        ("rapl:package-0", "cpu"),
        ("rapl:package-1", "cpu"),
        ("rapl:dram-0", "ram"),
        ("rapl:dram-1", "ram"),
    }


def test_parts_of_a_package_and_the_whole_platform_are_not_counted_beside_it(tmp_path):
    meters = powercap_meters(write_tree(tmp_path, LAPTOP))
    assert [meter.record.meter for meter in meters] == ["rapl:package-0"]
    assert "intel-rapl-mmio:0" in meters[0].record.source


def test_a_machine_without_powercap_has_no_such_meter(tmp_path):
    assert powercap_meters(tmp_path / "nothing") == []


def test_energy_counts_from_the_first_look(tmp_path):
    root = write_tree(tmp_path, SERVER, energy_uj=5_000_000)
    meter = package_meter(root)
    assert meter.read().energy_j == 0
    set_energy_uj(root, "intel-rapl:0", 7_500_000)
    assert meter.read().energy_j == 2.5
    assert meter.read().power_w is None


def test_a_counter_that_wraps_goes_on_rising(tmp_path):
    root = write_tree(tmp_path, SERVER, energy_uj=RANGE_UJ - 2_000_000)
    meter = package_meter(root)
    for energy_uj, expected_j in ((1_000_000, 3.0), (4_000_000, 6.0)):
        set_energy_uj(root, "intel-rapl:0", energy_uj)
        assert meter.read().energy_j == pytest.approx(expected_j)


def test_a_counter_that_wraps_twice_is_unwrapped_twice(tmp_path):
    root = write_tree(tmp_path, {"intel-rapl:0": "package-0"}, energy_uj=0, range_uj=600_000_000)
    meter = package_meter(root)
    for energy_uj in (200_000_000, 590_000_000, 10_000_000, 595_000_000, 5_000_000):
        set_energy_uj(root, "intel-rapl:0", energy_uj)
        energy_j = meter.read().energy_j
    assert energy_j == pytest.approx(2 * 600 + 5)


def test_a_counter_that_was_reset_is_not_taken_for_one_that_wrapped(tmp_path):
    root = write_tree(tmp_path, SERVER, energy_uj=1_000_000_000)
    meter = package_meter(root)
    set_energy_uj(root, "intel-rapl:0", 5_000_000)
    with pytest.raises(
        ProbeError, match=r"rapl:package-0 went back from 1000000000 to 5000000 uJ.* the counter was reset"
    ):
        meter.read()


def test_a_counter_that_was_set_ahead_is_no_energy(tmp_path):
    root = write_tree(tmp_path, SERVER, energy_uj=1_000_000_000)
    meter = package_meter(root)
    set_energy_uj(root, "intel-rapl:0", 200_000_000_000)
    with pytest.raises(ProbeError, match=r"rapl:package-0 leapt .* would be 199000 J in 0.1 s: the counter was reset"):
        meter.read()


@pytest.mark.parametrize(
    ("limit_uw", "elapsed_s", "sentence"),
    [
        ("250000000", 1048.0, None),  # 262,143 J / 250 W = 1048.6 s
        ("250000000", 1049.0, "was not read for 1049 s, and its counter can go round in 1049 s"),
        (None, 131.0, None),
        (None, 132.0, "was not read for 132 s, and its counter can go round in 131 s: how often it did is not known"),
    ],
)
def test_a_counter_that_may_have_gone_round_unseen_is_not_believed(tmp_path, limit_uw, elapsed_s, sentence):
    root = write_tree(tmp_path, SERVER)
    if limit_uw is not None:
        (root / "intel-rapl:0" / "constraint_0_power_limit_uw").write_text(limit_uw)
    meter = package_meter(root, elapsed_s=elapsed_s)
    set_energy_uj(root, "intel-rapl:0", 31_000_000)
    if sentence is None:
        assert meter.read().energy_j == 30.0
    else:
        with pytest.raises(ProbeError, match=sentence):
            meter.read()


def test_a_counter_that_vanishes_says_so(tmp_path):
    root = write_tree(tmp_path, SERVER)
    meter = package_meter(root)
    (root / "intel-rapl:0" / "energy_uj").unlink()
    with pytest.raises(ProbeError, match="cannot be read as a counter"):
        meter.read()


@contextlib.contextmanager
def ordinary_user():
    """Not root, whom no file mode stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_counter_that_only_root_may_read_says_how_to_allow_it():
    # pytest's own folders are closed to other users, so this one is made elsewhere.
    with tempfile.TemporaryDirectory() as folder:
        root = write_tree(Path(folder), {"intel-rapl:0": "package-0"})
        root.chmod(0o755)
        (root / "intel-rapl:0" / "energy_uj").chmod(0o000 if os.geteuid() else 0o400)
        with ordinary_user():
            (record,) = powercap_meters(root)
    assert not record.valid
    assert "readable by root only; allow it with `sudo chmod a+r" in record.invalid_reason


def test_the_platforms_counter_is_read_only_when_asked_for_and_then_as_the_whole_machine(tmp_path):
    root = write_tree(tmp_path, LAPTOP)
    asked = {meter.record.meter: meter.record for meter in powercap_meters(root, psys=True)}
    assert set(asked) == {"rapl:package-0", "rapl:psys"}
    # Another component and another method: an account takes it in place of the package, and never adds the two.
    assert (asked["rapl:psys"].component, asked["rapl:psys"].method) == ("machine", "powercap-psys-counter")
    assert psys_domain(root) == root / "intel-rapl:1"
    assert psys_domain(tmp_path / "nothing") is None


def test_a_platforms_counter_that_is_asked_for_and_not_there_is_a_hole_not_a_silence(tmp_path):
    found = discover(PowerOverrides(rapl_psys=True), powercap_root=write_tree(tmp_path, SERVER))
    (record,) = [record for record in found.missing if record.component == "machine"]
    assert "rapl_psys is set, but no domain under" in record.invalid_reason
    assert {meter.record.meter for meter in found.meters} >= {"rapl:package-0", "rapl:package-1"}


def test_a_counter_tells_how_old_it_may_be_and_the_highest_limit_that_is_kept(tmp_path):
    root = write_tree(tmp_path, SERVER)
    assert package_meter(root).record.power_w_max is None
    (root / "intel-rapl:0" / "constraint_0_power_limit_uw").write_text("205000000\n")
    (root / "intel-rapl:0" / "constraint_1_power_limit_uw").write_text("246000000\n")
    record = package_meter(root).record
    assert (record.resolution_s, record.power_w_max) == (0.001, 246.0)


def test_dies_that_all_show_their_packages_counter_are_counted_once(tmp_path):
    dies = {f"intel-rapl:{n}": f"package-{n // 2}-die-{n % 2}" for n in range(4)}
    root = write_tree(tmp_path, dies, energy_uj=900_000_000)
    set_energy_uj(root, "intel-rapl:1", 900_400_000)  # read a moment later
    set_energy_uj(root, "intel-rapl:3", 750_000_000)  # a die that counts for itself
    meters = [meter.record.meter for meter in powercap_meters(root)]
    assert meters == ["rapl:package-0-die-0", "rapl:package-1-die-0", "rapl:package-1-die-1"]


def test_packages_that_happen_to_agree_are_two_all_the_same(tmp_path):
    root = write_tree(tmp_path, {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1"}, energy_uj=900_000_000)
    assert len(powercap_meters(root)) == 2


def test_one_package_wraps_while_the_other_does_not(tmp_path):
    root = write_tree(tmp_path, SERVER, energy_uj=RANGE_UJ - 2_000_000)
    meters = {meter.record.meter: meter for meter in powercap_meters(root)}
    set_energy_uj(root, "intel-rapl:0", 3_000_000)
    set_energy_uj(root, "intel-rapl:1", RANGE_UJ - 1_000_000)
    assert meters["rapl:package-0"].read().energy_j == pytest.approx(5.0)
    assert meters["rapl:package-1"].read().energy_j == pytest.approx(1.0)
