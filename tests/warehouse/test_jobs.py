"""Accounts of metered jobs, worked by hand: by the same rules as trials, and never among them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.warehouse.builders import grid_hour_row, job_row, local_facts, meter_row, sample_row
from warehouse.job_accounts import account_of_rows, job_account

JOB = "job-1"
# builders' counter: nanoseconds from boot; the job's window is 10 s from there
BOOT_NS = 86_400 * 10**9


def job(**changes):
    return replace(job_row(window_start_ns=BOOT_NS, window_end_ns=BOOT_NS + 10 * 10**9), **changes)


def counter(*, idle: bool = True, meter="rapl:package-0", component="cpu", idle_w=5.0, load_w=30.0):
    """A counter read each second, 10 s of idle before the window if asked, then until a second after it."""
    rows = [meter_row(trial_id=JOB, meter=meter, component=component, resolution_s=0.001)]
    energy_j = 1000.0
    for second in range(-11 if idle else 0, 12):
        for phase in ("idle", "load") if second == 0 and idle else ("idle",) if second < 0 else ("load",):
            rows.append(
                replace(
                    sample_row(meter=meter, phase=phase, second=second, energy_j=energy_j, power_w=None), trial_id=JOB
                )
            )
        energy_j += idle_w if second < 0 else load_w
    return rows


def test_a_job_is_accounted_like_a_trial_and_per_unit_that_it_made():
    # 300 J, PUE 1.5, 400 g/kWh: 0.05 g. 720 kg over 3.6e7 s, half used: 0.4 g in 10 s. 3600 USD likewise: 0.002 USD.
    account = account_of_rows([job(), *counter(), *local_facts(JOB)], JOB)
    assert account["energy_j"] == pytest.approx(300.0)
    assert (account["idle_j"], account["active_j"]) == pytest.approx((50.0, 250.0))
    assert account["power_w_mean"] == pytest.approx(30.0)
    assert account["operational_gco2e"] == pytest.approx(300 / 3.6e6 * 1.5 * 400)
    assert account["embodied_gco2e"] == pytest.approx(0.4)
    assert (account["embodied_gco2e_low"], account["embodied_gco2e_high"]) == pytest.approx((0.2, 0.6))
    assert account["hardware_usd"] == pytest.approx(0.002)
    assert account["electricity_usd"] == pytest.approx(300 / 3.6e6 * 1.5 * 0.36)
    assert account["sci_gco2e"] == pytest.approx((300 / 3.6e6 * 1.5 * 400 + 0.4) / 1e6)
    assert account["unit_energy_j"] == pytest.approx(3e-4)
    assert account["functional_unit"] == "training_token"
    assert account["reason"] is None
    assert [part["component"] for part in account["components"]] == ["cpu"]


def test_active_energy_is_shared_by_cpu_time(warehouse):
    # 8 of the 10 busy CPU seconds were the job's: of 250 J active, 50 J were drawn by others
    account = job_account(warehouse([job(), *counter(), *local_facts(JOB)]), JOB)
    assert account["own_cpu_share"] == pytest.approx(0.8)
    assert (account["others_active_j"], account["own_active_j"]) == pytest.approx((50.0, 200.0))


def test_a_job_that_counts_more_cpu_time_than_the_machine_was_busy_for_leaves_nothing_to_others(warehouse):
    # the machine's clock ticks in 10 ms, the job's does not
    account = job_account(warehouse([job(cpu_s=10.004, cpu_busy_s=10.0), *counter()]), JOB)
    assert (account["own_cpu_share"], account["others_active_j"]) == (1.0, 0.0)


def test_without_an_idle_baseline_it_is_not_known_whose_energy_it_was(warehouse):
    account = job_account(warehouse([job(), *counter(idle=False), *local_facts(JOB)]), JOB)
    assert account["energy_j"] == pytest.approx(300.0)
    assert (account["idle_j"], account["active_j"], account["own_active_j"]) == (None, None, None)
    assert "no idle baseline" in account["note"]


def test_without_facts_energy_is_known_and_what_is_missing_for_the_rest_is_said(warehouse):
    account = job_account(warehouse([job(), *counter()]), JOB)
    assert account["energy_j"] == pytest.approx(300.0)
    assert [account[name] for name in ("operational_gco2e", "embodied_gco2e", "usd", "sci_gco2e")] == [None] * 4
    assert "no grid_gco2e_per_kwh" in account["reason"]
    assert "no hardware_embodied_gco2e" in account["reason"]


def test_a_job_that_counts_nothing_has_no_figures_per_unit(warehouse):
    account = job_account(
        warehouse([job(functional_unit=None, functional_units=None), *counter(), *local_facts(JOB)]), JOB
    )
    assert (account["unit_energy_j"], account["sci_gco2e"], account["unit_usd"]) == (None, None, None)
    assert account["total_gco2e"] is not None


def test_a_job_whose_window_is_not_known_has_no_energy_and_says_why(warehouse):
    killed = job(exit_code=None, window_start_ns=None, window_end_ns=None, cpu_s=None, cpu_busy_s=None)
    account = job_account(warehouse([killed, *counter(), *local_facts(JOB)]), JOB)
    assert (account["energy_j"], account["window_s"], account["own_cpu_share"]) == (None, None, None)
    assert "no measured window" in account["reason"]


def test_a_job_that_ran_over_the_full_hour_is_accounted_by_the_hours_of_its_grid(warehouse):
    hour_at = datetime(2026, 11, 1, 3, tzinfo=UTC)
    start_ns = round((hour_at.timestamp() - 5) * 1e9)  # 5 s before the hour, 5 s after it
    facts = [
        replace(fact, ledger="grid_intensity", ledger_key="FRA") if fact.quantity == "grid_gco2e_per_kwh" else fact
        for fact in local_facts(JOB)
    ]
    hours = [
        grid_hour_row(hour_at=hour_at - timedelta(hours=1), gco2e_per_kwh=300.0),
        grid_hour_row(hour_at=hour_at, gco2e_per_kwh=900.0, retrieved_at=hour_at),
        grid_hour_row(hour_at=hour_at, gco2e_per_kwh=100.0, retrieved_at=hour_at + timedelta(days=1)),  # a revision
    ]
    con = warehouse([job(clock_offset_start_ns=start_ns - BOOT_NS), *counter(), *facts, *hours])
    account = job_account(con, JOB)
    assert account["operational_gco2e"] == pytest.approx(300 / 3.6e6 * 1.5 * (300 + 100) / 2)
    assert account["operational_method"].endswith("hourly")


def test_a_bound_that_one_meter_lacks_is_not_that_of_the_others(warehouse):
    con = warehouse([job(), *counter(), *counter(meter="rapl:dram-0", component="ram")])
    assert con.execute("SELECT error_bound_j FROM job_accounts").fetchall() == [(pytest.approx(60.0),)]
    con.execute("UPDATE energy_accounts SET error_bound_j = NULL WHERE component = 'ram'").fetchall()  # as of long ago
    assert con.execute("SELECT error_bound_j FROM job_accounts").fetchall() == [(None,)]


def test_jobs_are_not_among_the_trials(warehouse):
    con = warehouse([job(), *counter(), *local_facts(JOB)])
    for view in ("energy", "cost", "emissions", "trial_metrics", "leaderboard", "trial_status"):
        assert con.execute(f"SELECT count(*) FROM {view}").fetchall() == [(0,)]
    assert con.execute("SELECT job_id, energy_basis FROM job_accounts").fetchall() == [(JOB, "measured")]


def test_a_later_accounting_replaces_the_earlier_one_in_the_view_and_stays_beside_it_in_the_table(warehouse):
    from warehouse.accounts import account_trials

    con = warehouse([job(), *counter(), *local_facts(JOB)])
    assert account_trials(con, recompute=True) == 1
    assert con.execute("SELECT count(*), count(DISTINCT recorded_at) FROM energy_accounts").fetchall() == [(2, 2)]
    assert con.execute("SELECT count(*), any_value(energy_j) FROM job_accounts").fetchall() == [
        (1, pytest.approx(300.0))
    ]
