"""Text Generation Inference's own route."""

import orjson
import pytest

from probes.load.prompt import Image, Prompt, Turn
from probes.load.protocols.base import EventClass
from probes.load.protocols.tgi import TGI, answer_text, has_terminator, output_tokens, read_stream
from probes.load.spec import LoadSpec
from tests.probes.load.cuts import check_cuts

DETAILS = {"finish_reason": "eos_token", "generated_tokens": 3, "seed": None, "input_length": 5}


def token(text, *, special=False, generated=None, details=None):
    said = {"index": 1, "token": {"id": 1, "text": text, "logprob": -0.1, "special": special}}
    return b"data:" + orjson.dumps(said | {"generated_text": generated, "details": details}) + b"\n\n"


HELLO = token("Grü") + token("ße") + token("</s>", special=True, generated="Grüße", details=DETAILS)


def request(**given):
    given = {"base_url": "http://h", "model": "m", "concurrency": 1, "requests": 1, "attempt_prefix": "t"} | given
    prompt = given.pop("prompt", Prompt.of("Hello"))
    return orjson.loads(TGI.request_body(LoadSpec(**given), prompt))


def test_a_special_token_is_counted_and_not_seen():
    facts = read_stream(HELLO)
    assert list(facts.event_classes) == [EventClass.TEXT, EventClass.TEXT, EventClass.FINISH]
    assert len(facts.payload_ends) == 2
    assert (facts.prompt_tokens, facts.output_tokens) == (5, 3)
    assert (facts.terminal, facts.finish_reason) == (True, "eos_token")
    assert answer_text(HELLO) == "Grüße"


def test_a_special_token_in_front_sets_no_first_token_but_stops_the_clock_of_those_who_count_choices():
    facts = read_stream(token("<think>", special=True) + HELLO)
    assert facts.event_classes[0] == EventClass.EMPTY
    assert (facts.first_choice, facts.payload_ends[0]) == (0, len(token("<think>", special=True) + token("Grü")))


def test_the_last_token_may_be_seen():
    facts = read_stream(token("Hi") + token("!", generated="Hi!", details=DETAILS | {"finish_reason": "length"}))
    assert (len(facts.payload_ends), facts.finish_reason) == (2, "length")


def test_without_details_the_answer_is_whole_and_its_counts_unknown():
    facts = read_stream(token("Hi", generated="Hi"))
    assert (facts.terminal, facts.finish_reason, facts.output_tokens, facts.prompt_tokens) == (True, None, None, None)


def test_an_empty_piece_of_a_character_is_no_payload():
    assert read_stream(token("") + HELLO).event_classes[0] == EventClass.EMPTY


def test_an_error_after_200_is_a_stream_error_with_its_kind():
    error = {"error": "Request failed during generation", "error_type": "generation"}
    facts = read_stream(token("Hi") + b"data:" + orjson.dumps(error) + b"\n\n")
    assert facts.fault == ("stream_error", "generation: Request failed during generation")
    assert not facts.terminal


def test_a_space_behind_data_and_comments_change_nothing():
    spaced = b": ping\n\n" + HELLO.replace(b"data:", b"data: ")
    assert read_stream(spaced).event_classes == read_stream(HELLO).event_classes


def test_a_stream_cut_anywhere_is_its_beginning_and_no_success():
    check_cuts(TGI, HELLO)


def test_the_event_with_the_whole_text_ends_a_body_under_way():
    assert has_terminator(HELLO)
    assert not has_terminator(HELLO[:-2])
    assert not has_terminator(token("Hi"))
    assert output_tokens(HELLO) == 3


@pytest.mark.parametrize(
    ("temperature", "sampling"),
    [(0.0, {"do_sample": False}), (0.7, {"do_sample": True, "temperature": 0.7}), (None, {})],
)
def test_a_request_samples_only_at_a_temperature_above_zero(temperature, sampling):
    body = request(temperature=temperature, output_tokens=9, extra_body={"parameters": {"seed": 3}})
    assert body == {"inputs": "Hello", "parameters": {"max_new_tokens": 9, "details": True, "seed": 3} | sampling}


def test_a_picture_stands_before_the_text_as_markdown():
    turn = Turn(role="user", text="What is it?", images=(Image(data=b"\x89PNG", media_type="image/png"),))
    assert request(prompt=Prompt(turns=(turn,)))["inputs"] == "![](data:image/png;base64,iVBORw==)What is it?"
