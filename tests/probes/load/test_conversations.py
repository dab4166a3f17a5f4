"""Conversations end to end: a turn goes out when the last answer has been thought about, with all that was said."""

import json
from itertools import groupby, pairwise

import pytest

from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.client import LoadSpec, run_load
from probes.load.group import GroupMember, run_load_group
from probes.load.spread import Spread, parse_spread

ANSWER = " the quick grüne fox"


@pytest.fixture(scope="module")
def endpoint():
    with fake_endpoint(FakeScript(ttft_s=0.005)) as running:
        yield running


def spec(base_url, **given):
    asked = {"model": "m", "attempt_prefix": "t", "concurrency": 2, "requests": 8, "turns": 3, "output_tokens": 4}
    return LoadSpec(base_url=base_url, **{**asked, "prompt_tokens": 40, "warmup_requests": 2, **given})


def run(running, folder, *, processes=1, **given):
    """Its measured attempts, and what the endpoint was asked, by attempt."""
    running.requests.clear()
    result = run_load(spec(running.base_url, **given), spool_path=folder / "spool", processes=processes)
    measured = [attempt for attempt in result.attempts if attempt.phase == "measured"]
    return measured, {request.request_id: request.body["messages"] for request in running.requests}


def talks(attempts):
    return [list(turns) for _, turns in groupby(attempts, key=lambda attempt: attempt.conversation_id)]


def roles(messages):
    return "".join(message["role"][0] for message in messages)


def test_every_turn_repeats_what_was_said_and_answered(endpoint, tmp_path):
    attempts, asked = run(endpoint, tmp_path)
    assert [(a.conversation_id, a.turn_number) for a in attempts] == [
        (f"t.c{talk:05d}", turn + 1) for talk in range(3) for turn in range(3) if talk * 3 + turn < 8
    ]
    for turns in talks(attempts):
        for turn, attempt in enumerate(turns):
            messages = asked[attempt.attempt_id]
            assert roles(messages) == "ua" * turn + "u"
            assert [m["content"] for m in messages if m["role"] == "assistant"] == [ANSWER] * turn
        for before, after in pairwise(turns):
            assert asked[after.attempt_id][: len(asked[before.attempt_id])] == asked[before.attempt_id]
    assert [a.prompt_tokens for a in attempts[:3]] == [40, 40 + 4 + 40, 40 + 4 + 40 + 4 + 40]
    assert [a.prompt_tokens_asked for a in attempts[:3]] == [40, None, None]  # answers make the rest


def test_a_turn_waits_until_the_answer_has_been_thought_about(endpoint, tmp_path):
    attempts, _ = run(endpoint, tmp_path, think_s=parse_spread("uniform:min=0.03,max=0.06"))
    for turns in talks(attempts):
        for before, after in pairwise(turns):
            assert after.t_start_ns - before.t_end_ns >= 30_000_000


def test_no_more_conversations_are_open_than_were_asked_for(endpoint, tmp_path):
    attempts, _ = run(endpoint, tmp_path, think_s=Spread.always(0.02), requests=12)
    spans = [(turns[0].t_start_ns, turns[-1].t_end_ns) for turns in talks(attempts)]
    assert len(spans) == 4
    for start, _ in spans:
        assert sum(first <= start < last for first, last in spans) <= 2


def test_processes_share_conversations_whole(endpoint, tmp_path):
    attempts, _ = run(endpoint, tmp_path, processes=2)
    alone, _ = run(endpoint, tmp_path / "..", processes=1, attempt_prefix="t")
    names = [(a.attempt_id, a.conversation_id, a.turn_number, a.prompt_tokens) for a in attempts]
    assert names == [(a.attempt_id, a.conversation_id, a.turn_number, a.prompt_tokens) for a in alone]


def test_targets_of_a_group_hold_the_same_conversations(endpoint, tmp_path):
    members = [
        GroupMember(spec=spec(endpoint.base_url, attempt_prefix=name, requests=4, turns=2), spool_path=tmp_path / name)
        for name in "ab"
    ]
    one, other = ([a for a in r.attempts if a.phase == "measured"] for r in run_load_group(members))
    assert [(a.turn_number, a.pair_id) for a in one] == [(a.turn_number, a.pair_id) for a in other]
    assert [a.pair_id for a in one] == ["00000", "00000.2", "00001", "00001.2"]


def test_time_ends_conversations_between_two_turns(endpoint, tmp_path):
    attempts, _ = run(endpoint, tmp_path, requests=None, duration_s=0.5, think_s=Spread.always(30.0))
    assert [attempt.turn_number for attempt in attempts] == [1] * len(attempts)
    assert max(a.t_end_ns for a in attempts) - min(a.t_start_ns for a in attempts) < 20_000_000_000


def test_after_a_failure_the_user_goes_on_as_if_he_had_not_asked(tmp_path):
    with fake_endpoint(FakeScript(fault="http-500", fault_every=3)) as running:
        attempts, asked = run(running, tmp_path, concurrency=1, requests=3, warmup_requests=0)
    assert [attempt.error_class for attempt in attempts] == ["server_error", None, None]
    assert [roles(asked[attempt.attempt_id]) for attempt in attempts] == ["u", "u", "uau"]


@pytest.fixture
def talk(tmp_path):
    turns = [("system", "be brief"), ("human", "one"), ("gpt", "first answer"), ("human", "two"), ("gpt", "second")]
    path = tmp_path / "talks.json"
    path.write_text(json.dumps([{"conversations": [{"from": who, "value": what} for who, what in turns]}]))
    return path


def test_a_recorded_conversation_is_replayed_with_its_answers_or_the_targets_own(endpoint, tmp_path, talk):
    given = {"prompts_file": talk, "concurrency": 1, "requests": 2, "warmup_requests": 0}
    for history, answer in (("recorded", "first answer"), ("answers", ANSWER)):
        folder = tmp_path / history
        folder.mkdir()
        attempts, asked = run(endpoint, folder, **given, history=history)
        first, second = (asked[attempt.attempt_id] for attempt in attempts)
        assert (roles(first), roles(second)) == ("su", "suau")
        assert [m["content"] for m in second[1:]] == ["one", answer, "two"]
        assert first[0]["content"].endswith(" be brief")  # behind its nonce
        assert {attempt.prompt_tokens_asked for attempt in attempts} == {None}


def test_a_file_without_turns_is_sent_with_all_its_history(endpoint, tmp_path, talk):
    _, asked = run(endpoint, tmp_path, prompts_file=talk, turns=1, requests=1, nonce=False, warmup_requests=0)
    [messages] = asked.values()
    assert [m["content"] for m in messages] == ["be brief", "one", "first answer", "two"]
