"""Meters of the user's own: real commands, a real HTTP server, and every way in which they answer badly."""

import os
import sys
import time

import psutil
import pytest

from probes.errors import ProbeError
from probes.power import background
from probes.power.background import BackgroundMeter
from probes.power.hook import HookMeter, number_in
from probes.power.readings import HookSpec
from probes.power.sampler import PowerOverrides, PowerSampler, read_power_log
from tests.probes.power.plug import IPMITOOL, SHELLY, TASMOTA, plug
from tests.probes.power.test_sampler import wait_until
from tests.probes.power.trees import SERVER, write_tree


def spec(**changes):
    given = {"id": "wall", "component": "machine", "value": "power", "unit": "W", "json_path": "apower"}
    return HookSpec(**given | {"timeout_s": 10.0} | changes)  # as long as a config may say: the machine may be busy


def printing(text, **changes):
    """A command that prints `text`."""
    return spec(command=("printf", "%s", text), **{"json_path": None} | changes)


@pytest.fixture
def shelly():
    with plug() as served:
        yield served


@pytest.mark.parametrize(
    ("answer", "changes", "number"),
    [
        (SHELLY, {"json_path": "apower"}, 42.5),
        (SHELLY, {"json_path": "aenergy.by_minute.1"}, 2.0),
        (TASMOTA, {"json_path": "StatusSNS.ENERGY.Power"}, 117),
        (IPMITOOL, {"json_path": None, "pattern": r"Instantaneous power reading:\s+(\d+) Watts"}, 318),
        (" 73.5\n", {"json_path": None}, 73.5),
        ('{"watts": "12.5"}', {"json_path": "watts"}, 12.5),
    ],
)
def test_the_number_is_found_where_makers_put_it(answer, changes, number):
    assert number_in(answer, spec(**changes)) == number


@pytest.mark.parametrize(
    ("answer", "changes", "sentence"),
    [
        ("<html>", {}, "json_path is set, but the answer is no JSON: '<html>'"),
        (SHELLY, {"json_path": "power"}, "the answer has no 'power' of json_path 'power'; known there: id, apower"),
        (SHELLY, {"json_path": "aenergy.by_minute.9"}, "the answer has no '9'"),
        (SHELLY, {"json_path": "apower.now"}, "the answer has no 'now'"),
        (SHELLY, {"json_path": "aenergy"}, "is no number; set json_path or pattern"),
        ('{"apower": true}', {}, "'True' is no number"),
        ('{"apower": null}', {}, "'None' is no number"),
        ('{"apower": NaN}', {}, "'nan' is no number"),
        ("idle", {"json_path": None}, "'idle' is no number"),
        ("1_000", {"json_path": None}, "'1_000' is no number"),
        ("off", {"json_path": None, "pattern": r"(\d+) W"}, r"pattern '(\\d+) W' is not in the answer 'off'"),
        ("x W", {"json_path": None, "pattern": r"(\w+) W"}, "'x' is no number"),
        ('{"apower": ' + "9" * 400 + "}", {}, "is no number; set json_path or pattern"),
        ('{"apower": ' + "9" * 5000 + "}", {}, 'the answer is no JSON: \'{"apower": 999'),
        ("[" * 60_000, {}, "the answer is no JSON: '[[["),
    ],
)
def test_an_answer_without_a_number_is_a_sentence(answer, changes, sentence):
    with pytest.raises(ProbeError) as caught:
        number_in(answer, spec(**changes))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("power", "W", 2.0), ("power", "kW", 2e3),
        ("energy", "J", 2.0), ("energy", "kJ", 2e3), ("energy", "Wh", 7200.0), ("energy", "kWh", 7.2e6),
    ],
)  # fmt: skip
def test_every_unit_becomes_watts_or_joules(value, unit, expected):
    reading = HookMeter(printing("2", value=value, unit=unit)).read()
    assert (reading.power_w if value == "power" else reading.energy_j) == expected
    assert (reading.energy_j is None) == (value == "power")


def test_a_command_runs_without_a_shell():
    assert HookMeter(spec(command=("echo", "5;", "echo", "6"), json_path=None, pattern=r"^(\d)")).read().power_w == 5
    with pytest.raises(ProbeError, match="'5; echo 6' is no number"):
        HookMeter(spec(command=("echo", "5;", "echo", "6"), json_path=None)).read()


def test_a_plug_is_read_over_http(shelly):
    assert HookMeter(spec(url=shelly.url)).read().power_w == 42.5


def test_a_secret_comes_from_the_environment_and_shows_nowhere(shelly, monkeypatch):
    monkeypatch.setenv("PLUG_AUTHORIZATION", "Bearer swordfish")
    meter = HookMeter(spec(url=shelly.url, header_env=(("Authorization", "PLUG_AUTHORIZATION"),)))
    assert meter.read().power_w == 42.5
    assert shelly.headers[0]["Authorization"] == "Bearer swordfish"
    assert "swordfish" not in repr(meter.record)


def test_a_secret_that_is_not_set_is_named(shelly, monkeypatch):
    monkeypatch.delenv("PLUG_AUTHORIZATION", raising=False)
    meter = HookMeter(spec(url=shelly.url, header_env=(("Authorization", "PLUG_AUTHORIZATION"),)))
    with pytest.raises(ProbeError, match="environment variable PLUG_AUTHORIZATION is not set"):
        meter.read()


def test_the_record_names_the_source_without_arguments_and_queries(shelly):
    assert "?" not in HookMeter(spec(url=shelly.url)).record.source
    record = HookMeter(spec(command=("ipmitool", "-P", "swordfish", "dcmi"))).record
    assert record.source == "command ipmitool, power in W"
    assert (record.meter, record.component, record.basis) == ("hook:wall", "machine", "measured")
    assert (record.method, record.resolution_s) == ("hook-power-sampled", None)
    assert HookMeter(spec(url=shelly.url, resolution_s=0.5)).record.resolution_s == 0.5


def test_negative_power_is_refused():
    with pytest.raises(ProbeError, match="hook:wall reports -3 W; power cannot be negative"):
        HookMeter(printing("-3")).read()


@pytest.mark.parametrize(
    ("text", "changes", "sentence"),
    [
        ("1e300", {}, r"hook:wall reports 1e\+300 W, and no machine draws 1 MW: look at its unit"),
        ("1001", {"unit": "kW"}, "hook:wall reports 1001 kW, and no machine draws 1 MW"),
        # more than a double can hold, once it is in joules: the log could not be read again
        ("1e305", {"value": "energy", "unit": "kWh"}, r"reports 1e\+305 kWh, which is more than can be counted"),
    ],
)
def test_what_no_machine_can_draw_is_refused(text, changes, sentence):
    with pytest.raises(ProbeError, match=sentence):
        HookMeter(printing(text, timeout_s=60.0, **changes)).read()


def test_a_counter_that_leaps_ahead_is_refused_and_one_that_counts_whole_kilowatt_hours_is_not(shelly):
    meter = HookMeter(spec(url=shelly.url, value="energy", unit="kWh", json_path="total"))
    for total in (7, 8):
        shelly.body = f'{{"total": {total}}}'
        assert meter.read().energy_j == total * 3.6e6
    shelly.body = '{"total": 5000}'
    with pytest.raises(
        ProbeError, match=r"hook:wall reports 5000 kWh after 8, .* its counter was set while we measured"
    ):
        meter.read()


def test_a_command_that_writes_without_end_is_ended_at_once():
    meter = HookMeter(spec(command=("yes",), json_path=None, timeout_s=60.0))
    assert meter.read() is None
    assert meter.silence == "yes wrote more than 64 KiB"


def test_a_counter_that_goes_back_is_refused(shelly):
    meter = HookMeter(spec(url=shelly.url, value="energy", unit="Wh", json_path="aenergy.total"))
    assert meter.read().energy_j == pytest.approx(1234.567 * 3600)
    shelly.body = SHELLY.replace("1234.567", "0.001")
    with pytest.raises(ProbeError, match=r"reports 0\.001 Wh after 1234\.57: its counter went back"):
        meter.read()


def test_a_command_that_does_not_exist_is_refused():
    with pytest.raises(ProbeError, match="no-such-meter cannot be run: No such file or directory"):
        HookMeter(spec(command=("no-such-meter",))).read()


@pytest.mark.parametrize("status", [302, 401, 500])
def test_an_http_error_is_no_answer_and_redirects_are_not_followed(shelly, status):
    shelly.status = status
    meter = HookMeter(spec(url=shelly.url))
    assert meter.read() is None
    assert f"the answer was HTTP {status}" in meter.silence


def test_a_plug_that_is_not_there_is_no_answer():
    meter = HookMeter(spec(url="http://127.0.0.1:1/"))
    assert meter.read() is None
    assert meter.silence == "no answer: [Errno 111] Connection refused"


def test_a_plug_that_hangs_is_no_answer_after_its_timeout(shelly):
    shelly.hangs.set()
    meter = HookMeter(spec(url=shelly.url, timeout_s=0.1))
    assert meter.read() is None
    assert meter.silence == "no answer: timed out"


def test_a_command_that_fails_is_no_answer_with_its_last_words():
    meter = HookMeter(spec(command=("sh", "-c", "echo no BMC >&2; exit 3")))
    assert meter.read() is None
    assert meter.silence == "sh ended with exit code 3: no BMC"


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path):
    meter = HookMeter(
        spec(command=("sh", "-c", f"sleep 600 & echo $! > {tmp_path}/child; wait"), timeout_s=0.3, json_path=None)
    )
    assert meter.read() is None
    assert meter.silence == "sh did not end within 0.3 s"
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_silence_of_more_than_three_seconds_beyond_the_period_ends_a_meter(monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(background.time, "monotonic", lambda: now)
    meter = BackgroundMeter(HookMeter(spec(command=("false",))))
    monkeypatch.setattr(background.time, "monotonic", lambda: now + 3.9)
    assert meter.failure() is None
    monkeypatch.setattr(background.time, "monotonic", lambda: now + 4.2)
    assert "hook:wall gave no reading for 4." in meter.failure()


def sampler_with(tmp_path, *hooks, hz=100.0):
    tree = write_tree(tmp_path / "powercap", SERVER)
    return PowerSampler(tmp_path / "power.jsonl", hz=hz, overrides=PowerOverrides(hooks=hooks), powercap_root=tree)


def readings_of(path, meter, phase):
    return [s for s in read_power_log(path)[1] if (s.meter, s.phase) == (meter, phase)]


def test_a_hook_is_asked_anew_at_every_edge_and_belongs_to_both_its_phases(tmp_path, shelly):
    path = tmp_path / "power.jsonl"
    with sampler_with(tmp_path, spec(url=shelly.url, period_s=30.0)) as sampler:
        sampler.mark("idle")
        shelly.body = SHELLY.replace("42.5", "80.0")
        sampler.mark("load")
        assert sampler.latest_power_w() == 80.0  # of the whole machine, so its parts are not added
        shelly.body = SHELLY.replace("42.5", "90.0")
    idle, load = (readings_of(path, "hook:wall", phase) for phase in ("idle", "load"))
    assert [s.power_w for s in idle] == [42.5, 80.0]
    assert [s.power_w for s in load] == [80.0, 90.0]
    assert load[0].t_ns == idle[-1].t_ns + 1
    assert all(meter.valid for meter in read_power_log(path)[0])


def test_between_the_edges_a_hook_is_read_every_period(tmp_path, shelly):
    path = tmp_path / "power.jsonl"
    with sampler_with(tmp_path, spec(url=shelly.url, period_s=0.1)) as sampler:
        sampler.mark("load")
        wait_until(lambda: len(readings_of(path, "hook:wall", "load")) > 4)
    instants = [s.t_ns for s in readings_of(path, "hook:wall", "load")]
    assert instants == sorted(set(instants))


def test_a_hook_that_hangs_makes_no_gaps_in_the_others_even_while_an_edge_waits_for_it(tmp_path, shelly):
    path = tmp_path / "power.jsonl"
    with sampler_with(tmp_path, spec(url=shelly.url, timeout_s=1.0, period_s=30.0)) as sampler:
        sampler.mark("idle")
        shelly.hangs.set()
        before_ns = time.monotonic_ns()
        load_ns = sampler.mark("load")
        shelly.go_on.set()
    during = [s for s in readings_of(path, "rapl:package-0", "idle") if before_ns < s.t_ns < load_ns]
    assert len(during) > 3  # a hundred on a quiet machine; one, that of the edge, if the others had waited too
    assert len(readings_of(path, "hook:wall", "idle")) == 1


def test_a_hook_that_answers_nonsense_is_invalid_with_a_sentence_and_the_others_go_on(tmp_path, shelly):
    path = tmp_path / "power.jsonl"
    shelly.body = "<html>please log in</html>"
    with sampler_with(tmp_path, spec(url=shelly.url)) as sampler:
        sampler.mark("load")
    invalid = [meter for meter in read_power_log(path)[0] if not meter.valid]
    assert [meter.meter for meter in invalid] == ["hook:wall"]
    assert "the answer is no JSON: '<html>please log in</html>'" in invalid[0].invalid_reason
    assert len(readings_of(path, "rapl:package-0", "load")) > 1


def test_no_command_of_a_hook_stays_behind(tmp_path):
    # Every reading starts a child of its own, so each writes a file of its own name: one shared file would now and
    # then be read between the truncation and the write of the next child.
    script = (
        f"import os, pathlib, time; pathlib.Path({str(tmp_path)!r}, f'{{os.getpid()}}.child').touch(); time.sleep(600)"
    )
    with sampler_with(tmp_path, spec(command=(sys.executable, "-c", script), timeout_s=0.2, period_s=0.1)) as sampler:
        wait_until(lambda: list(tmp_path.glob("*.child")))
        sampler.mark("load")
    children = [int(path.stem) for path in tmp_path.glob("*.child")]
    assert os.getpid() not in children
    wait_until(lambda: not any(map(psutil.pid_exists, children)))
