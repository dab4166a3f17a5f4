"""Orders of trials: what a trial is told as it begins, whatever the day was on which its night was planned."""

from datetime import UTC, datetime
from pathlib import Path

from flows.config import load_config
from flows.orders import trial_spec
from flows.prepare import NightRequest, plan_night
from warehouse.factors import current

FIRST = Path(__file__).parents[2] / "flows/configs/first-night.toml"
OLD_YEAR, NEW_YEAR = datetime(2025, 12, 31, 23, 59, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


def test_a_trial_after_midnight_of_new_year_has_the_grid_of_its_own_year_and_not_of_the_plan_s(tmp_path):
    request = NightRequest(loaded=load_config(FIRST), data_dir=tmp_path)
    plan = plan_night(request)
    planned = plan.trials[0]

    def grid(now):
        spec = trial_spec(request, plan, planned, None, now=now)
        (fact,) = [fact for fact in spec.facts if fact.quantity == "grid_gco2e_per_kwh"]
        assert {fact.trial_id for fact in spec.facts} == {planned.trial_id}
        return fact

    before, after = grid(OLD_YEAR), grid(NEW_YEAR)
    for fact, at in ((before, OLD_YEAR), (after, NEW_YEAR)):
        ruling = current("grid_intensity", fact.ledger_key, "gco2e_per_kwh", on=at.date())
        assert (fact.central, fact.valid_from, fact.factor_version) == (
            ruling.central, ruling.valid_from, ruling.factor_version,
        )  # fmt: skip
    assert before.valid_from < "2026" <= after.valid_from
    assert before.factor_version != after.factor_version
