"""Prices by length of prompt, cache writes and request fees in the account of a trial, by each attempt's counts."""

from dataclasses import replace

import pytest

from tests.warehouse.builders import attempt_row, fact_row, trial_row
from warehouse.formulas.interval import exactly
from warehouse.formulas.price import tokens_usd
from warehouse.price_ledger import record_prices
from warehouse.query import dicts

TRIAL = trial_row(
    kind="endpoint", provider="nobody", model="m-1", engine=None, device=None, base_url="https://llm.example/v1"
)
BASE = [fact_row("price_usd_per_input_mtok", 1.0), fact_row("price_usd_per_output_mtok", 10.0)]
LONG = [
    fact_row("price_above_500_usd_per_input_mtok", 2.0),
    fact_row("price_above_500_usd_per_cached_input_mtok", 0.5),
    fact_row("price_above_500_usd_per_output_mtok", 20.0),
]


def attempts(*prompts, **changes):
    return [replace(attempt_row(n), prompt_tokens=prompt, **changes) for n, prompt in enumerate(prompts)]


def cost(con):
    ((usd, method, note),) = con.execute("SELECT cost_usd, method, note FROM cost_accounts").fetchall()
    return usd, method, note


def test_a_long_prompt_pays_its_price_for_its_whole_request_and_one_at_the_limit_does_not(warehouse):
    con = warehouse([TRIAL, *attempts(500, 501), *BASE, *LONG])
    usd, method, _ = cost(con)
    assert usd == pytest.approx((500 * 1 + 11 * 10 + 501 * 2 + 11 * 20) / 1e6)
    assert method == "tokens-x-price-by-length"
    record_prices(con)
    tiers = con.execute("SELECT above_prompt_tokens, usd_per_input_mtok FROM prices ORDER BY 1").fetchall()
    assert tiers == [(0, 1.0), (500, 2.0)]
    (today,) = dicts(con.execute("SELECT at_trial_usd, today_usd FROM trial_cost_today"))
    assert today["today_usd"] == pytest.approx(today["at_trial_usd"]) == pytest.approx(usd)


def test_each_attempt_has_its_own_price_and_they_sum_to_their_trial(warehouse):
    more = [fact_row("price_usd_per_cache_write_mtok", 1.25), fact_row("price_usd_per_1k_requests", 5.0)]
    con = warehouse([TRIAL, *attempts(100, 600, cached_tokens=50, cache_write_tokens=30), *BASE, *LONG, *more])
    each = [usd for (usd,) in con.execute("SELECT usd FROM attempt_accounts ORDER BY seq").fetchall()]
    # no fee and no price of writing is stated for long prompts
    short = (20 * 1 + 50 * 1 + 30 * 1.25 + 110) / 1e6 + 0.005
    assert each == pytest.approx([short, (550 * 2 + 50 * 0.5 + 220) / 1e6])
    assert sum(each) == pytest.approx(cost(con)[0], rel=1e-12)
    only_long = warehouse([TRIAL, *attempts(600, 700), *BASE, *LONG])
    (total,) = only_long.execute("SELECT sum(usd) FROM attempt_accounts").fetchone()
    assert total == pytest.approx(cost(only_long)[0], rel=1e-12)


def test_cached_tokens_of_each_length_have_their_price_or_a_note(warehouse):
    usd, _, note = cost(warehouse([TRIAL, *attempts(100, 600, cached_tokens=50), *BASE, *LONG]))
    assert usd == pytest.approx((100 * 1 + 110 + 550 * 2 + 50 * 0.5 + 220) / 1e6)
    assert note == "no price for cached input is listed: 50 cached tokens at the input price"


@pytest.mark.parametrize("prompts", [(100, 500), (501, 700), (100, 600), (500, 501)], ids=str)
def test_under_the_prices_of_its_day_a_trial_costs_today_what_it_cost_then(warehouse, prompts):
    fee = fact_row("price_usd_per_1k_requests", 5.0)
    con = warehouse([TRIAL, *attempts(*prompts, cached_tokens=50), *BASE, *LONG, fee])
    record_prices(con)
    (today,) = dicts(con.execute("SELECT at_trial_usd, today_usd, reason FROM trial_cost_today"))
    assert today["today_usd"] == pytest.approx(today["at_trial_usd"], rel=1e-12)
    assert today["reason"] is None


def test_a_failure_of_unknown_length_beside_long_prompts_costs_nothing_today(warehouse):
    failed = replace(attempt_row(1), error_class="read_timeout", prompt_tokens=None, output_tokens=None)
    con = warehouse([TRIAL, *attempts(600), failed, *BASE, *LONG])
    record_prices(con)
    (today,) = dicts(con.execute("SELECT today_usd, reason FROM trial_cost_today"))
    assert (today["today_usd"], today["reason"]) == (pytest.approx((600 * 2 + 220) / 1e6), None)


def test_where_every_prompt_is_long_or_none_is_there_is_one_price(warehouse):
    usd, method, _ = cost(warehouse([TRIAL, *attempts(600), *BASE, *LONG]))
    assert (usd, method) == (pytest.approx((600 * 2 + 220) / 1e6), "tokens-x-price")
    usd, method, _ = cost(warehouse([TRIAL, *attempts(100), *BASE, *LONG]))
    assert (usd, method) == (pytest.approx((100 + 110) / 1e6), "tokens-x-price")


def test_tokens_written_to_a_cache_and_requests_are_charged(warehouse):
    more = [fact_row("price_usd_per_cache_write_mtok", 1.25), fact_row("price_usd_per_1k_requests", 5.0)]
    rows = attempts(100, 100, cached_tokens=20, cache_write_tokens=40)
    cached = fact_row("price_usd_per_cached_input_mtok", 0.1)
    con = warehouse([TRIAL, *rows, *BASE, cached, *more])
    usd, _, note = cost(con)
    assert usd == pytest.approx(2 * (40 * 1 + 20 * 0.1 + 40 * 1.25 + 110) / 1e6 + 2 * 0.005)
    assert note is None
    record_prices(con)
    (today,) = dicts(con.execute("SELECT today_usd FROM trial_cost_today"))
    assert today["today_usd"] == pytest.approx(usd)
    usd, _, note = cost(warehouse([TRIAL, *rows, *BASE, cached]))
    assert usd == pytest.approx(2 * (80 * 1 + 20 * 0.1 + 110) / 1e6)
    assert note == "no price for writing to a cache is listed: 80 tokens at the input price"


def test_more_written_and_cached_than_there_is_is_refused():
    with pytest.raises(ValueError, match="10 prompt, 8 cached, 4 written, and 1 output tokens cannot be"):
        tokens_usd(
            prompt_tokens=10, cached_tokens=8, output_tokens=1, usd_per_input_mtok=exactly(1.0),
            usd_per_cached_input_mtok=exactly(1.0), usd_per_output_mtok=exactly(1.0), cache_write_tokens=4,
        )  # fmt: skip
