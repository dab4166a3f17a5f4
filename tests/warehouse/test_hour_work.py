"""What tokens would cost and emit in hours of which the tariff or the grid is known, by hand."""

from datetime import UTC, datetime

import pytest

from warehouse.hour_work import carbon_samples, cost_samples, work_of

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
# a million tokens between them, 3.6 MJ x 1.5 = 1.5 kWh
TRIALS = [
    {"output_tokens": 400_000, "energy_j": 1.2e6, "energy_j_low": 0.6e6, "energy_j_high": None, "pue": 1.5,
     "hardware_usd": 0.1, "pays_power": True},
    {"output_tokens": 600_000, "energy_j": 2.4e6, "energy_j_low": 1.2e6, "energy_j_high": 4.8e6, "pue": 1.5,
     "hardware_usd": 0.2, "pays_power": True},
]  # fmt: skip


def test_a_million_tokens_take_what_the_trials_together_took():
    work = work_of(TRIALS)
    assert (work.kwh_per_mtok_low, work.kwh_per_mtok, work.kwh_per_mtok_high) == pytest.approx((0.75, 1.5, 2.5))
    assert work.hardware_usd_per_mtok == pytest.approx(0.3)


def test_an_hour_costs_its_tariff_and_the_hardware_and_emits_its_grid():
    work = work_of(TRIALS)
    (cost,), (carbon,) = cost_samples(work, [(AT, 0.2)]), carbon_samples(work, [(AT, 400.0)])
    assert (cost.at, cost.value, carbon.value) == (AT, pytest.approx(0.3 + 0.3), pytest.approx(600.0))
    assert work.reach(carbon.value) == pytest.approx((300.0, 1000.0))
    assert work.reach(cost.value, fixed=0.3) == pytest.approx((0.45, 0.8))


def test_what_is_not_known_of_a_trial_is_left_out_and_a_hosted_target_has_no_tariff_of_ours():
    dark = {**TRIALS[0], "energy_j": None}
    assert work_of([dark, {**TRIALS[0], "pue": None}, {**TRIALS[0], "output_tokens": 0}]) is None
    assert work_of([dark, TRIALS[1]]).trials == 1
    hosted = work_of([{**TRIALS[0], "hardware_usd": None, "pays_power": False}])
    assert cost_samples(hosted, [(AT, 0.2)]) == []
    assert carbon_samples(hosted, [(AT, 400.0)])[0].value > 0
    assert carbon_samples(None, [(AT, 400.0)]) == []
