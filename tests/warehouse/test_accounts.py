"""Accounts: energy, cost and emissions worked by hand, and what is missing said in words."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.begun import begun
from tests.warehouse.builders import (
    BOOT_NS,
    SECOND_NS,
    attempt_row,
    counter_samples,
    fact_row,
    failed_row,
    local_facts,
    meter_row,
    sample_row,
    trial_row,
)
from warehouse.accounts import METHOD_VERSION, account, account_trials
from warehouse.formulas.basis import BASES
from warehouse.landing import land
from warehouse.loader import load
from warehouse.writer import open_warehouse

TRIAL = "night-1.alpha.chat.1"


def row_of(con, view, *columns):
    (row,) = con.execute(f"SELECT {', '.join(columns)} FROM {view}").fetchall()
    return row if len(columns) > 1 else row[0]


def power_meter(meter, component, watts, *, low=None, high=None, basis="modelled", step_s=0.5, **changes):
    """A power meter that read the same watts all the time, idle at a tenth of them."""
    rows = [replace(meter_row(meter=meter, component=component, basis=basis, method="tdp-load-curve"), **changes)]
    steps = int(16 / step_s)
    for step in range(-steps, steps):
        phase = "idle" if step * step_s < -1 else "load"
        share = 0.1 if phase == "idle" else 1.0
        sample = sample_row(meter=meter, phase=phase, second=step * step_s, power_w=watts * share)
        rows.append(
            replace(
                sample,
                power_w_low=None if low is None else low * share,
                power_w_high=None if high is None else high * share,
            )
        )
    return rows


# energy


def test_a_counter_gives_the_joules_of_the_window_split_into_idle_and_active(warehouse):
    # 30 W for a window of 10 s, 5 W when idle
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples()])
    assert row_of(con, "energy", "energy_j_low", "energy_j", "energy_j_high") == pytest.approx((300.0,) * 3)
    assert row_of(con, "energy", "idle_j", "active_j", "power_w_mean") == pytest.approx((50.0, 250.0, 30.0))
    assert row_of(con, "energy", "j_per_output_token") == pytest.approx(300 / 11)
    assert row_of(con, "energy", "basis", "reason") == ("measured", None)


def test_components_add_up_with_their_ranges_and_the_worst_label(warehouse):
    ram = power_meter("modelled:ram", "ram", 10.0, low=5.0, high=20.0)
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *ram])
    assert row_of(con, "energy", "energy_j_low", "energy_j", "energy_j_high") == pytest.approx((350.0, 400.0, 500.0))
    assert row_of(con, "energy", "basis") == "modelled"
    assert con.execute("SELECT component, energy_j FROM energy_accounts ORDER BY 1").fetchall() == [
        ("cpu", pytest.approx(300.0)),
        ("ram", pytest.approx(100.0)),
    ]


def test_devices_of_one_component_add_up(warehouse):
    gpus = [
        row
        for number, watts in enumerate((100.0, 200.0))
        for row in power_meter(f"nvml:{number}", "gpu", watts, basis="measured")
    ]
    assert row_of(warehouse([trial_row(), attempt_row(), *gpus]), "energy", "energy_j") == pytest.approx(3000.0)


def test_the_most_trusted_method_of_a_component_is_used_and_not_added_to_the_others(warehouse):
    modelled = power_meter("modelled:cpu", "cpu", 99.0)
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *modelled])
    assert row_of(con, "energy", "energy_j", "basis") == (pytest.approx(300.0), "measured")


def test_where_the_most_trusted_meter_does_not_hold_the_next_one_is_used_and_says_so(warehouse):
    broken = meter_row(valid=False, invalid_reason="the counter stood still")
    modelled = power_meter("modelled:cpu", "cpu", 20.0)
    con = warehouse([trial_row(), attempt_row(), broken, *counter_samples(), *modelled])
    assert row_of(con, "energy", "energy_j", "basis") == (pytest.approx(200.0), "modelled")
    assert "the counter stood still" in row_of(con, "energy", "note")


def test_a_meter_of_the_machine_replaces_those_of_its_parts(warehouse):
    wall = power_meter("wall", "machine", 80.0, basis="measured")
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *wall])
    assert row_of(con, "energy", "energy_j") == pytest.approx(800.0)
    assert con.execute("SELECT component, in_total FROM energy_accounts ORDER BY 1").fetchall() == [
        ("cpu", False),
        ("machine", True),
    ]


def test_a_meter_of_the_machine_that_does_not_hold_leaves_the_parts(warehouse):
    wall = power_meter("wall", "machine", 80.0, basis="measured", valid=False, invalid_reason="unplugged")
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *wall])
    assert row_of(con, "energy", "energy_j") == pytest.approx(300.0)


def test_one_component_that_is_unknown_makes_the_total_unknown_and_says_why(warehouse):
    gone = power_meter("nvml:0", "gpu", 100.0, basis="measured", valid=False, invalid_reason="the GPU vanished")
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *gone])
    assert row_of(con, "energy", "energy_j", "j_per_output_token", "basis") == (None, None, None)
    assert "the GPU vanished" in row_of(con, "energy", "reason")
    assert row_of(con, "trial_metrics", "ttft_p50_s") == 0.5


def test_no_meter_no_window_and_no_idle_baseline_are_said(warehouse):
    con = warehouse([trial_row(), attempt_row()])
    assert row_of(con, "energy", "energy_j", "reason") == (None, "no meter watched this trial")
    con = warehouse([trial_row(window_start_ns=None, window_end_ns=None), meter_row()])
    assert row_of(con, "energy", "energy_j", "reason") == (None, "the trial has no measured window")
    load_only = [sample for sample in counter_samples() if sample.phase == "load"]
    con = warehouse([trial_row(), attempt_row(), meter_row(), *load_only])
    assert row_of(con, "energy", "energy_j", "idle_j", "active_j") == (pytest.approx(300.0), None, None)
    assert "no idle baseline" in row_of(con, "energy", "note")


def test_samples_too_far_apart_or_short_of_the_window_are_no_energy(warehouse):
    sparse = power_meter("modelled:cpu", "cpu", 10.0, step_s=4.0)
    con = warehouse([trial_row(), attempt_row(), *sparse])
    assert "no power reading for 4.00 s" in row_of(con, "energy", "reason")
    con = warehouse([trial_row(window_end_ns=BOOT_NS + 60 * SECOND_NS), meter_row(), *counter_samples()])
    assert "miss the end of the window by 49.00 s" in row_of(con, "energy", "reason")


def test_failed_readings_are_skipped_not_read_as_0(warehouse):
    rows = power_meter("modelled:cpu", "cpu", 10.0)
    blind = [replace(row, power_w=None) if getattr(row, "t_ns", 0) == BOOT_NS + SECOND_NS else row for row in rows]
    assert blind != rows
    assert row_of(warehouse([trial_row(), attempt_row(), *blind]), "energy", "energy_j") == pytest.approx(100.0)


def test_an_endpoint_draws_what_is_stated_for_a_token_and_its_client_meters_do_not_count(warehouse):
    stated = fact_row("endpoint_j_per_output_token", 2.0, low=1.0, high=4.0, basis="estimated")
    con = warehouse([trial_row(kind="endpoint"), attempt_row(), meter_row(), *counter_samples(), stated])
    assert row_of(con, "energy", "energy_j_low", "energy_j", "energy_j_high") == (11.0, 22.0, 44.0)
    assert row_of(con, "energy", "basis", "power_w_mean") == ("estimated", None)


# cost

PRICES = [
    fact_row("price_usd_per_input_mtok", 1.0),
    fact_row("price_usd_per_cached_input_mtok", 0.1),
    fact_row("price_usd_per_output_mtok", 10.0),
]


def test_an_endpoint_costs_its_tokens_at_the_list_price(warehouse):
    con = warehouse([trial_row(kind="endpoint"), attempt_row(cached_tokens=40), *PRICES])
    # 60 prompt x 1 + 40 cached x 0.1 + 11 output x 10 = 174 per million
    assert row_of(con, "cost", "usd", "usd_low", "usd_high") == pytest.approx((174e-6,) * 3)
    assert row_of(con, "cost", "usd_per_output_mtok") == pytest.approx(174 / 11)
    assert row_of(con, "cost", "tokens_usd", "electricity_usd", "hardware_usd", "basis") == (
        pytest.approx(174e-6), None, None, "declared",
    )  # fmt: skip


def test_cached_tokens_without_a_price_cost_the_input_price_and_the_account_says_so(warehouse):
    prices = [fact for fact in PRICES if "cached" not in fact.quantity]
    con = warehouse([trial_row(kind="endpoint"), attempt_row(cached_tokens=40), *prices])
    assert row_of(con, "cost", "usd") == pytest.approx(210e-6)
    assert "40 cached tokens at the input price" in row_of(con, "cost", "note")


def test_a_price_that_is_not_known_is_null_and_named_never_0(warehouse):
    con = warehouse([trial_row(kind="endpoint"), attempt_row(), PRICES[0]])
    assert row_of(con, "cost", "usd", "usd_per_output_mtok") == (None, None)
    assert row_of(con, "cost", "reason") == "no price_usd_per_output_mtok (add a [targets.price] table)"


def test_successes_without_token_counts_have_no_cost_and_failures_without_them_are_left_out(warehouse):
    con = warehouse([trial_row(kind="endpoint"), attempt_row(0), attempt_row(1, prompt_tokens=None), *PRICES])
    assert row_of(con, "cost", "usd") is None
    assert "without token counts: 1" in row_of(con, "cost", "reason")
    con = warehouse([trial_row(kind="endpoint"), attempt_row(0), failed_row(1), *PRICES])
    assert row_of(con, "cost", "usd") == pytest.approx(210e-6)
    assert "failed attempts that report no tokens" in row_of(con, "cost", "note")


def test_a_local_target_costs_electricity_and_hardware(warehouse):
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *local_facts()])
    # 300 J x 1.5 / 3.6e6 x 0.36 = 45e-6; 3600 USD x 10 s / 3.6e7 s / 0.5 = 2e-3
    assert row_of(con, "cost", "electricity_usd", "hardware_usd", "usd") == pytest.approx((45e-6, 2e-3, 2.045e-3))
    assert row_of(con, "cost", "basis") == "declared"


def test_without_energy_the_hardware_is_still_accounted_and_the_sum_is_unknown(warehouse):
    con = warehouse([trial_row(), attempt_row(), *local_facts()])
    assert row_of(con, "cost", "usd", "electricity_usd", "hardware_usd") == (None, None, pytest.approx(2e-3))
    assert "no meter watched this trial" in row_of(con, "cost", "reason")


def test_a_self_hosted_endpoint_with_declared_hardware_is_priced_by_it(warehouse):
    stated = fact_row("endpoint_j_per_output_token", 2.0)
    con = warehouse([trial_row(kind="endpoint"), attempt_row(), stated, *local_facts()])
    assert row_of(con, "cost", "hardware_usd") == pytest.approx(2e-3)
    assert row_of(con, "emissions", "embodied_gco2e") == pytest.approx(0.4)


# emissions


def test_emissions_of_a_local_target_have_an_operational_and_an_embodied_side_with_ranges(warehouse):
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *local_facts()])
    # 300 J x 1.5 = 0.125 Wh; x 300, 400, 500 g/kWh
    names = ("operational_gco2e_low", "operational_gco2e", "operational_gco2e_high")
    assert row_of(con, "emissions", *names) == pytest.approx((0.0375, 0.05, 0.0625))
    # 720 kg x 10 s / 3.6e7 s / 0.5 = 0.4 g, and half and one and a half of it
    names = ("embodied_gco2e_low", "embodied_gco2e", "embodied_gco2e_high")
    assert row_of(con, "emissions", *names) == pytest.approx((0.2, 0.4, 0.6))
    assert row_of(con, "emissions", "gco2e_per_output_mtok") == pytest.approx(0.45 / 11 * 1e6)
    assert row_of(con, "emissions", "basis", "grid_gco2e_per_kwh", "grid_source") == ("estimated", 400.0, "a table")


def test_a_missing_fact_leaves_its_own_side_unknown_and_the_other_alone(warehouse):
    facts = [fact for fact in local_facts() if fact.quantity != "grid_gco2e_per_kwh"]
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *facts])
    assert row_of(con, "emissions", "operational_gco2e", "embodied_gco2e") == (None, pytest.approx(0.4))
    reason = row_of(con, "emissions", "reason")
    assert reason.startswith("operational: no grid_gco2e_per_kwh (add a row for the zone and its date to")
    assert "grid_intensity.csv" in reason
    assert row_of(con, "cost", "usd") is not None


def test_an_impossible_fact_is_refused_by_its_formula_and_said(warehouse):
    facts = [replace(fact, central=0.5) if fact.quantity == "pue" else fact for fact in local_facts()]
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *facts])
    assert "cannot be 0.5; it must be at least 1" in row_of(con, "emissions", "reason")
    assert row_of(con, "energy", "energy_j") == pytest.approx(300.0)


def test_an_endpoint_without_stated_facts_has_no_emissions_and_says_which_are_missing(warehouse):
    con = warehouse([trial_row(kind="endpoint"), attempt_row()])
    assert row_of(con, "emissions", "operational_gco2e", "embodied_gco2e", "basis") == (None, None, None)
    reason = row_of(con, "emissions", "reason")
    assert "endpoint_j_per_output_token" in reason
    assert "endpoint_embodied_gco2e_per_output_mtok" in reason


# the ledger of accounts


def test_an_account_names_its_method_its_version_and_the_facts_it_used(warehouse):
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *local_facts()])
    method, version, factors = con.execute(
        "SELECT method, method_version, factors FROM emission_accounts WHERE component = 'operational'"
    ).fetchall()[0]
    assert (method, version) == ("energy-x-pue-x-grid-intensity-yearly", METHOD_VERSION)
    assert {factor["quantity"]: factor["central"] for factor in factors} == {"pue": 1.5, "grid_gco2e_per_kwh": 400.0}
    assert {factor["source"] for factor in factors} == {"test", "a table"}


def test_the_order_of_the_labels_is_one_in_sql_and_in_python(warehouse):
    con = warehouse([])
    assert con.execute("SELECT enum_range(NULL::basis_label)").fetchall() == [(list(BASES),)]


def test_accounting_again_does_nothing_until_it_is_asked_to_recompute_and_then_stands_beside(tmp_path: Path):
    land(tmp_path, batch_id="b", host_id="host", rows=[trial_row(), attempt_row(), *local_facts()])
    assert load(begun(tmp_path)).accounted_trials == 1
    assert account(tmp_path) == 0
    assert account(tmp_path, recompute=True) == 1
    with open_warehouse(tmp_path) as con:
        assert con.execute("SELECT count(*), count(DISTINCT recorded_at) FROM cost_accounts").fetchall() == [(4, 2)]
        assert con.execute("SELECT count(*), any_value(hardware_usd) FROM cost").fetchall() == [
            (1, pytest.approx(2e-3))
        ]


def test_an_accounting_after_the_clock_was_set_back_is_the_latest_all_the_same(warehouse):
    con = warehouse([trial_row(), attempt_row(), *local_facts()])
    con.execute("UPDATE energy_accounts SET recorded_at = recorded_at + INTERVAL 1 DAY, note = 'tomorrow'").fetchall()
    assert account_trials(con, recompute=True) == 1
    assert con.execute("SELECT note FROM energy").fetchall() == [(None,)]
    assert con.execute("SELECT count(DISTINCT recorded_at) FROM energy_accounts").fetchall() == [(2,)]


def test_trials_of_another_method_version_are_accounted_anew(warehouse):
    con = warehouse([trial_row(), attempt_row()])
    assert account_trials(con) == 0
    con.execute("UPDATE energy_accounts SET method_version = 'older'").fetchall()
    assert account_trials(con) == 1
    assert isinstance(con, duckdb.DuckDBPyConnection)
