"""OpenAI Responses: what is asked, and what each kind of event says."""

import orjson
import pytest

from probes.load.prompt import Image, Prompt, Turn
from probes.load.protocols.base import EventClass
from probes.load.protocols.openai_responses import (
    answer_text,
    has_payload,
    has_terminator,
    output_tokens,
    read_stream,
    request_body,
)
from probes.load.spec import LoadSpec
from tests.probes.load.openai_dialects import DONE

USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 18},
    "total_tokens": 29,
}


def event(kind, **more):
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, "sequence_number": 1, **more}))


def delta(what, piece, **more):
    return event(f"response.{what}.delta", item_id="i1", output_index=0, content_index=0, delta=piece, **more)


def done(what, **more):
    return event(f"response.{what}.done", item_id="i1", output_index=0, content_index=0, **more)


def message(text):
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def ended(kind="completed", *, output=(), **more):
    response = {"id": "r1", "status": kind, "model": "m", "service_tier": "default", "output": list(output)}
    return event(f"response.{kind}", response=response | {"usage": USAGE} | more)


CREATED = event(
    "response.created", response={"id": "r1", "status": "in_progress", "model": "m", "service_tier": "auto"}
)
PROGRESS = event("response.in_progress", response={"id": "r1", "status": "in_progress", "usage": None})
ADDED = event("response.output_item.added", output_index=0, item={"type": "message", "content": []})
PART = event("response.content_part.added", part={"type": "output_text", "text": ""})
WHOLE = (
    CREATED, PROGRESS,
    event("response.output_item.added", output_index=0, item={"type": "reasoning", "summary": []}),
    delta("reasoning_summary_text", "**Greet"), done("reasoning_summary_text", text="**Greet"),
    ADDED, PART, delta("output_text", "Hi", logprobs=[]), delta("output_text", " \u65e5\u672c"),
    event("response.output_text.annotation.added", annotation={"type": "url_citation"}),
    done("output_text", text="Hi \u65e5\u672c"), event("response.content_part.done", part={"text": "Hi"}),
    event("response.output_item.done", item=message("Hi \u65e5\u672c")),
    ended(output=[message("Hi \u65e5\u672c")]),
)  # fmt: skip


def read(*events):
    return read_stream(b"".join(events))


def classes_of(*events):
    return [EventClass(code).name for code in read(*events).event_classes]


def test_a_whole_answer_has_its_classes_its_counts_and_its_text():
    facts = read(*WHOLE)
    assert classes_of(*WHOLE) == [
        "EMPTY", "EMPTY", "EMPTY", "REASONING", "EMPTY", "EMPTY", "EMPTY", "TEXT", "TEXT", "EMPTY", "EMPTY", "EMPTY",
        "EMPTY", "FINISH",
    ]  # fmt: skip
    assert (facts.terminal, facts.fault, facts.finish_reason) == (True, None, "completed")
    assert (facts.prompt_tokens, facts.cached_tokens, facts.cache_write_tokens) == (9, 4, 3)
    assert (facts.output_tokens, facts.reasoning_tokens, facts.usage_fault) == (20, 18, None)
    assert (facts.model_returned, facts.service_tier) == ("m", "default")
    assert (facts.first_choice, facts.first_visible) == (0, 1)
    assert answer_text(b"".join(WHOLE)) == "Hi \u65e5\u672c"


def test_a_summary_is_a_first_token_but_not_the_reasoning_that_is_counted():
    summary, raw = delta("reasoning_summary_text", "hm"), delta("reasoning_text", "hm")
    for piece, shown in ((summary, False), (raw, True)):
        facts = read(CREATED, piece, delta("output_text", "Hi"), ended())
        assert facts.reasoning_streamed is shown
        assert (len(facts.payload_ends), facts.first_visible) == (2, 1)


def test_hidden_reasoning_is_counted_and_not_seen():
    facts = read(CREATED, PROGRESS, delta("output_text", "Hi"), ended())
    assert (facts.output_tokens, facts.reasoning_tokens, facts.reasoning_streamed) == (20, 18, False)


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("output_text", "TEXT"),
        ("refusal", "REFUSAL"),
        ("reasoning_text", "REASONING"),
        ("reasoning_summary_text", "REASONING"),
        ("reasoning", "REASONING"),
        ("reasoning_summary", "REASONING"),
        ("function_call_arguments", "TOOL"),
        ("custom_tool_call_input", "TOOL"),
        ("mcp_call_arguments", "TOOL"),
        ("code_interpreter_call_code", "TOOL"),
        ("shell_call_command", "TOOL"),
        ("audio", "AUDIO"),
        ("audio.transcript", "AUDIO"),
        ("shell_call_output_content", "EMPTY"),  # the tool said it
        ("something_new", "EMPTY"),
    ],
)
def test_each_kind_of_delta_has_its_class_unless_it_is_empty(what, kind):
    assert classes_of(delta(what, "x")) == [kind]
    assert classes_of(delta(what, "")) == ["EMPTY"]


@pytest.mark.parametrize(
    "kind",
    ["queued", "created", "in_progress", "output_item.added", "content_part.added", "web_search_call.searching",
     "reasoning_summary_part.added", "file_search_call.completed", "mcp_list_tools.in_progress"],
)  # fmt: skip
def test_what_opens_something_is_no_token(kind):
    facts = read(event(f"response.{kind}", item={"type": "function_call", "name": "f"}, response={"status": "queued"}))
    assert (facts.payload_ends, facts.first_choice, facts.terminal) == ([], 0, False)


@pytest.mark.parametrize(
    ("what", "name", "kind"),
    [
        ("output_text", "text", "TEXT"),
        ("refusal", "refusal", "REFUSAL"),
        ("function_call_arguments", "arguments", "TOOL"),
        ("custom_tool_call_input", "input", "TOOL"),
        ("reasoning_text", "text", "REASONING"),
    ],
)
def test_what_came_in_no_deltas_came_when_it_was_done(what, name, kind):
    whole = done(what, **{name: "Hi"})
    assert classes_of(CREATED, whole) == ["EMPTY", kind]
    assert classes_of(CREATED, delta(what, "Hi"), whole) == ["EMPTY", kind, "EMPTY"]
    assert classes_of(done(what, **{name: ""})) == ["EMPTY"]


def test_an_answer_that_comes_whole_in_the_last_event_came_then():
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "No"}]}
    for output, kind in (([message("Hi")], "TEXT"), ([call], "TOOL"), ([refusal], "REFUSAL"), ([], "FINISH")):
        assert classes_of(CREATED, ended(output=output)) == ["EMPTY", kind]
    assert answer_text(CREATED + ended(output=[message("Hi"), call, message(" there")])) == "Hi there"
    assert answer_text(CREATED + done("output_text", text="Hi")) == "Hi"
    for odd in (None, 7, [None], [{"content": [None, {"type": "output_text", "text": None}]}]):
        assert classes_of(ended() if odd is None else ended(output=odd if isinstance(odd, list) else [odd])) == [
            "FINISH"
        ]


def test_a_refusal_is_filtered():
    assert read(CREATED, delta("refusal", "I can't"), ended()).fault[0] == "filtered"


@pytest.mark.parametrize(("reason", "fault"), [("max_output_tokens", None), ("content_filter", "filtered")])
def test_an_incomplete_answer_says_why_it_ended(reason, fault):
    facts = read(CREATED, delta("output_text", "Hi"), ended("incomplete", incomplete_details={"reason": reason}))
    assert (facts.terminal, facts.finish_reason, facts.output_tokens) == (True, reason, 20)
    assert (facts.fault and facts.fault[0]) == fault


def test_an_incomplete_answer_without_a_reason_is_incomplete():
    assert read(delta("output_text", "Hi"), ended("incomplete", incomplete_details=None)).finish_reason == "incomplete"
    completed = ended("completed", status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert read(delta("output_text", "Hi"), completed).finish_reason == "max_output_tokens"


def test_a_failed_answer_is_a_stream_error_with_its_words():
    failed = ended("failed", error={"code": "server_error", "message": "The model died"})
    facts = read(CREATED, delta("output_text", "Hi"), failed)
    assert facts.fault == ("stream_error", "server_error: The model died")
    assert classes_of(CREATED, failed) == ["EMPTY", "ERROR"]
    assert read(ended("failed", error=None)).fault == ("stream_error", "the server says that the response failed")
    assert read(ended("completed", status="failed", error={"message": "died"})).fault == ("stream_error", "died")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (event("error", code="rate_limit_exceeded", message="slow down", param=None), "rate_limit_exceeded: slow down"),
        (event("error", code=None, message="slow down", param=None), "error: slow down"),
        (event("error", error={"type": "server_error", "code": "x", "message": "died"}), "x: died"),
        (b'data: {"error":{"message":"died","code":500}}\n\n', "500: died"),
        (b'{"error":{"message":"died","code":500}}', "500: died"),
        (b'event: error\ndata: {"message":"died"}\n\n', "died"),
    ],
)
def test_an_error_after_200_is_heard_in_every_form(body, message):
    facts = read(CREATED, delta("output_text", "Hi"), body)
    assert facts.fault == ("stream_error", message)
    assert not facts.terminal


def test_a_stream_that_says_nothing_of_its_end_is_not_over():
    assert not read(CREATED, delta("output_text", "Hi"), done("output_text", text="Hi")).terminal
    assert read(CREATED, delta("output_text", "Hi"), DONE).terminal  # from those who serve chat too


def test_events_of_other_kinds_are_nothing():
    odd = [
        b'data: {"type":"keepalive"}\n\n',
        b'data: {"type":7}\n\n',
        b"data: {}\n\n",
        b": ping\n\n",
        b"data: null\n\n",
    ]
    assert classes_of(*odd) == ["OTHER"] * 4
    assert read(*odd).fault is None
    assert read(event("response.completed", response="odd")).terminal is False


def test_pictures_are_payload_and_are_counted_when_they_are_done():
    sketch = event("response.image_generation_call.partial_image", partial_image_b64="AAAA", partial_image_index=0)
    made = event("response.image_generation_call.completed", output_index=0)
    facts = read(CREATED, sketch, sketch, made, ended())
    assert (len(facts.payload_ends), facts.output_images, facts.first_visible) == (2, 1, 0)


@pytest.mark.parametrize("value", [-1, "12", 1.5, True])
def test_a_count_that_cannot_be_is_unknown_and_noted(value):
    facts = read(delta("output_text", "Hi"), ended(usage=USAGE | {"output_tokens": value}))
    assert (facts.output_tokens, facts.prompt_tokens) == (None, 9)
    assert "output_tokens" in facts.usage_fault


def test_no_usage_means_unknown_not_zero():
    facts = read(delta("output_text", "Hi"), ended(usage=None))
    assert (facts.prompt_tokens, facts.output_tokens, facts.reasoning_tokens, facts.usage_fault) == (None,) * 4


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_a_stream_cut_at_any_byte_is_the_beginning_of_itself_and_no_success(line_end):
    body = b"".join(WHOLE).replace(b"\n", line_end)
    whole = read_stream(body)
    assert whole.event_classes == read(*WHOLE).event_classes
    last_byte = len(body) - 2 * len(line_end)  # of the JSON that ends it
    for place in range(len(body)):
        part = read_stream(body[:place])
        complete = sum(end <= place for end in whole.event_ends)
        assert part.event_ends[:complete] == whole.event_ends[:complete]
        assert whole.event_classes.startswith(part.event_classes)
        assert len(part.event_classes) - complete in (0, 1)
        assert (part.terminal, part.fault) == (place >= last_byte, None)


def test_a_body_under_way_tells_whether_it_has_a_payload_and_whether_it_is_over():
    opening, word = CREATED + PROGRESS + ADDED + PART, delta("output_text", "Hi")
    assert not has_payload(opening)
    assert has_payload(opening + word)
    for last in (ended(), ended("incomplete"), ended("failed"), event("error", message="m"), DONE):
        assert has_terminator(opening + word + last)
        assert has_terminator(word[20:] + last)  # only the end of the body is looked at
        assert has_terminator((word + last).replace(b"\n", b"\r\n"))
        assert not has_terminator(last + word)
        assert not has_terminator(opening + last[:-1])
    assert not has_terminator(opening + delta("output_text", '{"type":"response.completed"}'))
    assert not has_terminator(b"")


def test_progress_reads_the_last_count():
    assert output_tokens(b"".join(WHOLE)) == 20
    assert output_tokens(CREATED) is None


def spec_of(**given):
    return LoadSpec(
        **{"base_url": "http://h/v1", "model": "m", "concurrency": 1, "requests": 1, "attempt_prefix": "p",
           "output_tokens": 32} | given
    )  # fmt: skip


def body_of(prompt, **given):
    return orjson.loads(request_body(spec_of(**given), prompt))


def test_one_turn_is_asked_as_a_text():
    assert body_of(Prompt.of("hello")) == {
        "model": "m",
        "input": "hello",
        "stream": True,
        "max_output_tokens": 32,
        "temperature": 0.0,
    }
    assert "temperature" not in body_of(Prompt.of("hello"), temperature=None)
    assert body_of(Prompt.of("hello"), max_tokens_field="max_completion_tokens")["max_output_tokens"] == 32


def test_turns_and_pictures_are_items():
    turns = (
        Turn(role="system", text="Be brief."),
        Turn(role="user", text="What?", images=(Image(data=b"\x00\xff", media_type="image/png"),)),
        Turn(role="assistant", text="A dot."),
        Turn(role="user", text="Sure?"),
    )
    assert body_of(Prompt(turns=turns))["input"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What?"},
                {"type": "input_image", "image_url": "data:image/png;base64,AP8=", "detail": "auto"},
            ],
        },
        {"role": "assistant", "content": "A dot."},
        {"role": "user", "content": "Sure?"},
    ]
    assert body_of(Prompt(turns=turns[:1]))["input"] == [{"role": "system", "content": "Be brief."}]


def test_padding_is_asked_off_where_it_is_known_and_the_user_has_the_last_word():
    assert body_of(Prompt.of("x"), base_url="https://api.openai.com/v1")["stream_options"] == {
        "include_obfuscation": False
    }
    asked = {"stream_options": {"include_obfuscation": True}, "store": False}
    body = body_of(Prompt.of("x"), base_url="https://api.openai.com/v1", extra_body=asked)
    assert (body["stream_options"], body["store"]) == ({"include_obfuscation": True}, False)
