"""The price book: which source rules, from which day, at which length of prompt and in which service tier."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from warehouse.errors import ReferenceDataError, WarehouseError
from warehouse.pricebook import STANDARD, PriceBook, PriceEntry, Product, drift, read_price_file
from warehouse.pricebook.entry import in_force
from warehouse.prices import listed_entries

NOVEMBER = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOBODY = Product(target_id="a", provider="nobody", model="m-1")
OPENAI = Product(target_id="a", provider="openai", model="gpt-4o-mini")


def contract(**changes) -> PriceEntry:
    entry = PriceEntry(
        origin="contract", listed_as="nobody/m-1", usd_per_input_mtok=Decimal(1), usd_per_output_mtok=Decimal(4),
        source="our contract",
    )  # fmt: skip
    return replace(entry, **changes)


def price_file(tmp_path, *lines):
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(lines) + "\n")
    return read_price_file(path)


HEAD = "provider,model,valid_from,source,per_input_mtok,per_output_mtok"
ROW = "nobody,m-1,2026-01-01,their page,2,8"


# which source rules


def test_a_contract_rules_over_a_file_and_a_file_over_the_list(tmp_path):
    file = price_file(tmp_path, HEAD, ROW, "openai,gpt-4o-mini,2026-01-01,their page,9,9")
    book = PriceBook(contracts={"a": [contract()]}, file=file)
    assert book.price(NOBODY, at=NOVEMBER).entry.origin == "contract"
    assert book.price(replace(NOBODY, target_id="b"), at=NOVEMBER).entry.usd_per_output_mtok == 8
    assert book.price(replace(OPENAI, target_id="b"), at=NOVEMBER).entry.source == "prices.csv: their page"
    assert PriceBook().price(OPENAI, at=NOVEMBER).entry.source.startswith("genai-prices ")


def test_what_nobody_states_is_unknown_and_not_free():
    assert PriceBook().price(NOBODY, at=NOVEMBER) is None


def test_a_contract_holds_from_its_first_day_and_the_file_until_then(tmp_path):
    book = PriceBook(contracts={"a": [contract(valid_from="2026-11-24")]}, file=price_file(tmp_path, HEAD, ROW))
    assert book.price(NOBODY, at=NOVEMBER).entry.origin == "file"
    tomorrow = book.price(NOBODY, at=NOVEMBER + timedelta(days=1))
    assert (tomorrow.entry.origin, tomorrow.age_days) == ("contract", 0)


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(WarehouseError, match="no time zone"):
        PriceBook().price(OPENAI, at=datetime(2026, 11, 1))  # noqa: DTZ001 - the mistake under test


# service tiers, lengths, hours


def test_a_service_tier_that_nobody_prices_is_an_error_that_names_those_that_are():
    known = PriceBook().service_tiers(Product(target_id=None, provider="openai", model="gpt-5.4-mini"), at=NOVEMBER)
    assert known[0] == STANDARD
    assert {"batch", "flex"} <= set(known)
    with pytest.raises(WarehouseError, match=r"openai/gpt-5\.4-mini in service tier 'nonsense' .* standard, batch"):
        PriceBook().price(
            Product(target_id=None, provider="openai", model="gpt-5.4-mini"), at=NOVEMBER, service_tier="nonsense"
        )


def test_a_tier_of_a_model_that_nobody_knows_is_unknown():
    assert PriceBook().price(NOBODY, at=NOVEMBER, service_tier="batch") is None


def test_a_prompt_above_a_tier_s_start_pays_it_and_one_at_its_start_does_not():
    long = contract(above_prompt_tokens=200_000, usd_per_input_mtok=Decimal(2))
    book = PriceBook(contracts={"a": [contract(), long]})
    costs = [book.price(NOBODY, at=NOVEMBER, prompt_tokens=n).entry.usd_per_input_mtok for n in (0, 200_000, 200_001)]
    assert costs == [1, 1, 2]
    assert len(book.price(NOBODY, at=NOVEMBER).length_tiers) == 2


def test_a_newer_price_without_length_tiers_ends_the_tiers_of_the_older_one():
    book = PriceBook(
        contracts={"a": [contract(), contract(above_prompt_tokens=100), contract(valid_from="2026-11-01")]}
    )
    assert book.price(NOBODY, at=NOVEMBER, prompt_tokens=1000).entry.valid_from == "2026-11-01"


def test_hours_are_utc_may_pass_midnight_and_end_before_their_end():
    night = contract(hours_utc="16:30-00:30", usd_per_input_mtok=Decimal("0.5"))
    book = PriceBook(contracts={"a": [contract(), night]})
    at = {
        clock: book.price(NOBODY, at=datetime.fromisoformat(f"2026-11-23T{clock}+00:00")).entry.usd_per_input_mtok
        for clock in ("16:29", "16:30", "23:59", "00:29", "00:30")
    }
    assert list(at.values()) == [1, Decimal("0.5"), Decimal("0.5"), Decimal("0.5"), 1]


def test_every_model_of_the_list_is_priced_as_the_package_itself_does():
    """Each listed model, around its dates, below and above its length tiers, in each service tier."""
    from genai_prices.data import providers
    from genai_prices.types import TieredPrices

    def of_package(model, at, context, prompt_tokens):
        prices = model.get_prices(at, context)
        found = []
        for key in ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok", "requests_kcount"):
            stated = getattr(prices, key, None)
            if isinstance(stated, TieredPrices):
                reached = [tier.price for tier in stated.tiers if prompt_tokens > tier.start]
                stated = reached[-1] if reached else stated.base
            found.append(stated)
        return found

    contexts = {STANDARD: None, "batch": {"processing": "batch"}, "flex": {"service_tier": "flex"}}
    contexts["priority"] = {"service_tier": "priority"}
    compared = 0
    for provider in providers:
        for model in provider.models:
            entries = listed_entries(provider.id, model.id)
            if not entries or entries[0].listed_as != f"{provider.id}/{model.id}":
                continue  # no token price, or an id that an earlier model's pattern matches
            tiers = {entry.service_tier for entry in entries} & set(contexts)
            simple = len(entries) == 1
            for at in (NOVEMBER,) if simple else (datetime(2026, 7, 1, 2, tzinfo=UTC), NOVEMBER):
                for tier in tiers:
                    for prompt_tokens in (0,) if simple else (0, 1_000_000):
                        ours = in_force(entries, at=at, service_tier=tier, prompt_tokens=prompt_tokens)
                        if ours is None:
                            assert tier != STANDARD
                            continue
                        one = ours.entry
                        amounts = [
                            one.usd_per_input_mtok, one.usd_per_cached_input_mtok, one.usd_per_cache_write_mtok,
                            one.usd_per_output_mtok, one.usd_per_1k_requests,
                        ]  # fmt: skip
                        assert amounts == of_package(model, at, contexts[tier], prompt_tokens), (model.id, at, tier)
                        compared += 1
    assert compared > 2000


def test_a_later_price_of_the_list_is_known_before_its_day():
    entries = listed_entries("openai", "gpt-5.6-luna")
    days = [entry.valid_from for entry in entries if entry.service_tier == STANDARD and not entry.above_prompt_tokens]
    assert days[0] is None
    assert "2026-07-30" in days
    assert days[1:] == sorted(days[1:])


def test_a_version_is_of_what_a_price_says_and_not_of_how_or_where_a_list_says_it():
    one = contract(origin="list", usd_per_input_mtok=Decimal("1.20"), source="genai-prices 0.2.3")
    assert one.price_version == replace(one, usd_per_input_mtok=Decimal("1.2"), source="genai-prices 9").price_version
    assert one.price_version != replace(one, usd_per_input_mtok=Decimal("1.21")).price_version
    assert contract().price_version != contract(source="another contract").price_version


# price files


def test_a_price_file_converts_at_the_rate_it_states_and_says_so(tmp_path):
    file = price_file(
        tmp_path,
        "provider,model,valid_from,source,per_input_mtok,per_output_mtok,currency,usd_per_currency,rate_on,"
        "rate_source,tax,service_tier,per_1k_requests",
        "Nobody,M-1,2026-11-01,page,1,4,EUR,1.10,2026-10-30,ECB,without VAT,batch,",
    )
    (entry,) = file["nobody", "m-1"]
    assert (entry.usd_per_input_mtok, entry.usd_per_output_mtok) == (Decimal("1.10"), Decimal("4.40"))
    assert (entry.currency, entry.service_tier, entry.usd_per_1k_requests) == ("EUR", "batch", None)
    assert entry.note == "1 EUR = 1.10 USD on 2026-10-30 (ECB); tax: without VAT"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["provider,model", "a,b"], "lacks valid_from, source; its columns are provider, model"),
        ([HEAD + ",prise", ROW + ",1"], "has unknown columns prise"),
        ([HEAD, "nobody,m-1,2026-01-01,,2,8"], "line 2 has no source; a price has a day and a source"),
        ([HEAD, ROW, "nobody,m-1,yesterday,page,2,8"], "line 3 valid_from = 'yesterday' is no day; give YYYY-MM-DD"),
        ([HEAD, "nobody,m-1,2026-01-01,page,-2,8"], "per_input_mtok = '-2'; give a number from 0 up"),
        ([HEAD, "nobody,m-1,2026-01-01,page,NaN,8"], "per_input_mtok = 'NaN'; give a number from 0 up"),
        ([HEAD, 'nobody,m-1,2026-01-01,page,"1,5",8'], "per_input_mtok = '1,5'; give a number from 0 up, with a point"),
        ([HEAD, "nobody,m-1,2026-01-01,page,,"], "line 2 states no price"),
        ([HEAD, ROW + ",9"], "line 2 has not as many cells as the first line"),
        ([HEAD + ",currency", ROW + ",EUR"], "is in EUR without usd_per_currency, rate_on, rate_source; state the"),
        ([HEAD + ",hours_utc", ROW + ",night"], "hours_utc = 'night'; give them as 16:30-00:30"),
        ([HEAD + ",above_prompt_tokens", ROW + ",200k"], "above_prompt_tokens = '200k'; give a whole number"),
    ],
)
def test_a_mistake_in_a_price_file_is_one_sentence(tmp_path, lines, said):
    with pytest.raises(ReferenceDataError) as error:
        price_file(tmp_path, *lines)
    assert said in str(error.value)


def test_a_price_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ReferenceDataError, match=r"none\.csv cannot be read"):
        read_price_file(tmp_path / "none.csv")


# drift


def test_two_sources_that_disagree_are_a_row_each_amount_with_the_difference(tmp_path):
    file = price_file(tmp_path, HEAD, ROW)
    book = PriceBook(contracts={"a": [contract(usd_per_cached_input_mtok=Decimal("0.1"))]}, file=file)
    found = list(drift(book, NOBODY, at=NOVEMBER))
    # contract 1 and 4, file 2 and 8; the file states no cached price, so there is nothing to compare
    assert [(one.amount, one.usd_ruling, one.usd_other, one.difference_share) for one in found] == [
        ("usd_per_input_mtok", 1, 2, -0.5),
        ("usd_per_output_mtok", 4, 8, -0.5),
    ]
    assert (found[0].ruling.age_days, found[0].other.age_days) == (None, 326)
    assert list(drift(book, NOBODY, at=NOVEMBER, tolerance_share=0.5)) == []
    assert list(drift(PriceBook(), OPENAI, at=NOVEMBER)) == []


def test_a_free_price_beside_one_that_is_not_has_no_percentage(tmp_path):
    book = PriceBook(contracts={"a": [contract()]}, file=price_file(tmp_path, HEAD, "nobody,m-1,2026-01-01,page,0,4"))
    (found,) = drift(book, NOBODY, at=NOVEMBER, tolerance_share=0.05)
    assert found.difference_share is None
