"""NVIDIA cards behind the module that pynvml is: answers recorded on a real H100, whole and with things missing."""

from itertools import pairwise

import pytest

from probes.errors import ProbeError
from probes.power.cards import card_meter
from probes.power.nvml import NvmlCard, card_names, find_cards
from probes.power.readings import MeterRecord
from tests.probes.power.drivers import recorded_nvml


def meter_of(driver):
    return card_meter(NvmlCard(driver, 0))


def test_the_energy_counter_comes_first():
    driver = recorded_nvml()
    driver.facts["power_limit_mw"] = 700_000
    answers = driver.answers
    meter = meter_of(driver)
    readings = [meter.read() for _ in answers]
    assert meter.record == MeterRecord(
        meter="nvml:0",
        component="gpu",
        basis="measured",
        method="nvml-energy-counter",
        device="NVIDIA H100 80GB HBM3",
        source="nvmlDeviceGetTotalEnergyConsumption, driver 580.159.04",
        resolution_s=0.1,
        power_w_max=700.0,
    )
    assert [reading.energy_j for reading in readings] == [answer["energy_mj"] / 1000 for answer in answers]
    assert all(reading.power_w is None for reading in readings)
    assert max(reading.load_share for reading in readings) == 1.0


def test_the_recorded_counter_is_as_old_as_its_resolution_says():
    answers = recorded_nvml().answers
    steps = [answers[0]] + [b for a, b in pairwise(answers) if b["energy_mj"] > a["energy_mj"]]
    ages_s = [(b["t_ns"] - a["t_ns"]) / 1e9 for a, b in pairwise(steps)]
    # It was looked at every 0.05 s, so a refresh is seen up to so much late.
    assert sorted(ages_s)[len(ages_s) // 2] == pytest.approx(NvmlCard.counter_resolution_s, abs=0.06)


@pytest.mark.parametrize("missing", ["NotSupported", "NoPermission"])
def test_a_card_without_a_counter_is_sampled(missing):
    driver = recorded_nvml(energy_mj=missing)
    watts = [answer["power_mw"] / 1000 for answer in driver.answers]
    meter = meter_of(driver)
    assert (meter.record.method, meter.record.resolution_s) == ("nvml-power-sampled", 1.0)
    assert [meter.read().power_w for _ in watts] == watts


def test_a_card_without_a_limit_has_none_not_zero():
    assert meter_of(recorded_nvml()).record.power_w_max is None


def test_a_card_that_reports_nothing_is_an_invalid_meter_with_a_reason():
    record = meter_of(recorded_nvml(energy_mj="NotSupported", power_mw="NotSupported"))
    assert not record.valid
    assert "GPU 0 reports neither energy nor power" in record.invalid_reason


def test_a_card_without_utilisation_is_metered_all_the_same():
    reading = meter_of(recorded_nvml(busy_percent="NotSupported")).read()
    assert reading.energy_j > 0
    assert reading.load_share is None


def test_a_counter_that_went_back_is_refused():
    driver = recorded_nvml("constructed-counter-went-back")
    meter = meter_of(driver)
    with pytest.raises(ProbeError, match=r"energy counter went back from .* J to .* J: the driver was reloaded"):
        for _ in driver.answers:
            meter.read()


def test_a_card_that_falls_off_the_bus_is_refused_not_zero():
    driver = recorded_nvml()
    driver.answers = driver.answers[:1]
    meter = meter_of(driver)
    meter.read()
    with pytest.raises(ProbeError, match="GPU 0 cannot be read any more"):
        meter.read()


def test_a_card_that_is_lost_before_its_meter_opens_is_an_invalid_meter():
    driver = recorded_nvml()
    driver.answers = []
    record = meter_of(driver)
    assert (record.meter, record.valid) == ("nvml:0", False)
    assert "GPU 0 cannot be read any more" in record.invalid_reason


def test_a_negative_power_is_refused():
    meter = meter_of(recorded_nvml(energy_mj="NotSupported", power_mw=-1000))
    with pytest.raises(ProbeError, match=r"GPU 0 reports -1\.0 W; power cannot be negative"):
        meter.read()


def test_a_power_that_no_card_draws_is_refused():
    meter = meter_of(recorded_nvml(energy_mj="NotSupported", power_mw=2**32 - 1))  # all bits set
    with pytest.raises(ProbeError, match="GPU 0 reports 4294967 W, which no card draws"):
        meter.read()


def test_a_counter_that_leaps_ahead_is_refused():
    driver = recorded_nvml(energy_mj=5_000_000)
    meter = meter_of(driver)
    assert meter.read().energy_j == 5000.0
    driver.answers = recorded_nvml(energy_mj=5_000_000_000).answers
    with pytest.raises(ProbeError, match=r"counter leapt from 5000\.000 J to 5000000\.000 J in .* s, which no card"):
        meter.read()


def test_a_counter_that_nobody_feeds_is_refused(monkeypatch):
    driver = recorded_nvml(energy_mj=5_000_000)
    clock = iter([0.0, 1.0, 5.0, 8.0])
    monkeypatch.setattr("probes.power.cards.time.monotonic", lambda: next(clock))
    meter = meter_of(driver)
    for _ in range(2):
        assert meter.read().energy_j == 5000.0
    with pytest.raises(ProbeError, match=r"stands still at 5000\.000 J for 7 s, which no card under power does"):
        meter.read()


def test_a_card_with_a_single_instance_is_named_as_the_whole_that_its_counter_covers():
    driver = recorded_nvml()
    driver.facts["mig_instances"] = 1
    assert meter_of(driver).record.device == "NVIDIA H100 80GB HBM3, whole card of a split into 1"


def test_a_card_that_others_may_share_by_mig_is_invalid_for_its_counter_covers_them_all():
    driver = recorded_nvml()
    driver.facts["mig_instances"] = 3
    record = meter_of(driver)
    assert not record.valid
    assert "GPU 0 is split into 3 instances and its counter covers them all" in record.invalid_reason


def test_a_machine_either_has_cards_or_a_reason_for_none():
    cards, why_not = find_cards()
    assert card_names() == [card.name() for card in cards]
    assert cards or "NVIDIA" in why_not
