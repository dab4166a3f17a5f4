"""The page of a month of mine: its words and tables from plain estimates, and the page over a real snapshot."""

import csv
import io
from decimal import Decimal

import pytest

from tests.ui.test_pages import EVIL, opened, text
from tests.warehouse.test_calculator import AT, MONTH, entry, hosted, own
from ui import calculator
from ui.calculator_break_even import crossing_finding, crossing_table
from ui.calculator_charts import chosen_lines, month_chart, volume_chart
from ui.calculator_csv import to_csv
from ui.markup import table
from warehouse.calculator import Demand, estimates
from warehouse.calculator_break_even import cost_lines, crossings
from warehouse.calculator_contracts import read_contracts

PROVIDERS = ["llama.cpp", "p"]


def found(*targets, by="usd"):
    return estimates(targets, Demand(usage=MONTH, at=AT), by=by)


def test_the_finding_says_who_is_first_how_far_and_who_only_seems_to_be():
    cheap, dear = hosted(entry("0.1", "1"), target_id="cheap"), hosted(entry(), target_id="dear")
    assert calculator.finding(found(cheap, dear), "usd") == "cheap: 0.2 USD a month, 10 times less than dear"
    assert "cannot be told apart" in calculator.finding(found(cheap, hosted(entry("0.1", "1"))), "usd")
    assert calculator.finding(found(cheap), "usd").endswith("the only target whose figure is known")
    assert calculator.finding(found(hosted()), "usd") == "No target has a known figure in USD a month"
    assert calculator.finding([], "kg") == "No target has a known figure in kg CO2e a month"


def test_the_table_escapes_names_and_says_unknown_with_its_reason():
    rows = calculator.table_rows(found(hosted(target_id=EVIL), own(grade="D")), {})
    html = table(calculator.columns("usd"), rows, label="x")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "no price of p/m is known" in html
    assert "1 machine" in html
    assert "grade D" in html


def test_each_reason_is_said_once_with_those_it_holds_for():
    said = calculator.unknowns(found(hosted(target_id="a"), hosted(target_id="b")))
    assert said[0].startswith("Unknown cost of a and b: no price of p/m is known")


def test_the_file_has_every_figure_in_base_units_and_disarms_formulas():
    rows = list(csv.DictReader(io.StringIO(to_csv(found(hosted(entry(), target_id="=1+1"), own())))))
    assert rows[0]["target_id"] == "'=1+1"
    assert float(rows[0]["usd_per_month"]) == pytest.approx(2.0)
    assert rows[0]["kgco2e_per_month"] == ""
    assert float(rows[1]["machines"]) == 1


def test_the_chart_has_a_row_a_target_with_a_figure_and_none_without():
    assert month_chart(found(hosted()), "usd", PROVIDERS) is None
    drawn = month_chart(found(hosted(entry()), own(provider="llama.cpp"), hosted(target_id="n")), "usd", PROVIDERS)
    assert [row["target"] for row in drawn.data.values] == ["api", "box"]
    assert drawn.to_dict()
    assert month_chart(found(own()), "kg", PROVIDERS).to_dict()


def test_costs_by_volume_name_their_lines_apart_and_mark_where_they_cross():
    estimated = found(hosted(entry("0", "100")), own())
    lines = chosen_lines(estimated, cost_lines(estimated, MONTH.total))
    met = crossings(estimated, MONTH.total, min_goodput_share=0.95)
    chart = volume_chart(lines, estimated, met, MONTH.total.requests, PROVIDERS)
    assert sum(len(layer.data.values) for layer in chart.layer) <= 2000
    assert [layer["mark"]["type"] for layer in chart.to_dict()["layer"]] == ["rule", "line", "text", "point"]
    assert volume_chart([], estimated, met, 1.0, PROVIDERS) is None
    assert crossing_finding(met, MONTH.total.requests).startswith("box is cheaper than api from 28,")
    _, rows = crossing_table(met, estimated)
    assert rows[0].cells[1].main == "api"
    assert crossing_finding([], 1.0).startswith("No machine of ours")


def test_contracts_are_read_a_line_each_and_a_wrong_one_is_a_sentence():
    contracts, wrong = read_contracts('a 0.5 1.5;"b c" 1 2 0.1\n\nnobody 1 2;a x 1;a 1;a -1 2;a "1 2', {"a", "b c"})
    assert contracts["a"].usd_per_output_mtok == Decimal("1.5")
    assert contracts["b c"].usd_per_cached_input_mtok == Decimal("0.1")
    assert wrong == [
        "Contract 4, 'nobody 1 2': there is no target 'nobody' here.",
        "Contract 5, 'a x 1': 'x' is no number.",
        "Contract 6, 'a 1': write TARGET INPUT OUTPUT [CACHED], in USD per million tokens.",
        "Contract 7, 'a -1 2': -1 is no price; give USD per million tokens, 0 or more.",
        "Contract 8, 'a \"1 2': No closing quotation; write TARGET INPUT OUTPUT [CACHED].",
    ]


def test_the_page_ranks_a_month_and_a_link_restores_it(one_night, monkeypatch):
    page = opened(
        "calculator", one_night, monkeypatch, requests="1000", prompt="6000", output="300", batch="50", by="kg"
    )
    shown = text(page)
    assert "1,000 requests a month" in shown
    assert "6 million prompt and 300 thousand output tokens" in shown
    assert "kg CO2e a month" in shown
    assert "no price of vllm/llama-3.1-8b is known" in shown
    assert [box.value for box in page.number_input] == [1000, 6000, 300, 0, 50]
    assert len(page.get("vega_lite_chart")) == 2


def test_a_contract_in_the_address_rules_and_nonsense_is_told_so(one_night, monkeypatch):
    page = opened(
        "calculator", one_night, monkeypatch, contracts="vllm-own 0.01 0.02;who 1 2", requests="many", cached="900"
    )
    shown = text(page)
    assert "your contract" in shown
    assert "there is no target &#x27;who&#x27; here" in shown
    assert "Requests a month &#x27;many&#x27; is not between 1 and" in shown
    assert "Cached, % &#x27;900&#x27; is not between 0 and 100" in shown
    assert page.number_input[0].value == 100_000


def test_a_preset_brings_its_numbers_and_a_request_of_nothing_is_a_sentence(one_night, monkeypatch):
    page = opened("calculator", one_night, monkeypatch)
    preset = next(box for box in page.selectbox if box.label == "Start from")
    preset.set_value("code").run()
    assert [box.value for box in page.number_input] == [50_000, 30_000, 800, 80, 0]
    page.number_input[1].set_value(0).run()
    page.number_input[2].set_value(0).run()
    assert not page.exception
    assert "A request of no tokens costs nothing anywhere" in text(page)


def test_an_uploaded_log_takes_the_place_of_the_numbers(one_night, monkeypatch):
    page = opened("calculator", one_night, monkeypatch)
    log = b"timestamp,prompt_tokens,completion_tokens\n" + b"2026-11-01T00:00:00Z,900,90\n2026-11-02T00:00:00Z,900,90\n"
    page.file_uploader[0].upload("log.csv", log, "text/csv").run()
    assert not page.exception
    shown = text(page)
    assert "log.csv: 2 requests" in shown
    assert "60.9 requests a month" in shown
    page.file_uploader[0].upload("bad.csv", b"prompt_tokens,completion_tokens\nx,1\n", "text/csv").run()
    assert "Bad.csv line 2: prompt_tokens is" in text(page)


def test_a_month_is_worded_with_its_ratio():
    assert "10 : 1" in calculator.month_words(MONTH.total)
    assert calculator.tokens(1_500_000_000) == "1.5 billion"
