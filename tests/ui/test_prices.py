"""The page of prices: its tables from plain entries, and the page over a real snapshot."""

import csv
import io
from datetime import date

import pytest

from tests.ui.test_pages import EVIL, opened, published, text
from tests.warehouse.builders import planned_row, run_row, trial_row
from tests.warehouse.test_calculator import entry
from tests.warehouse.test_price_shelf import DAY, PRODUCT, shelf
from ui import price_steps, prices, prices_bill
from ui.markup import table
from ui.prices_bill_chart import bill_chart
from warehouse.bill import BillChange, TargetBill, UnknownBill
from warehouse.bill_periods import Period
from warehouse.bill_use import TokenUse
from warehouse.landing import land
from warehouse.loader import load
from warehouse.price_drifts import DRIFT_SHARE
from warehouse.price_shelf import Shelf, on_day
from warehouse.pricebook import Product
from warehouse.publish import publish


def shown(*sources, day=DAY):
    rows = on_day(shelf(*sources), day, tolerance_share=DRIFT_SHARE)
    return table(prices.columns(rows), prices.table_rows(rows), label="x")


def test_a_row_shows_the_price_its_age_and_who_disagrees():
    html = shown([entry("2", "10", origin="contract", note="tax: 20 % to add", currency="EUR")], [entry()])
    assert "contract" in html
    assert "disputed" in html
    assert "list: 1" in html
    assert "tax: 20 % to add" in html
    assert "stated in EUR" in html
    assert "not said" in html


def test_an_unknown_price_is_said_with_its_reason_and_names_are_escaped():
    of = Shelf(products=[Product(target_id=EVIL, provider=EVIL, model=EVIL)], sources={}, own=[])
    rows = on_day(of, DAY, tolerance_share=0.05)
    html = table(prices.columns(rows), prices.table_rows(rows), label="x")
    assert "unknown" in html
    assert "In no contract, price file or list" in html
    assert "<script>" not in html
    assert prices.finding(rows, DAY) == f"The price of {EVIL} is not known on 2026-11-15"


def test_how_much_is_known_is_a_true_sentence_for_one_target_for_some_and_for_all():
    known = [Product(target_id=name, provider="p", model="m") for name in ("a", "b")]
    dark = [Product(target_id=name, provider="p", model="m") for name in ("c", "d")]
    of = Shelf(products=[], sources={(each.target_id, "p", "m"): [[entry()]] for each in known}, own=[])
    for products, said in (
        (known[:1], "The price of a is known on"),
        (known, "Prices of all 2 hosted targets are known on"),
        (known[:1] + dark, "Prices of 1 of 3 hosted targets are known on"),
        (known + dark, "Prices of 2 of 4 hosted targets are known on"),
        (dark, "Of 2 hosted targets no price is known on"),
    ):
        rows = on_day(of, DAY, tolerance_share=DRIFT_SHARE, products=products)
        assert prices.finding(rows, DAY) == f"{said} 2026-11-15"


def test_a_bench_stands_apart_from_the_targets_of_configs(tmp_path, monkeypatch):
    bench = run_row(run_id="bench-1", run_kind="bench")
    api = {"kind": "endpoint", "engine": None, "device": None}
    adhoc = trial_row(
        trial_id="bench-1.adhoc.adhoc.1", run_id="bench-1", target_id="adhoc", provider="adhoc", model="llama", **api
    )
    folder = published(tmp_path, [bench, adhoc])
    alone = text(opened("prices", folder, monkeypatch))
    assert "No hosted target of a config has been measured yet" in alone
    assert "Ad hoc benches" in alone
    assert "0 hosted targets" not in alone
    named = trial_row(trial_id="night-1.api.chat.1", target_id="api", provider="p", model="m", **api)
    land(folder, batch_id="night", host_id="h", rows=[run_row(), planned_row(), named])
    load(folder)
    publish(folder)
    both = text(opened("prices", folder, monkeypatch))
    assert "The price of api is not known on" in both
    assert both.index("The price of api") < both.index("Ad hoc benches") < both.index("adhoc")


def test_the_history_is_steps_by_source_and_says_the_last_change():
    of = shelf([entry("2", "20"), entry("1", "10", valid_from="2026-06-01")])
    found = price_steps.steps(of, PRODUCT, "standard", DAY)
    assert [(step.usd, step.day) for step in found if step.amount == "usd_per_output_mtok"] == [
        (20.0, date(2026, 3, 3)),
        (10.0, date(2026, 6, 1)),
    ]
    said = price_steps.step_finding(found, PRODUCT, "standard")
    assert said == "api: from 20 to 10 USD per million output tokens on 2026-06-01, 50% less"
    chart = price_steps.step_chart(found, DAY).to_dict()
    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["rule", "line"]
    assert price_steps.step_chart([], DAY) is None
    assert "no price of flex output tokens is dated" in price_steps.step_finding([], PRODUCT, "flex")
    _, rows = price_steps.step_table(found)
    assert rows[0].cells[0].main == "2026-06-01"


def test_the_file_holds_every_price_and_what_is_unknown():
    rows = on_day(shelf([entry(), entry("3", above_prompt_tokens=9)]), DAY, tolerance_share=0.05)
    rows += on_day(shelf(), DAY, tolerance_share=0.05)
    read = list(csv.DictReader(io.StringIO(prices.to_csv(rows))))
    assert [row["usd_per_input_mtok"] for row in read] == ["1", "3", ""]
    assert [row["above_prompt_tokens"] for row in read] == ["0", "9", ""]
    assert read[2]["reason"].startswith("in no contract")


def test_the_page_shows_a_day_and_what_sources_disagree_about(one_night, monkeypatch):
    page = opened("prices", one_night, monkeypatch, on="2026-11-20", target="openai-mini")
    said = text(page)
    assert "Prices as of 2026-11-20" in said
    assert "openai-mini, standard: cached input at 0.05 by the contract, 33% less than 0.075 by the list" in said
    assert "vllm-own" in said
    assert "Not bought by the token, but by electricity and hardware: broken, " in said
    assert len(page.get("vega_lite_chart")) == 1


def test_a_day_that_is_none_is_told_so_and_today_is_shown(one_night, monkeypatch):
    page = opened("prices", one_night, monkeypatch, on="yesterday")
    assert "As of &#x27;yesterday&#x27; is no day from 2020-01-01" in text(page)


def test_a_night_with_failures_only_says_so_on_both_pages_of_money(tmp_path, monkeypatch):
    crashed = trial_row(status="setup_failed", status_reason="no weights", window_start_ns=None, window_end_ns=None)
    folder = published(tmp_path, [run_row(), planned_row(), crashed])
    assert "No target has been measured under chat yet." in text(opened("calculator", folder, monkeypatch))
    shown = text(opened("prices", folder, monkeypatch))
    assert "No hosted target has been measured yet. alpha: at the price of electricity and hardware." in shown


# what changed my bill


def bill(**parts):
    use = {"lines": {}, "prices": (0.0,) * 5}
    one = TargetBill(
        target_id=EVIL,
        provider="p",
        model="m",
        before=TokenUse(usd=10.0, **use),
        after=TokenUse(usd=10.0 + sum(parts.values()), **use),
        parts=parts,
    )
    span = Period(name="2026-11", first_on=DAY, last_on=DAY, run_ids=("r",), days_with_runs=1)
    lost = UnknownBill(target_id="dark", provider="p", model="m", trials=4, unpriced_trials=1, reason="no <price>")
    return BillChange(before=span, after=span, targets=(one,), unknown=(lost,), unbilled_failures=0)


def test_the_steps_of_a_bill_lead_from_one_to_the_other_and_the_table_says_the_same():
    change = bill(volume=6.004, price=-1.004, cache=0.0)
    (drawn, _) = bill_chart(change).to_dict()["datasets"].values()
    assert [(row["name"], row["start"], row["end"], row["shown"]) for row in drawn] == [
        ("Before", 0.0, 10.0, "10.00"),
        ("Requests", 10.0, pytest.approx(16.004), "+6.00"),
        ("Price", pytest.approx(16.004), pytest.approx(15.0), "\N{MINUS SIGN}1.00"),
        ("After", 0.0, pytest.approx(15.0), "15.00"),
    ]
    _, rows = prices_bill.part_table(change)
    assert [row.cells[1].main for row in rows] == ["10.00", "+6.00", "\N{MINUS SIGN}1.00", "15.00"]


def test_parts_that_are_small_beside_the_bill_are_drawn_on_an_axis_that_says_where_it_begins():
    chart = bill_chart(bill(volume=0.03, price=-0.01)).to_dict()
    axis = chart["layer"][0]["encoding"]["x"]
    assert axis["scale"]["domain"][0] > 9
    assert "not from 0" in axis["axis"]["title"]
    assert bill_chart(bill(volume=0.0)) is None


def test_names_on_a_bill_are_names_and_what_is_unknown_stays_so():
    change = bill(volume=6.0)
    html = table(prices_bill.target_columns(change), prices_bill.target_rows(change), label="x")
    assert "<script>" not in html
    assert "In neither sum, 1 of 4 trials: no &lt;price&gt;" in html
    read = list(csv.DictReader(io.StringIO(prices_bill.to_csv(change))))
    assert (read[0]["volume_usd"], read[1]["difference_usd"], read[1]["reason"]) == ("6.0", "", "no <price>")


def test_the_page_says_what_changed_the_bill_between_two_runs_or_that_there_is_one_alone(
    nights, one_night, monkeypatch
):
    page = opened("prices", nights, monkeypatch, show="bill", of="run")
    said = text(page)
    assert "From one bill to the next" in said
    assert "vllm-own" in said
    assert len(page.get("vega_lite_chart")) == 1
    assert {"This", "Against"} <= {box.label for box in page.selectbox}
    alone = text(opened("prices", one_night, monkeypatch, show="bill", of="month"))
    assert "All that was measured is of one month, 2026-11; two are needed." in alone
    first = text(opened("prices", one_night, monkeypatch, show="bill"))
    assert "USD, and nothing to compare it with: no run from 2026-10-19 to 2026-10-25" in first
