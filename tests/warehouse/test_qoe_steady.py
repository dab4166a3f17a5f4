"""The timeline score, the steady window and the tokens that arrive in it: by hand, then laws."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.formulas.qoe import delivered_share
from warehouse.formulas.steady import arrived_tokens, closed_loop_window, open_loop_window

NEVER_NS = (1 << 63) - 1


def score(chunk_s, tokens, ttft=1.0, tpot=0.5):
    return float(
        delivered_share(
            np.array(chunk_s, float), np.array([len(chunk_s)]), np.array([tokens]), slo_ttft_s=ttft, slo_tpot_s=tpot
        )[0]
    )


@pytest.mark.parametrize(
    ("chunk_s", "tokens", "expected"),
    [
        ([1.0, 1.5], 2, 1.0),  # just in time
        ([0.1, 0.2], 2, 1.0),  # early counts no more
        ([1.0, 2.0], 2, 1.0 / 1.5),  # H = 2; (2 - 1) + (2 - 2) of 1 + 0.5
        ([2.0, 2.0], 2, 0.0),  # nothing before H
        ([1.0, 3.0], 4, 3.5 / 5),  # two tokens a chunk; H = 3; 2 + 1.5 + 0 + 0 of 2 + 1.5 + 1 + 0.5
        ([1.0, 1.25], 1, 0.5),  # one token in two chunks has come with the second; H = 1.5
        ([1.25, 1.25, 1.25], 3, 2.75 / 3),  # a late start, caught up at once: 1.25 + 1 + 0.5 of 1.5 + 1 + 0.5
    ],
)
def test_the_score_of_a_stream_worked_by_hand(chunk_s, tokens, expected):
    assert score(chunk_s, tokens) == pytest.approx(expected)


CHUNKS = st.lists(st.floats(0.0, 6.0), min_size=1, max_size=8).map(sorted)


@given(CHUNKS, st.integers(1, 12))
def test_the_score_is_the_area_under_the_smaller_of_delivered_and_due(chunk_s, tokens):
    ttft, tpot = 1.0, 0.5
    horizon = ttft + tokens * tpot
    brought_by = [chunk_s[int(np.ceil((k + 1) * len(chunk_s) / tokens)) - 1] for k in range(tokens)]
    due = [ttft + k * tpot for k in range(tokens)]
    edges = sorted({0.0, horizon, *(t for t in brought_by + due if t < horizon)})
    areas = np.zeros(2)
    for left, right in pairwise(edges):
        middle = (left + right) / 2
        expected_by, delivered = sum(t <= middle for t in due), sum(t <= middle for t in brought_by)
        areas += np.array([min(expected_by, delivered), expected_by]) * (right - left)
    assert score(chunk_s, tokens) == pytest.approx(areas[0] / areas[1], abs=1e-9)


@given(CHUNKS, st.integers(1, 12), st.data())
def test_an_earlier_chunk_never_lowers_the_score(chunk_s, tokens, data):
    n = data.draw(st.integers(0, len(chunk_s) - 1))
    earlier = chunk_s.copy()
    earlier[n] = data.draw(st.floats(chunk_s[n - 1] if n else 0.0, chunk_s[n]))
    assert score(earlier, tokens) >= score(chunk_s, tokens) - 1e-12


@given(CHUNKS, st.integers(1, 12), st.floats(0.01, 100))
def test_times_and_limits_scaled_together_leave_the_score_as_it_is(chunk_s, tokens, factor):
    scaled = score([t * factor for t in chunk_s], tokens, ttft=factor, tpot=0.5 * factor)
    assert scaled == pytest.approx(score(chunk_s, tokens), abs=1e-9)


@given(st.lists(st.tuples(CHUNKS, st.integers(1, 12)), min_size=1, max_size=5))
def test_answers_scored_together_score_as_alone(answers):
    together = delivered_share(
        np.array([t for chunk_s, _ in answers for t in chunk_s]),
        np.array([len(chunk_s) for chunk_s, _ in answers]),
        np.array([tokens for _, tokens in answers]),
        slo_ttft_s=1.0,
        slo_tpot_s=0.5,
    )
    alone = [score(chunk_s, tokens) for chunk_s, tokens in answers]
    assert together.tolist() == pytest.approx(alone)
    assert all(0 <= share <= 1 for share in alone)


def test_no_answer_no_score_and_what_cannot_be_scored_is_refused():
    none = np.array([], np.int64)
    assert len(delivered_share(np.array([]), none, none, slo_ttft_s=1, slo_tpot_s=1)) == 0
    with pytest.raises(ValueError, match="without tokens"):
        score([1.0], 0)
    with pytest.raises(ValueError, match="must be > 0"):
        score([1.0], 1, tpot=0.0)
    with pytest.raises(ValueError, match="do not belong together"):
        delivered_share(np.array([1.0]), np.array([2]), np.array([1]), slo_ttft_s=1, slo_tpot_s=1)


def ints(*values):
    return np.array(values, np.int64)


def test_a_closed_loop_is_steady_from_when_all_slots_were_busy_to_the_last_send():
    # Slots of two: 0-10 and 5-8, then 8-20, 10-12, 12-30.
    window = closed_loop_window(ints(12, 0, 5, 8, 10), ints(30, 10, 8, 20, 12), concurrency=2)
    assert (window.start_ns, window.end_ns, window.reason) == (5, 12, None)


def test_the_slots_are_full_only_when_that_many_run_at_once():
    # The third send is the third ever, but the first has ended by then.
    window = closed_loop_window(ints(0, 5, 10, 11, 20), ints(9, 50, 40, 30, 60), concurrency=3)
    assert (window.start_ns, window.end_ns) == (11, 20)


def test_an_attempt_that_never_ended_keeps_its_slot():
    window = closed_loop_window(ints(0, 5, 9), ints(NEVER_NS, 8, 12), concurrency=2)
    assert (window.start_ns, window.end_ns) == (5, 9)


def test_a_closed_loop_without_a_steady_part_says_why():
    one_round = closed_loop_window(ints(0, 1), ints(9, 9), concurrency=2)
    assert one_round.start_ns is None
    assert one_round.reason == (
        "no request was sent after all 2 slots were busy; ask for several times as many requests"
    )
    thin = closed_loop_window(ints(0, 1), ints(9, 9), concurrency=64)
    assert thin.reason == "at most 2 of 64 slots were ever busy at once"
    assert closed_loop_window(ints(), ints(), concurrency=1).reason == "at most 0 of 1 slots were ever busy at once"


def test_an_open_loop_is_steady_one_mean_duration_after_its_first_planned_send():
    window = open_loop_window(ints(1000, 4000, 2000), ints(500, 1500))
    assert (window.start_ns, window.end_ns, window.reason) == (2000, 4000, None)


def test_an_open_loop_without_a_steady_part_says_why():
    short = open_loop_window(ints(0, 1_000_000_000), ints(3_000_000_000))
    assert short.reason == (
        "the sends were over after 1.00 s, before one mean duration of 3.00 s had passed; send for longer"
    )
    assert open_loop_window(ints(5), ints()).reason == "no request succeeded, so there is no duration to go by"


def test_tokens_arrive_with_their_share_of_the_chunks():
    chunk_ns, chunks, tokens = ints(10, 20, 30, 15, 25), ints(3, 2), np.array([6.0, 1.0])
    assert arrived_tokens(chunk_ns, chunks, tokens, start_ns=15, end_ns=30) == pytest.approx(2.0 + 0.5 + 0.5)
    assert arrived_tokens(chunk_ns, chunks, tokens, start_ns=10, end_ns=31) == pytest.approx(7.0)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=20), st.integers(0, 100), st.floats(0.5, 50))
def test_adjacent_windows_add_up_to_all_tokens(times, cut, tokens):
    args = (ints(*times), ints(len(times)), np.array([tokens]))
    parts = [
        arrived_tokens(*args, start_ns=0, end_ns=cut),
        arrived_tokens(*args, start_ns=cut, end_ns=101),
    ]
    assert sum(parts) == pytest.approx(tokens)
