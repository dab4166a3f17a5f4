"""Ollama's own API: NDJSON, durations in nanoseconds."""

import orjson
import pytest

from probes.load.prompt import Image, Prompt, Turn
from probes.load.protocols.base import EventClass
from probes.load.protocols.ollama import OLLAMA, OLLAMA_GENERATE, answer_text, has_terminator, read_stream
from probes.load.spec import LoadSpec
from tests.probes.load.cuts import check_cuts

END = {
    "model": "m",
    "done": True,
    "done_reason": "stop",
    "total_duration": 1_200_000_000,
    "load_duration": 300_000_000,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 100_000_000,
    "eval_count": 42,
    "eval_duration": 700_000_000,
}


def lines(*events):
    return b"".join(orjson.dumps(event) + b"\n" for event in events)


def says(text, **more):
    return {"model": "m", "message": {"role": "assistant", "content": text, **more}, "done": False}


def end(**more):
    return END | {"message": {"role": "assistant", "content": ""}} | more


def spec(**given):
    return LoadSpec(
        **{"base_url": "http://h", "model": "m", "concurrency": 1, "requests": 1, "attempt_prefix": "t"} | given
    )


def test_what_the_server_took_is_read_in_seconds_and_its_counts_as_they_are():
    facts = read_stream(lines(says("Grüß"), says(" dich"), end()))
    assert (facts.server_load_s, facts.server_prefill_s, facts.server_decode_s) == (0.3, 0.1, 0.7)
    assert (facts.prompt_tokens, facts.output_tokens, facts.cached_tokens) == (26, 42, None)
    assert (facts.terminal, facts.finish_reason, facts.model_returned) == (True, "stop", "m")
    assert list(facts.event_classes) == [EventClass.TEXT, EventClass.TEXT, EventClass.FINISH]
    assert facts.streamed


def test_a_prompt_count_that_is_missing_stays_unknown():
    told = end()
    del told["prompt_eval_count"], told["prompt_eval_duration"]
    facts = read_stream(lines(says("a"), told))
    assert (facts.prompt_tokens, facts.server_prefill_s, facts.output_tokens) == (None, None, 42)


@pytest.mark.parametrize("count", [-1, "12", 1.5])
def test_a_count_that_cannot_be_is_unknown_and_noted(count):
    facts = read_stream(lines(says("a"), end(eval_count=count)))
    assert facts.output_tokens is None
    assert str(count) in facts.usage_fault


def test_thinking_is_a_first_token_but_not_a_visible_one():
    chat = read_stream(lines(says("", thinking="hm"), says("Hi"), end()))
    alone = read_stream(
        lines(
            {"response": "", "thinking": "hm", "done": False}, {"response": "Hi", "done": False}, END | {"response": ""}
        )
    )
    for facts in (chat, alone):
        assert list(facts.event_classes) == [EventClass.REASONING, EventClass.TEXT, EventClass.FINISH]
        assert (facts.first_visible, facts.reasoning_streamed, facts.output_tokens) == (1, True, 42)


def test_a_call_of_a_tool_is_payload():
    call = {"function": {"name": "f", "arguments": {"done": True}}}
    facts = read_stream(lines(says("", tool_calls=[call]), end()))
    assert facts.event_classes[0] == EventClass.TOOL


def test_an_error_after_200_is_a_stream_error_with_its_words():
    facts = read_stream(lines(says("Hi"), {"error": "model runner has unexpectedly stopped"}))
    assert facts.fault == ("stream_error", "model runner has unexpectedly stopped")
    assert not facts.terminal


def test_a_line_that_is_no_json_is_a_parse_error_and_what_came_before_it_stands():
    facts = read_stream(lines(says("Hi")) + b"<html>\n" + lines(end()))
    assert facts.fault[0] == "parse_error"
    assert list(facts.event_classes) == [EventClass.TEXT, EventClass.OTHER]


def test_a_model_that_was_only_loaded_answers_nothing():
    facts = read_stream(lines(END | {"response": "", "done_reason": "load"}))
    assert (facts.terminal, facts.payload_ends, facts.finish_reason) == (True, [], "load")


def test_the_whole_answer_in_one_line_is_a_document_without_a_first_token():
    assert not read_stream(lines(END | {"response": "Hi there"})).streamed
    assert read_stream(lines(says("Hi"), END | {"response": " there"})).streamed


def test_blank_lines_and_crlf_change_nothing():
    body = lines(says("Hi"), end())
    odd = b"\r\n" + body.replace(b"\n", b"\r\n\r\n")
    assert read_stream(odd).event_classes == read_stream(body).event_classes
    assert read_stream(odd).payload_ends == [odd.find(b"false}") + len(b"false}\r\n")]


def test_a_stream_cut_anywhere_is_its_beginning_and_no_success():
    check_cuts(OLLAMA, lines(says("Grüße"), says(" an", thinking="日本"), end()))
    check_cuts(OLLAMA_GENERATE, lines({"response": "Ä", "done": False}, END | {"response": ""}))


def test_only_a_whole_last_line_that_says_done_ends_a_body_under_way():
    body = lines(says("Hi"), end())
    assert has_terminator(body)
    assert has_terminator(body[:-1])  # nothing but the line feed is missing
    assert not has_terminator(body[:-5])
    assert not has_terminator(lines(says("Hi"), says("", tool_calls=[{"function": {"arguments": {"done": True}}}])))
    assert not has_terminator(b"")


def test_the_text_is_that_of_all_lines_without_thinking():
    assert answer_text(lines(says("Grü", thinking="hm"), says("ße"), end())) == "Grüße"
    assert answer_text(lines({"response": "a"}, {"response": "b"}, END)) == "ab"


def test_a_request_to_chat_has_its_turns_pictures_and_options():
    turns = (
        Turn(role="system", text="Be short."),
        Turn(role="user", text="What is it?", images=(Image(data=b"\x89PNG", media_type="image/png"),)),
    )
    asked = spec(output_tokens=7, extra_body={"options": {"seed": 5, "num_ctx": 4096}, "keep_alive": "5m"})
    assert orjson.loads(OLLAMA.request_body(asked, Prompt(turns=turns))) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": "What is it?", "images": ["iVBORw=="]},
        ],
        "stream": True,
        "options": {"num_predict": 7, "temperature": 0.0, "seed": 5, "num_ctx": 4096},
        "keep_alive": "5m",
    }


def test_a_request_to_generate_has_one_prompt_and_the_system_apart():
    turns = (Turn(role="system", text="Be short."), Turn(role="user", text="a"), Turn(role="assistant", text="b"))
    body = orjson.loads(OLLAMA_GENERATE.request_body(spec(temperature=None), Prompt(turns=turns)))
    assert body == {
        "model": "m", "prompt": "a\n\nb", "system": "Be short.", "stream": True, "options": {"num_predict": 128},
    }  # fmt: skip
    assert (OLLAMA.path(spec()), OLLAMA_GENERATE.path(spec())) == ("/api/chat", "/api/generate")
