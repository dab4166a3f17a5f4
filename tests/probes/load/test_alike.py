"""Events that are alike are read together: in every format that has such a way, it says what reading each one says."""

import random

import orjson
import pytest

from probes.load.alike import sort_texts
from probes.load.protocols import PROTOCOLS, anthropic, bedrock, gemini, openai_responses
from probes.load.protocols.base import EventClass
from probes.load.sse import cut_events
from tests.fuzz.mutations import mutated
from tests.probes.load.laws import THOROUGH, check_ways
from tests.probes.load.long_answers import NAMES, long_answer
from tests.probes.load.streams import dumped, frame, named, sse

MUTANTS = 60
EVENTS = 40


@pytest.mark.parametrize("name", NAMES)
def test_both_ways_agree_on_an_answer_and_on_what_is_left_of_it(name):
    api, body, count = long_answer(name, EVENTS)
    facts = PROTOCOLS[api].read_stream(body)
    assert facts == THOROUGH[api](body)
    assert (facts.fault, len(facts.event_ends)) == (None, count)
    generator = random.Random(name)
    for _ in range(MUTANTS):
        check_ways(api, mutated(body, generator))


MOLDS = {
    "anthropic, long": anthropic._MOLD,
    "gemini, counting": gemini._MOLD,
    "openai-responses, padded": openai_responses._MOLD,
}


@pytest.mark.parametrize("name", MOLDS)
def test_few_events_of_a_long_answer_are_parsed(name):
    texts = list(cut_events(long_answer(name, 2000)[1]).data)
    assert len(sort_texts(texts, MOLDS[name])[1]) < 30


def test_padded_frames_and_items_of_an_array_fit_their_molds_too():
    deltas = [{"contentBlockDelta": {"delta": {"text": f"w{n}"}, "p": "abc"[: n % 4]}} for n in range(100)]
    assert sort_texts(list(map(dumped, deltas)), bedrock._MOLD)[1] == [0]
    items = [{"candidates": [{"content": {"parts": [{"text": f"w{n}"}]}}], "n": n % 10} for n in range(100)]
    assert sort_texts([orjson.dumps(item, option=orjson.OPT_INDENT_2) for item in items], gemini._MOLD)[1] == [0, 99]


def counting(n, word, **usage):
    part = {"candidates": [{"content": {"parts": [{"text": word}]}, "index": 0}]}
    return part | {"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": n, **usage}}


def events_of(count, **usage):
    return [counting(n, f"w{n}", **usage) for n in range(10, 10 + count)]


def both(body):
    check_ways("gemini", body)
    return gemini.read_stream(body)


def test_what_was_counted_before_a_broken_event_stands():
    events = [dumped(event) for event in events_of(60)]
    events[30] = events[30].replace(b"w40", b"\x01")
    assert both(b"".join(b"data: " + event + b"\n\n" for event in events)).output_tokens == 39


def test_of_numbers_that_go_up_the_last_counts_wherever_the_stream_ends():
    for count in range(1, 60):
        assert both(sse(*events_of(count))).output_tokens == 9 + count


@pytest.mark.parametrize(
    ("number", "becomes"),
    [(b"40", b"04"), (b"40", b"00"), (b"40", b"-4"), (b"40", b"4."), (b"40", b".4"), (b"40", b"4e"), (b"40", b'""')],
)
@pytest.mark.parametrize("separator", [b": ", b":"])
def test_a_number_that_cannot_be_is_found_among_many_of_its_length(number, becomes, separator):
    body = sse(*events_of(60)).replace(b": ", separator)
    count = b'"candidatesTokenCount"' + separator
    assert body.count(count + number) == 1
    facts = both(body.replace(count + number, count + becomes))
    assert (facts.fault is None) == (becomes in (b"-4", b'""'))


@pytest.mark.parametrize(
    "more", [{"share": 0.25}, {"share": 1e-7}, {"total": 10**17}, {"note": "\x01"}, {"note": "日"}]
)
def test_numbers_and_strings_that_digits_alone_can_spoil_are_compared_as_they_are(more):
    events = events_of(60, **more)
    assert both(sse(*events)).output_tokens == 69
    for old, new in ((b"0.25", b"00.5"), (b"1e-07", b"1e-ab"), (b"u0001", b"uD801"), (b"1" + b"0" * 17, b"0" * 18)):
        both(sse(*events[:30]) + sse(events[30]).replace(old, new) + sse(*events[31:]))


def test_a_padding_hides_nothing():
    pieces = [
        {"type": "response.output_text.delta", "delta": f"w{n}", "obfuscation": "ab" * (n % 3)} for n in range(60)
    ]
    for odd in (
        {"delta": ""},
        {"delta": "", "obfuscation": "x"},
        {"delta": 'a","obfuscation":"b'},
        {"obfuscation": None},
    ):
        events = [*pieces[:30], pieces[30] | odd, *pieces[31:]]
        body = named(*events).replace(b": ", b":").replace(b", ", b",")
        check_ways("openai-responses", body)
        is_text = bool(events[30]["delta"])
        assert (PROTOCOLS["openai-responses"].read_stream(body).event_classes[30] == EventClass.TEXT) == is_text


def test_a_thought_among_texts_and_a_call_among_thoughts_keep_their_class():
    texts = [{"contentBlockIndex": 0, "delta": {"text": "a"}}] * 20
    thoughts = [{"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "b"}}}] * 20
    calls = [{"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{"}}}] * 20
    body = b"".join(frame("event", "contentBlockDelta", one) for one in [*thoughts, *texts, *calls])
    check_ways("bedrock", body)
    classes = bedrock.read_stream(body).event_classes
    kinds = (EventClass.REASONING, EventClass.TEXT, EventClass.TOOL)
    assert classes == bytes(kind for kind in kinds for _ in range(20))


@pytest.mark.parametrize("place", [0, 1, 20, 39])
@pytest.mark.parametrize("text", ["a", "", "\ufffd", "\n", '\\"', "\\", "\\\\", '"', "日", "\x01", 7, ["b"]])
def test_a_text_so_far_that_starts_anew_or_ends_oddly_is_read_as_it_stands(place, text):
    texts = ["so" * n for n in range(1, 41)]
    texts[place] = text
    if isinstance(text, str) and place < 39:
        texts[place + 1] = text + "more"
    for more in ({}, {"text_output ": "x"}, {"sequence_end": False}):
        check_ways("triton", sse(*({"model_name": "m", "text_output": one, **more} for one in texts)))
    check_ways("triton", sse(*({"text_output": one} for one in texts))[:-3])
