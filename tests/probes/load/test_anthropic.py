"""Reading Anthropic's streams of messages, and asking for them."""

import base64

import orjson
import pytest

from probes.load.origin import parse_origin
from probes.load.prompt import Image, Prompt, Turn
from probes.load.protocols.anthropic import ANTHROPIC, answer_text, has_payload, has_terminator, read_stream
from probes.load.protocols.base import EventClass
from probes.load.requests import RequestSource
from probes.load.spec import LoadSpec

USAGE = {"input_tokens": 10, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 3000, "output_tokens": 1}


def event(kind, **said):
    return f"event: {kind}\n".encode() + b"data: " + orjson.dumps({"type": kind, **said}) + b"\n\n"


def start(**usage):
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "claude", **usage}
    return event("message_start", message={"usage": USAGE, "stop_reason": None, **message})


def block(kind="text", **said):
    return event("content_block_start", index=0, content_block={"type": kind, **said})


def delta(kind, **said):
    return event("content_block_delta", index=0, delta={"type": kind, **said})


def text(words):
    return delta("text_delta", text=words)


def end(reason="end_turn", **usage):
    return event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=usage)


STOP, PING = event("message_stop"), event("ping")
BLOCK_STOP = event("content_block_stop", index=0)


def read(*events):
    return read_stream(b"".join(events))


def classes_of(*events):
    return [EventClass(code).name for code in read(*events).event_classes]


def test_a_whole_message_in_the_order_of_the_specification():
    events = [
        *(start(), block(text=""), PING, text("Hel"), text("lo"), BLOCK_STOP),
        *(end(output_tokens=7), STOP),
    ]
    facts = read(*events)
    assert classes_of(*events) == ["EMPTY", "EMPTY", "OTHER", "TEXT", "TEXT", "EMPTY", "FINISH", "DONE"]
    assert facts.payload_ends == [sum(map(len, events[:4])), sum(map(len, events[:5]))]
    assert (facts.first_choice, facts.first_visible) == (0, 0)
    assert (facts.terminal, facts.finish_reason, facts.fault) == (True, "end_turn", None)
    assert (facts.model_returned, facts.streamed) == ("claude", True)
    assert answer_text(b"".join(events)) == "Hello"


def test_what_is_cached_is_counted_beside_the_input_and_the_second_usage_does_not_erase_the_first():
    facts = read(start(), text("Hi"), end(output_tokens=7), STOP)
    assert (facts.prompt_tokens, facts.cached_tokens, facts.cache_write_tokens) == (3210, 3000, 200)
    assert facts.output_tokens == 7
    later = read(start(), text("Hi"), end(input_tokens=20, cache_read_input_tokens=None, output_tokens=8), STOP)
    assert (later.prompt_tokens, later.cached_tokens, later.output_tokens) == (3220, 3000, 8)


def test_thinking_tokens_and_the_service_tier_are_taken_as_they_are_said():
    usage = {"input_tokens": 5, "output_tokens": 1, "service_tier": "priority"}
    facts = read(
        start(usage=usage), text("x"), end(output_tokens=9, output_tokens_details={"thinking_tokens": 6}), STOP
    )
    assert (facts.output_tokens, facts.reasoning_tokens, facts.service_tier) == (9, 6, "priority")
    assert (facts.prompt_tokens, facts.cached_tokens, facts.cache_write_tokens) == (5, None, None)


def test_without_usage_nothing_is_known():
    facts = read(start(usage=None), text("x"), end(), STOP)
    assert (facts.prompt_tokens, facts.output_tokens, facts.cached_tokens, facts.reasoning_tokens) == (None,) * 4


def test_the_count_of_a_beginning_is_not_that_of_an_answer_that_was_cut():
    facts = read(start(), text("Hello"), text(" there"))
    assert (facts.output_tokens, facts.prompt_tokens, facts.terminal) == (None, 3210, False)


@pytest.mark.parametrize("count", [-1, "12", 1.5, True, [3]])
def test_a_count_that_is_none_is_named_and_unknown(count):
    facts = read(start(), text("x"), end(output_tokens=count), STOP)
    assert facts.output_tokens is None
    assert facts.usage_fault is not None
    assert facts.usage_fault.startswith("output_tokens = ")


@pytest.mark.parametrize(
    ("piece", "name"),
    [
        (text("x"), "TEXT"),
        (text(""), "EMPTY"),
        (delta("thinking_delta", thinking="hm"), "REASONING"),
        (delta("thinking_delta", thinking=""), "EMPTY"),
        (delta("signature_delta", signature="c2ln"), "EMPTY"),
        (delta("input_json_delta", partial_json='{"a'), "TOOL"),
        (delta("input_json_delta", partial_json=""), "EMPTY"),
        (delta("citations_delta", citation={"cited_text": "x"}), "EMPTY"),
        (delta("something_new", text="x"), "EMPTY"),
        (delta(None), "EMPTY"),
        (event("content_block_delta"), "EMPTY"),
        (block(text="already"), "TEXT"),
        (block("thinking", thinking="", signature=""), "EMPTY"),
        (block("redacted_thinking", data="ZW5j"), "EMPTY"),
        (block("tool_use", id="t", name="search", input={}), "TOOL"),
        (block("server_tool_use", id="t", name="web_search", input={}), "TOOL"),
        (block("web_search_tool_result", content=[{"title": "x"}]), "EMPTY"),
        (PING, "OTHER"),
        (event("invented"), "OTHER"),
        (event("message_delta", delta={}, usage={"output_tokens": 3}), "USAGE"),
        (event("message_delta", delta={"stop_reason": None}), "EMPTY"),
        (b": keep-alive\n\n" + text("x"), "TEXT"),
    ],
)
def test_each_kind_of_event_has_its_class(piece, name):
    assert classes_of(piece) == [name]


def test_thinking_is_a_first_token_but_not_a_visible_one():
    facts = read(start(), block("thinking", thinking=""), delta("thinking_delta", thinking="hm"), text("Hi"))
    assert (len(facts.payload_ends), facts.first_visible, facts.reasoning_streamed) == (2, 1, True)
    withheld = read(start(), block("thinking", thinking=""), delta("signature_delta", signature="x"), text("Hi"))
    assert not withheld.reasoning_streamed


@pytest.mark.parametrize("before", [(), (start(), PING), (start(), text("Hi"))])
def test_an_error_can_come_anywhere(before):
    said = event("error", error={"type": "overloaded_error", "message": "Overloaded"}, request_id="r")
    facts = read(*before, said)
    assert facts.fault == ("stream_error", "overloaded_error: Overloaded")
    assert facts.event_classes[-1] == EventClass.ERROR
    assert not facts.terminal
    bare = read(*before, b'{"type":"error","error":{"type":"api_error","message":"died"}}\n')
    assert bare.fault == ("stream_error", "api_error: died")


def test_a_refusal_is_a_fault_of_its_own():
    facts = read(start(), text("I"), end("refusal", output_tokens=2), STOP)
    assert facts.fault is not None
    assert (facts.fault[0], facts.finish_reason) == ("filtered", "refusal")


@pytest.mark.parametrize(
    "reason", ["max_tokens", "stop_sequence", "tool_use", "pause_turn", "model_context_window_exceeded"]
)
def test_other_stop_reasons_are_no_fault(reason):
    facts = read(start(), text("x"), end(reason, output_tokens=2), STOP)
    assert (facts.fault, facts.finish_reason, facts.terminal) == (None, reason, True)


def test_a_stop_reason_or_message_stop_ends_a_message_and_nothing_else_does():
    assert read(start(), text("x"), end()).terminal
    assert read(start(), text("x"), STOP).terminal
    assert not read(start(), text("x"), BLOCK_STOP, PING).terminal
    assert not read(start(), text('{"type":"message_stop"}')).terminal


def test_a_document_where_a_stream_was_asked_for_has_no_first_token_but_is_read():
    message = {
        **{"type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn", "usage": USAGE},
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}],
    }
    body = orjson.dumps(message)
    facts = read_stream(body)
    assert (facts.streamed, facts.terminal, len(facts.payload_ends)) == (False, True, 1)
    assert (facts.prompt_tokens, facts.output_tokens) == (3210, 1)
    assert answer_text(body) == "Hi"


def test_a_body_under_way_tells_whether_it_has_a_payload_and_whether_it_is_over():
    opening = start() + block(text="") + PING
    assert not has_payload(opening)
    assert has_payload(opening + text("Hi"))
    assert not has_terminator(opening + text('"type":"message_stop"}'))
    assert not has_terminator(opening + end(output_tokens=3))
    for over in (STOP, event("error", error={"type": "api_error", "message": "died"})):
        assert has_terminator((opening + over)[9:])
        assert has_terminator((opening + over).replace(b"\n", b"\r\n"))
    assert ANTHROPIC.output_tokens(opening + end(output_tokens=31)) == 31
    assert ANTHROPIC.output_tokens(PING) is None


def spec(**given):
    return LoadSpec(
        **{"base_url": "http://h", "model": "claude", "api": "anthropic", "concurrency": 1, "requests": 1} | given,
        attempt_prefix="t",
    )


def asked(prompt, **given):
    return orjson.loads(ANTHROPIC.request_body(spec(**given), prompt))


def test_a_request_says_how_many_tokens_at_most_and_a_temperature_only_if_there_is_one():
    assert asked(Prompt.of("Hi"), output_tokens=5) == {
        "model": "claude",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "temperature": 0.0,
    }
    assert "temperature" not in asked(Prompt.of("Hi"), temperature=None)
    assert asked(Prompt.of("Hi"), extra_body={"max_tokens": 7, "top_k": 1})["max_tokens"] == 7


def test_the_system_stands_apart_and_pictures_are_blocks():
    prompt = Prompt(
        turns=(
            Turn(role="system", text="Be brief."),
            Turn(role="user", text="What is it?", images=(Image(data=b"\x89PNG", media_type="image/png"),)),
            Turn(role="assistant", text="A dot."),
            Turn(role="user", text="Sure?"),
        )
    )
    body = asked(prompt)
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"\x89PNG").decode()}
    assert body["system"] == "Be brief."
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]},
        {"role": "assistant", "content": "A dot."},
        {"role": "user", "content": "Sure?"},
    ]


@pytest.mark.parametrize("base_url", ["http://h", "http://h/", "http://h/v1", "http://h/v1/"])
def test_a_base_url_with_and_without_its_version_is_the_same_place(base_url):
    wanted = spec(base_url=base_url, api_key="sk-ant-key")
    origin = parse_origin(base_url, ANTHROPIC.path(wanted))
    assert origin.target == "/v1/messages"
    request = RequestSource(wanted, ANTHROPIC, origin).warmup(0).request
    assert b"\r\nx-api-key: sk-ant-key\r\n" in request
    assert b"\r\nanthropic-version: 2023-06-01\r\n" in request
