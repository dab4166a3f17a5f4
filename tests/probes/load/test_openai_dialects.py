"""What servers behind OpenAI's chat path do otherwise than OpenAI, and how each is read."""

import dataclasses

import pytest

from probes.load.protocols.base import EventClass, StreamFacts
from probes.load.protocols.openai_chat import answer_text, has_terminator, read_stream
from probes.load.protocols.openai_events import ChatReader
from probes.load.protocols.reading import read_json_events
from probes.load.sse import cut_events
from tests.probes.load.openai_dialects import DIALECTS, DONE, END, HI, THERE, bare, chunk, sse

# What a body always says, and so not listed for each.
_PLACES = {"event_ends", "event_classes", "payload_ends", "first_choice", "first_visible", "terminal", "streamed"}


def told(facts: StreamFacts) -> dict[str, object]:
    fields = {field.name: getattr(facts, field.name) for field in dataclasses.fields(facts)}
    return {
        name: value
        for name, value in fields.items()
        if name not in _PLACES and value is not None and value is not False
    }


def read(*events: object) -> StreamFacts:
    return read_stream(sse(*events))


@pytest.mark.parametrize("name", DIALECTS)
def test_each_dialect_says_what_its_server_means(name):
    dialect = DIALECTS[name]
    facts = read_stream(dialect.body)
    assert [EventClass(code).name for code in facts.event_classes] == dialect.classes.split()
    assert told(facts) == dialect.says
    assert facts.terminal is (facts.fault is None)
    assert answer_text(dialect.body) == dialect.text
    assert has_terminator(dialect.body) is (facts.fault is None)


@pytest.mark.parametrize("name", DIALECTS)
def test_each_dialect_cut_at_any_byte_is_the_beginning_of_itself_and_no_success_before_its_end(name):
    body = DIALECTS[name].body
    whole = read_stream(body)
    over = [n for n, kind in enumerate(whole.event_classes) if EventClass(kind).name in ("FINISH", "DONE", "ERROR")]
    # The whole event that ends it has come; its blank line may be missing.
    first_end = min([*over, *_finishing(whole, body)])
    last_byte = whole.event_ends[first_end] - 2
    for place in range(len(body)):
        part = read_stream(body[:place])
        complete = sum(end <= place for end in whole.event_ends)
        assert part.event_ends[:complete] == whole.event_ends[:complete]
        assert whole.event_classes.startswith(part.event_classes)
        assert len(part.event_classes) - complete in (0, 1)
        assert DIALECTS[name].text.startswith(answer_text(body[:place]))
        if place < last_byte:
            assert (part.terminal, part.fault) == (False, None)


def _finishing(whole: StreamFacts, body: bytes) -> list[int]:
    texts = cut_events(body).data
    return [n for n, text in enumerate(texts) if b'"finish_reason":"' in text]


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_line_ends_are_no_matter(name, line_end):
    dialect = DIALECTS[name]
    other = dialect.body.replace(b"\n", line_end)
    one, two = read_stream(dialect.body), read_stream(other)
    assert told(one) == told(two)
    assert one.event_classes == two.event_classes
    assert answer_text(other) == dialect.text
    assert has_terminator(other) is has_terminator(dialect.body)


@pytest.mark.parametrize("name", DIALECTS)
def test_the_quick_way_says_the_same_of_a_long_answer(name):
    body = DIALECTS[name].body
    events = [b"data: " + text + b"\n\n" for text in cut_events(body).data]
    long = b"".join(event * 40 if b'"content":"Hi"' in event and b"usage" not in event else event for event in events)
    assert read_stream(long) == read_json_events(cut_events(long), ChatReader())


def test_reasoning_under_two_names_is_one_payload():
    once, twice = ({"reasoning": "hm"}, {"reasoning": "hm", "reasoning_content": "hm"})
    assert [len(read(chunk(delta), HI).payload_ends) for delta in (once, twice)] == [2, 2]
    assert answer_text(sse(chunk(twice), HI)) == "Hi"


@pytest.mark.parametrize(
    ("details", "shown"),
    [
        ([{"type": "reasoning.text", "text": "hm"}], True),
        ([{"type": "reasoning.summary", "summary": "hm"}], True),
        ([{"type": "reasoning.encrypted", "data": "gAAA"}], False),
        ([], False),
        ("odd", False),
    ],
)
def test_reasoning_that_is_encrypted_is_not_shown(details, shown):
    facts = read(chunk({"content": "", "reasoning": None, "reasoning_details": details}), HI)
    assert facts.reasoning_streamed is shown
    assert len(facts.payload_ends) == 1 + shown


def test_thought_and_text_in_the_parts_of_one_event_are_both_seen():
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Hi"}]
    facts = read(chunk({"content": parts}))
    assert (facts.reasoning_streamed, facts.first_visible) == (True, 0)


@pytest.mark.parametrize(
    ("delta", "kind"),
    [
        ({"audio": {"id": "a1"}}, "EMPTY"),
        ({"audio": {"id": "a1", "data": "AAAA"}}, "AUDIO"),
        ({"audio": {"transcript": "Hi"}}, "AUDIO"),
        ({"audio": {"expires_at": 1729234747}}, "EMPTY"),
        ({"content": "", "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}, "IMAGE"),
        ({"tool_calls": [{"index": 0, "type": "custom", "custom": {"name": "f", "input": ""}}]}, "TOOL"),
        ({"tool_calls": [{"index": 0, "custom": {"input": "x"}}]}, "TOOL"),
        ({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f"}}]}, "TOOL"),
        ({"tool_calls": [None, 7, {"function": None}]}, "EMPTY"),
        ({"role": "assistant", "refusal": "I can't"}, "REFUSAL"),
    ],
)
def test_what_a_person_or_a_program_gets_is_payload_and_what_announces_it_is_not(delta, kind):
    assert [EventClass(code).name for code in read(chunk(delta)).event_classes] == [kind]


def test_pictures_are_counted():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    assert read(chunk({"images": [image]}), chunk({"images": [image, image]}), END).output_images == 3
    assert read(HI, END).output_images is None


def test_an_answer_of_a_tool_call_alone_is_whole():
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    parts = [chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}) for part in ('{"a"', ":1}")]
    facts = read(chunk({"role": "assistant", "content": None, "tool_calls": [call]}), *parts, chunk({}, "tool_calls"))
    assert (facts.finish_reason, len(facts.payload_ends), facts.first_visible) == ("tool_calls", 3, 0)
    assert (facts.terminal, facts.fault) == (True, None)


def test_an_empty_reason_to_finish_is_none():
    facts = read(chunk({"content": "Hi"}, ""), chunk({}, ""))
    assert (facts.terminal, facts.finish_reason) == (False, None)
    assert [EventClass(code).name for code in facts.event_classes] == ["TEXT", "EMPTY"]


def of_two(index: int, delta: object, finish: str | None = None) -> dict[str, object]:
    return bare() | {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def test_of_several_choices_each_must_end():
    begun = [of_two(0, {"content": "a"}), of_two(1, {"content": "b"}), of_two(0, {}, "stop")]
    assert not read(*begun).terminal
    assert read(*begun, of_two(1, {}, "length")).terminal
    assert read(*begun, DONE).terminal
    both = bare() | {"choices": [{"index": n, "delta": {"content": "x"}, "finish_reason": "stop"} for n in range(2)]}
    assert read(both).terminal


def test_of_several_choices_one_that_was_blocked_is_enough():
    blocked = [of_two(0, {}, "content_filter"), of_two(1, {}, "stop")]
    assert read(of_two(0, {"content": "a"}), of_two(1, {"content": "b"}), *blocked, DONE).fault[0] == "filtered"


def test_the_text_of_several_choices_is_that_of_the_first():
    assert (
        answer_text(sse(of_two(1, {"content": "no"}), of_two(0, {"content": "yes"}), of_two(1, {"content": "!"})))
        == "yes"
    )


def test_a_choice_without_an_index_is_the_first():
    plain = bare() | {"choices": [{"delta": {"content": "Hi"}}]}
    end = bare() | {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    assert read(plain, end).terminal
    assert read(HI, end).terminal
    assert answer_text(sse(plain, end)) == "Hi"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"finish_reason": "error"}, "the server gave up: finish_reason error"),
        ({"finish_reason": "abort", "delta": {}}, "the server gave up: finish_reason abort"),
        ({"finish_reason": "insufficient_system_resource"}, "finish_reason insufficient_system_resource"),
        ({"finish_reason": "error", "error": {"code": 502, "message": "died"}}, "error: died"),
        ({"finish_reason": "error", "error": "died"}, "error: died"),
    ],
)
def test_an_answer_that_the_server_gave_up_is_no_success(choice, message):
    kind, said = read(HI, bare() | {"choices": [{"index": 0, **choice}]}, DONE).fault
    assert kind == "stream_error"
    assert said.endswith(message)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (b'data: {"error":{"code":429,"message":"slow down","metadata":{}}}\n\n', "429: slow down"),
        (b'data: {"error":"Model is overloaded","error_type":"overloaded"}\n\n', "Model is overloaded"),
        (b'data: {"object":"error","message":"too long","type":"BadRequestError","code":400}\n\n', "400: too long"),
        (b'error: {"code":500,"message":"died","type":"server_error"}\n\n', "500: died"),
        (b'event: error\ndata: {"message":"died"}\n\n', "died"),
        (b'{"error":{"message":"died","code":500}}\n', "500: died"),
        (b'[{"error":{"message":"died","code":500}}]\n', "an event is not a JSON object"),
    ],
)
def test_an_error_after_200_is_heard_in_every_form(event, message):
    kind, said = read(HI, event).fault
    assert kind in ("stream_error", "parse_error")
    assert message in said


def test_an_answer_that_was_blocked_or_refused_is_filtered():
    assert read(HI, chunk({}, "content_filter"), DONE).fault[0] == "filtered"
    assert read(chunk({"refusal": "No"}), END, DONE).fault[0] == "filtered"


@pytest.mark.parametrize("value", [-1, "12", 1.5, True, [3], {"n": 3}, 10**30])
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_a_count_that_cannot_be_is_unknown_and_noted(name, value):
    # orjson writes no such whole number, so it goes in as text
    usage = sse(bare(usage={"prompt_tokens": 9, "completion_tokens": 2, name: "VALUE"}))
    facts = read_stream(sse(HI, END) + usage.replace(b'"VALUE"', orjson_of(value)) + DONE)
    counts = {"prompt_tokens": facts.prompt_tokens, "completion_tokens": facts.output_tokens}
    assert counts.pop(name) is None
    assert None not in counts.values()
    assert name in facts.usage_fault
    assert facts.fault is None


def orjson_of(value: object) -> bytes:
    return str(value).encode() if value == 10**30 else sse(value)[6:-2]


def test_counts_that_are_impossible_in_the_details_are_noted_too():
    facts = read(HI, bare(usage={"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": -4}}))
    assert (facts.cached_tokens, facts.prompt_tokens) == (None, 9)
    assert "cached_tokens = -4" in facts.usage_fault


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": None}, {"prompt_tokens_details": "odd"}, {"cost": None}])
def test_what_usage_does_not_say_is_unknown_without_a_note(usage):
    facts = read(HI, END, bare(usage=usage))
    assert (facts.prompt_tokens, facts.output_tokens, facts.usage_fault, facts.billed_usd) == (None,) * 4


@pytest.mark.parametrize("cost", [-1, "free", True, float("inf"), {"total_cost": None}, {}, [1]])
def test_a_cost_that_is_no_amount_is_unknown(cost):
    assert read_stream(sse(bare(usage={"cost": 0})).replace(b'"cost":0', b'"cost":' + _cost(cost))).billed_usd is None


def _cost(cost: object) -> bytes:
    return b"1e999" if cost == float("inf") else sse(cost)[6:-2]


def test_a_cost_of_nothing_is_nothing_and_not_unknown():
    assert read(bare(usage={"cost": 0})).billed_usd == 0


@pytest.mark.parametrize("queue_time", [-0.06, "0.1", None])
def test_a_time_that_cannot_be_is_unknown(queue_time):
    usage = {"queue_time": queue_time, "prompt_time": 0.1, "completion_time": 0.2}
    facts = read(HI, END | {"x_groq": {"usage": usage}})
    assert (facts.server_queue_s, facts.server_prefill_s, facts.server_decode_s) == (None, 0.1, 0.2)


@pytest.mark.parametrize("odd", [None, 7, "x", []])
def test_times_of_any_other_form_are_passed_over(odd):
    facts = read(HI, END | {"timings": odd, "perf_metrics": odd, "time_info": odd, "x_groq": odd}, DONE)
    assert (facts.server_queue_s, facts.server_prefill_s, facts.server_decode_s, facts.fault) == (None,) * 4


@pytest.mark.parametrize(
    ("total", "reasoning", "counts"),
    [
        (11, None, (2, None)),
        (11, 1, (2, 1)),  # inside, as OpenAI counts
        (41, 30, (32, 30)),  # beside, as xAI counts
        (41, None, (32, 30)),  # beside and unnamed, as Gemini's compatible route counts
        (41, 0, (32, 30)),
        (41, 7, (2, 7)),  # neither: the total is not understood, and what was said stands
        (5, None, (2, None)),
        (None, 1, (2, 1)),
    ],
)
def test_reasoning_beside_the_output_is_found_by_the_total(total, reasoning, counts):
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": total}
    if reasoning is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    facts = read(HI, END, bare(usage=usage))
    assert (facts.output_tokens, facts.reasoning_tokens) == counts


def test_the_last_usage_counts_and_the_last_tier():
    first = HI | {"usage": {"prompt_tokens": 9, "completion_tokens": 1}, "service_tier": "auto"}
    facts = read(first, THERE | {"service_tier": "flex"}, bare(usage={"prompt_tokens": 9, "completion_tokens": 2}))
    assert (facts.output_tokens, facts.service_tier) == (2, "flex")


def test_the_terminator_is_known_with_or_without_the_space():
    for ending in (
        b"data: [DONE]\n\n",
        b"data:[DONE]\n\n",
        b"data: [DONE]\r\n\r\n",
        b"data: [DONE]\n",
        b"data: [DONE]",
    ):
        assert has_terminator(sse(HI) + ending)
    for ending in (b"data: [DONE]x\n\n", b"data: [DON", b"[DONE]\n\n", b""):
        assert not has_terminator(sse(HI) + ending)
