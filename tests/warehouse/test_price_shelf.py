"""The prices of a day: by tier, length and hour, and where sources disagree."""

from datetime import date
from decimal import Decimal

from tests.warehouse.test_calculator import entry
from warehouse.price_shelf import Shelf, on_day, pricing_page
from warehouse.pricebook import Product

PRODUCT = Product(target_id="api", provider="p", model="m")
DAY = date(2026, 11, 15)


def shelf(*sources):
    return Shelf(products=[PRODUCT], sources={("api", "p", "m"): sources}, own=["box"])


def test_a_day_has_the_price_that_holds_then_in_each_tier_and_length():
    older = entry("2", "20", valid_from="2026-01-01")
    newer = [
        entry("1", "10", valid_from="2026-06-01"),
        entry("3", "30", valid_from="2026-06-01", above_prompt_tokens=1000),
        entry("0.5", "5", valid_from="2026-06-01", service_tier="batch"),
    ]
    rows = on_day(shelf([older, *newer]), DAY, tolerance_share=0.05)
    assert [(row.service_tier, row.entry.above_prompt_tokens, row.entry.usd_per_input_mtok) for row in rows] == [
        ("standard", 0, 1),
        ("standard", 1000, 3),
        ("batch", 0, Decimal("0.5")),
    ]
    assert rows[0].age_days == 167
    (before,) = on_day(shelf([older, *newer]), date(2026, 3, 1), tolerance_share=0.05)
    assert before.entry.usd_per_input_mtok == 2


def test_a_day_before_the_first_price_and_a_product_without_one_say_why():
    (row,) = on_day(shelf([entry(valid_from="2026-06-01")]), date(2026, 5, 1), tolerance_share=0.05)
    assert (row.entry, row.reason) == (None, "no price is known on 2026-05-01: the first holds from 2026-06-01")
    (row,) = on_day(shelf(), DAY, tolerance_share=0.05)
    assert row.reason.startswith("in no contract, price file or list")


def test_prices_by_the_hour_have_a_row_each():
    rows = on_day(shelf([entry(), entry("0", "4", hours_utc="22:00-06:00")]), DAY, tolerance_share=0.05)
    assert [row.entry.hours_utc for row in rows] == [None, "22:00-06:00"]


def test_sources_that_differ_by_more_than_is_tolerated_disagree_and_the_first_rules():
    contract = [entry("1.04", "12", origin="contract")]
    (row,) = on_day(shelf(contract, [entry("1", "10")]), DAY, tolerance_share=0.05)
    assert row.entry.origin == "contract"
    (drift,) = row.drifts
    assert (drift.amount, drift.usd_ruling, drift.usd_other) == ("usd_per_output_mtok", 12, 10)


def test_a_provider_of_the_list_has_a_page_of_prices_and_another_has_none():
    assert pricing_page("openai", "gpt-4o-mini").startswith("https://")
    assert pricing_page("nobody", "m") is None
