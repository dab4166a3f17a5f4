"""Attempts' energy, emissions and cost in a warehouse: they add up to the trial's, and their weights say where from."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.warehouse.builders import (
    BOOT_NS,
    SECOND_NS,
    STARTED_AT,
    attempt_row,
    counter_samples,
    fact_row,
    failed_row,
    local_facts,
    meter_row,
    sample_row,
    trial_row,
)
from warehouse.accounts import account_trials
from warehouse.attribution import attribute_trials

TRIAL = "night-1.alpha.chat.1"
SUMS = (
    "sum(energy_j) + coalesce(sum(overhead_j), 0), sum(usd), sum(usd_low), sum(usd_high),"
    " sum(operational_gco2e_low), sum(operational_gco2e), sum(operational_gco2e_high), sum(embodied_gco2e)"
)
WHOLES = (
    "SELECT n.energy_j, c.usd, c.usd_low, c.usd_high, e.operational_gco2e_low, e.operational_gco2e,"
    " e.operational_gco2e_high, e.embodied_gco2e"
    " FROM energy AS n INNER JOIN cost AS c USING (trial_id) INNER JOIN emissions AS e USING (trial_id)"
    f" WHERE trial_id = '{TRIAL}'"
)


def ask(con, query, *parameters):
    return con.execute(query, list(parameters)).fetchall()


def attempts_in(con, *columns, trial_id=TRIAL):
    return ask(con, f"SELECT {', '.join(columns)} FROM attempt_accounts WHERE trial_id = ? ORDER BY seq", trial_id)


def account_of(con, *columns, trial_id=TRIAL):
    (row,) = ask(con, f"SELECT {', '.join(columns)} FROM attribution_accounts WHERE trial_id = ?", trial_id)
    return row if len(columns) > 1 else row[0]


def modelled(*, low=0.5, high=2.0, watts=20.0):
    meter = meter_row(meter="modelled:cpu", basis="modelled", method="tdp-load-curve")
    return [meter] + [
        sample_row(
            meter="modelled:cpu", phase="load", second=n / 2, power_w=watts + n % 3,
            power_w_low=(watts + n % 3) * low, power_w_high=(watts + n % 3) * high,
        )
        for n in range(-2, 24)
    ]  # fmt: skip


def test_attempts_and_overhead_are_the_energy_emissions_and_cost_of_their_trial(warehouse):
    attempts = [attempt_row(0), attempt_row(1, start_s=0.3), failed_row(2, start_s=4.0), attempt_row(3, start_s=8.9)]
    con = warehouse([trial_row(), *attempts, *modelled(), *local_facts()])
    assert ask(con, f"SELECT {SUMS} FROM attempt_accounts")[0] == pytest.approx(ask(con, WHOLES)[0], rel=1e-9)
    window_j, attributed_j, overhead_j = account_of(con, "window_energy_j", "attributed_j", "overhead_j")
    assert attributed_j + overhead_j == pytest.approx(window_j, rel=1e-12)
    assert 0 < overhead_j < window_j
    for low, central, high in attempts_in(con, "energy_j_low", "energy_j", "energy_j_high"):
        assert 0 < low < central < high
    for low, central, high in attempts_in(con, "usd_low", "usd", "usd_high"):
        assert 0 < low <= central <= high
    assert attempts_in(con, "DISTINCT basis") == [("modelled",)]


def test_the_bounds_of_a_trials_energy_are_divided_to_the_last_joule_too(warehouse):
    con = warehouse([trial_row(), attempt_row(0), attempt_row(1, start_s=0.4, t_end_ns=BOOT_NS + 10 * SECOND_NS),
                     *modelled(), *counter_and_meter()])  # fmt: skip
    (low, high) = ask(con, "SELECT sum(energy_j_low), sum(energy_j_high) FROM attempt_accounts")[0]
    assert account_of(con, "overhead_j") == pytest.approx(0.0, abs=1e-9)
    assert ask(con, "SELECT energy_j_low, energy_j_high FROM energy") == [(pytest.approx(low), pytest.approx(high))]


def counter_and_meter():
    gpu = [replace(sample, meter="nvml:0") for sample in counter_samples(load_w=200.0)]
    return [meter_row(meter="nvml:0", component="gpu", method="nvml-energy-counter", resolution_s=0.1), *gpu]


def test_a_lone_attempt_gets_all_of_its_time_and_equal_ones_the_same(warehouse):
    alone = attempt_row(0, start_s=1.0)  # 1.01 s
    together = [attempt_row(n, start_s=5.0) for n in (1, 2)]
    con = warehouse([trial_row(), alone, *together, meter_row(), *counter_samples(load_w=30.0)])
    assert attempts_in(con, "energy_j") == [(pytest.approx(30.3),), (pytest.approx(15.15),), (pytest.approx(15.15),)]
    assert account_of(con, "overhead_j") == pytest.approx(300.0 - 60.6)


def test_without_any_attempt_alone_the_weights_are_the_ledgers_and_say_so(warehouse):
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples()])
    source, prefill, decode = account_of(con, "weight_source", "prefill_weight_ratio", "decode_weight_ratio")
    assert source.startswith("default of attribution.csv for cpu, version ")
    assert (prefill, decode) == (0.52, 1.0)
    con = warehouse([trial_row(device="cuda"), attempt_row(), meter_row(), *counter_samples()])
    assert account_of(con, "prefill_weight_ratio") == 0.054
    con = warehouse([trial_row(device="npu"), attempt_row(), meter_row(), *counter_samples()])
    assert "attribution.csv has no row for device 'npu' on 2026-11-01; add one with its source" in account_of(
        con, "missing"
    )
    assert attempts_in(con, "energy_j", "operational_gco2e", "reason")[0] == (None, None, account_of(con, "missing"))


def isolated(trial_id, *, prefill_w, decode_w, requests=10, **changes):
    """Requests one after the other: 0.5 s of prefill of 100 tokens, 0.5 s of decode of 11; idle at 5 W."""
    trial = trial_row(trial_id=trial_id, window_end_ns=BOOT_NS + requests * SECOND_NS, **changes)
    rows = [trial, meter_row(trial_id=trial_id)]
    energy_j = 0.0
    for step in range(requests * 20 + 1):
        rows.append(sample_row(meter="rapl:package-0", phase="load", second=step / 20, energy_j=energy_j, power_w=None))
        energy_j += (prefill_w if step % 20 < 10 else decode_w) / 20
    for second in range(31):
        rows.append(
            sample_row(meter="rapl:package-0", phase="idle", second=second - 60, energy_j=5.0 * second, power_w=None)
        )
    for seq in range(requests):
        row = attempt_row(seq, trial_id=trial_id, start_s=seq)
        rows.append(replace(row, t_end_ns=row.t_last_ns))
    return [replace(row, trial_id=trial_id) for row in rows]


def test_weights_are_fitted_from_attempts_that_were_alone_and_serve_later_trials_of_the_same_target(warehouse):
    # above idle: 20 W x 0.5 s / 100 tokens = 0.1 J, 11 W x 0.5 s / 11 tokens = 0.5 J: a ratio of 0.2
    alone = isolated("night-1.alpha.one.1", prefill_w=25.0, decode_w=16.0, workload_id="one")
    later = {"started_at": STARTED_AT + timedelta(minutes=5)}
    other = replace(trial_row(trial_id="other", weights_sha256="ff" * 32), **later)
    con = warehouse([
        *alone, trial_row(**later), attempt_row(), meter_row(), *counter_samples(),
        other, replace(attempt_row(), trial_id="other", attempt_id="other.0"), meter_row(trial_id="other"),
        *[replace(sample, trial_id="other") for sample in counter_samples()],
    ])  # fmt: skip
    ratio, source = account_of(con, "prefill_weight_ratio", "weight_source", trial_id="night-1.alpha.one.1")
    assert ratio == pytest.approx(0.2)
    assert source == "fitted from 10 attempts of this trial that were alone, by energy on top of idle"
    assert account_of(con, "prefill_weight_ratio", "weight_source") == (
        pytest.approx(0.2), "as fitted in trial night-1.alpha.one.1",
    )  # fmt: skip
    assert account_of(con, "weight_source", trial_id="other").startswith("default")


def test_a_fit_does_not_reach_back_in_time_and_too_few_attempts_are_no_fit(warehouse):
    late = isolated("night-1.alpha.one.1", prefill_w=25.0, decode_w=16.0, started_at=STARTED_AT + timedelta(minutes=5))
    con = warehouse([*late, trial_row(), attempt_row(), meter_row(), *counter_samples()])
    assert account_of(con, "weight_source").startswith("default")
    few = isolated("few", prefill_w=25.0, decode_w=16.0, requests=9)
    assert account_of(warehouse(few), "weight_source", trial_id="few").startswith("default")


def test_where_load_adds_next_to_nothing_to_idle_the_weights_are_by_all_energy(warehouse):
    # 5.05 W and 5.01 W over an idle of 5 W: a difference that two readings cannot tell
    con = warehouse(isolated("flat", prefill_w=5.05, decode_w=5.01))
    ratio, source = account_of(con, "prefill_weight_ratio", "weight_source", trial_id="flat")
    assert ratio == pytest.approx((5.05 / 100) / (5.01 / 11))
    assert source.endswith("by all energy, idle included")


def test_prompt_tokens_from_a_cache_weigh_nothing(warehouse):
    fresh, cached = attempt_row(0), attempt_row(1, cached_tokens=100)
    con = warehouse([trial_row(), fresh, cached, meter_row(), *counter_samples(load_w=30.0)])
    (first,), (second,) = attempts_in(con, "energy_j")
    # 0.5 s of prefill are the first's alone, 0.51 s of decode are shared
    assert (first, second) == pytest.approx((15.0 + 7.65, 7.65))


def test_what_was_never_sent_drew_nothing_and_what_never_ended_draws_to_the_end(warehouse):
    unsent = failed_row(0, t_start_ns=None, t_sent_ns=None, t_end_ns=None, t_sched_ns=BOOT_NS)
    endless = failed_row(1, start_s=4.0, t_end_ns=None)
    con = warehouse([trial_row(), unsent, endless, meter_row(), *counter_samples(load_w=30.0)])
    assert attempts_in(con, "energy_j") == [(0.0,), (pytest.approx(180.0),)]


def test_an_energy_that_is_not_known_is_null_for_each_attempt_and_says_why(warehouse):
    con = warehouse([trial_row(), attempt_row(), *local_facts()])
    ((energy_j, overhead_j, grams, usd, reason),) = attempts_in(
        con, "energy_j", "overhead_j", "operational_gco2e", "usd", "reason"
    )
    assert (energy_j, overhead_j, grams, usd) == (None, None, None, None)
    assert reason == "the energy of its window is not known: no meter watched this trial"
    assert attempts_in(con, "embodied_gco2e") == [(pytest.approx(0.4),)]


ENDPOINT = [
    fact_row("endpoint_j_per_output_token", 2.0, low=1.0, high=4.0, basis="estimated"),
    fact_row("endpoint_embodied_gco2e_per_output_mtok", 40.0),
    fact_row("pue", 1.2),
    fact_row("grid_gco2e_per_kwh", 400.0),
    fact_row("price_usd_per_input_mtok", 1.0),
    fact_row("price_usd_per_cached_input_mtok", 0.1),
    fact_row("price_usd_per_output_mtok", 10.0),
]


def test_at_an_endpoint_tokens_divide_what_is_stated_and_each_attempt_has_its_price(warehouse):
    attempts = [attempt_row(0, cached_tokens=40), attempt_row(1, output_tokens=33), failed_row(2, start_s=3.0)]
    con = warehouse([trial_row(kind="endpoint"), *attempts, *ENDPOINT])
    assert attempts_in(con, "energy_j_low", "energy_j", "energy_j_high", "overhead_j", "basis")[:2] == [
        (11.0, 22.0, 44.0, None, "estimated"), (33.0, 66.0, 132.0, None, "estimated"),
    ]  # fmt: skip
    assert attempts_in(con, "usd")[:2] == [(pytest.approx(174e-6),), (pytest.approx(430e-6),)]
    assert attempts_in(con, "energy_j", "usd", "reason")[2] == (None, None, "its output tokens are not known")
    assert ask(con, f"SELECT {SUMS} FROM attempt_accounts")[0] == pytest.approx(ask(con, WHOLES)[0], rel=1e-9)


def test_an_attribution_stands_until_the_energy_is_another_and_the_latest_is_read(warehouse):
    con = warehouse([trial_row(), attempt_row(), meter_row(), *counter_samples(), *local_facts()])
    assert attribute_trials(con) == 0
    account_trials(con, recompute=True)
    assert attribute_trials(con) == 0
    con.execute("UPDATE power_samples SET energy_j = energy_j * 2").fetchall()
    before = attempts_in(con, "energy_j")[0][0]
    account_trials(con, recompute=True)
    assert attribute_trials(con) == 1
    assert attempts_in(con, "energy_j") == [(pytest.approx(2 * before),)]
    assert ask(con, "SELECT count(*) FROM attempt_energy") == [(2,)]
    con.execute("UPDATE attribution_accounts SET method_version = 'older'").fetchall()
    assert attribute_trials(con) == 1
