"""The power log: what was written is read, also after the worst moment to be killed."""

import pytest

from probes.errors import ProbeError
from probes.power import log
from probes.power.readings import MeterRecord, Reading

COUNTER = MeterRecord(
    meter="rapl:package-0",
    component="cpu",
    basis="measured",
    method="powercap-energy-counter",
    device="package-0",
    source="a test",
)
MODEL = MeterRecord(
    meter="modelled:ram", component="ram", basis="modelled", method="dimm-rule", device="24 GiB", source="a test"
)
LINES = [
    log.meter_line(COUNTER),
    log.meter_line(MODEL),
    log.sample_line(0, "idle", 1_000, Reading(energy_j=0.1)),
    log.sample_line(1, "idle", 1_001, Reading(power_w_low=2.5, power_w=20.0, power_w_high=20.0)),
    log.sample_line(0, "load", 2_000, Reading(energy_j=1e-7, load_share=0.25)),
]


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_what_was_written_is_read(tmp_path):
    meters, samples = log.read_power_log(write(tmp_path / "log", [*LINES, log.end_line(3_000)]))
    assert meters == [COUNTER, MODEL]
    assert [(s.meter, s.phase, s.t_ns, s.energy_j, s.power_w, s.load_share) for s in samples] == [
        ("rapl:package-0", "idle", 1_000, 0.1, None, None),
        ("modelled:ram", "idle", 1_001, None, 20.0, None),
        ("rapl:package-0", "load", 2_000, 1e-7, None, 0.25),
    ]
    assert (samples[1].power_w_low, samples[1].power_w_high) == (2.5, 20.0)


def test_a_meter_that_failed_keeps_its_readings_and_has_the_reason(tmp_path):
    meters, samples = log.read_power_log(write(tmp_path / "log", [*LINES, log.invalid_line(0, "gone", 2_500)]))
    assert [(meter.valid, meter.invalid_reason) for meter in meters] == [(False, "gone"), (True, None)]
    assert len(samples) == 3


def test_a_log_cut_at_any_byte_reads_up_to_its_last_whole_line(tmp_path):
    path = write(tmp_path / "log", [*LINES, log.end_line(3_000)])
    data = path.read_bytes()
    _, whole = log.read_power_log(path)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        meters, samples = log.read_power_log(path)
        assert meters == [COUNTER, MODEL][: len(meters)]
        assert samples == whole[: len(samples)]
        assert len(samples) >= data[:length].count(b"\n[") - 1


def test_a_parents_word_after_a_torn_line_makes_every_meter_invalid(tmp_path):
    path = write(tmp_path / "log", LINES)
    with path.open("a") as file:
        file.write('[0,"load",30')
        file.write(f"{log.died_line('it ended with exit code -9')}\n")
    meters, samples = log.read_power_log(path)
    assert [meter.invalid_reason for meter in meters] == ["it ended with exit code -9"] * 2
    assert len(samples) == 3


@pytest.mark.parametrize("foreign", ["not json", '{"some": "thing"}', '"a string"'])
def test_a_foreign_line_in_the_middle_is_refused_with_its_number(tmp_path, foreign):
    path = write(tmp_path / "log", [*LINES[:3], foreign, LINES[4]])
    with pytest.raises(ProbeError, match="line 4 is not a line of a power log"):
        log.read_power_log(path)


def test_a_trial_that_nobody_metered_has_no_meters_and_no_samples(tmp_path):
    assert log.read_power_log(tmp_path / "nothing") == ([], [])
