"""Reading OpenAI chat streams and their dialects."""

import gzip
from pathlib import Path

import orjson
import pytest

from probes.load.protocols.base import CHOICE_FLAGS, PAYLOAD_FLAGS, VISIBLE_FLAGS, EventClass
from probes.load.protocols.openai_chat import has_payload, has_terminator, output_tokens, read_stream
from probes.load.raw import read_raw

DONE = b"data: [DONE]\n\n"
RECORDED = Path(__file__).parents[2] / "recordings" / "h100-trial" / "attempts.spool.gz"


def event(delta=None, *, finish=None, **more):
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + orjson.dumps({"model": "m", "choices": choices, **more}) + b"\n\n"


def read(*events):
    return read_stream(b"".join(events))


def test_only_payload_sets_the_first_token():
    quiet = [
        b": ping\n\n",
        event({"role": "assistant", "content": ""}),
        event({}),
        event({"content": None}),
        event(usage={"prompt_tokens": 3, "completion_tokens": 0}),
        event({"tool_calls": [{"index": 0, "function": {"name": "", "arguments": ""}}]}),
        b'data: {"choices":[{"index":0,"finish_reason":null}]}\n\n',
    ]
    word = event({"content": "Hi"})
    assert read(*quiet).payload_ends == []
    assert read(*quiet, word).payload_ends == [sum(map(len, [*quiet, word]))]


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x"},
        {"role": "assistant", "content": "x"},
        {"refusal": "no"},
        {"tool_calls": [{"index": 0, "function": {"name": "f"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]},
        {"function_call": {"arguments": "{"}},
        {"content": [{"type": "text", "text": "x"}]},
    ],
)
def test_each_kind_of_visible_payload_counts(delta):
    facts = read(event(delta))
    assert (len(facts.payload_ends), facts.first_visible) == (1, 0)


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning": "hm"},
        {"reasoning_content": "hm"},
        {"content": "", "reasoning_content": "hm"},
        {"content": [{"type": "thinking", "thinking": []}]},
    ],
)
def test_reasoning_is_a_first_token_but_not_a_visible_one(delta):
    facts = read(event(delta), event({"content": "Hi"}))
    assert len(facts.payload_ends) == 2
    assert facts.first_visible == 1
    assert facts.reasoning_streamed


def test_the_usage_chunk_is_read_wherever_it_comes():
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    own = read(event({"content": "Hi"}, finish="stop"), event(usage=usage), DONE)
    packed = read(event({"content": "Hi"}, finish="stop", usage=usage), DONE)
    running = read(event({"content": "Hi"}, usage=usage | {"completion_tokens": 1}), event(usage=usage), DONE)
    for facts in (own, packed, running):
        counted = (facts.prompt_tokens, facts.cached_tokens, facts.output_tokens, facts.reasoning_tokens)
        assert counted == (9, 4, 30, 20)


def test_dialects_of_usage():
    assert read(event(usage={"prompt_cache_hit_tokens": 5})).cached_tokens == 5
    assert read(event(usage={"prompt_tokens_details": {"cache_write_tokens": 7}})).cache_write_tokens == 7
    assert read(event(usage={"cache_creation_input_tokens": 8})).cache_write_tokens == 8
    assert read(event(usage={"prompt_tokens": 9})).cache_write_tokens is None
    assert read(event(x_groq={"usage": {"completion_tokens": 6}})).output_tokens == 6


@pytest.mark.parametrize("value", [None, "12", -1, 1.5, True, [3]])
def test_a_count_that_is_no_count_is_unknown(value):
    assert read(event(usage={"completion_tokens": value})).output_tokens is None


def test_no_usage_means_unknown_not_zero():
    facts = read(event({"content": "Hi"}, finish="stop"), DONE)
    assert (facts.prompt_tokens, facts.output_tokens, facts.cached_tokens, facts.reasoning_tokens) == (None,) * 4


def test_a_finish_reason_or_the_terminator_ends_a_stream_and_nothing_else_does():
    assert read(event({"content": "Hi"}, finish="length")).terminal
    assert read(event({"content": "Hi"}), DONE).terminal
    assert not read(event({"content": "[DONE]"})).terminal


def test_an_error_after_200_is_a_stream_error_with_its_words():
    facts = read(event({"content": "Hi"}), b'data: {"error":{"message":"died","code":500}}\n\n')
    assert facts.fault == ("stream_error", "500: died")
    llama = read(event({"content": "Hi"}), b'error: {"code":500,"message":"died"}\n\n')
    assert llama.fault == ("stream_error", "500: died")


def test_a_null_error_is_no_error():
    assert read(event({"content": "Hi"}, error=None)).fault is None


def test_an_event_that_is_not_json_is_a_parse_error_and_keeps_what_came_before():
    facts = read(event({"content": "Hi"}), b"data: {oops\n\n", event({"content": "lost"}))
    assert facts.fault is not None
    assert facts.fault[0] == "parse_error"
    assert len(facts.payload_ends) == 1


def test_an_event_torn_off_by_the_end_of_the_stream_is_not_a_parse_error():
    assert read(event({"content": "Hi"}), b'data: {"choices":[{"del').fault is None


def test_the_filter_is_a_fault_of_its_own():
    assert read(event({"content": "x"}, finish="content_filter")).fault[0] == "filtered"
    assert read(event({"refusal": "I will not"}, finish="stop")).fault[0] == "filtered"


def test_model_and_fingerprint_are_those_of_the_first_event_that_names_one():
    facts = read(event({"content": "a"}, system_fingerprint="fp"), event({"content": "b"}))
    assert (facts.model_returned, facts.system_fingerprint) == ("m", "fp")


def test_two_choices_in_one_event_are_one_payload_event():
    choices = [{"index": n, "delta": {"content": "x"}} for n in range(2)]
    assert len(read(b"data: " + orjson.dumps({"choices": choices}) + b"\n\n").payload_ends) == 1


def test_a_body_under_way_tells_whether_it_has_a_payload_and_whether_it_is_over():
    opening, word = event({"role": "assistant", "content": ""}), event({"content": "Hi"})
    assert not has_payload(opening)
    assert has_payload(opening + word)
    assert has_terminator(word + DONE)
    assert has_terminator(word + b"data: [DONE]\r\n\r\n")
    assert not has_terminator(word)


def test_progress_reads_the_last_count():
    assert output_tokens(b'"completion_tokens":1} .. "completion_tokens": 12}') == 12
    assert output_tokens(b"nothing") is None


def classes_of(*events):
    return [EventClass(code).name for code in read(*events).event_classes]


def test_every_event_has_its_end_and_its_class():
    events = [
        event({"role": "assistant", "content": ""}),
        event({"reasoning_content": "hm"}),
        event({"content": "Hi"}),
        event({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}),
        event({"refusal": "no"}),
        event({"audio": {"data": "AAAA"}}),
        event({}, finish="stop"),
        event(usage={"completion_tokens": 3}),
        event(),
        DONE,
    ]
    facts = read(*events)
    assert classes_of(*events) == [
        "EMPTY", "REASONING", "TEXT", "TOOL", "REFUSAL", "AUDIO", "FINISH", "USAGE", "OTHER", "DONE",
    ]  # fmt: skip
    assert facts.event_ends == [sum(map(len, events[: n + 1])) for n in range(len(events))]
    assert facts.payload_ends == facts.event_ends[1:6]
    assert (facts.first_choice, facts.first_visible) == (0, 1)


def test_an_event_that_is_several_things_is_what_a_person_sees_of_it():
    usage = {"completion_tokens": 1}
    assert classes_of(event({"content": "a"}, finish="stop", usage=usage)) == ["TEXT"]
    assert classes_of(event({"content": "a", "reasoning": "b"})) == ["TEXT"]
    assert classes_of(event({"role": "assistant", "reasoning": "b"})) == ["REASONING"]
    assert classes_of(event({}, finish="stop", usage=usage)) == ["FINISH"]
    assert classes_of(event({"content": "a"}, error={"message": "died"})) == ["ERROR"]
    two = [{"index": 0, "delta": {}, "finish_reason": "stop"}, {"index": 1, "delta": {"content": "x"}}]
    assert classes_of(b"data: " + orjson.dumps({"choices": two}) + b"\n\n") == ["TEXT"]


def test_thought_beside_an_answer_in_one_event_was_streamed_all_the_same():
    assert read(event({"content": "a", "reasoning": "b"})).reasoning_streamed


def test_the_first_choice_comes_before_the_first_payload_and_is_no_empty_list():
    azure, role, word = event(), event({"role": "assistant", "content": ""}), event({"content": "Hi"})
    assert read(azure, role, word).first_choice == 1
    assert read(azure, event(usage={"prompt_tokens": 3})).first_choice is None


def test_error_events_and_events_past_understanding_have_classes():
    assert classes_of(event({"content": "a"}), b'error: {"code":500,"message":"died"}\n\n') == ["TEXT", "ERROR"]
    assert classes_of(event({"content": "a"}), b"data: {oops\n\n", event({"content": "lost"})) == ["TEXT", "OTHER"]
    assert classes_of(b"data: 7\n\n", b'event: error\ndata: "died"\n\n', b"data: null\n\n") == ["OTHER"] * 3


def test_a_class_has_payload_only_with_a_choice_and_is_seen_only_with_payload():
    names = [
        {kind.name for kind in EventClass if flags[kind]} for flags in (CHOICE_FLAGS, PAYLOAD_FLAGS, VISIBLE_FLAGS)
    ]
    choice, payload, visible = names
    assert choice == payload | {"EMPTY", "FINISH"}
    assert payload == visible | {"REASONING"}
    assert visible == {"TOOL", "AUDIO", "REFUSAL", "TEXT", "IMAGE", "RESULT"}


def recorded_body(tmp_path):
    spool = tmp_path / "attempts.spool"
    spool.write_bytes(gzip.decompress(RECORDED.read_bytes()))
    return next(raw.body for raw in read_raw(spool) if raw.phase == "measured")


def odd_body(_tmp_path):
    return (
        b": ping\r\n\r\n"
        + event({"role": "assistant", "content": ""}).replace(b"\n", b"\r\n")
        + event({"reasoning": "h\u00fcm"})
        + event({"content": "\u65e5\u672c"})
        + event({}, finish="stop", usage={"completion_tokens": 2})
        + DONE
    )


@pytest.mark.parametrize("make_body", [recorded_body, odd_body])
def test_a_stream_cut_at_any_byte_has_the_events_that_were_complete_by_then(make_body, tmp_path):
    body = make_body(tmp_path)
    whole = read_stream(body)
    assert whole.fault is None
    # Every byte of the last events, where all classes but text are, and of the first; in between a prime step.
    places = sorted({*range(1500), *range(max(0, len(body) - 1500), len(body) + 1), *range(0, len(body), 97)})
    for place in places:
        if place > len(body):
            continue
        part = read_stream(body[:place])
        complete = sum(end <= place for end in whole.event_ends)
        assert part.event_ends[:complete] == whole.event_ends[:complete]
        # One more is there when all of its JSON has come and only its blank line has not.
        assert whole.event_classes.startswith(part.event_classes)
        assert len(part.event_classes) - complete in (0, 1)
        assert part.fault is None
