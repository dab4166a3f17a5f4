"""Searches over rates, against targets that are known: where they look, where they end, and what they say."""

import itertools
import random

import pytest

from flows.points import Limits, Point, PointResult, growth, saturation, shortfall
from flows.search import run_search, slo_search, sweep

SLO_TTFT_S = 0.2


def limits(**changes):
    """A search from 1 to 1000 requests a second."""
    defaults = {
        "rate_min_rps": 1.0, "rate_max_rps": 1000.0, "tolerance": 1.05, "point_repeats": 2, "max_points": 60,
        "max_s": 1e9, "slo_ttft_s": SLO_TTFT_S, "slo_tpot_s": 0.05,
    }  # fmt: skip
    return Limits(**defaults | changes)


def result(rate_rps, **changes):
    """A point that meets everything."""
    defaults = {
        "rate_rps": rate_rps, "seconds": 10.0, "n_ok": 100, "ok_share": 1.0, "ttft_p95_s": 0.05, "tpot_p95_s": 0.01,
        "tpot_defined": True, "ttft_growth": 0.0, "e2e_growth": 0.0, "missed_share": 0.0,
    }  # fmt: skip
    return PointResult(**defaults | changes)


class Queue:
    """One queue that is left at a fixed rate: above it, everybody waits longer and longer."""

    def __init__(self, capacity_rps, seconds=10.0):
        self.capacity_rps, self.seconds, self.asked = capacity_rps, seconds, []

    def __call__(self, point: Point) -> PointResult:
        self.asked.append(point)
        slope = max(point.rate_rps / self.capacity_rps - 1, 0.0)
        return result(
            point.rate_rps, ttft_p95_s=0.05 + 0.95 * slope * self.seconds, ttft_growth=slope, e2e_growth=slope
        )


@pytest.mark.parametrize("capacity_rps", [1.0, 3.7, 50.0, 64.0, 211.0, 900.0])
def test_a_planted_limit_is_found_within_the_tolerance(capacity_rps):
    queue = Queue(capacity_rps)
    found = run_search(slo_search(limits()), queue)
    assert capacity_rps / 1.05 <= found.rate_rps <= capacity_rps * 1.02  # 2 % over is what a queue may grow by
    assert found.low_rps == found.rate_rps
    assert found.rate_rps < found.high_rps <= found.rate_rps * 1.05
    assert found.points == len(queue.asked)
    assert [point.number for point in queue.asked] == list(range(found.points))


def test_both_ends_of_the_answer_were_measured_at_every_repeat():
    queue = Queue(50.0)
    found = run_search(slo_search(limits(point_repeats=3)), queue)
    for end in (found.rate_rps, found.high_rps):
        assert [point.repeat for point in queue.asked if point.rate_rps == end] == [1, 2, 3]


def test_where_two_repeats_disagree_a_third_decides():
    queue, at_8 = Queue(30.0), iter([False, True, True])

    def once_unlucky(point):
        came_to = queue(point)
        return result(8.0, ttft_p95_s=1.0) if point.rate_rps == 8.0 and not next(at_8) else came_to

    found = run_search(slo_search(limits()), once_unlucky)
    assert [p.repeat for p in queue.asked if p.rate_rps == 8.0] == [1, 2, 3]
    assert 30.0 / 1.05 <= found.rate_rps <= 30.0 * 1.02


def test_a_rate_that_was_met_by_luck_on_the_way_up_is_looked_at_again():
    queue = Queue(6.0)

    def once_lucky(point):
        came_to = queue(point)
        return result(8.0) if point.rate_rps == 8.0 and point.repeat == 1 else came_to

    found = run_search(slo_search(limits()), once_lucky)
    assert 6.0 / 1.05 <= found.rate_rps <= 6.0 * 1.02


@pytest.mark.parametrize("max_points", range(4, 12))
def test_a_rate_that_was_not_held_is_no_answer_wherever_the_search_is_cut_off(max_points):
    met_once = set()

    def lucky(point):  # each rate is met the first time, under 8/s, and never again
        lucky = point.rate_rps < 8 and point.rate_rps not in met_once
        met_once.add(point.rate_rps)
        return result(point.rate_rps, ttft_p95_s=0.05 if lucky else 9.0)

    found = run_search(slo_search(limits(max_points=max_points)), lucky)
    assert found.rate_rps is None or found.high_rps is None or found.rate_rps < found.high_rps


def test_a_noisy_target_still_gives_a_bracket_whose_ends_are_in_order():
    for seed in range(40):
        draw = random.Random(seed)
        queue = Queue(40.0)

        def noisy(point, draw=draw, queue=queue):
            came_to = queue(point)
            return result(point.rate_rps, ttft_p95_s=came_to.ttft_p95_s * draw.uniform(0.3, 3.0))

        found = run_search(slo_search(limits()), noisy)
        assert found.low_rps is None or found.low_rps <= found.rate_rps
        assert found.high_rps is None or found.rate_rps is None or found.rate_rps < found.high_rps
        assert found.points <= 60


def test_not_met_at_the_lowest_rate_is_no_answer_and_says_what_was_not_met():
    found = run_search(slo_search(limits()), lambda p: result(p.rate_rps, tpot_p95_s=0.08))
    assert (found.rate_rps, found.low_rps, found.high_rps) == (None, None, 1.0)
    assert "p95 TPOT 80.0 ms over 50" in found.reason


def test_met_at_the_highest_rate_says_that_the_limit_lies_above():
    found = run_search(slo_search(limits(rate_max_rps=100.0)), lambda p: result(p.rate_rps))
    assert (found.rate_rps, found.high_rps) == (100.0, None)
    assert "raise rate_max_rps" in found.reason


@pytest.mark.parametrize(("cap", "sentence"), [({"max_points": 5}, "5 points"), ({"max_s": 35.0}, "40 s")])
def test_a_search_ends_at_its_limits_with_what_it_knows(cap, sentence):
    found = run_search(slo_search(limits(**cap)), Queue(50.0))
    assert sentence in found.reason
    assert found.rate_rps == (16.0 if "max_points" in cap else 8.0)
    assert found.high_rps is None


def test_a_client_that_cannot_send_on_time_is_named_as_such():
    found = run_search(slo_search(limits()), lambda p: result(p.rate_rps, missed_share=0.0 if p.rate_rps < 64 else 0.3))
    assert found.rate_rps == 32.0
    assert "the client, not the target, was too slow at 64/s: 30.0% of its sends" in found.reason
    assert found.points == 6 + 3  # 1 to 32, then three tries


def test_a_point_at_which_the_client_stumbled_once_is_taken_again():
    queue = Queue(50.0)

    def stumbling(point):
        came_to = queue(point)
        return result(point.rate_rps, missed_share=0.2, ok_share=0.5) if point.number == 3 else came_to

    found = run_search(slo_search(limits()), stumbling)
    assert [point.rate_rps for point in queue.asked[3:5]] == [8.0, 8.0]
    assert 50.0 / 1.05 <= found.rate_rps <= 50.0 * 1.02


def test_a_point_that_could_not_be_measured_ends_the_search_with_its_reason():
    found = run_search(slo_search(limits()), lambda p: "gone" if p.rate_rps > 4 else result(p.rate_rps))
    assert (found.rate_rps, found.reason, found.points) == (4.0, "gone", 3)


def test_a_sweep_rises_by_one_factor_until_the_target_is_over_saturated():
    queue = Queue(50.0)
    found = run_search(sweep(limits()), queue)
    rates = [point.rate_rps for point in queue.asked]
    assert all(later / earlier == pytest.approx(2**0.5) for earlier, later in itertools.pairwise(rates))
    assert found.rate_rps <= 50.0 < found.high_rps == rates[-1]
    assert found.reason.startswith("over-saturated at 64/s: 50/s answered of 64/s offered")


def test_a_sweep_that_meets_no_limit_says_so():
    found = run_search(sweep(limits(rate_max_rps=4.0)), lambda p: result(p.rate_rps))
    assert (found.rate_rps, found.high_rps) == (4.0, None)
    assert "not saturated" in found.reason


# --- what a point says


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ok_share": 0.98}, "98.0% succeeded, under 99%"),
        ({"ttft_p95_s": None, "n_ok": 12}, "p95 TTFT unknown from 12 answers"),
        ({"ttft_p95_s": 0.201}, "p95 TTFT 201 ms over 200"),
        ({"tpot_p95_s": 0.051}, "p95 TPOT 51.0 ms over 50"),
        ({"tpot_p95_s": None}, "the server counts no tokens"),
        ({"ttft_growth": 0.03}, "TTFT grows by 30 ms each second"),
        ({"e2e_growth": 0.1}, "9.09/s answered of 10/s offered"),
    ],
)
def test_a_shortfall_is_told_in_words(changes, sentence):
    assert sentence in shortfall(result(10.0, **changes), limits())


def test_both_sides_of_the_limits():
    assert shortfall(result(10.0, ok_share=0.99, ttft_p95_s=0.2, tpot_p95_s=0.05), limits()) is None
    assert shortfall(result(10.0, tpot_p95_s=None, tpot_defined=False), limits()) is None
    assert saturation(result(10.0, ok_share=0.98)) is None
    assert saturation(result(10.0, ok_share=0.97)) is not None


def test_growth_is_the_slope_of_a_queue_that_is_over_full():
    times = [n / 50 for n in range(300)]
    assert growth(times, [0.02 + 0.1 * t for t in times]) == pytest.approx(0.1)
    assert growth(times, [0.5 - 0.05 * t for t in times]) == pytest.approx(-0.05)


def test_growth_within_the_noise_is_none():
    draw = random.Random(1)
    times = [n / 50 for n in range(300)]
    assert growth(times, [0.2 + draw.uniform(-0.1, 0.1) for _ in times]) == 0.0
    assert growth(times[:5], [0.1] * 5) is None
    assert growth([1.0] * 9, [0.1] * 9) is None
