"""When a cell has been measured often enough."""

import math

import numpy as np

from flows.repeats import known_well_enough
from warehouse.formulas.statistics import over_trials
from warehouse.loader import TrialResult


def repeat(ttft_s, tpot_s=0.01, e2e_s=None):
    return TrialResult(
        trial_id="t", target_id="a", workload_id="w", status="completed", attempts=9, ok=9, usd=0.0, usd_reason=None,
        ttft_p50_s=ttft_s, tpot_p50_s=tpot_s, e2e_p50_s=e2e_s,
    )  # fmt: skip


def test_enough_is_known_when_repeats_agree_and_not_before_there_are_five():
    agreeing = [repeat(0.1 + 0.0001 * n) for n in range(5)]
    assert known_well_enough(agreeing, within_share=0.05)
    assert not known_well_enough(agreeing[:4], within_share=0.05)
    assert not known_well_enough([repeat(0.1 * n) for n in range(1, 6)], within_share=0.05)
    assert not known_well_enough([repeat(0.1, 0.01 * n) for n in range(1, 6)], within_share=0.05)
    assert known_well_enough([repeat(0.1, None)] * 5, within_share=0.05)
    assert not known_well_enough([repeat(None)] * 5, within_share=0.05)
    assert known_well_enough([repeat(None, None, 0.8 + 0.001 * n) for n in range(5)], within_share=0.05)
    assert not known_well_enough([repeat(None, None, 0.8 * n) for n in range(1, 6)], within_share=0.05)


def test_an_interval_holds_the_truth_nearly_as_often_where_repeating_stopped_as_where_it_did_not():
    draw = np.random.default_rng(2)
    nights = np.exp(draw.normal(0.0, 0.12, (1500, 7)))
    truth = math.exp(0.12**2 / 2)

    def held(figures) -> bool:
        estimate = over_trials(figures)
        return estimate.low <= truth <= estimate.high

    def stopped(figures):
        done = next(
            (n for n in range(1, 7) if known_well_enough([repeat(t) for t in figures[:n]], within_share=0.1)), 7
        )
        return figures[:done]

    assert sum(map(held, nights)) / len(nights) > 0.92
    assert sum(held(stopped(figures)) for figures in nights) / len(nights) > 0.92
