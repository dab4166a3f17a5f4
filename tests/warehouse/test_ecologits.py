"""Hosted models by EcoLogits 0.11.3: the values of its formula, its ranges kept, and what it does not know is None."""

import logging
import subprocess
import sys

import pytest

from warehouse import ecologits
from warehouse.answer_impacts import answer_impacts
from warehouse.formulas.interval import Interval, exactly

WH = 1000.0


def facility_kwh(provider, model, tokens):
    return (
        ecologits.impacts(provider, model, output_tokens=tokens).it_energy_kwh * ecologits.estimate(provider, model).pue
    )


# Values that the package's own tracer gives without a cap on latency (computed by running it, 2026-11-22).
@pytest.mark.parametrize(
    ("provider", "model", "tokens", "low_wh", "high_wh"),
    [
        ("openai", "gpt-4o", 400, 0.579, 0.964),
        ("google", "gemini-2.5-flash", 250, 0.340, 0.559),
        ("mistral", "mistral-large-latest", 400, 1.151, 1.151),
    ],
)
def test_an_answer_takes_what_ecologits_publishes_for_it(provider, model, tokens, low_wh, high_wh):
    energy = facility_kwh(provider, model, tokens)
    assert energy.low * WH == pytest.approx(low_wh, abs=5.1e-4)
    assert energy.high * WH == pytest.approx(high_wh, abs=5.1e-4)
    assert energy.central == pytest.approx((energy.low + energy.high) / 2)


def test_an_estimate_gives_back_the_emissions_and_the_water_of_the_package_itself():
    found = ecologits.estimate("openai", "gpt-4o")
    it_kwh = found.j_per_output_token * (400 / 3.6e6)
    embodied = exactly(found.embodied_gco2e_per_output_mtok.central * (400 / 1e6))
    total = it_kwh * found.pue * found.grid_gco2e_per_kwh + embodied
    assert (total.low, total.high) == (pytest.approx(0.238, abs=5e-4), pytest.approx(0.386, abs=5e-4))
    water_ml = it_kwh * (found.wue_site_l_per_kwh + found.pue * found.wue_grid_l_per_kwh) * 1000
    assert (water_ml.low, water_ml.high) == (pytest.approx(2.09, abs=5e-3), pytest.approx(3.48, abs=5e-3))
    assert found.source == "ecologits 0.11.3: openai/gpt-4o"
    assert (found.zone, found.pue, found.active_parameters) == (
        "USA",
        Interval(low=1.2, central=1.2, high=1.2),
        Interval(low=44e9, central=88e9, high=132e9),
    )
    assert any("architecture has not been released" in note for note in found.notes)


def test_making_the_hardware_is_ecologits_figure_between_the_ends_of_the_ledger():
    found = ecologits.impacts("openai", "gpt-4o", output_tokens=400).embodied_gco2e
    # 1.2 x 440 GB x 2 bytes on 80 GB cards: 16 GPUs, two servers of 8; 0.0156651 g by the package's own tracer
    assert found.central == pytest.approx(0.0156651, rel=1e-5)
    assert found.low / found.central == pytest.approx((2 * 2500 + 16 * 164) / (2 * 5700 + 16 * 273))
    assert found.high / found.central == pytest.approx((2 * 5700 + 16 * 575) / (2 * 5700 + 16 * 273))


def test_mistral_is_computed_in_sweden_and_a_given_zone_wins():
    sweden = ecologits.estimate("mistral", "mistral-large-latest")
    assert (sweden.zone, sweden.grid_gco2e_per_kwh.central) == ("SWE", pytest.approx(35.26))
    answer = ecologits.impacts("mistral", "mistral-large-latest", output_tokens=400)
    grams = answer.it_energy_kwh * sweden.pue * sweden.grid_gco2e_per_kwh + answer.embodied_gco2e
    assert grams.central == pytest.approx(0.084, abs=5e-4)
    france = ecologits.estimate("mistral", "mistral-large-latest", zone="fra")
    assert (france.zone, france.grid_gco2e_per_kwh.central) == ("FRA", pytest.approx(41.44))
    assert france.j_per_output_token == sweden.j_per_output_token


def test_a_dense_model_of_70_billion_takes_what_the_formula_gives_by_hand():
    # 1.2 x 70 GB x 2 bytes = 168 GB: 3 cards of 80 GB, rounded up to 4
    found = answer_impacts(active_billions=70, total_billions=70, output_tokens=400)
    gpu_kwh = (
        400 * (1.1665273170451914e-06 * 2.718281828459045 ** (-0.011205921025579175 * 64) * 70 + 4.052928e-5) / 1e3
    )
    latency_s = 400 * (6.785088094e-4 * 70 + 3.119310312e-4 * 64 + 0.01947371758)
    assert latency_s == pytest.approx(34.773, abs=5e-4)
    assert found.duration_s.central == pytest.approx(latency_s, rel=1e-6)
    server_kwh = latency_s / 3600 * 1.2 * 4 / 8 / 64
    assert (gpu_kwh, server_kwh) == (pytest.approx(3.21553e-5, rel=1e-5), pytest.approx(9.05551e-5, rel=1e-5))
    assert found.it_energy_kwh.central == pytest.approx(server_kwh + 4 * gpu_kwh, rel=1e-6)
    assert found.it_energy_kwh.central == pytest.approx(2.191763e-4, rel=1e-6)
    assert found.embodied_gco2e.central == pytest.approx(0.022639, rel=5e-5)
    assert (found.it_energy_kwh * 1.2 * 475).central == pytest.approx(0.12493, rel=1e-4)
    assert (found.it_energy_kwh * (0.5 + 1.2 * 3.8)).central == pytest.approx(1.10903e-3, rel=1e-5)


def test_an_answer_that_came_faster_than_modelled_took_less_of_the_server():
    slow = ecologits.impacts("openai", "gpt-4o", output_tokens=400)
    fast = ecologits.impacts("openai", "gpt-4o", output_tokens=400, latency_s=1.0)
    assert ecologits.impacts("openai", "gpt-4o", output_tokens=400, latency_s=1e6) == slow
    assert fast.it_energy_kwh.low < slow.it_energy_kwh.low
    assert fast.embodied_gco2e.low < slow.embodied_gco2e.low


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "no-such-model"), ("groq", "gpt-4o"), ("my-openai-proxy", "gpt-4o"), ("", "")]
)
def test_what_ecologits_does_not_know_is_none(provider, model):
    assert ecologits.estimate(provider, model) is None
    assert ecologits.impacts(provider, model, output_tokens=1) is None


def test_a_zone_without_a_mix_leaves_the_factors_of_the_grid_unknown_and_says_so():
    found = ecologits.estimate("openai", "gpt-4o", zone="USA-CA")
    assert (found.zone, found.grid_gco2e_per_kwh, found.wue_grid_l_per_kwh) == ("USA-CA", None, None)
    assert "EcoLogits has no electricity mix of zone USA-CA" in found.notes
    assert ecologits.estimate("openai", "gpt-4o", zone="WORLD").grid_gco2e_per_kwh.central == pytest.approx(458.29)


def test_an_answer_without_tokens_or_time_is_refused():
    with pytest.raises(ValueError, match="answer of 0 output tokens"):
        ecologits.impacts("openai", "gpt-4o", output_tokens=0)
    with pytest.raises(ValueError, match="cannot take -1 s"):
        ecologits.impacts("openai", "gpt-4o", output_tokens=1, latency_s=-1)


def test_a_provider_is_told_from_the_model_and_unknown_models_have_neighbours():
    assert ecologits.providers_of("GPT-4o") == ("openai",)
    assert ecologits.providers_of("no-such-model") == ()
    assert "openai/gpt-4o" in ecologits.nearest_models("gpt-4oo")
    assert all(name.startswith("mistralai/") for name in ecologits.nearest_models("mistral-large", "mistral"))


def test_estimates_are_made_without_a_network_or_a_word_and_loggers_stay_as_they_were():
    code = """
import logging, socket
def refuse(*_):
    raise AssertionError("an estimate opened a socket")
socket.socket.connect = socket.getaddrinfo = refuse
from warehouse.ecologits import estimate
assert estimate("openai", "gpt-4o") is not None
assert type(logging.getLogger("somebody")) is logging.Logger
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert logging.getLoggerClass() is logging.Logger
