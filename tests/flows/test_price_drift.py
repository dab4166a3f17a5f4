"""The line of a night's report about prices that its sources dispute."""

import pytest

from flows.driftwords import drift_line, drift_words
from tests.warehouse.synthetic import FIRST_NIGHT_AT, write_synthetic
from warehouse.price_drifts import UsedDrift, drifts_in_use, published_drifts
from warehouse.query import open_published

RUN = f"synthetic-{FIRST_NIGHT_AT:%Y-%m-%d}"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nights")
    write_synthetic(folder, nights=1, attempts=2, with_bench=False)
    return folder


def test_a_night_says_which_of_its_prices_are_disputed_by_more_than_5_percent(published):
    (one,) = published_drifts(published, RUN)
    assert (one.target_id, one.amount, one.ruling_usd, one.other_usd) == (
        "openai-mini",
        "usd_per_cached_input_mtok",
        0.05,
        0.075,
    )
    assert drift_line(published, RUN) == (
        "prices in dispute, by more than 5%: openai-mini cached input 0.05 USD by the contract, 0.075 by the list,"
        " -33% (megatoken prices --drift)"
    )


def test_a_run_that_used_none_of_them_and_a_wider_tolerance_say_nothing(published):
    assert drift_line(published, "another-run") is None
    with open_published(published) as con:
        assert drifts_in_use(con, RUN, share=0.34) == []


def test_many_disputes_are_counted():
    each = UsedDrift(
        target_id="a", amount="usd_per_1k_requests", ruling_origin="contract", ruling_usd=1.0, other_origin="file",
        other_usd=0.0, difference_share=None,
    )  # fmt: skip
    said = drift_words([each] * 4)
    assert said.startswith(
        "prices in dispute, by more than 5%: a 1k requests 1 USD by the contract, 0 by the file; a 1k"
    )
    assert "; and 2 more (megatoken" in said
