"""What a trial sends: the same text to all, shared beginnings where a trace has them, ready before it is due."""

import dataclasses
import json
from itertools import islice, pairwise, takewhile
from time import monotonic_ns

import pytest

from probes.fake_endpoint import fake_endpoint
from probes.load.origin import parse_origin
from probes.load.prompts import UNCALIBRATED
from probes.load.protocols.openai_chat import OPENAI_CHAT
from probes.load.requests import RequestSource
from probes.load.spec import LoadSpec

ORIGIN = parse_origin("http://h/v1", "/chat/completions")


def source(*, protocol=OPENAI_CHAT, **given):
    spec = {"base_url": "http://h/v1", "model": "m", "attempt_prefix": "t"} | given
    if spec.get("arrivals", "closed") == "closed":
        spec = {"concurrency": 1, "requests": 5} | spec
    return RequestSource(LoadSpec(**spec), protocol, ORIGIN)


def body(planned):
    return json.loads(planned.request.split(b"\r\n\r\n", 1)[1])


def prompt(planned):
    return body(planned)["messages"][0]["content"]


def texts(requests):
    return [prompt(planned).split(" ", 1)[1] for planned in requests.measured()]


def rows(path, *rows):
    keys = ("timestamp", "input_length", "output_length", "hash_ids")
    path.write_text("".join(json.dumps(dict(zip(keys, row, strict=True))) + "\n" for row in rows))
    return {"arrivals": "trace", "trace_file": path}


@pytest.fixture
def mooncake(tmp_path):
    return rows(
        tmp_path / "mooncake.jsonl",
        (0, 1500, 5, [1, 2, 3]),
        (0, 1600, 6, [1, 2, 4, 5]),
        (1000, 1500, 7, [1, 2, 3]),
        (1000, 3000, 8, [1, 6]),
        (2000, 700, 9, []),
    )


# One text for all.


def test_targets_measured_side_by_side_get_the_same_text_whatever_their_warm_ups():
    one, other = source(attempt_prefix="night.a", seed=4), source(attempt_prefix="night.b", seed=4)
    for n in range(3):
        other.warmup(n)
    assert texts(one) == texts(other)
    assert len(set(texts(one))) == 5
    assert texts(source(seed=5)) != texts(one)


def test_no_two_prompts_begin_alike_even_of_the_same_text():
    one, other = source(attempt_prefix="night.a"), source(attempt_prefix="night.b")
    prompts = [prompt(planned) for planned in (*one.measured(), *other.measured(), one.warmup(0))]
    assert len({text.split(" ", 1)[0] for text in prompts}) == len(prompts)


# Shared beginnings.


def common(a, b):
    pairs = zip(prompt(a), prompt(b), strict=False)
    return "".join(left for left, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def text_words(text):
    return len(text.split("\n\n", 1)[1].split())


def test_prompts_share_exactly_the_blocks_that_the_trace_says(mooncake):
    first, second, third, fourth, alone = source(**mooncake).measured()
    fit = UNCALIBRATED
    assert text_words(common(first, second)) == pytest.approx(fit.words(2 * 512), abs=1)
    assert text_words(common(first, fourth)) == pytest.approx(fit.words(512), abs=1)
    assert text_words(common(first, alone)) <= 1
    # The same ids, the same length: all but the nonce, which is the last word.
    assert prompt(first).rsplit(" ", 1)[0] == prompt(third).rsplit(" ", 1)[0]
    assert prompt(first) != prompt(third)


def test_a_block_need_not_be_followed_by_the_same(mooncake):
    _, second, _, fourth, _ = source(**mooncake).measured()
    assert text_words(common(second, fourth)) == pytest.approx(UNCALIBRATED.words(512), abs=1)


def test_a_repeated_trial_finds_nothing_of_the_first_and_the_same_text(mooncake):
    first, again = (list(source(attempt_prefix=prefix, **mooncake).measured()) for prefix in ("n1", "n2"))
    for a, b in zip(first, again, strict=True):
        assert len(common(a, b)) < 4  # digits of a nonce may agree by chance
        assert prompt(a).split(" ", 1)[1].rsplit("\n\n", 1)[0] == prompt(b).split(" ", 1)[1].rsplit("\n\n", 1)[0]


def test_a_warm_up_brings_nothing_of_the_trace_into_the_cache(mooncake):
    requests = source(warmup_requests=3, **mooncake)
    measured = next(requests.measured())
    for n in range(3):
        assert text_words(common(requests.warmup(n), measured)) <= 1
    assert [requests.warmup(n).prompt_tokens_asked for n in range(3)] == [1500, 1600, 1500]
    assert [body(requests.warmup(n))["max_tokens"] for n in range(3)] == [5, 6, 7]


@pytest.mark.parametrize("shares", [True, False])
def test_each_request_of_a_trace_has_its_own_lengths_as_the_server_counts_them(shares, load, tmp_path):
    lengths = ((1500, 5), (1600, 2), (700, 9), (1500, 5), (5000, 3))
    ids = ([1, 2, 3], [1, 2, 4, 5], [], [1, 2, 3], [1, 2, 3, 6, 7, 8, 9, 10, 11, 12])
    trace = rows(tmp_path / "t", *((n, *lengths[n], ids[n] if shares else []) for n in range(5)))
    with fake_endpoint() as fake:  # it counts words
        result = load(fake.base_url, warmup_requests=2, requests=None, **trace)
        asked = [request.body["max_tokens"] for request in fake.requests[2:]]
    measured = [attempt for attempt in result.attempts if attempt.phase == "measured"]
    assert sorted(asked) == sorted(output for _, output in lengths)
    assert [(a.prompt_tokens_asked, a.output_tokens_asked) for a in measured] == list(lengths)
    for attempt in measured:
        assert attempt.prompt_tokens == pytest.approx(attempt.prompt_tokens_asked, rel=0.02)
        assert attempt.output_tokens == attempt.output_tokens_asked


# Ready before it is due.


def counting(built):
    def request_body(spec, prompt):
        built.append(len(prompt.text))
        return OPENAI_CHAT.request_body(spec, prompt)

    return dataclasses.replace(OPENAI_CHAT, request_body=request_body)


def test_an_open_loop_has_its_requests_built_before_the_first_is_due():
    built = []
    requests = source(protocol=counting(built), arrivals="constant", rate_rps=50, requests=100)
    plan = requests.measured()
    assert len(built) == 100
    before_ns = monotonic_ns()
    first, *rest = plan
    assert before_ns < first.t_sched_ns < monotonic_ns() + 1e9
    assert {after.t_sched_ns - one.t_sched_ns for one, after in pairwise([first, *rest])} == {20_000_000}
    assert len(built) == 100


def test_long_prompts_are_built_ahead_in_bounded_memory_and_none_is_lost(tmp_path):
    built = []
    trace = rows(tmp_path / "t", *((n * 1000, 100_000, 5, []) for n in range(60)))
    requests = source(protocol=counting(built), **trace)
    plan = requests.measured()
    assert 16 << 20 <= sum(built) < 18 << 20
    ahead = len(built)
    sent = list(islice(plan, 10))
    assert len(built) - len(sent) <= ahead  # replaced as they go, not more
    sent += plan
    assert [planned.seq for planned in sent] == list(range(60))
    assert {after.t_sched_ns - one.t_sched_ns for one, after in pairwise(sent)} == {1_000_000_000}


def test_requests_due_in_one_instant_are_not_held_up_by_building_others(tmp_path):
    built = []
    trace = rows(tmp_path / "t", *((0 if n < 20 else 60_000, 100_000, 5, []) for n in range(60)))
    plan = source(protocol=counting(built), **trace).measured()
    ahead = len(built)
    for planned in islice(plan, 20):
        assert len(built) == ahead
        while monotonic_ns() < planned.t_sched_ns:  # as the loop waits
            pass
    next(plan)  # the next is a minute away: time to build
    assert len(built) > ahead


@pytest.mark.parametrize("given", [{}, {"arrivals": "poisson", "rate_rps": 50.0, "requests": 11}])
def test_several_processes_send_one_plan_between_them(given):
    whole = list(source(**given).measured(start_ns=10**15))
    dealt = [list(source(**given).measured(part=part, parts=3, start_ns=10**15)) for part in range(3)]
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    assert sorted((planned for part in dealt for planned in part), key=lambda planned: planned.seq) == whole


# Connections.


def test_a_closed_loop_opens_its_connections_ahead_and_a_cold_one_none():
    assert source(concurrency=64, requests=1000).connections_ahead(2.0) == 64
    assert source(concurrency=64, requests=10).connections_ahead(2.0) == 10
    assert source(concurrency=64, requests=1000, connections="cold").connections_ahead(2.0) == 0


def test_an_open_loop_opens_what_its_peak_will_have_in_flight(tmp_path):
    assert source(arrivals="poisson", rate_rps=10, duration_s=60).connections_ahead(2.0) == 38
    ramp = source(arrivals="linear-ramp", rate_rps=0, rate_end_rps=100, duration_s=60)
    assert 200 < ramp.connections_ahead(2.0) < 350  # 200 in flight at its end, not the 100 of its mean
    burst = rows(tmp_path / "t", *((0 if n < 40 else 10_000 * n, 10, 5, []) for n in range(100)))
    assert source(**burst).connections_ahead(2.0) == 40 * 1.25 + 8


def test_never_more_connections_than_requests_nor_than_a_thousand():
    assert source(arrivals="constant", rate_rps=1000, requests=5).connections_ahead(None) == 5
    assert source(arrivals="constant", rate_rps=5000, duration_s=60).connections_ahead(9.0) == 1024


# Signed requests.


def test_a_request_that_is_signed_is_built_no_longer_ahead_than_its_signature_holds():
    signed = []
    protocol = dataclasses.replace(OPENAI_CHAT, sign=lambda spec, url, body: {"X-Signed": str(signed.append(body))})
    requests = source(protocol=protocol, arrivals="constant", rate_rps=0.1, requests=100)
    measured = requests.measured(start_ns=0)
    assert len(signed) == 8  # at 0 s, 10 s, .. and the first beyond 60 s
    assert [planned.t_sched_ns for planned in islice(measured, 3)] == [0, 10_000_000_000, 20_000_000_000]
    assert b"X-Signed: None" in next(measured).request


def test_headers_of_a_wire_format_are_sent_without_a_key_too_and_those_of_the_user_win():
    protocol = dataclasses.replace(OPENAI_CHAT, headers={"anthropic-version": "2023-06-01"})
    assert b"\r\nanthropic-version: 2023-06-01\r\n" in source(protocol=protocol).warmup(0).request
    own = source(protocol=protocol, extra_headers={"Anthropic-Version": "2099-01-01"}).warmup(0).request
    assert (own.count(b"2023-06-01"), own.count(b"2099-01-01")) == (0, 1)
