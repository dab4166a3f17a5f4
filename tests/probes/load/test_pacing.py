"""Staying under a provider's limit: waiting before a send is planned, never after, and said."""

from itertools import pairwise

import pytest

from probes.errors import ProbeError
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.pacing import LONGEST_WAIT_S, Pacer
from probes.load.spec import LoadSpec

S = 1_000_000_000
WALL = 1_767_268_800 * S  # 2026-01-01T12:00:00Z at CLOCK_MONOTONIC 0


def pacer(**limits):
    return Pacer(**({"max_rps": None, "max_tokens_per_minute": None, "by_headers": False} | limits))


def heard(of, headers, *, now_s=0, in_flight=0, body=b""):
    return of.heard(headers, body, now_ns=now_s * S, wall_offset_ns=WALL, in_flight=in_flight)


def test_requests_go_out_no_closer_than_the_limit_says():
    of = pacer(max_rps=4.0)
    of.sent(10 * S, tokens=0)
    assert of.ready_ns == 10 * S + S // 4
    of.sent(20 * S, tokens=0)  # what was not used is lost: it is no bucket that fills up for a burst
    assert of.ready_ns == 20 * S + S // 4


def test_a_limit_of_tokens_waits_for_as_long_as_what_was_asked_for():
    of = pacer(max_tokens_per_minute=6000.0)
    of.sent(0, tokens=300)
    assert of.ready_ns == 3 * S
    both = pacer(max_tokens_per_minute=6000.0, max_rps=0.1)
    both.sent(0, tokens=300)
    assert both.ready_ns == 10 * S


def test_processes_share_a_limit():
    of = pacer(max_rps=4.0, parts=2)
    of.sent(0, tokens=0)
    assert of.ready_ns == S // 2


@pytest.mark.parametrize(
    ("headers", "in_flight", "waits_s"),
    [
        ({"retry-after": "3"}, 0, 3),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0, 0.25),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 0, 360),
        ({"x-ratelimit-remaining-requests": "2", "x-ratelimit-reset-requests": "5s"}, 2, 5),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "5s"}, 2, 0),
        ({"x-ratelimit-remaining-tokens": "90", "x-ratelimit-reset-tokens": "7s"}, 0, 7),
        ({"x-ratelimit-remaining-tokens": "150", "x-ratelimit-reset-tokens": "7s"}, 1, 7),
        ({"x-ratelimit-remaining-tokens": "200", "x-ratelimit-reset-tokens": "7s"}, 1, 0),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-01-01T12:00:30Z",
            },
            0,
            20,
        ),
        ({"x-ratelimit-remaining-requests": "0"}, 0, 0),
        ({}, 0, 0),
    ],
)
def test_answers_say_how_long_to_wait(headers, in_flight, waits_s):
    of = pacer(by_headers=True)
    of.sent(0, tokens=100)
    assert heard(of, headers, now_s=10, in_flight=in_flight) is None
    assert of.ready_ns == pytest.approx((10 + waits_s) * S)


def test_headers_are_heeded_only_where_that_was_asked_for():
    of = pacer(max_rps=1.0)
    assert heard(of, {"retry-after": "100"}) is None
    assert of.ready_ns == 0


def test_a_wait_for_hours_is_not_waited_for():
    of = pacer(by_headers=True)
    body = b'{"error":{"details":[{"retryDelay":"32400s"}]}}'
    assert heard(of, {}, body=body) == "the target asks to wait 32400 s, more than the 900 s that pacing waits for"
    assert heard(of, {"retry-after": str(round(LONGEST_WAIT_S))}) is None


def test_a_paced_loop_keeps_to_its_limit_and_says_how_long_it_was_held_back(load):
    with fake_endpoint(FakeScript(ttft_s=0.0, itl_s=0.0)) as fake:
        result = load(fake.base_url, requests=6, concurrency=6, max_rps=20.0)  # always with a place that is free
    starts = sorted(attempt.t_start_ns for attempt in result.attempts)
    assert starts[-1] - starts[0] > 0.2 * S  # five gaps of 50 ms, less what a late first send takes off the first
    assert {attempt.t_sched_ns for attempt in result.attempts} == {None}
    assert {attempt.error_class for attempt in result.attempts} == {None}
    assert 0.1 * S < result.evidence.held_back_ns < starts[-1] - starts[0]


def test_a_loop_that_obeys_headers_waits_as_it_was_told(load):
    with fake_endpoint(FakeScript(fault="http-429-ms", fault_every=2)) as fake:
        paced = load(fake.base_url, requests=4, concurrency=1, pace="headers")
        wait_ms = min(attempt.retry_after_s for attempt in paced.attempts if attempt.error_class) * 1000
    waits_ns = [
        (after.t_start_ns - before.t_end_ns, before.error_class == "rate_limited")
        for before, after in pairwise(paced.attempts)
    ]
    assert min(waited_ns for waited_ns, told in waits_ns if told) >= wait_ms * 1_000_000
    # and nowhere else: a machine may let it wait, but it was not held back
    assert 0 < paced.evidence.held_back_ns <= sum(waited_ns for waited_ns, told in waits_ns if told)


def test_a_loop_without_a_limit_knows_nothing_of_being_held_back(load):
    with fake_endpoint(FakeScript()) as fake:
        assert load(fake.base_url, requests=1).evidence.held_back_ns is None


def test_time_ends_a_loop_that_waits(load):
    with fake_endpoint(FakeScript()) as fake:
        result = load(fake.base_url, requests=None, duration_s=0.5, concurrency=2, max_rps=0.01)
    assert len(result.attempts) == 1
    assert result.stopped_reason is None
    assert result.evidence.held_back_ns > 0.1 * S


def spec(**given):
    return LoadSpec(base_url="http://x/v1", model="m", attempt_prefix="t", requests=5, **given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"arrivals": "poisson", "rate_rps": 5.0, "max_rps": 4.0}, "a rate of 5 requests/s is over max_rps = 4"),
        (
            {"arrivals": "linear-ramp", "rate_rps": 1.0, "rate_end_rps": 9.0, "duration_s": 5.0, "max_rps": 4.0},
            "a rate of 9 requests/s is over max_rps = 4",
        ),
        (
            {"arrivals": "constant", "rate_rps": 1.0, "max_tokens_per_minute": 1000.0},
            "1 requests/s ask for 15360 tokens a minute, over max_tokens_per_minute = 1000",
        ),
        ({"arrivals": "constant", "rate_rps": 1.0, "pace": "headers"}, 'pace = "headers" waits'),
        ({"concurrency": 1, "max_rps": 0.0}, "max_rps = 0 must be > 0"),
    ],
)
def test_an_open_loop_above_a_limit_is_refused_in_one_sentence(given, says):
    with pytest.raises(ProbeError, match=says):
        spec(**given)


def test_an_open_loop_under_a_limit_is_not_held_back():
    assert spec(arrivals="poisson", rate_rps=4.0, max_rps=4.0).is_paced
