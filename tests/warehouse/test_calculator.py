"""A month of mine at each target: bills by hand, whole machines, bands in which what is shared cancels."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from tests.warehouse.builders import (
    attempt_row,
    counter_samples,
    fact_row,
    local_facts,
    meter_row,
    search_row,
    trial_row,
)
from warehouse.accounting.account import Fact
from warehouse.calculator import Demand, estimates
from warehouse.calculator_break_even import cost_lines, crossings
from warehouse.calculator_inputs import EnergyPart, Measured, measured_targets
from warehouse.formulas.breakeven import SECONDS_PER_MONTH, cheaper_for_good
from warehouse.formulas.interval import Interval, exactly
from warehouse.formulas.usage import Usage, same_requests
from warehouse.price_ledger import record_prices
from warehouse.pricebook import PriceEntry

KILOJOULE = exactly(1000.0)
AT = datetime(2026, 11, 15, 12, tzinfo=UTC)
# 10^6 prompt tokens, a quarter of them cached, and 10^5 output tokens a month
MONTH = same_requests(1000, prompt_tokens=1000, output_tokens=100, cached_share=0.25)


def entry(usd_in="1", usd_out="10", **changes):
    amounts = {"usd_per_input_mtok": Decimal(usd_in), "usd_per_output_mtok": Decimal(usd_out)}
    return PriceEntry(**({"origin": "list", "listed_as": "p/m", "source": "a list"} | amounts | changes))


def hosted(*entries, **changes):
    target = Measured(
        trial_id="t", target_id="api", workload_id="chat", provider="p", model="m", kind="endpoint", host_id="h",
        measured_at=AT, grade="A", requests=10, prompt_tokens=1000.0, cached_tokens=0.0, output_tokens=100.0, facts={},
        sources=(entries,) if entries else (),
        figures={
            "ttft_p50_s": exactly(0.5), "tpot_p50_s": exactly(0.01), "goodput_share": exactly(1.0),
            "output_tokens_per_s": exactly(100.0),
        },
    )  # fmt: skip
    return replace(target, **changes)


def fact(quantity, central, *, low=None, high=None, **changes):
    row = Fact(quantity=quantity, low=low, central=central, high=high, basis="declared", valid_from=None, source="test")
    return replace(row, **changes)


def own(name="box", joules=KILOJOULE, **changes):
    """100 output tokens/s for 1000 s at 1 J a token, half of it idle; a year of 3.6e7 s."""
    facts = {row.quantity: fact(row.quantity, row.central, low=row.low, high=row.high) for row in local_facts()}
    given = {
        "target_id": name, "kind": "local", "facts": facts, "window_s": 10.0, "output_tokens": 1000.0,
        "prompt_tokens": 0.0, "prefill_ratio": 0.1, "prefill_source": "a fit",
        "energy": [EnergyPart(key=f"energy of {name}", energy_j=joules, idle_j=500.0, active_j=500.0)],
        "energy_basis": "modelled",
    }  # fmt: skip
    return hosted(**(given | changes))


def one(target, demand=None, **changes):
    (found,) = estimates([target], demand or Demand(usage=MONTH, at=AT, **changes))
    return found


def test_a_bill_has_cached_tokens_at_their_price_and_says_whose_price_it_is():
    found = one(hosted(entry(usd_per_cached_input_mtok=Decimal("0.1"), valid_from="2026-01-01")))
    # 0.75 x 1 + 0.25 x 0.1 + 0.1 x 10
    assert (found.usd.value.low, found.usd.value.central, found.usd.value.high) == pytest.approx((1.775,) * 3)
    assert found.usd.notes == ("list price since 2026-01-01, standard: a list",)
    assert found.seconds.value.central == pytest.approx(0.5 + 99 * 0.01)


def test_a_missing_price_of_cached_tokens_is_that_of_input_and_said():
    found = one(hosted(entry()))
    assert found.usd.value.central == pytest.approx(2.0)
    assert "no price of cached input is stated: at that of input" in found.usd.notes


def test_the_batch_part_goes_by_the_batch_tier_and_where_none_is_sold_by_the_other():
    batch = entry("0.5", "5", service_tier="batch")
    assert one(hosted(entry(), batch), batch_share=0.5).usd.value.central == pytest.approx(1.5)
    found = one(hosted(entry()), batch_share=0.5)
    assert found.usd.value.central == pytest.approx(2.0)
    assert "no batch tier is sold: batch requests at the price of the others" in found.usd.notes


def test_a_tier_that_is_not_sold_is_unknown_and_names_those_that_are():
    found = one(hosted(entry()), service_tier="flex")
    assert found.usd.value is None
    assert "no price of p/m in service tier 'flex' is known; known are standard" in found.usd.reason


def test_a_long_prompt_pays_its_tier_for_the_whole_request_and_fees_are_counted():
    longer = entry("2", "20", above_prompt_tokens=500, usd_per_1k_requests=Decimal(3))
    prompts = np.array([500.0, 600.0])
    usage = Usage(
        requests=np.array([100.0, 10.0]),
        prompt=prompts,
        cached=np.zeros(2),
        written=np.zeros(2),
        output=np.array([10.0, 10.0]),
    )
    found = one(hosted(entry(), longer), Demand(usage=usage, at=AT))
    short, long = (100 * 500 * 1 + 100 * 10 * 10) / 1e6, (10 * 600 * 2 + 10 * 10 * 20) / 1e6 + 10 / 1000 * 3
    assert found.usd.value.central == pytest.approx(short + long)
    assert "9% of the requests are longer than 500 tokens and pay more for all of theirs" in found.usd.notes


def test_a_price_by_the_hour_is_taken_over_the_day_with_its_range():
    found = one(hosted(entry("1", "10"), entry("0", "4", hours_utc="00:00-06:00")))
    assert (found.usd.value.low, found.usd.value.high) == pytest.approx((0.4, 2.0))
    assert found.usd.value.central == pytest.approx((18 * 2.0 + 6 * 0.4) / 24)


def test_a_contract_typed_in_rules_and_no_price_at_all_is_unknown():
    contract = entry("0.5", "5", origin="contract", usd_per_cached_input_mtok=Decimal(0))
    found = one(hosted(entry()), contracts={"api": contract})
    assert found.usd.value.central == pytest.approx(0.75 * 0.5 + 0.1 * 5)
    assert "your contract" in found.usd.notes
    nothing = one(hosted())
    assert (nothing.usd.value, nothing.rank_low) == (None, None)
    assert nothing.usd.reason.startswith("no price of p/m is known")
    half = one(hosted(entry(usd_per_output_mtok=None)))
    assert half.usd.reason == "p/m: no price of output tokens is stated"


def test_whole_machines_cost_their_month_and_their_electricity_idle_hours_included():
    found = one(own())
    # 175 output tokens of work a request: 1.75e5 of the 100/s x half a month that one machine does
    assert found.machines.work == pytest.approx(1000 * (100 + 0.1 * 750))
    assert found.machines.count == exactly(1.0)
    assert found.machines.busy_share == pytest.approx(1.75e5 / 100 / SECONDS_PER_MONTH)
    joules = 0.5 * 1.75e5 + 50 * SECONDS_PER_MONTH  # active a token, and 50 W whenever it is on
    hardware = 3600 * SECONDS_PER_MONTH / 3.6e7
    assert found.usd.value.central == pytest.approx(hardware + joules * 1.5 / 3.6e6 * 0.36)
    grams = joules * 1.5 / 3.6e6 * 400 + 720_000 * SECONDS_PER_MONTH / 3.6e7
    assert found.kg.value.central == pytest.approx(grams / 1000)
    assert found.usd.basis == "modelled"


def test_a_volume_beyond_one_machine_takes_the_next_whole_one():
    capacity = 100 * 0.5 * SECONDS_PER_MONTH
    usage = same_requests(capacity * 1.01 / 100, prompt_tokens=0, output_tokens=100)
    found = one(own(), Demand(usage=usage, at=AT))
    assert found.machines.count == exactly(2.0)
    exact = same_requests(capacity / 100, prompt_tokens=0, output_tokens=100)
    assert one(own(), Demand(usage=exact, at=AT)).machines.count == exactly(1.0)


def test_a_speed_that_is_not_sure_makes_the_number_of_machines_a_range():
    figures = dict(own().figures) | {"output_tokens_per_s": Interval(low=50.0, central=100.0, high=110.0)}
    capacity = 100 * 0.5 * SECONDS_PER_MONTH
    usage = same_requests(capacity * 0.9 / 100, prompt_tokens=0, output_tokens=100)
    found = one(own(figures=figures), Demand(usage=usage, at=AT))
    assert found.machines.count == Interval(low=1.0, central=1.0, high=2.0)
    assert found.usd.value.high > found.usd.value.central + 200


def test_a_machine_that_missed_its_service_level_is_unknown_unless_a_search_found_its_rate():
    figures = dict(own().figures) | {"goodput_share": exactly(0.6)}
    found = one(own(figures=figures))
    assert "60% of its requests met the service level, 95% are asked" in found.usd.reason
    assert found.kg.value is None
    searched = one(own(figures=figures, found_rate_rps=exactly(0.5)))
    # 10 requests made 1000 output tokens: 0.5 a second are 50 tokens/s
    assert searched.machines.work_per_s.central == pytest.approx(50.0)


def test_an_unknown_energy_or_tariff_is_a_reason_and_never_0():
    found = one(own(energy=(), energy_missing="no meter watched it"))
    assert (found.usd.value, found.usd.reason) == (None, "no meter watched it")
    facts = {name: each for name, each in own().facts.items() if name != "electricity_usd_per_kwh"}
    assert one(own(facts=facts)).usd.reason == "no electricity_usd_per_kwh (declare it in [site])"
    api = one(hosted(entry()))
    assert api.kg.reason.startswith("no endpoint_j_per_output_token")


def test_a_month_has_all_hours_so_its_tariff_is_the_mean_where_there_is_one():
    facts = dict(own().facts) | {"electricity_mean_usd_per_kwh": fact("electricity_mean_usd_per_kwh", 0.72)}
    flat, mean = one(own()), one(own(facts=facts))
    hardware = 3600 * SECONDS_PER_MONTH / 3.6e7
    assert mean.usd.value.central - hardware == pytest.approx(2 * (flat.usd.value.central - hardware))


def grid_of(target, key):
    grid = fact("grid_gco2e_per_kwh", 400.0, low=100.0, high=900.0, basis="estimated", ledger="g", ledger_key=key)
    embodied = fact("hardware_embodied_gco2e", 0.0)
    return replace(target, facts=dict(target.facts) | {grid.quantity: grid, embodied.quantity: embodied})


def test_an_input_that_two_targets_share_ties_none_of_them_and_their_own_ones_do():
    first, second = own("first"), own("second", joules=exactly(1100.0))
    second = replace(second, energy=[replace(second.energy[0], idle_j=550.0, active_j=550.0)])
    shared = [grid_of(first, "FRA"), grid_of(second, "FRA")]
    demand = Demand(usage=MONTH, at=AT)
    assert [(e.rank_low, e.rank_high) for e in estimates(shared, demand, by="kg")] == [(1, 1), (2, 2)]
    apart = [grid_of(first, "FRA"), grid_of(second, "USA")]
    assert [(e.rank_low, e.rank_high) for e in estimates(apart, demand, by="kg")] == [(1, 2), (1, 2)]


def test_a_ranking_puts_the_unknown_last_and_equal_prices_share_a_place():
    targets = [
        hosted(entry(), target_id="b"),
        hosted(entry(), target_id="a"),
        hosted(target_id="nobody"),
        hosted(entry("9"), target_id="dear"),
    ]
    found = estimates(targets, Demand(usage=MONTH, at=AT))
    assert [each.target.target_id for each in found] == ["b", "a", "dear", "nobody"]
    assert [(each.rank_low, each.rank_high) for each in found] == [(1, 2), (1, 2), (3, 3), (None, None)]


def test_a_free_model_is_ranked_first_and_not_divided_by():
    found = estimates([hosted(entry("0", "0"), target_id="free"), hosted(entry())], Demand(usage=MONTH, at=AT))
    assert [(each.target.target_id, each.rank_low) for each in found] == [("free", 1), ("api", 2)]


def test_break_even_by_hand_and_the_gap_before_the_next_machine():
    api = hosted(entry("0", "10"))
    usage = same_requests(1000, prompt_tokens=0, output_tokens=1000)
    found = estimates([own(), api], Demand(usage=usage, at=AT))
    (crossing,) = crossings(found, usage.total, min_goodput_share=0.95)
    tariff = 1.5 / 3.6e6 * 0.36
    fixed = 3600 * SECONDS_PER_MONTH / 3.6e7 + 50 * SECONDS_PER_MONTH * tariff
    mtok = fixed / (10 - 0.5e6 * tariff)
    assert crossing.requests == pytest.approx(mtok * 1e6 / 1000)
    assert crossing.usd == pytest.approx(10 * mtok)
    capacity = 100 * 0.5 * SECONDS_PER_MONTH / 1000
    assert crossing.requests < capacity
    assert crossing.for_good == pytest.approx(
        crossing.requests * np.ceil(crossing.requests / (capacity - crossing.requests))
    )
    lines = {line.target_id: dict(line.points) for line in cost_lines(found, usage.total)}
    assert set(lines) == {"box", "api"}
    assert all(lines["box"][v] < lines["api"][v] for v in lines["box"] if v >= crossing.for_good * 1.001)
    assert all(lines["box"][v] > lines["api"][v] for v in lines["box"] if v < crossing.requests)


def test_an_api_below_the_service_level_is_no_alternative():
    slow = hosted(entry("0", "10"), figures=dict(hosted().figures) | {"goodput_share": exactly(0.5)})
    found = estimates([own(), slow], Demand(usage=MONTH, at=AT))
    (crossing,) = crossings(found, MONTH.total, min_goodput_share=0.95)
    assert crossing.requests is None
    assert crossing.reason == "the API does not meet the service level: 50% of its requests did, 95% are asked"


@pytest.mark.parametrize(("volume", "capacity", "expected"), [(1, 3, 1), (2, 3, 4), (1, 2, 1), (3, 3, None)])
def test_machines_stay_cheaper_from_the_last_gap_on(volume, capacity, expected):
    assert cheaper_for_good(volume, capacity) == expected


def test_a_break_even_beyond_the_machine_is_refused():
    with pytest.raises(ValueError, match="within the capacity of 3"):
        cheaper_for_good(4, 3)


def test_what_is_measured_is_read_from_the_newest_trial_of_a_night(warehouse):
    api_id = "night-1.api.chat.1"
    api = trial_row(
        trial_id=api_id, target_id="api", kind="endpoint", provider="p", model="m", engine=None, device=None
    )
    prices = [
        fact_row("price_usd_per_input_mtok", 1.0, trial_id=api_id),
        fact_row("price_usd_per_output_mtok", 4.0, trial_id=api_id),
    ]
    con = warehouse(
        [
            trial_row(), attempt_row(), meter_row(), *counter_samples(), *local_facts(), search_row(),
            api, attempt_row(trial_id=api_id), *prices,
            trial_row(trial_id="crashed", target_id="gone", status="crashed"),
        ]
    )  # fmt: skip
    record_prices(con)
    alpha, bought = measured_targets(con, "chat")
    assert (alpha.target_id, alpha.is_own, bought.is_own) == ("alpha", True, False)
    assert (alpha.output_tokens, alpha.prompt_tokens, alpha.requests, alpha.window_s) == (11, 100, 1, 10)
    assert alpha.found_rate_rps == Interval(low=19.0, central=19.5, high=20.0)
    assert [(part.idle_j, part.active_j) for part in alpha.energy] == [pytest.approx((50.0, 250.0))]
    assert bought.sources[0][0].usd_per_output_mtok == Decimal("4.0")
    found = estimates([alpha, bought], Demand(usage=MONTH, at=AT))
    assert [each.target.target_id for each in found] == ["api", "alpha"]
    assert found[0].usd.value.central == pytest.approx(1.4)
    assert measured_targets(con, "nothing") == []
