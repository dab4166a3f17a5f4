"""The line of a night's report about prices that its sources dispute."""

from flows.driftwords import drift_words
from warehouse.price_drifts import UsedDrift

CACHED = UsedDrift(
    target_id="mini", amount="usd_per_cached_input_mtok", ruling_origin="contract", ruling_usd=0.05,
    other_origin="list", other_usd=0.075, difference_share=0.05 / 0.075 - 1,
)  # fmt: skip
FEE = UsedDrift(
    target_id="a", amount="usd_per_1k_requests", ruling_origin="contract", ruling_usd=1.0, other_origin="file",
    other_usd=0.0, difference_share=None,
)  # fmt: skip


def test_a_dispute_is_one_line_with_both_prices_and_who_states_them():
    assert drift_words([CACHED]) == (
        "prices in dispute, by more than 5%: mini cached input 0.05 USD by the contract, 0.075 by the list, -33%"
        " (megatoken prices --drift)"
    )
    assert drift_words([]) is None


def test_many_disputes_are_counted():
    said = drift_words([FEE, CACHED, CACHED, CACHED])
    assert said.startswith(
        "prices in dispute, by more than 5%: a 1k requests 1 USD by the contract, 0 by the file; mini"
    )
    assert "; and 2 more (megatoken" in said
