"""What is known of a trial before its first send."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import ProbeError
from probes.load.plan import Plan, Send, planned_rate, planned_sends
from probes.load.spec import LoadSpec

TRACE = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
    f"2023-11-16 18:00:{second:02d}.{tenth}00000,{100 + second},{tenth}\n" for second in range(10) for tenth in (0, 5)
)


def orders(**given):
    return LoadSpec(**({"base_url": "http://h", "model": "m", "attempt_prefix": "t"} | given))


@pytest.fixture
def trace(tmp_path):
    def write(content=TRACE, **given):
        path = tmp_path / "day.csv"
        path.write_text(content)
        return orders(arrivals="trace", trace_file=path, **given)

    return write


def test_a_constant_rate_in_figures():
    facts = Plan(orders(arrivals="constant", rate_rps=40, duration_s=2, prompt_tokens=10, output_tokens=5)).facts
    assert (facts.sends, facts.prompt_tokens, facts.output_tokens) == (80, 800, 400)
    assert (facts.first_s, facts.last_s) == (0, 1.975)
    assert facts.mean_rate_rps == pytest.approx(40)


def test_the_figures_are_those_of_the_sends():
    spec = orders(arrivals="gamma", burstiness=0.5, rate_rps=100, duration_s=5, seed=3)
    offsets = [send.offset_ns for send in Plan(spec).sends()]
    assert planned_sends(spec) == len(offsets)
    assert planned_rate(spec) == pytest.approx((len(offsets) - 1) / (offsets[-1] - offsets[0]) * 1e9)


def test_a_closed_loop_plans_a_count_and_no_rate():
    spec = orders(concurrency=2, requests=7)
    assert (planned_sends(spec), planned_rate(spec)) == (7, None)
    assert list(Plan(spec).sends()) == [Send(offset_ns=None, prompt_tokens=128, output_tokens=128)] * 7
    assert Plan(spec).facts.output_tokens == 7 * 128


def test_a_closed_loop_that_ends_by_time_has_no_count_beforehand():
    facts = Plan(orders(concurrency=2, duration_s=7)).facts
    assert (facts.sends, facts.prompt_tokens, facts.output_tokens, facts.mean_rate_rps) == (None, None, None, None)


def test_one_send_has_no_rate():
    assert planned_rate(orders(arrivals="constant", rate_rps=40, requests=1)) is None


def test_a_ramp_ends_with_its_time():
    spec = orders(arrivals="linear-ramp", rate_rps=0, rate_end_rps=40, duration_s=10)
    assert 200 - 4 * 200**0.5 < planned_sends(spec) < 200 + 4 * 200**0.5
    assert Plan(spec).facts.last_s < 10


def test_rates_of_a_file_end_by_a_rate_of_0_or_by_a_limit(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("start_s,rate_rps\n0,50\n4,0\n")
    assert Plan(orders(arrivals="piecewise", rates_file=path)).facts.last_s < 4
    path.write_text("start_s,rate_rps\n0,50\n4,10\n")
    assert Plan(orders(arrivals="piecewise", rates_file=path, duration_s=6)).facts.last_s < 6
    with pytest.raises(ProbeError, match=r"rates\.csv: the last rate, 10, would go on for ever; set duration_s or"):
        Plan(orders(arrivals="piecewise", rates_file=path))


def test_a_trace_is_replayed_with_its_times_and_lengths(trace):
    plan = Plan(trace(requests=4))
    assert [send.offset_ns for send in plan.sends()] == [0, 500_000_000, 1_000_000_000, 1_500_000_000]
    assert [send.prompt_tokens for send in plan.sends()] == [100, 100, 101, 101]
    assert plan.mean_send.prompt_tokens == 100
    assert not plan.shares_prefixes


def test_speed_divides_the_times_and_duration_is_the_clients(trace):
    plan = Plan(trace(trace_speed=4.0, duration_s=2))
    assert plan.facts.sends == 16  # eight seconds of the trace
    assert plan.facts.last_s == pytest.approx(7.5 / 4)
    assert plan.facts.mean_rate_rps == pytest.approx(8)


def test_requests_of_no_tokens_are_asked_for_one_and_said(trace):
    plan = Plan(trace(TRACE.replace("105,", "0,")))
    assert {send.output_tokens for send in plan.sends()} == {1, 5}
    assert min(send.prompt_tokens for send in plan.sends()) == 1
    assert plan.notes == [
        "day.csv: 2 of 20 requests have 0 prompt tokens and are asked for 1",
        "day.csv: 10 of 20 requests have 0 output tokens and are asked for 1",
    ]
    assert plan.facts.output_tokens == 10 * 1 + 10 * 5


def test_a_bad_row_is_found_before_the_first_send_if_it_would_be_replayed(trace):
    bad = TRACE + "2023-11-16 18:00:20,nine,1\n"
    with pytest.raises(ProbeError, match=r"day\.csv row 22"):
        Plan(trace(bad))
    assert Plan(trace(bad, requests=20)).facts.sends == 20
    assert Plan(trace(bad, duration_s=9.2)).facts.sends == 19


def test_a_trace_that_shares_keeps_its_ids(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"timestamp": 0, "input_length": 600, "output_length": 2, "hash_ids": [7, 8]}\n'
        '{"timestamp": 0, "input_length": 20, "output_length": 2, "hash_ids": []}\n'
        '{"timestamp": 0, "input_length": 500, "output_length": 2, "hash_ids": [18446744073709551615]}\n'
    )
    plan = Plan(orders(arrivals="trace", trace_file=path))
    assert [list(send.hash_ids) for send in plan.sends()] == [[7, 8], [], [2**64 - 1]]
    assert plan.shares_prefixes
    assert plan.facts.mean_rate_rps is None  # all in one instant


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_a_plan_without_a_send_is_refused(arrivals):
    if arrivals == "constant":  # its first send is due at once
        assert planned_sends(orders(arrivals=arrivals, rate_rps=0.001, duration_s=1)) == 1
    else:
        with pytest.raises(ProbeError, match="nothing is sent within duration_s = 1; raise it, or the rate"):
            Plan(orders(arrivals=arrivals, rate_rps=0.001, duration_s=1))


@given(st.integers(), st.sampled_from([0.1, 1.0, 4.0]), st.floats(0.01, 3.0))
def test_the_busiest_window_is_the_busiest_of_all(seed, burstiness, window_s):
    plan = Plan(orders(arrivals="gamma", burstiness=burstiness, rate_rps=20, requests=60, seed=seed))
    offsets = list(plan.offsets_ns())
    assert plan.busiest(window_s) == max(sum(0 <= o - first < window_s * 1e9 for o in offsets) for first in offsets)


def test_a_plan_is_made_from_anything_with_the_same_fields():
    @dataclasses.dataclass(frozen=True)
    class Workload:
        arrivals = "poisson"
        rate_rps = 50.0
        rate_end_rps = burstiness = rates_file = trace_file = duration_s = None
        trace_speed = 1.0
        requests = 9
        prompt_tokens, output_tokens, seed = 3, 4, 0
        prompt_lengths = output_lengths = prompts_file = None
        prompts_order = "file"
        turns = 1

    assert planned_sends(Workload()) == 9
