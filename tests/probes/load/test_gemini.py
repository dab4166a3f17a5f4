"""Reading Google's streams of responses in all the forms that they come in, and asking for them."""

import base64
import json

import orjson
import pytest

from probes.load.origin import parse_origin
from probes.load.prompt import Image, Prompt, Turn
from probes.load.protocols.base import EventClass
from probes.load.protocols.gemini import GEMINI, VERTEX_GEMINI, answer_text, has_payload, has_terminator, read_stream
from probes.load.requests import RequestSource
from probes.load.spec import LoadSpec

USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 30, "totalTokenCount": 41}
ERROR = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


def chunk(*parts, finish=None, usage=None, **more):
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    said = {"candidates": [candidate], "modelVersion": "gemini-x", "responseId": "r", **more}
    return said | ({"usageMetadata": usage} if usage else {})


def text(words, **more):
    return {"text": words, **more}


def sse(*chunks, end=b"\r\n"):
    return b"".join(b"data: " + orjson.dumps(said) + end + end for said in chunks)


def array(*chunks, indent=2):
    items = [json.dumps(said, indent=indent, ensure_ascii=False) for said in chunks]
    return ("[" + "\n,\r\n".join(items) + "\n]\n").encode()


ANSWER = (
    chunk(text("Hel"), usage={"promptTokenCount": 9, "totalTokenCount": 9}),
    chunk(text("lo {"), text("}, [")),
    chunk(text(" Grüße"), finish="STOP", usage=USAGE),
)
TEXT = "Hello {}, [ Grüße"


def classes_of(*chunks):
    return [EventClass(code).name for code in read_stream(sse(*chunks)).event_classes]


@pytest.mark.parametrize(
    "body",
    [
        sse(*ANSWER),
        sse(*ANSWER, end=b"\n"),
        sse(*ANSWER, end=b"\r"),
        array(*ANSWER),
        array(*ANSWER, indent=None),
        b"\xef\xbb\xbf" + array(*ANSWER),
    ],
)
def test_an_answer_is_the_same_in_every_form(body):
    facts = read_stream(body)
    assert facts.fault is None
    assert [EventClass(code).name for code in facts.event_classes] == ["TEXT"] * 3
    assert (facts.terminal, facts.finish_reason, facts.streamed) == (True, "STOP", True)
    assert facts.model_returned == "gemini-x"
    assert (facts.prompt_tokens, facts.output_tokens, facts.reasoning_tokens) == (9, 32, 30)
    assert answer_text(body) == TEXT
    for end in facts.event_ends:  # each event was whole there, and not a byte before
        assert len(read_stream(body[:end]).payload_ends) > len(read_stream(body[: end - 5]).payload_ends)


def test_an_item_of_an_array_ends_where_its_object_ends():
    body = array(*ANSWER)
    ends = read_stream(body).event_ends
    assert [body[end - 1 : end] for end in ends] == [b"}"] * 3
    assert [body[end : end + 4] for end in ends] == [b"\n,\r\n", b"\n,\r\n", b"\n]\n"]


@pytest.mark.parametrize("body", [sse(*ANSWER), array(*ANSWER), array(*ANSWER, indent=None)])
def test_an_answer_that_is_cut_says_what_came_and_is_no_success(body):
    whole = read_stream(body)
    for place in range(len(body)):
        part = read_stream(body[:place])
        come = sum(end <= place for end in whole.event_ends)
        assert part.fault is None
        assert whole.event_classes.startswith(part.event_classes)
        assert part.event_ends[:come] == whole.event_ends[:come]
        assert TEXT.startswith(answer_text(body[:place]))
        if part.terminal:  # then all of the last event is there
            assert len(part.event_ends) == 3


def test_thoughts_are_a_first_token_but_not_a_visible_one():
    body = sse(chunk(text("hm", thought=True)), chunk(text("Hi"), finish="STOP", usage=USAGE))
    facts = read_stream(body)
    assert (len(facts.payload_ends), facts.first_visible, facts.reasoning_streamed) == (2, 1, True)
    assert answer_text(body) == "Hi"
    assert not read_stream(sse(chunk(text("Hi"), finish="STOP", usage=USAGE))).reasoning_streamed


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (chunk({"thoughtSignature": "c2ln"}), "EMPTY"),
        (chunk({"text": "", "thoughtSignature": "c2ln"}), "EMPTY"),
        (chunk({"functionCall": {"name": "f", "args": {"a": 1}}}), "TOOL"),
        (chunk({"executableCode": {"language": "PYTHON", "code": "1"}}), "TOOL"),
        (chunk({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}), "EMPTY"),
        (chunk({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}), "IMAGE"),
        (chunk({"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}}), "AUDIO"),
        (chunk(text("hm", thought=True), text("Hi")), "TEXT"),
        (chunk(text("Hi"), finish="STOP"), "TEXT"),
        (chunk(finish="STOP"), "FINISH"),
        (chunk(text(""), finish="MAX_TOKENS"), "FINISH"),
        (chunk(text(""), finish="FINISH_REASON_UNSPECIFIED"), "EMPTY"),
        ({"candidates": [{"index": 0}]}, "EMPTY"),
        ({"candidates": [], "usageMetadata": USAGE}, "USAGE"),
        ({"candidates": None, "usageMetadata": USAGE}, "USAGE"),
        ({"responseId": "r"}, "OTHER"),
    ],
)
def test_each_kind_of_event_has_its_class(said, name):
    assert classes_of(said) == [name]


def test_the_last_value_of_each_count_stands():
    facts = read_stream(
        sse(
            chunk(text("a"), usage={"promptTokenCount": 9, "cachedContentTokenCount": 4, "candidatesTokenCount": 1}),
            chunk(text("b"), usage={"promptTokenCount": 9, "candidatesTokenCount": 5, "toolUsePromptTokenCount": 20}),
            chunk(finish="STOP", usage={"candidatesTokenCount": 6, "trafficType": "ON_DEMAND"}),
        )
    )
    assert (facts.prompt_tokens, facts.cached_tokens, facts.output_tokens) == (29, 4, 6)
    assert facts.reasoning_tokens is None
    assert facts.service_tier == "ON_DEMAND"


def test_only_thoughts_are_an_output_too_and_nothing_said_is_unknown():
    thought = {"promptTokenCount": 9, "thoughtsTokenCount": 16, "totalTokenCount": 25}
    assert read_stream(sse(chunk(finish="MAX_TOKENS", usage=thought))).output_tokens == 16
    silent = read_stream(sse(chunk(text("a"), finish="STOP")))
    assert (silent.prompt_tokens, silent.output_tokens, silent.reasoning_tokens) == (None, None, None)


@pytest.mark.parametrize("count", [-3, "9", 1.5, [1]])
def test_a_count_that_is_none_spoils_its_sum_and_is_named(count):
    facts = read_stream(sse(chunk(text("a"), finish="STOP", usage=USAGE | {"thoughtsTokenCount": count})))
    assert (facts.output_tokens, facts.reasoning_tokens, facts.prompt_tokens) == (None, None, 9)
    assert facts.usage_fault is not None


@pytest.mark.parametrize(
    "reason", ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"]
)
def test_a_filter_is_a_fault_of_its_own(reason):
    facts = read_stream(sse(chunk(text("a")), {"candidates": [{"finishReason": reason, "index": 0}]}))
    assert facts.fault is not None
    assert (facts.fault[0], facts.finish_reason, facts.terminal) == ("filtered", reason, True)


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "MALFORMED_FUNCTION_CALL", "OTHER", "LANGUAGE"])
def test_other_reasons_are_no_filter(reason):
    facts = read_stream(sse(chunk(text("a"), finish=reason)))
    assert (facts.fault, facts.finish_reason, facts.terminal) == (None, reason, True)


def test_a_blocked_prompt_is_filtered_though_there_is_no_candidate():
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}}
    facts = read_stream(sse(blocked))
    assert facts.fault is not None
    assert (facts.fault[0], facts.finish_reason, facts.terminal) == ("filtered", "PROHIBITED_CONTENT", True)
    assert (facts.prompt_tokens, facts.payload_ends) == (9, [])
    harmless = read_stream(sse({"promptFeedback": {"safetyRatings": []}}, chunk(text("a"), finish="STOP")))
    assert harmless.fault is None


PRETTY_ERROR = json.dumps(ERROR, indent=2).encode()


@pytest.mark.parametrize(
    "tail",
    [
        sse(ERROR),
        PRETTY_ERROR,
        PRETTY_ERROR + b"\n\n",
        PRETTY_ERROR.replace(b"\n", b"\r\n") + b"\r\n",
        b"[" + PRETTY_ERROR + b"\n]\n",
        json.dumps([ERROR]).encode(),
        PRETTY_ERROR + b"\n" + sse(chunk(text("late"))),
        sse([ERROR]),
    ],
)
@pytest.mark.parametrize("head", [b"", sse(chunk(text("Hi")))])
def test_an_error_after_200_is_found_in_every_form(head, tail):
    facts = read_stream(head + tail)
    assert facts.fault == ("stream_error", "UNAVAILABLE: The model is overloaded.")
    assert not facts.terminal
    assert facts.event_classes.count(EventClass.ERROR) == 1
    assert len(facts.event_ends) == len(facts.event_classes)
    assert facts.event_ends == sorted(facts.event_ends)


def test_a_bare_error_stands_out_though_no_blank_line_is_before_it():
    facts = read_stream(sse(chunk(text("Hi")))[:-2] + PRETTY_ERROR + b"\n")
    assert facts.fault == ("stream_error", "UNAVAILABLE: The model is overloaded.")
    assert len(facts.payload_ends) == 1


@pytest.mark.parametrize("form", [array, sse])
def test_an_error_among_the_events_of_a_stream_is_found(form):
    facts = read_stream(form(chunk(text("Hi")), ERROR))
    assert facts.fault == ("stream_error", "UNAVAILABLE: The model is overloaded.")
    assert len(facts.payload_ends) == 1


def test_a_bare_error_that_is_cut_is_no_fault_and_no_success():
    body = sse(chunk(text("Hi"))) + PRETTY_ERROR
    for place in range(body.index(b"{\n"), len(body) - 1):
        facts = read_stream(body[:place])
        assert (facts.fault, facts.terminal) == (None, False)


def test_an_item_that_is_not_json_is_a_parse_error_and_keeps_what_came_before():
    facts = read_stream(b'[{"candidates":[{"content":{"parts":[{"text":"a"}]}}]},{"a":oops},{"b":1}]')
    assert facts.fault is not None
    assert facts.fault[0] == "parse_error"
    assert len(facts.payload_ends) == 1


def test_one_document_is_read_without_a_first_token():
    body = json.dumps(chunk(text("Hi"), finish="STOP", usage=USAGE), indent=2).encode()
    facts = read_stream(body)
    assert (facts.streamed, facts.terminal, facts.output_tokens) == (False, True, 32)
    assert not read_stream(body[:-1]).terminal


def test_a_body_under_way_tells_whether_it_has_a_payload_and_whether_it_is_over():
    opening, word = sse(chunk(text(""))), sse(chunk(text('"finishReason":"STOP"}'), usage=USAGE))
    last = sse(chunk(text("\ndata: x"), finish="STOP", usage=USAGE))
    assert not has_payload(opening)
    assert has_payload(opening + word)
    assert not has_terminator(opening + word)
    assert has_terminator(word + last)
    assert has_terminator(last[40:])
    assert not has_terminator(word + last[:-2])
    assert not has_terminator(last + word)
    assert has_terminator(array(*ANSWER))
    assert not has_terminator(array(*ANSWER)[:-3])
    assert GEMINI.output_tokens(last) == 2
    assert GEMINI.output_tokens(opening) is None


def spec(**fields):
    defaults = {"base_url": "http://h", "model": "gemini-x", "api": "gemini", "concurrency": 1, "requests": 1}
    return LoadSpec(**defaults | fields, attempt_prefix="t")


def test_the_body_is_in_googles_words_and_extra_settings_are_merged():
    prompt = Prompt(
        turns=(
            Turn(role="system", text="Be brief."),
            Turn(role="user", text="What is it?", images=(Image(data=b"\x89PNG", media_type="image/png"),)),
            Turn(role="assistant", text="A dot."),
            Turn(role="user", text="Sure?"),
        )
    )
    extra = {"generationConfig": {"seed": 7, "temperature": 1}, "safetySettings": []}
    body = orjson.loads(GEMINI.request_body(spec(output_tokens=5, extra_body=extra), prompt))
    picture = {"mimeType": "image/png", "data": base64.b64encode(b"\x89PNG").decode()}
    assert body == {
        "contents": [
            {"role": "user", "parts": [{"inlineData": picture}, {"text": "What is it?"}]},
            {"role": "model", "parts": [{"text": "A dot."}]},
            {"role": "user", "parts": [{"text": "Sure?"}]},
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {"maxOutputTokens": 5, "temperature": 1, "seed": 7},
        "safetySettings": [],
    }
    plain = orjson.loads(GEMINI.request_body(spec(temperature=None, output_tokens=5), Prompt.of("Hi")))
    assert plain == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {"maxOutputTokens": 5},
    }


@pytest.mark.parametrize("base_url", ["http://h", "http://h/v1beta", "http://h/v1beta/"])
@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("gemini-x", "models/gemini-x"),
        ("models/gemini-x", "models/gemini-x"),
        ("tunedModels/mine", "tunedModels/mine"),
        ("a/b?c", "models/a%2Fb%3Fc"),
    ],
)
def test_the_path_names_the_model_once_and_asks_for_events(base_url, model, named):
    origin = parse_origin(base_url, GEMINI.path(spec(model=model)))
    assert origin.target == f"/v1beta/{named}:streamGenerateContent?alt=sse"


def test_vertex_has_the_same_below_its_publisher_and_takes_a_token():
    base_url = "https://h/v1/projects/p/locations/l/publishers/google"
    wanted = spec(base_url=base_url, api="vertex-gemini", api_key="ya29.token")
    origin = parse_origin(base_url, VERTEX_GEMINI.path(wanted))
    assert origin.target == "/v1/projects/p/locations/l/publishers/google/models/gemini-x:streamGenerateContent?alt=sse"
    assert b"\r\nAuthorization: Bearer ya29.token\r\n" in RequestSource(wanted, VERTEX_GEMINI, origin).warmup(0).request
    assert GEMINI.key_headers("AIza") == {"x-goog-api-key": "AIza"}
