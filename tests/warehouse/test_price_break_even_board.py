"""Break-even against the APIs on a board: the same workload, the same service level, or the reason why not."""

from dataclasses import replace

import pytest

from tests.warehouse.builders import attempt_row, counter_samples, fact_row, local_facts, meter_row, trial_row
from warehouse.break_even import break_evens
from warehouse.errors import WarehouseError

OWN = [trial_row(), attempt_row(), meter_row(), *counter_samples(), *local_facts()]


def api(name, *, usd_out=None, **changes):
    trial_id = f"night-1.{name}.chat.1"
    trial = trial_row(
        trial_id=trial_id, target_id=name, kind="endpoint", provider="p", model="m", device=None, engine=None
    )
    facts = []
    if usd_out is not None:
        facts = [
            fact_row("price_usd_per_input_mtok", 0.0, trial_id=trial_id),
            fact_row("price_usd_per_output_mtok", usd_out, trial_id=trial_id),
        ]
    return [trial, replace(attempt_row(trial_id=trial_id), **changes), *facts]


def test_a_machine_is_compared_with_each_api_or_the_reason_is_said(warehouse):
    start_ns = attempt_row().t_start_ns
    late_s = {"t_first_ns": 5.0, "t_last_ns": 6.0, "t_end_ns": 6.1}
    slow = {name: start_ns + round(seconds * 1e9) for name, seconds in late_s.items()}
    con = warehouse(
        [
            *OWN,
            *api("dear", usd_out=1e6),
            *api("cheap", usd_out=1.0),
            *api("nameless"),
            *api("slow", usd_out=9.0, **slow),
        ]
    )
    ((machine, others),) = break_evens(con, "alpha")
    assert machine.missing is None
    # 45e-6 USD of electricity for 11 tokens, see test_accounts
    assert machine.usd_per_output_mtok.central == pytest.approx(45 / 11)
    # 3600 USD over 3.6e7 s: 1e-4 USD/s x 2,629,800 s
    assert machine.fixed_usd_per_month.central == pytest.approx(262.98)
    # 11 tokens in 10 s, half of the month
    assert machine.capacity_mtok.central == pytest.approx(1.1 * 0.5 * 2_629_800 / 1e6)
    by_name = {each.target_id: each for each in others}
    assert by_name["dear"].result.mtok == pytest.approx(262.98 / (1e6 - 45 / 11))
    assert by_name["cheap"].result.mtok is None
    assert by_name["cheap"].reason.startswith(
        "never: electricity alone costs 4.09 USD per million tokens, the API asks 1"
    )
    assert by_name["slow"].reason == "does not meet the service level: 0% of its requests did, 95% are asked"
    assert by_name["nameless"].reason.startswith("price unknown: no price_usd_per_")
    assert by_name["nameless"].usd_per_output_mtok is None


def test_a_service_level_that_is_not_asked_lets_a_slow_api_in(warehouse):
    con = warehouse([*OWN, *api("dear", usd_out=1e6)])
    ((_, (other,)),) = break_evens(con, "alpha", min_goodput_share=0.0, workload_id="chat")
    assert other.result.mtok is not None


def test_a_machine_without_a_meter_says_what_is_missing_and_compares_nothing(warehouse):
    con = warehouse([trial_row(), attempt_row(), *local_facts(), *api("dear", usd_out=1e6)])
    ((machine, (other,)),) = break_evens(con, "alpha")
    assert "the electricity of a token is not known" in machine.missing
    assert (other.result, other.reason) == (None, machine.missing)


def test_a_rented_machine_costs_its_hours(warehouse):
    facts = [fact for fact in local_facts() if fact.quantity not in ("hardware_usd", "hardware_lifetime_s")]
    rent = fact_row("hardware_rent_usd_per_h", 2.0)
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *facts, rent])
    ((machine, others),) = break_evens(con, "alpha")
    assert machine.fixed_usd_per_month.central == pytest.approx(1461)
    assert others == []
    # 2 USD/h x 10 s / 3600 / 0.5: the hours with work bear those without
    ((usd, method),) = con.execute("SELECT cost_usd, method FROM cost_accounts WHERE component = 'hardware'").fetchall()
    assert (usd, method) == (pytest.approx(2 * 10 / 3600 / 0.5), "rent-by-time-and-utilisation")


def test_a_target_that_is_not_there_or_is_bought_by_the_token_is_a_sentence(warehouse):
    con = warehouse([*OWN, *api("dear", usd_out=1.0)])
    with pytest.raises(WarehouseError, match="no target 'beta' is on the board; machines of your own there: alpha"):
        break_evens(con, "beta")
    with pytest.raises(WarehouseError, match="dear is bought by the token"):
        break_evens(con, "dear")
