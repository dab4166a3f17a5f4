"""List prices and reference ledgers: dated, sourced, and unknown is not 0."""

import csv
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from warehouse.errors import ReferenceDataError, WarehouseError
from warehouse.prices import list_price
from warehouse.reference import FOLDER, embodied_range, ledger, published_grid_intensity, pue_range

AUGUST = datetime(2026, 8, 15, tzinfo=UTC)


def test_a_price_holds_on_its_day():
    # the list dates a cut to a fifth from 2026-07-30
    before = list_price("openai", "gpt-5.6-luna", at=datetime(2026, 7, 15, tzinfo=UTC))
    after = list_price("openai", "gpt-5.6-luna", at=AUGUST)
    assert (before.usd_per_input_mtok, before.usd_per_output_mtok, before.valid_from) == (Decimal(1), Decimal(6), None)
    assert (after.usd_per_input_mtok, after.usd_per_output_mtok) == (Decimal("0.2"), Decimal("1.2"))
    assert after.usd_per_cached_input_mtok == Decimal("0.02")
    assert after.valid_from == "2026-07-30"
    assert after.source == "genai-prices 0.2.3"


def test_a_provider_is_found_by_the_address_of_its_endpoint_and_the_matched_names_are_kept():
    found = list_price("fast", "Llama-3.3-70B-Versatile", at=AUGUST, base_url="https://api.groq.com/openai/v1")
    assert (found.provider_id, found.model_id) == ("groq", "llama-3.3-70b-versatile")
    assert found.usd_per_cached_input_mtok is None


@pytest.mark.parametrize(
    ("provider", "model", "base_url"),
    [
        ("openai", "no-such-model-9", None),
        ("nobody", "gpt-4o", None),
        ("my-openai-proxy", "gpt-4o", None),
        ("my-openai-proxy", "gpt-4o", "http://127.0.0.1:8000/v1"),
        ("llama.cpp", "SmolLM2-135M-Instruct", None),
    ],
)
def test_what_the_list_does_not_have_is_none(provider, model, base_url):
    assert list_price(provider, model, at=AUGUST, base_url=base_url) is None


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(WarehouseError, match="no time zone"):
        list_price("openai", "gpt-4o", at=datetime(2026, 8, 15))  # noqa: DTZ001 - the mistake under test


def test_dearer_tiers_begin_far_above_the_prompts_of_our_workloads():
    from genai_prices.data import providers
    from genai_prices.types import TieredPrices

    starts = set()
    for provider in providers:
        for model in provider.models:
            for holder in model.prices if isinstance(model.prices, list) else [model]:
                listed = [price for price in vars(holder.prices).values() if isinstance(price, TieredPrices)]
                starts |= {tier.start for price in listed for tier in price.tiers}
    assert min(starts) >= 32_000


def test_prices_are_read_without_any_network():
    code = """
import socket, sys
def refuse(*_):
    raise AssertionError("a price look-up opened a socket")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from datetime import datetime, UTC
from warehouse.prices import list_price
sys.stdout.write(str(list_price("openai", "gpt-4o-mini", at=datetime(2026, 8, 15, tzinfo=UTC)) is not None))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True"


# ledgers


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.stem)
def test_every_row_of_a_ledger_has_a_date_a_source_and_when_it_was_retrieved(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert None not in row
        date.fromisoformat(row["valid_from"])
        date.fromisoformat(row["retrieved_on"])
        assert row["source"].strip()


def test_every_range_is_in_order():
    for name, keys, lookup in (("embodied", "device", embodied_range), ("pue", "hosting", pue_range)):
        for row in ledger(name):
            found = lookup(row[keys])
            assert 0 < found.low <= found.central <= found.high
    assert min(pue_range(row["hosting"]).low for row in ledger("pue")) >= 1


def test_a_grid_spans_what_its_publishers_say_and_names_them():
    france = published_grid_intensity("FRA")
    assert (france.low, france.central, france.high) == (41.44, 56.0, 56.0)
    assert "Ember" in france.source
    assert "EcoLogits" in france.source
    world = published_grid_intensity("world")
    assert (world.low, world.high) == (458.29, 475.0)


def test_a_grid_before_a_publisher_began_rests_on_the_others():
    assert published_grid_intensity("FRA", date(2024, 3, 1)).low == 56.0


def test_a_zone_that_no_ledger_has_is_none_and_one_that_begins_later_is_an_error_that_says_when():
    assert published_grid_intensity("ATA") is None
    with pytest.raises(ReferenceDataError) as error:
        published_grid_intensity("DEU", date(2020, 1, 1))
    assert str(error.value) == (
        "no grid intensity for zone 'DEU' on 2020-01-01; grid_intensity.csv starts 2023-01-01,"
        " add a row with its source"
    )


def test_a_device_and_a_hosting_that_are_not_in_the_ledger_are_named_with_those_that_are():
    assert embodied_range("nvidia-h100-sxm").central == 273_000
    with pytest.raises(ReferenceDataError, match=r"no device 'abacus' in embodied\.csv, which has nvidia-v100, "):
        embodied_range("abacus")
    with pytest.raises(ReferenceDataError, match=r"no hosting 'balcony' in pue\.csv"):
        pue_range("balcony")
