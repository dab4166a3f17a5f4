"""NVIDIA cards behind the seam that pynvml fills: answers recorded on a real H100, whole and with things missing."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from probes.errors import ProbeError
from probes.power.nvml import card_meter, card_names, find_cards
from probes.power.readings import MeterRecord

H100 = Path(__file__).parents[2] / "recordings" / "nvml" / "h100-matmul.jsonl"


@dataclass
class RecordedCard:
    """A card that answers what was recorded; a list that is empty is a card that is gone."""

    facts: dict
    answers: list
    without: set = field(default_factory=set)
    index: int = 0

    def name(self):
        return self.facts["name"]

    def driver(self):
        return self.facts["driver"]

    def mig(self):
        return self.facts["mig"]

    def energy_mj(self):
        return self._answer("energy_mj")

    def power_mw(self):
        return self._answer("power_mw")

    def busy_percent(self):
        answer = None if "busy_percent" in self.without else self.answers[0]["busy_percent"]
        self.answers = self.answers[1:]  # the last question of a reading
        return answer

    def _answer(self, key):
        if not self.answers:
            raise ProbeError(f"GPU {self.index} cannot be read any more (NVML: GPU is lost)")
        return None if key in self.without else self.answers[0][key]


def recorded(**changes):
    facts, *answers = map(json.loads, H100.read_text().splitlines())
    return RecordedCard(facts=facts, answers=answers, **changes)


def test_the_energy_counter_comes_first():
    card = recorded()
    answers = card.answers
    meter = card_meter(card)
    readings = [meter.read() for _ in answers]
    assert meter.record == MeterRecord(
        meter="nvml:0",
        component="gpu",
        basis="measured",
        method="nvml-energy-counter",
        device="NVIDIA H100 80GB HBM3",
        source="nvmlDeviceGetTotalEnergyConsumption, driver 580.159.04",
    )
    assert [reading.energy_j for reading in readings] == [answer["energy_mj"] / 1000 for answer in answers]
    assert all(reading.power_w is None for reading in readings)
    assert max(reading.load_share for reading in readings) == 1.0


def test_a_card_without_a_counter_is_sampled():
    card = recorded(without={"energy_mj"})
    watts = [answer["power_mw"] / 1000 for answer in card.answers]
    meter = card_meter(card)
    assert meter.record.method == "nvml-power-sampled"
    assert [meter.read().power_w for _ in watts] == watts


def test_a_card_that_reports_nothing_is_an_invalid_meter_with_a_reason():
    record = card_meter(recorded(without={"energy_mj", "power_mw"}))
    assert not record.valid
    assert "GPU 0 reports neither energy nor power" in record.invalid_reason


def test_a_card_without_utilisation_is_metered_all_the_same():
    reading = card_meter(recorded(without={"busy_percent"})).read()
    assert reading.energy_j > 0
    assert reading.load_share is None


def test_a_counter_that_went_back_is_refused():
    card = recorded()
    card.answers = [*card.answers[10:12], card.answers[0]]
    meter = card_meter(card)
    meter.read()
    meter.read()
    with pytest.raises(ProbeError, match=r"energy counter went back from .* J to .* J: the driver was reloaded"):
        meter.read()


def test_a_card_that_falls_off_the_bus_is_refused_not_zero():
    card = recorded()
    card.answers = card.answers[:1]
    meter = card_meter(card)
    meter.read()
    with pytest.raises(ProbeError, match="GPU is lost"):
        meter.read()


def test_a_split_card_is_named_as_the_whole_that_its_counter_covers():
    card = recorded()
    card.facts["mig"] = True
    assert card_meter(card).record.device == "NVIDIA H100 80GB HBM3, whole card of a MIG split"


def test_a_machine_either_has_cards_or_a_reason_for_none():
    cards, why_not = find_cards()
    assert card_names() == [card.name() for card in cards]
    assert cards or "NVIDIA" in why_not
