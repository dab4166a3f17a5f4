"""What the doctor says of this machine, and of machines with something missing."""

import pytest

from probes.doctor import checks, core_check, descriptor_check, meter_checks
from probes.host import CpuFacts
from probes.power.readings import PowerOverrides
from tests.probes.power.trees import SERVER, write_tree


@pytest.fixture(scope="module")
def found():
    return checks()


def test_every_check_has_a_name_of_its_own_and_something_to_say(found):
    assert len({check.name for check in found}) == len(found)
    assert all(check.detail for check in found)


def test_what_cannot_be_used_comes_with_what_to_do(found):
    assert all(check.remedy for check in found if not check.ok)
    assert all(check.remedy is None for check in found if check.ok)


def test_meters_engine_weights_data_port_stamps_files_and_cores_are_all_looked_at(found):
    kinds = ("meter", "engine", "weights", "carbon data", "loopback port", "receive stamps", "open files", "cores")
    for kind in kinds:
        assert any(check.name.startswith(kind) for check in found), kind


def test_this_kernel_stamps_what_arrives(found):
    assert next(check for check in found if check.name == "receive stamps").ok


def test_counters_that_are_there_are_listed_as_meters(tmp_path):
    found = meter_checks(PowerOverrides(), write_tree(tmp_path, SERVER))
    rapl = [check for check in found if check.name.startswith("meter rapl:")]
    assert [check.ok for check in rapl] == [True] * 4
    assert not any(check.name.startswith("meter modelled") for check in found)


def test_a_counter_that_cannot_be_read_is_listed_with_its_reason_and_what_stands_in(tmp_path):
    root = write_tree(tmp_path, {"intel-rapl:0": "package-0"})
    (root / "intel-rapl:0" / "energy_uj").write_text("not a number\n")
    found = {check.name: check for check in meter_checks(PowerOverrides(), root)}
    assert not found["meter rapl:package-0"].ok
    assert "cannot be read as a counter" in found["meter rapl:package-0"].detail
    assert found["meter rapl:package-0"].remedy == "until then a model stands in"
    assert found["meter modelled:cpu"].ok


def test_one_package_of_two_that_cannot_be_read_leaves_a_hole_that_no_model_fills(tmp_path):
    root = write_tree(tmp_path, {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1"})
    (root / "intel-rapl:1" / "energy_uj").unlink()
    found = {check.name: check for check in meter_checks(PowerOverrides(), root)}
    assert found["meter rapl:package-0"].ok
    assert found["meter rapl:package-1"].remedy == "until then its trials have no energy"
    assert "meter modelled:cpu" not in found


def test_a_low_limit_of_open_files_says_how_to_raise_it():
    assert descriptor_check(4096).ok
    low = descriptor_check(256)
    assert not low.ok
    assert low.remedy.startswith("ulimit -n")


@pytest.mark.parametrize(("threads", "load", "ok"), [(2, 0.1, True), (2, 1.5, False), (1, 0.0, False), (16, 4.0, True)])
def test_cores_need_to_be_two_and_quiet(threads, load, ok):
    check = core_check(CpuFacts(model="a CPU", threads=threads, sockets=1, virtual=False), load)
    assert check.ok is ok
    assert (check.remedy is None) is ok
