"""Providers are compared on the models that both serve, and on nothing else."""

from random import Random

import pytest

from tests.warehouse.synthetic import Target
from tests.warehouse.test_rank_bands import W, filled, night
from warehouse.provider_scores import provider_ratios

NIGHTS = 4
QUICK = {"provider": "quick", "tpot_s": 0.01}
SLOW = {"provider": "slow", "tpot_s": 0.01}
TARGETS = (
    Target(id="quick-8b", model="Owner/Model-8B", ttft_s=0.10, usd_per_mtok=(1.0, 1.0), **QUICK),
    Target(id="quick-70b", model="model-70b", ttft_s=0.30, usd_per_mtok=(2.0, 2.0), **QUICK),
    Target(id="quick-only", model="own", ttft_s=9.0, **QUICK),
    Target(id="slow-8b", model="model-8b", ttft_s=0.20, usd_per_mtok=(3.0, 3.0), **SLOW),
    Target(id="slow-70b-eu", model="model-70b", ttft_s=0.60, region="FRA", **SLOW),
    Target(id="slow-70b-us", model="model-70b", ttft_s=0.60, region="USA", **SLOW),
    Target(id="q4", model="model-8b", ttft_s=0.5, tpot_s=0.02, provider="third", quantisation="Q4_0"),
)


@pytest.fixture(scope="module")
def board():
    random = Random(5)
    con = filled(*(night(random, number, TARGETS) for number in range(NIGHTS)))
    yield con
    con.close()


def test_a_provider_that_is_twice_as_quick_on_what_both_serve_is_that_whatever_else_it_serves(board):
    (found,) = provider_ratios(board, [W], by="ttft_p50_s", any_grade=True)
    assert (found.provider, found.other) == ("quick", "slow")
    assert found.ratio == pytest.approx(0.5, rel=0.1)
    assert 0.4 < found.low < found.ratio < found.high < 0.65
    assert (found.models, found.n_runs) == (("model-70b", "model-8b"), NIGHTS)


def test_prices_are_compared_where_both_are_known(board):
    (found,) = provider_ratios(board, [W], by="usd_per_output_mtok", any_grade=True)
    assert found.models == ("model-8b",)
    assert found.ratio == pytest.approx(1 / 3, rel=0.05)


def test_where_no_model_is_shared_there_is_nothing(board):
    assert provider_ratios(board, [W], by="operational_gco2e_per_output_mtok", any_grade=True) == []
    assert provider_ratios(board, [], by="ttft_p50_s") == []
    assert provider_ratios(board, [W], by="failed_share", any_grade=True) == []  # 0 has no ratio
