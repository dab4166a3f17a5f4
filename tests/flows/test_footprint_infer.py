"""`megatoken footprint infer`: answers of hosted models and of your own, with ranges, sources and physical floor."""

import json

import pytest

from flows.cli import main
from warehouse.reference import device

OWN = ["--params", "70e9", "--device", "H100", "--batch", "64", "--output-tokens", "400"]
PLACE = ["--pue", "1.2", "--grid-gco2e-per-kwh", "475", "--wue-l-per-kwh", "0.5", "--wue-grid-l-per-kwh", "3.8"]


def infer(capsys, *arguments):
    assert main(["footprint", "infer", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_hosted_model_takes_what_ecologits_publishes_in_the_region_that_is_asked_for(capsys):
    found = infer(capsys, "--model", "gpt-4o", "--output-tokens", "400", "--region", "FRA")
    energy = found["energy_kwh"]
    assert (energy["low"], energy["high"]) == (pytest.approx(0.579e-3, abs=6e-7), pytest.approx(0.964e-3, abs=6e-7))
    assert energy["central"] == pytest.approx((energy["low"] + energy["high"]) / 2)
    assert found["operational_gco2e"]["low"] == pytest.approx(energy["low"] * 41.44)
    assert found["operational_gco2e"]["high"] == pytest.approx(energy["high"] * 56.0)
    embodied = found["embodied_gco2e"]
    assert embodied["low"] < embodied["central"] < embodied["high"]
    assert embodied["central"] == pytest.approx(0.0156651, rel=1e-5)
    assert found["water_l"]["low"] == pytest.approx(energy["low"] / 1.2 * (0.569 + 1.2 * 3.674), rel=1e-3)
    assert found["duration_s"] == pytest.approx(0.61 + 400 / 74)
    assert (found["method"], found["method_version"]) == ("ecologits", "ecologits 0.11.3")
    assert found["missing"] == []
    assert {source["quantity"] for source in found["sources"]} >= {"active_parameters", "pue", "grid_gco2e_per_kwh"}


def test_water_in_the_united_states_is_that_of_the_package_itself(capsys):
    found = infer(capsys, "--model", "gpt-4o", "--output-tokens", "400")
    water = found["water_l"]
    assert (water["low"], water["high"]) == (pytest.approx(2.09e-3, abs=5e-6), pytest.approx(3.48e-3, abs=5e-6))
    assert "no --region: EcoLogits believes that it is computed in USA" in found["notes"]


def test_a_dense_model_of_one_s_own_takes_what_the_formula_gives_by_hand(capsys):
    found = infer(capsys, *OWN, *PLACE)
    assert found["energy_kwh"]["central"] == pytest.approx(2.630116e-4, rel=1e-6)
    assert found["operational_gco2e"]["central"] == pytest.approx(0.12493, rel=1e-4)
    assert found["water_l"]["central"] == pytest.approx(1.10903e-3, rel=1e-5)
    assert found["duration_s"] == pytest.approx(34.773, abs=5e-4)
    # time / (3 years x batch) x (4/8 of a server + 4 cards), from the ledgers' ranges in kg
    share = 34.77331 / (3 * 365 * 86_400 * 64)
    for end, server, card in (("low", 2500, 164), ("central", 3660, 273), ("high", 5700, 575)):
        assert found["embodied_gco2e"][end] == pytest.approx(share * (server / 2 + 4 * card) * 1000, rel=1e-5)


def test_an_answer_is_held_against_the_physical_floor_and_what_providers_declare(capsys):
    notes = infer(capsys, *OWN, *PLACE)["notes"]
    assert "the estimate is 4.3 times the physical floor of 0.457 J per token (memory-bound)" in notes
    assert any(
        note.startswith("weights take 140 GB: 2 x nvidia-h100-sxm bare, 3 with a fifth more, 4") for note in notes
    )
    declared = [note for note in notes if note.startswith("declared")]
    assert any("0.24 Wh" in note and "Google" in note for note in declared)
    assert any("1.14 gCO2e" in note and "Mistral" in note for note in declared)
    assert any("0.34 Wh" in note and "recalled" in note for note in declared)


def test_many_answers_take_many_times_as_much_and_a_busier_machine_less_of_its_making(capsys):
    one = infer(capsys, *OWN, *PLACE)
    many = infer(capsys, *OWN, *PLACE, "--answers", "1000")
    assert many["energy_kwh"]["central"] == pytest.approx(1000 * one["energy_kwh"]["central"])
    assert many["embodied_gco2e"]["high"] == pytest.approx(1000 * one["embodied_gco2e"]["high"])
    idle = infer(capsys, *OWN, *PLACE, "--utilisation", "0.5", "--lifetime-years", "6")
    assert idle["embodied_gco2e"]["central"] == pytest.approx(one["embodied_gco2e"]["central"])


def test_a_mixture_of_experts_needs_room_for_all_and_energy_for_the_active(capsys):
    dense = infer(capsys, *OWN, *PLACE)
    sparse = infer(capsys, *OWN, "--active-params", "13e9", *PLACE)
    assert sparse["energy_kwh"]["central"] < dense["energy_kwh"]["central"]
    assert sparse["notes"][0] == dense["notes"][0]  # the same weights


def test_a_range_of_parameters_is_a_range_of_everything(capsys):
    found = infer(capsys, *OWN, "--active-params", "10e9:20e9:40e9", *PLACE)
    for figure in ("energy_kwh", "operational_gco2e", "embodied_gco2e", "water_l"):
        assert found[figure]["low"] < found[figure]["central"] < found[figure]["high"]


def test_what_nobody_says_of_the_place_is_unknown_and_says_how_to_say_it(capsys):
    found = infer(capsys, *OWN)
    assert (found["energy_kwh"], found["operational_gco2e"], found["water_l"], found["total_gco2e"]) == (None,) * 4
    assert found["embodied_gco2e"]["central"] > 0
    assert [sentence.split(":")[0] for sentence in found["missing"]] == [
        "energy of the facility", "operational emissions", "water", "water",
    ]  # fmt: skip
    assert any(note.startswith("IT energy of one answer: 0.2192 Wh, 1.973 J") for note in found["notes"])


def test_a_device_whose_making_nobody_knows_leaves_embodied_unknown(capsys):
    assert device("Gaudi3").embodied is None
    found = infer(capsys, *OWN[:2], "--device", "Gaudi3", *OWN[4:], *PLACE)
    assert found["embodied_gco2e"] is None
    assert "embodied.csv has no row of intel-gaudi3" in found["missing"][0]
    assert any("fitted on H100" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "gpt-4oo"], r"--model gpt-4oo: ecologits 0.11.3 does not know it; nearest are openai/gpt-4o"),
        (
            ["--model", "gpt-4o", "--provider", "groq"],
            "--provider groq: ecologits 0.11.3 does not know it, but anthropic",
        ),
        (["--model", "gpt-4o", "--params", "1e9"], "--model and --params: both are given"),
        ([], "--model and --params: neither is given"),
        (["--model", "gpt-4o", "--batch", "8"], "--batch: is of your own model"),
        (["--params", "7e9"], "--device: is missing"),
        (["--params", "7e9", "--device", "H300", "--batch", "8"], "no device 'H300' in devices.csv; nearest are"),
        (["--params", "7e9", "--active-params", "8e9", "--device", "H100", "--batch", "8"], "more than --params"),
        (["--params", "7e9", "--device", "EPYC 9654", "--batch", "8"], "has no memory of amd-epyc-9654"),
        (["--model", "gpt-4o", "--region", "ATLANTIS"], "--region = 'ATLANTIS'"),
        (["--model", "gpt-4o", "--pue", "1.2", "--hosting", "laptop"], "--pue and --hosting: both are given"),
        (["--model", "gpt-4o", "--wue-of", "nobody"], "--wue-of nobody: wue.csv has no such row"),
    ],
)
def test_a_mistake_is_a_sentence_that_says_what_to_do_and_code_2(capsys, arguments, said):
    assert main(["footprint", "infer", "--output-tokens", "400", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("latency", ["1:2:3", "0", "soon"])
def test_a_latency_is_one_time_above_0(capsys, latency):
    with pytest.raises(SystemExit) as stopped:
        main(["footprint", "infer", "--model", "gpt-4o", "--output-tokens", "400", "--latency-s", latency])
    assert stopped.value.code == 2
    assert "--latency-s" in capsys.readouterr().err


def test_an_answer_that_was_measured_as_faster_takes_less_and_a_state_is_a_region(capsys):
    asked = ("--model", "gpt-4o", "--output-tokens", "400", "--region", "usa-ca")
    slow, fast = infer(capsys, *asked), infer(capsys, *asked, "--latency-s", "2")
    assert fast["duration_s"] == 2
    assert fast["energy_kwh"]["central"] < slow["energy_kwh"]["central"]
    assert slow["operational_gco2e"]["central"] == pytest.approx(slow["energy_kwh"]["central"] * 179.1, rel=1e-3)
    assert slow["water_l"] is None
    assert any(sentence.startswith("water: nothing says what the electricity takes") for sentence in slow["missing"])


def test_people_get_a_table(capsys):
    assert main(["footprint", "infer", "--model", "mistral-large-latest", "--output-tokens", "400"]) == 0
    out = capsys.readouterr().out
    assert "an answer of 400 tokens by mistralai/mistral-large-latest" in out
    assert "1.151" in out  # Wh, exactly: its architecture is published
