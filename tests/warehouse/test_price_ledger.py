"""The ledger of prices: what is new is added, what is gone is closed, and a past trial can be priced today."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.warehouse.begun import begun
from tests.warehouse.builders import attempt_row, fact_row, failed_row, trial_row
from warehouse.landing import land
from warehouse.loader import load
from warehouse.price_ledger import record_prices
from warehouse.query import dicts
from warehouse.writer import open_warehouse

TRIAL = trial_row(
    kind="endpoint", provider="openai", model="gpt-5.6-luna", engine=None, device=None,
    base_url="https://api.openai.com/v1", started_at=datetime(2026, 7, 15, 2, tzinfo=UTC),
)  # fmt: skip
NOBODY = replace(TRIAL, provider="nobody", model="m-1", base_url="https://llm.example/v1")


def prices(usd_in=1.0, usd_out=6.0, **changes):
    return [
        fact_row("price_usd_per_input_mtok", usd_in, **changes),
        fact_row("price_usd_per_output_mtok", usd_out, **changes),
    ]


def rows(con, sql):
    return dicts(con.execute(sql))


def test_the_ledger_keeps_every_dated_entry_of_what_targets_serve_and_adds_nothing_twice(warehouse):
    con = warehouse([TRIAL, attempt_row()])
    added, withdrawn = record_prices(con)
    assert (added > 3, withdrawn) == (True, 0)
    assert record_prices(con) == (0, 0)
    standard = rows(
        con,
        "SELECT valid_from, valid_until, usd_per_input_mtok, origin, listed_as FROM price_history"
        " WHERE service_tier = 'standard' AND above_prompt_tokens = 0 ORDER BY valid_from NULLS FIRST",
    )
    # the list dates a cut to a fifth from 2026-07-30
    assert [(row["valid_from"], row["usd_per_input_mtok"]) for row in standard][:2] == [
        (None, 1.0),
        ("2026-07-30", 0.2),
    ]
    assert standard[0]["valid_until"] == "2026-07-30"
    assert standard[-1]["valid_until"] is None
    assert {(row["origin"], row["listed_as"]) for row in standard} == {("list", "openai/gpt-5.6-luna")}


def test_a_past_trial_has_its_cost_at_its_day_s_price_and_at_today_s(warehouse):
    con = warehouse(
        [TRIAL, attempt_row(cached_tokens=40), *prices(ledger="genai-prices", ledger_key="openai/gpt-5.6-luna")]
    )
    record_prices(con)
    (row,) = rows(con, "SELECT * FROM trial_cost_today")
    # 100 prompt x 1 + 11 output x 6 = 166; today 60 x 0.2 + 40 cached x 0.02 + 11 x 1.2 = 26
    assert row["at_trial_usd"] == pytest.approx(166e-6)
    assert row["today_usd"] == pytest.approx(26e-6)
    assert row["change_share"] == pytest.approx(26 / 166 - 1)
    assert (row["price_origin"], row["price_valid_from"], row["reason"]) == ("list", "2026-07-30", None)


def test_a_trial_in_a_service_tier_is_priced_in_that_tier(warehouse):
    facts = prices(0.1, 0.6, ledger="genai-prices", ledger_key="openai/gpt-5.6-luna#flex")
    con = warehouse([TRIAL, attempt_row(), *facts])
    record_prices(con)
    (row,) = rows(con, "SELECT * FROM trial_cost_today")
    (flex,) = rows(con, "SELECT * FROM prices_now WHERE service_tier = 'flex' AND above_prompt_tokens = 0")
    assert row["service_tier"] == "flex"
    assert row["today_usd"] == pytest.approx(
        (100 * flex["usd_per_input_mtok"] + 11 * flex["usd_per_output_mtok"]) / 1e6
    )


def test_a_contract_rules_over_the_list_and_their_difference_is_drift(warehouse):
    con = warehouse([TRIAL, attempt_row(), *prices(0.1, 1.5, valid_from="2026-11-01", source="our contract")])
    record_prices(con)
    (now,) = rows(con, "SELECT * FROM prices_now WHERE service_tier = 'standard' AND above_prompt_tokens = 0")
    assert (now["origin"], now["usd_per_input_mtok"], now["source"]) == ("contract", 0.1, "our contract")
    drift = rows(con, "SELECT * FROM price_drift WHERE above_prompt_tokens = 0 ORDER BY amount")
    assert [(row["amount"], row["ruling_usd"], row["other_usd"]) for row in drift] == [
        ("usd_per_input_mtok", 0.1, 0.2),
        ("usd_per_output_mtok", 1.5, 1.2),
    ]
    assert [row["difference_share"] for row in drift] == pytest.approx([-0.5, 0.25])
    assert {(row["ruling_origin"], row["other_origin"]) for row in drift} == {("contract", "list")}


def test_a_new_contract_closes_the_old_one_which_stays_on_record(warehouse):
    con = warehouse([NOBODY, attempt_row(), *prices(1.0, 4.0)])
    assert record_prices(con) == (1, 0)
    con.execute("UPDATE trial_facts SET central = 5.0 WHERE quantity = 'price_usd_per_output_mtok'").fetchall()
    assert record_prices(con) == (1, 1)
    kept = rows(con, "SELECT usd_per_output_mtok, withdrawn_at IS NULL AS stated FROM prices ORDER BY 1")
    assert [(row["usd_per_output_mtok"], row["stated"]) for row in kept] == [(4.0, False), (5.0, True)]
    assert [row["usd_per_output_mtok"] for row in rows(con, "SELECT * FROM prices_now")] == [5.0]


def test_a_contract_that_begins_tomorrow_does_not_rule_today(warehouse):
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    con = warehouse([TRIAL, attempt_row(), *prices(0.1, 1.5, valid_from=tomorrow)])
    record_prices(con)
    (now,) = rows(con, "SELECT origin FROM prices_now WHERE service_tier = 'standard' AND above_prompt_tokens = 0")
    assert now["origin"] == "list"


def test_an_unknown_price_is_null_with_its_reason_and_never_0(warehouse):
    con = warehouse([NOBODY, attempt_row()])
    assert record_prices(con) == (0, 0)
    (row,) = rows(con, "SELECT at_trial_usd, today_usd, reason FROM trial_cost_today")
    assert (row["at_trial_usd"], row["today_usd"]) == (None, None)
    assert row["reason"] == "no price of this model in this service tier is known today"


def test_a_success_without_token_counts_has_no_cost_today_and_a_failure_without_them_is_left_out(warehouse):
    con = warehouse([NOBODY, attempt_row(0), attempt_row(1, prompt_tokens=None), *prices()])
    record_prices(con)
    (row,) = rows(con, "SELECT today_usd, reason FROM trial_cost_today")
    assert (row["today_usd"], row["reason"]) == (None, "some attempts that succeeded report no tokens")
    con = warehouse([NOBODY, attempt_row(0), failed_row(1), *prices()])
    record_prices(con)
    (row,) = rows(con, "SELECT at_trial_usd, today_usd FROM trial_cost_today")
    assert row["today_usd"] == pytest.approx(row["at_trial_usd"]) == pytest.approx(166e-6)


def test_a_long_prompt_and_the_hour_of_a_trial_choose_their_price(warehouse):
    con = warehouse([NOBODY, attempt_row(0), attempt_row(1, prompt_tokens=1000), *prices(1.0, 0.0)])
    record_prices(con)
    con.execute(
        "INSERT INTO prices SELECT * REPLACE (500 AS above_prompt_tokens, 2.0 AS usd_per_input_mtok) FROM prices"
    ).fetchall()
    (row,) = rows(con, "SELECT today_usd FROM trial_cost_today")
    assert row["today_usd"] == pytest.approx((100 * 1 + 1000 * 2) / 1e6)
    # the trial began at 02:00 UTC
    con.execute(
        "INSERT INTO prices SELECT * REPLACE ('22:00-03:00' AS hours_utc, 3.0 AS usd_per_input_mtok) FROM prices"
        " WHERE above_prompt_tokens = 0"
    ).fetchall()
    (row,) = rows(con, "SELECT today_usd FROM trial_cost_today")
    assert row["today_usd"] == pytest.approx(1100 * 3 / 1e6)
    con.execute("UPDATE prices SET hours_utc = '03:00-22:00' WHERE hours_utc IS NOT NULL").fetchall()
    (row,) = rows(con, "SELECT today_usd FROM trial_cost_today")
    assert row["today_usd"] == pytest.approx(2100 / 1e6)


def test_a_load_records_prices(tmp_path):
    land(tmp_path, batch_id="b1", host_id="host", rows=[TRIAL, attempt_row(), *prices()])
    load(begun(tmp_path))
    with open_warehouse(tmp_path) as con:
        origins = {row["origin"] for row in rows(con, "SELECT DISTINCT origin FROM prices")}
    assert origins == {"contract", "list"}
