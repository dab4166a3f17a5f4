"""Which prices of a run are disputed between sources: of its own targets, in the tier in which they serve."""

from datetime import UTC, datetime

from tests.warehouse.builders import attempt_row, fact_row, trial_row
from warehouse.price_drifts import drifts_in_use
from warehouse.price_ledger import record_prices

TRIAL = trial_row(
    kind="endpoint", provider="openai", model="gpt-5.6-luna", engine=None, device=None,
    base_url="https://api.openai.com/v1", started_at=datetime(2026, 11, 15, 2, tzinfo=UTC),
)  # fmt: skip


def contract(usd_in, usd_out, **changes):
    return [
        fact_row("price_usd_per_input_mtok", usd_in, **changes),
        fact_row("price_usd_per_output_mtok", usd_out, **changes),
    ]


def test_a_run_has_the_disputes_of_its_targets_that_are_larger_than_5_percent(warehouse):
    # the list asks 0.2 and 1.2
    con = warehouse([TRIAL, attempt_row(), *contract(0.1, 1.21, source="ours")])
    record_prices(con)
    (one,) = drifts_in_use(con, "night-1")
    assert (one.target_id, one.amount, one.ruling_origin, one.ruling_usd, one.other_origin, one.other_usd) == (
        "alpha",
        "usd_per_input_mtok",
        "contract",
        0.1,
        "list",
        0.2,
    )
    assert one.difference_share == -0.5
    assert drifts_in_use(con, "night-1", share=0.6) == []
    assert drifts_in_use(con, "another") == []


def test_a_contract_for_another_tier_disputes_nothing_of_the_standard_one(warehouse):
    key = {"ledger_key": "openai/gpt-5.6-luna#turbo", "source": "ours"}
    con = warehouse([TRIAL, attempt_row(), *contract(9.0, 9.0, **key)])
    record_prices(con)
    assert drifts_in_use(con, "night-1") == []
