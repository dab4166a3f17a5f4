"""What the doctor says of this machine, and of machines with something missing."""

import pytest

from probes.doctor import checks, core_check, descriptor_check
from probes.host import CpuFacts
from probes.power.checks import meter_checks
from probes.power.readings import HookSpec, PowerOverrides
from tests.probes.power.plug import plug
from tests.probes.power.trees import LAPTOP, SERVER, write_tree


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


def meters(root, **overrides):
    return {check.name: check for check in meter_checks(PowerOverrides(**overrides), root)}


def test_every_kind_of_meter_is_listed_whether_it_is_used_or_not(found, tmp_path):
    kinds = ("nvml", "amdsmi", "rapl", "modelled:cpu", "modelled:ram", "hook", "replay")
    for here in ([check.name for check in found], meters(write_tree(tmp_path, SERVER))):
        for kind in kinds:
            assert any(name.startswith(f"meter {kind}") for name in here), kind


def test_counters_that_are_there_are_listed_as_meters_and_models_as_not_needed(tmp_path):
    found = meters(write_tree(tmp_path, SERVER))
    assert [found[f"meter rapl:{name}"].ok for name in ("package-0", "package-1", "dram-0", "dram-1")] == [True] * 4
    assert found["meter rapl:package-0"].detail.endswith("; up to 0.001 s old")
    assert [found[f"meter modelled:{name}"].ok for name in ("cpu", "ram")] == [False] * 2
    assert "a counter shows the energy of the processor" in found["meter modelled:cpu"].detail


def test_a_counter_that_cannot_be_read_is_listed_with_its_reason_and_what_stands_in(tmp_path):
    root = write_tree(tmp_path, {"intel-rapl:0": "package-0"})
    (root / "intel-rapl:0" / "energy_uj").write_text("not a number\n")
    found = meters(root)
    assert not found["meter rapl:package-0"].ok
    assert "cannot be read as a counter" in found["meter rapl:package-0"].detail
    assert found["meter rapl:package-0"].remedy == "until then a model stands in"
    assert found["meter modelled:cpu"].ok
    assert "no counter of its memory" in found["meter rapl:dram"].detail


def test_one_package_of_two_that_cannot_be_read_leaves_a_hole_that_no_model_fills(tmp_path):
    root = write_tree(tmp_path, {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1"})
    (root / "intel-rapl:1" / "energy_uj").unlink()
    found = meters(root)
    assert found["meter rapl:package-0"].ok
    assert found["meter rapl:package-1"].remedy == "until then its trials have no energy"
    assert not found["meter modelled:cpu"].ok


def test_the_platforms_counter_is_listed_with_what_it_takes_to_use_it(tmp_path):
    root = write_tree(tmp_path, LAPTOP)
    unasked = meters(root)["meter rapl:psys"]
    assert not unasked.ok
    assert "would count them twice" in unasked.detail
    assert "set rapl_psys = true in [site]" in unasked.remedy
    assert meters(root, rapl_psys=True)["meter rapl:psys"].ok
    lacking = meters(write_tree(tmp_path / "server", SERVER), rapl_psys=True)["meter rapl:psys"]
    assert "rapl_psys is set, but no domain" in lacking.detail
    assert lacking.remedy == "until then the machine's energy is that of its parts"


def test_a_meter_of_the_users_own_is_tried_once(tmp_path):
    with plug() as shelly:
        wall = HookSpec(id="wall", component="machine", value="power", unit="W", url=shelly.url, json_path="apower")
        wrong = HookSpec(id="wrong", component="machine", value="power", unit="W", url=shelly.url, json_path="watts")
        nothing = HookSpec(id="nothing", component="machine", value="power", unit="W", url="http://127.0.0.1:1/")
        found = meters(tmp_path, hooks=(wall, wrong, nothing))
        assert len(shelly.headers) == 2
    assert found["meter hook:wall"].ok
    assert found["meter hook:wall"].detail.startswith("machine: 42.5 W just now, by http://127.0.0.1:")
    assert not found["meter hook:wrong"].ok
    assert "has no 'watts' of json_path 'watts'; known there: id, apower" in found["meter hook:wrong"].detail
    assert "no answer: [Errno 111] Connection refused" in found["meter hook:nothing"].detail
    assert "take it out of the config" in found["meter hook:nothing"].remedy


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
