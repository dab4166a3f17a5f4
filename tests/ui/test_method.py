"""What the page of methods says comes from code and ledgers, and is all there."""

import pytest

from ui import formula_words, method, method_words, quantities, validation
from warehouse.metrics import METRICS
from warehouse.reference.ledgers import ledger


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "energy-x-pue-x-grid-intensity-hourly",
            "Emissions of running: IT energy x PUE x intensity of the electricity.",
        ),
        ("by-time-part-and-utilisation", "The part of making a device that falls to a use of it"),
        ("it-energy-x-site-and-grid-wue", "Water consumed by running"),
        ("nvml-energy-counter", "Energy in a window from a cumulative counter"),
        ("nvml-power-sampled", "Energy in a window under a sampled power curve"),
        ("tdp-load-curve", "Energy in a window under a sampled power curve"),
        ("time-sliced-by-weight", "Divide the energy of the window"),
        ("joules-per-token", "What is stated for an output token"),
    ],
)
def test_a_stored_method_is_explained_by_its_own_formula(name, sentence):
    assert formula_words.said(name).sentence.startswith(sentence)


def test_a_formula_names_where_it_was_published_and_an_unknown_method_has_no_words_made_up_for_it():
    assert "ISO/IEC 21031:2024" in formula_words.said("energy-x-pue-x-grid-intensity-yearly").source
    assert formula_words.said("something-new") is None


def test_every_metric_stands_in_the_table_with_the_definition_of_the_view():
    definitions = {of.column: f"what {of.id} is" for of in METRICS}
    _, rows = method.metric_table(definitions)
    assert [(row.cells[0].main, row.cells[2].main) for row in rows] == [
        (of.title, f"what {of.id} is") for of in METRICS
    ]


def test_trainings_are_predicted_by_the_formulas_and_stand_beside_what_was_reported():
    found = {one.of.model: one for one in validation.validated()}
    # [C] of the reference: 6 x parameters x tokens over the achieved speed
    expected = {"T5": 45.65, "GPT-3": 553.91, "GShard": 4.44, "Switch": 63.86, "XLM": 37.62}
    assert {name: round(one.predicted_tco2e, 2) for name, one in found.items()} == expected
    assert found["GPT-3"].deviation_share == pytest.approx(0.0033, abs=1e-4)
    assert "to within 8 %" in validation.finding(list(found.values()))
    assert "GPT-3 +15.7 %" in validation.forecast(list(found.values()))


def test_declared_prompts_are_shown_as_declared_and_what_was_not_said_is_not_zero():
    _, rows = method.prompt_table(ledger("prompts_declared"))
    shown = {row.cells[0].main: [cell.main for cell in row.cells[1:4]] for row in rows}
    assert shown["Median Gemini Apps text prompt"] == ["0.24", "0.03", "0.26"]
    assert shown["Le Chat reply of 400 tokens, Mistral Large 2"] == ["not said", "1.14", "45"]


def factor(**changes):
    base = {"key": "FRA", "quantity": "grid_gco2e_per_kwh", "low": 41.44, "central": 41.44, "high": 56.0, "tag": "read"}
    dated = {"valid_from": "2026-01-01", "age_days": 326, "source": "a table", "retrieved_on": "2026-11-23"}
    return {**base, **dated, "factor_version": "0123456789ab", **changes}


def test_a_factor_is_shown_with_range_tag_age_source_and_version():
    _, (shown,) = method.ledger_table([factor()])
    value, tag, valid, source = shown.cells[1:]
    assert (value.main, value.beneath) == ("41.44", "41.4 \N{EN DASH} 56")
    assert tag.badges[0].text == "read"
    assert (valid.main, valid.beneath) == ("2026-01-01", "326 d")
    assert source.beneath == "2026-11-23 \N{MIDDLE DOT} 0123456789ab"


def test_a_recalled_figure_is_marked_and_one_without_a_tag_says_that_too():
    _, (recalled, silent) = method.ledger_table(
        [factor(tag="recalled"), factor(tag=None, valid_from=None, age_days=None)]
    )
    assert (recalled.cells[2].badges[0].text, recalled.cells[2].badges[0].tone) == ("recalled", "warn")
    assert (silent.cells[2].badges[0].text, silent.cells[3].main) == ("not said", "not dated")


def test_texts_are_whole_sentences_and_short():
    lines = [*method_words.LIMITS, *method_words.METER_NOTES, method_words.TRAINING_NOTE, method_words.PROMPTS_NOTE]
    for line in lines:
        assert line.endswith(".")
        assert len(line) < 240


def test_a_quantity_that_nobody_named_is_shown_by_its_stored_name():
    assert quantities.quantity("new_thing_kg").name == "new_thing_kg"
    assert quantities.quantity("energy_j of modelled:cpu").name == "Energy by the meter modelled:cpu"
    assert quantities.inside("hardware_embodied_gco2e") == "making the hardware"
    assert quantities.inside("pue") == "PUE"
