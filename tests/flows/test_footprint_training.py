"""`megatoken footprint train|finetune|validate`, as a person or a script uses it."""

import csv
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.cli import build_parser, main
from flows.footprint.gather import gather_training
from flows.footprint.result import Footprint
from flows.footprint.training import training_footprint
from flows.footprint.validation import validation
from flows.footprint.words import amount, count_words, significant
from flows.options.footprint import HOSTINGS
from tests.flows.nights import megatoken
from warehouse.reference import FOLDER, ledger

GPT_3 = (
    "train", "--params", "175e9", "--tokens", "300e9", "--device", "V100", "--count", "10000",
    "--achieved-tflops", "24.6", "--system-power-w", "330", "--pue", "1.1", "--grid-gco2e-per-kwh", "429",
)  # fmt: skip
SMALL = {
    "--params": "7e9", "--tokens": "1e12", "--device": "A100-80GB", "--count": "256", "--efficiency": "0.4",
    "--pue": "1.1", "--grid-gco2e-per-kwh": "400",
}  # fmt: skip


def small(*more: str, without: tuple[str, ...] = (), what: str = "train", **changed: str) -> list[str]:
    """A small training on the command line; `changed` by option name, underscores for hyphens."""
    options = SMALL | {f"--{name.replace('_', '-')}": value for name, value in changed.items()}
    return [what, *(part for name, value in options.items() if name not in without for part in (name, value)), *more]


def footprint(*arguments: str) -> Footprint:
    return training_footprint(gather_training(build_parser().parse_args(["footprint", *arguments])))


def refused(capsys, *arguments: str) -> list[str]:
    """The sentences that a mistake gets; it must end in 2 and print nothing else."""
    try:
        code = main(["footprint", *arguments])
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert all(line.startswith("megatoken: ") for line in lines)
    return lines


# --- train


def test_gpt_3_as_a_script_asks_for_it(tmp_path):
    done = megatoken(tmp_path / "data", "footprint", *GPT_3, "--json")
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    for name in ("energy_kwh", "operational_gco2e", "embodied_gco2e"):
        assert set(shown[name]) == {"low", "central", "high"}
    assert shown["operational_gco2e"]["central"] == pytest.approx(553.9e6, rel=5e-3)
    assert shown["energy_kwh"]["central"] == pytest.approx(1_291_159, rel=1e-5)
    # 205 kg of device and 3660/8 of server, for 3.557e6 hours of 5 years of 8760, used for 0.85 of them
    assert shown["embodied_gco2e"]["central"] == pytest.approx(662.5e3 * 3_556_911 / (5 * 8760 * 0.85), rel=1e-6)
    assert shown["duration_s"] == pytest.approx(14.82 * 86_400, rel=1e-3)
    assert shown["total_gco2e"]["central"] == pytest.approx(
        shown["operational_gco2e"]["central"] + shown["embodied_gco2e"]["central"]
    )
    assert shown["method"] == "llmcarbon"
    assert shown["method_version"]
    assert shown["water_l"] is None
    assert any(sentence.startswith("water:") for sentence in shown["missing"])
    sources = {each["quantity"]: each for each in shown["sources"]}
    assert sources["params"]["source"] == "command line"
    assert sources["params"]["factor_version"] is None
    assert len(sources["device_embodied_gco2e"]["factor_version"]) == 12
    assert {"low", "central", "high", "source", "tag"} <= set(sources["pue"])
    assert not (tmp_path / "data").exists()  # asks nobody and keeps nothing


def test_every_range_is_low_central_high_and_the_central_does_not_depend_on_it():
    wide = footprint(*small(params="6e9:7e9:8e9", pue="1.05:1.1:1.3", grid_gco2e_per_kwh="300:400:500"))
    narrow = footprint(*small())
    assert wide.operational_gco2e is not None
    assert narrow.operational_gco2e is not None
    assert wide.operational_gco2e.central == pytest.approx(narrow.operational_gco2e.central)
    assert wide.operational_gco2e.low < narrow.operational_gco2e.low
    assert wide.operational_gco2e.high > narrow.operational_gco2e.high


def test_peak_times_efficiency_is_the_same_as_what_it_makes():
    by_share = footprint(*small("--system-power-w", "400"))
    by_tflops = footprint(*small("--system-power-w", "400", "--achieved-tflops", "124.8", without=("--efficiency",)))
    for name in ("energy_kwh", "operational_gco2e", "embodied_gco2e"):
        assert getattr(by_share, name).central == pytest.approx(getattr(by_tflops, name).central)


@given(factor=st.floats(min_value=1.0, max_value=1000.0))
def test_twice_the_tokens_take_twice_of_everything(factor):
    once, more = footprint(*small()), footprint(*small(tokens=repr(1e12 * factor)))
    for name in ("energy_kwh", "operational_gco2e", "embodied_gco2e"):
        assert getattr(more, name).central == pytest.approx(getattr(once, name).central * factor)
    assert more.duration_s == pytest.approx((once.duration_s or 0) * factor)


def test_more_devices_are_sooner_done_and_take_the_same():
    few, many = footprint(*small()), footprint(*small(count="512"))
    assert few.duration_s == pytest.approx(2 * (many.duration_s or 0))
    assert (few.energy_kwh, few.operational_gco2e, few.embodied_gco2e) == (
        many.energy_kwh,
        many.operational_gco2e,
        many.embodied_gco2e,
    )


def test_of_a_mixture_only_the_active_parameters_count():
    dense, mixture = footprint(*small()), footprint(*small(params="70e9", active_params="7e9"))
    assert dense.energy_kwh == mixture.energy_kwh
    assert "70 billion parameters (7 billion active)" in mixture.subject


def test_an_architecture_gives_the_parameters():
    shape = ("--layers", "96", "--hidden", "12288", "--vocabulary", "50257")
    found = footprint(*small(*shape, without=("--params",)))
    assert "174.6 billion parameters" in found.subject
    mixture = ("--experts", "8", "--top-k", "2", "--moe-share", "1")
    found = footprint(*small(*shape, *mixture, without=("--params",)))
    assert "active)" in found.subject
    params = next(each for each in found.sources if each.quantity == "params")
    # 96 blocks of 4 and 2 x 8, times h^2, and the embeddings
    assert params.value.central == pytest.approx(96 * 20 * 12288**2 + 50257 * 12288)


def test_without_a_measured_power_the_range_of_what_others_measured_is_taken_and_said():
    found = footprint(*small())
    assert found.energy_kwh is not None
    ratio = found.energy_kwh.high / found.energy_kwh.low
    ledgers = {row["quantity"]: row for row in ledger("training_assumptions")}
    row = ledgers["system_power_per_tdp_ratio"]
    assert ratio == pytest.approx(float(row["high"]) / float(row["low"]))
    assert any("system's power is not known" in note for note in found.notes)


def test_a_region_and_a_hosting_bring_their_ranges_and_sources():
    options = small("--hosting", "hyperscale", "--region", "fra", without=("--pue", "--grid-gco2e-per-kwh"))
    found = {each.quantity: each for each in footprint(*options).sources}
    assert (found["pue"].value.low, found["pue"].value.high) == (1.08, 1.20)
    assert found["grid_gco2e_per_kwh"].value.low == 41.44
    assert found["grid_gco2e_per_kwh"].value.central == 56.0
    assert "Ember" in found["grid_gco2e_per_kwh"].source


def test_a_state_of_the_usa_has_codecarbons_yearly_mean():
    options = small("--region", "usa-ca", without=("--grid-gco2e-per-kwh",))
    found = {each.quantity: each for each in footprint(*options).sources}
    assert found["grid_gco2e_per_kwh"].value.central == pytest.approx(179.1, abs=0.1)


def test_water_is_of_site_and_electricity():
    options = small("--wue-l-per-kwh", "0.5", "--wue-grid-l-per-kwh", "3.8", "--system-power-w", "400")
    found = footprint(*options)
    assert found.energy_kwh is not None
    assert found.water_l is not None
    assert found.water_l.central == pytest.approx(found.energy_kwh.central / 1.1 * (0.5 + 1.1 * 3.8))
    assert not any("water" in sentence for sentence in found.missing)


def test_a_device_without_an_embodied_figure_is_unknown_and_says_which_row_to_add():
    bare = next(row for row in ledger("devices") if not row["embodied"] and (row["bf16_tflops"] or row["fp16_tflops"]))
    found = footprint(*small(device=bare["device"]))
    assert found.embodied_gco2e is None
    assert found.operational_gco2e is not None or not bare["tdp_w"]
    assert any(f"embodied.csv has no row of {bare['device']}" in sentence for sentence in found.missing)
    given = footprint(*small("--device-embodied-kgco2e", "100:200:300", device=bare["device"]))
    assert given.embodied_gco2e is not None


def test_a_device_without_a_tdp_has_no_energy_until_its_power_is_given():
    bare = next(row for row in ledger("devices") if not row["tdp_w"] and (row["bf16_tflops"] or row["fp16_tflops"]))
    found = footprint(*small(device=bare["device"]))
    assert (found.energy_kwh, found.operational_gco2e, found.water_l) == (None, None, None)
    assert any("no TDP" in sentence for sentence in found.missing)
    assert footprint(*small("--system-power-w", "300", device=bare["device"])).energy_kwh is not None


def test_a_model_that_does_not_fit_is_noted():
    found = footprint(*small(params="175e9", count="1"))
    assert any("do not fit into the 80 GB" in note for note in found.notes)


def test_what_makes_it_uncertain_is_said_with_its_share():
    found = footprint(*small("--system-power-w", "400", grid_gco2e_per_kwh="100:400:900"))
    share = re.match(r"largest uncertainty: grid_gco2e_per_kwh, (\d+)% of the variance", found.notes[0])
    assert share is not None
    assert int(share[1]) > 90


def test_what_a_total_does_not_depend_on_does_not_make_it_uncertain():
    wide_water = footprint(*small("--wue-l-per-kwh", "0:1:9", "--wue-grid-l-per-kwh", "0:1:9"))
    assert wide_water.notes[0] == footprint(*small()).notes[0]
    only_making = footprint(*small(device="TPU v5e", efficiency="0.4", pue="1:1.1:2", params="1e9"))
    assert (only_making.operational_gco2e, only_making.embodied_gco2e) == (None, None)
    made = small("--device-embodied-kgco2e", "100", device="TPU v5e", pue="1:1.1:2", params="1e9")
    assert "hardware_lifetime_years" in footprint(*made).notes[0]


# --- finetune


def test_lora_takes_two_thirds_of_full_tuning_and_epochs_multiply():
    full = footprint(*small("--method", "full", "--epochs", "3", what="finetune"))
    lora = footprint(*small("--method", "lora", "--epochs", "3", what="finetune"))
    once = footprint(*small("--method", "lora", what="finetune"))
    adapter = footprint(*small("--method", "lora", "--adapter-params", "70e6", what="finetune"))
    assert full.energy_kwh is not None
    assert lora.energy_kwh is not None
    assert once.energy_kwh is not None
    assert adapter.energy_kwh is not None
    assert lora.energy_kwh.central == pytest.approx(full.energy_kwh.central * 2 / 3)
    assert lora.energy_kwh.central == pytest.approx(once.energy_kwh.central * 3)
    assert adapter.energy_kwh.central == pytest.approx(once.energy_kwh.central * 1.015)
    assert any("operations of the adapter itself are left out" in note for note in lora.notes)


def test_a_full_tuning_once_is_a_training():
    assert footprint(*small(what="finetune")).energy_kwh == footprint(*small()).energy_kwh


# --- what is refused, each in one sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (small(params="0"), "--params: 0 must be above 0"),
        (small(tokens="-5"), "--tokens: -5 must be above 0"),
        (small(params="many"), "'many' is not a number such as 175e9, or LOW:CENTRAL:HIGH"),
        (small(params="nan"), "'nan' is not a number"),
        (small(params="1:2"), "'1:2' is not a number"),
        (small(params="3:2:1"), "'3:2:1' does not rise"),
        (small(pue="0.9"), "--pue: 0.9 must be at least 1"),
        (small(count="2.5"), "'2.5' is not a whole number"),
        (small(efficiency="40"), "--efficiency: 40 must be at most 1"),
        (small(device="A1000-80GB"), "no device 'A1000-80GB' in devices.csv; nearest are nvidia-a100-sxm-80gb"),
        (small("--achieved-tflops", "100"), "--achieved-tflops and --efficiency: both are given"),
        (small(without=("--efficiency",)), "--achieved-tflops and --efficiency: neither is given"),
        (small(without=("--pue",)), "--pue and --hosting: neither is given"),
        (small("--region", "FRA"), "--grid-gco2e-per-kwh and --region: both are given"),
        (small("--wue-of", "gogle"), "--wue-of gogle: wue.csv has no such row"),
        (small("--active-params", "8e9"), "--active-params 8e+09 is more than --params 7e+09"),
        (small("--layers", "96"), "--params and an architecture are both given"),
        (small("--layers", "96", without=("--params",)), "incomplete: give --hidden, --vocabulary too"),
        (small(without=("--params",)), "--params: not given"),
        (small("--adapter-params", "1e6", what="finetune"), "--adapter-params is of --method lora"),
        (
            small("--achieved-tflops", "400", without=("--efficiency",)),
            "400 is above what a nvidia-a100-sxm-80gb can do, 312 TFLOP/s dense",
        ),
        (small(params="1e300", tokens="1e300"), "must hold, from 0 up, finite"),
        (["train"], "required: --tokens, --device, --count"),
        ([], "required: WHAT"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_one_sentence_and_exit_code_2(capsys, arguments, sentence):
    lines = refused(capsys, *arguments)
    assert len(lines) == 1
    assert sentence in lines[0]


def test_an_unknown_region_names_the_nearest(capsys):
    lines = refused(capsys, *small("--region", "Germanny", without=("--grid-gco2e-per-kwh",)))
    assert len(lines) == 1
    assert "nearest: DEU" in lines[0]
    assert "grid_intensity.csv" in lines[0]


def test_all_mistakes_are_found_at_once(capsys):
    lines = refused(capsys, *small(device="A1000", without=("--pue", "--efficiency", "--params")))
    assert len(lines) == 4


# --- validate, and how things look


def test_validate_sets_prediction_actual_and_deviation_of_the_five_beside_each_other(capsys):
    assert main(["footprint", "validate", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    rows = {each["model"]: each for each in shown["models"]}
    assert list(rows) == ["T5", "GPT-3", "GShard", "Switch", "XLM"]
    predicted = {name: round(row["predicted_tco2e"], 2) for name, row in rows.items()}
    assert predicted == {"T5": 45.65, "GPT-3": 553.91, "GShard": 4.44, "Switch": 63.86, "XLM": 37.62}
    assert [row["actual_tco2e"] for row in rows.values()] == [46.7, 552.1, 4.3, 59.1, 39.0]
    for row in rows.values():
        assert row["deviation_share"] == pytest.approx(row["predicted_tco2e"] / row["actual_tco2e"] - 1)
        assert row["deviation_share"] == pytest.approx(row["published_deviation_share"], abs=7e-3)
    checks = {each["what"]: each for each in shown["checks"]}
    assert checks["XLM, embodied, by part"]["predicted"] == pytest.approx(0.648, abs=5e-4)
    for each in shown["checks"]:
        assert each["predicted"] == pytest.approx(each["published"], rel=0.02)


def test_validate_says_what_is_wrong_with_what_others_print():
    notes = " ".join(validation().notes)
    for said in ("near-circular", "536.69", "69%", "inconsistent", "recalled"):
        assert said in notes


@pytest.mark.parametrize("arguments", [GPT_3, ("validate",), small(what="finetune")], ids=["train", "validate", "tune"])
def test_what_people_read_fits_into_100_columns(capsys, arguments):
    assert main(["footprint", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 100
    assert len(lines) > 15


def test_people_see_what_is_unknown_and_what_has_no_range_and_never_a_zero(capsys):
    assert main(["footprint", *GPT_3]) == 0
    out = capsys.readouterr().out
    water = next(line for line in out.splitlines() if line.startswith("water"))
    assert water.split() == ["water", "unknown"]
    operational = next(line for line in out.splitlines() if line.startswith("operational"))
    # three equal figures would look like a range
    assert operational.split() == ["operational", "553.9", "tCO2e"]
    embodied = next(line for line in out.splitlines() if line.startswith("embodied"))
    assert len(embodied.split()) == 5


def test_kinds_of_hosting_are_those_of_the_ledger():
    with (FOLDER / "pue.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(dict.fromkeys(row["hosting"] for row in csv.DictReader(file))) == HOSTINGS


def test_amounts_take_the_unit_that_suits_them():
    assert amount(553.9e6, "gCO2e") == "553.9 tCO2e"
    assert amount(0.5, "gCO2e") == "500 mgCO2e"
    assert amount(1.5e3, "kWh") == "1.5 MWh"
    assert significant(1_022_362) == "1,022,362"
    assert significant(0) == "0"
    assert (count_words(175e9), count_words(512), count_words(1e300)) == ("175 billion", "512", "1e+300")
