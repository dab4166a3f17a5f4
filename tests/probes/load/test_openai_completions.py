"""Legacy completions: what each event says, the quick way and the thorough one."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.load.alike import sort_texts
from probes.load.protocols.base import EventClass
from probes.load.protocols.openai_completions import _MOLD, answer_text, has_payload, has_terminator, read_stream
from probes.load.protocols.openai_events import CompletionsReader
from probes.load.protocols.reading import read_json_events
from probes.load.sse import cut_events
from tests.probes.load.openai_dialects import DONE

USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


def event(text, finish=None, **more):
    choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}
    return (
        b"data: "
        + orjson.dumps({"id": "c", "object": "text_completion", "model": "m", "choices": [choice], **more})
        + b"\n\n"
    )


def usage(**more):
    return b"data: " + orjson.dumps({"choices": [], "model": "m", "usage": USAGE, **more}) + b"\n\n"


def read(*events):
    return read_stream(b"".join(events))


def thorough(body):
    return read_json_events(cut_events(body), CompletionsReader())


WHOLE = (event("Hi"), event(" \u65e5\u672c"), event("", "length"), usage(), DONE)


def test_the_first_event_is_the_first_token():
    facts = read(*WHOLE)
    assert [EventClass(code).name for code in facts.event_classes] == ["TEXT", "TEXT", "FINISH", "USAGE", "DONE"]
    assert (facts.first_choice, facts.first_visible, facts.terminal, facts.fault) == (0, 0, True, None)
    assert (facts.prompt_tokens, facts.output_tokens, facts.finish_reason) == (9, 2, "length")
    assert answer_text(b"".join(WHOLE)) == "Hi \u65e5\u672c"


def test_an_event_without_text_is_no_token():
    for text in ("", None, 0):
        assert read(event(text)).payload_ends == []
    assert read(event("Hi", "stop", usage=USAGE)).output_tokens == 2


def test_the_filter_an_error_and_several_choices_are_as_in_chat():
    assert read(event("Hi"), event("", "content_filter"), DONE).fault[0] == "filtered"
    assert read(event("Hi"), b'data: {"error":{"message":"died","code":500}}\n\n').fault == (
        "stream_error",
        "500: died",
    )
    second = event("b").replace(b'"index":0', b'"index":1')
    assert not read(event("a"), second, event("", "stop")).terminal
    assert answer_text(event("a") + second + event("c")) == "ac"


def test_times_and_counts_of_llama_cpp_are_read():
    timings = {"cache_n": 0, "prompt_n": 9, "prompt_ms": 20, "predicted_n": 2, "predicted_ms": 30}
    facts = read(event("Hi"), event("", "stop", timings=timings), DONE)
    assert (facts.prompt_tokens, facts.output_tokens, facts.cached_tokens) == (9, 2, 0)
    assert (facts.server_prefill_s, facts.server_decode_s) == (0.02, 0.03)


def test_a_body_under_way_tells_whether_it_has_a_payload_and_whether_it_is_over():
    assert not has_payload(event(""))
    assert has_payload(event("a"))
    assert has_terminator(event("a") + DONE)
    assert not has_terminator(event("a"))


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_a_stream_cut_at_any_byte_is_the_beginning_of_itself_and_no_success_before_its_end(line_end):
    body = b"".join(WHOLE).replace(b"\n", line_end)
    whole = read_stream(body)
    end_known = whole.event_ends[2] - 2 * len(line_end)
    for place in range(len(body)):
        part = read_stream(body[:place])
        complete = sum(end <= place for end in whole.event_ends)
        assert part.event_ends[:complete] == whole.event_ends[:complete]
        assert whole.event_classes.startswith(part.event_classes)
        assert (part.terminal, part.fault) == (place >= end_known, None)


WORDS = st.one_of(st.text(max_size=6), st.sampled_from(["a", "\n", '"', "\u65e5", '"},"finish_reason":"stop"}', ""]))
STREAMS = st.lists(
    st.one_of(
        st.lists(WORDS.map(event), min_size=10, max_size=40),
        WORDS.map(lambda word: [event(word, created=2)]),
        st.sampled_from(
            [[event("x", "stop")], [usage()], [event("x", usage=USAGE)], [DONE], [event("x")[:-5] + b"\n\n"]]
        ),
    ),
    max_size=5,
).map(lambda runs: b"".join(one for run in runs for one in run))


@settings(max_examples=80)
@given(STREAMS)
def test_the_quick_way_and_the_thorough_way_agree(body):
    assert read_stream(body) == thorough(body)


def test_of_a_plain_stream_only_the_first_text_and_the_end_are_parsed():
    body = b"".join(event(f"w{n}") for n in range(100)) + event("", "stop") + DONE
    assert sort_texts(cut_events(body).data, _MOLD)[1] == [0, 100, 101]
    assert read_stream(body) == thorough(body)
