"""AMD cards behind a module that answers as AMD documents amdsmi. Constructed: no AMD card has been at hand."""

import pytest

from probes.errors import ProbeError
from probes.power.amd import find_amd_cards, open_amd_cards
from probes.power.cards import card_meter
from tests.probes.power.drivers import RecordedAmdsmi

TICK_UJ = 15.259
MI300X = {
    "amdsmi_get_gpu_asic_info": {"market_name": "AMD Instinct MI300X"},
    "amdsmi_get_gpu_driver_info": {"driver_name": "amdgpu", "driver_version": "6.10.5"},
    "amdsmi_get_energy_count": {"energy_accumulator": 4_000_000_000, "counter_resolution": TICK_UJ, "timestamp": 1},
    "amdsmi_get_power_info": {"current_socket_power": 141, "average_socket_power": "N/A", "power_limit": 750},
    "amdsmi_get_power_cap_info": {"power_cap": 750_000_000, "default_power_cap": 750_000_000},
    "amdsmi_get_gpu_activity": {"gfx_activity": 97, "umc_activity": 20, "mm_activity": "N/A"},
}


def meter_of(**changes):
    (card,), why_not = open_amd_cards(RecordedAmdsmi([MI300X | changes]))
    assert why_not is None
    return card_meter(card)


def test_the_energy_counter_comes_first_in_microjoules_a_tick():
    meter = meter_of()
    reading = meter.read()
    assert (meter.record.meter, meter.record.component, meter.record.basis) == ("amdsmi:0", "gpu", "measured")
    assert (meter.record.method, meter.record.device) == ("amdsmi-energy-counter", "AMD Instinct MI300X")
    assert meter.record.source == "amdsmi_get_energy_count, driver 6.10.5"
    assert reading.energy_j == pytest.approx(4_000_000_000 * TICK_UJ / 1e6)
    assert reading.load_share == 0.97


def test_how_old_the_counter_may_be_is_not_known_and_so_not_said():
    assert meter_of().record.resolution_s is None


@pytest.mark.parametrize("cap", [750_000_000, 750])
def test_the_cap_is_watts_whichever_unit_the_version_uses(cap):
    assert meter_of(amdsmi_get_power_cap_info={"power_cap": cap}).record.power_w_max == 750


def test_the_counters_older_name_is_known_too():
    reading = meter_of(amdsmi_get_energy_count={"power": 1_000_000, "counter_resolution": 10.0}).read()
    assert reading.energy_j == 10.0


@pytest.mark.parametrize(
    "counter",
    [
        2,
        10,
        {"energy_accumulator": 0, "counter_resolution": TICK_UJ},
        {"energy_accumulator": 5, "counter_resolution": 0},
    ],
    ids=["not supported", "no permission", "all zero", "no resolution"],
)
def test_a_card_without_a_counter_is_sampled(counter):
    meter = meter_of(amdsmi_get_energy_count=counter)
    assert meter.record.method == "amdsmi-power-sampled"
    assert meter.read().power_w == 141


@pytest.mark.parametrize(
    ("power", "expected_w"),
    [
        ({"current_socket_power": "N/A", "average_socket_power": 80}, 80),
        ({"current_socket_power": 0xFFFFFFFF, "average_socket_power": 80}, 80),
        ({"socket_power": 90, "current_socket_power": "N/A", "average_socket_power": 80}, 90),
    ],
)
def test_power_of_this_moment_comes_before_the_average(power, expected_w):
    meter = meter_of(amdsmi_get_energy_count=2, amdsmi_get_power_info=power)
    assert meter.read().power_w == expected_w


def test_a_card_that_reports_nothing_is_an_invalid_meter_with_a_reason():
    record = meter_of(amdsmi_get_energy_count=2, amdsmi_get_power_info=2)
    assert not record.valid
    assert "GPU 0 reports neither energy nor power (amdsmi: not supported)" in record.invalid_reason


def test_a_card_that_is_gone_is_refused_not_zero():
    meter = meter_of(amdsmi_get_energy_count=[MI300X["amdsmi_get_energy_count"]] * 2)
    meter.read()
    with pytest.raises(ProbeError, match="AMD GPU 0 cannot be read any more"):
        meter.read()


def test_a_counter_that_went_back_is_refused():
    ticks = [{"energy_accumulator": n, "counter_resolution": 1.0} for n in (900, 900, 800)]
    meter = meter_of(amdsmi_get_energy_count=ticks)
    meter.read()
    with pytest.raises(ProbeError, match="went back"):
        meter.read()


def test_a_machine_without_an_amd_driver_says_so():
    cards, why_not = open_amd_cards(RecordedAmdsmi([], driver=False))
    assert cards == []
    assert "no AMD driver answers" in why_not


def test_a_machine_either_has_amd_cards_or_a_reason_for_none():
    cards, why_not = find_amd_cards()
    assert cards or "ROCm" in why_not or "AMD" in why_not
