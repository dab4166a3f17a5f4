"""Triton's generate extension."""

import orjson
import pytest

from probes.load.origin import parse_origin
from probes.load.prompt import Prompt
from probes.load.protocols.base import EventClass
from probes.load.protocols.triton import TRITON, answer_text, read_stream
from probes.load.recorder import record_of
from probes.load.spec import LoadSpec
from tests.probes.load.cuts import check_cuts
from tests.probes.load.laws import raw_of


def spec(**given):
    return LoadSpec(
        **{"base_url": "http://h", "model": "m", "concurrency": 1, "requests": 1, "attempt_prefix": "t"} | given
    )


def event(text, **more):
    said = {"model_name": "ensemble", "model_version": "1", "text_output": text, **more}
    return b"data: " + orjson.dumps(said) + b"\n\n"


def stream(*texts):
    return b"".join(map(event, texts))


def test_nothing_is_counted_and_what_is_not_counted_is_unknown():
    facts = read_stream(stream("Grü", "ße"))
    assert (facts.prompt_tokens, facts.output_tokens, facts.finish_reason) == (None, None, None)
    assert facts.model_returned == "ensemble"


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        (("Grü", "ße", "!"), "Grüße!"),
        (("Grü", "Grüße", "Grüße!"), "Grüße!"),
        (("ha", "ha", "ha"), "hahaha"),  # pieces: nothing ever grew
        (("a\ufffd", "aé", "aé!"), "aé!"),  # a character that came in two
        (("", "Hi", "Hi there"), "Hi there"),
        (("Hi",), "Hi"),
        (("a", "ab", "c"), "aabc"),  # begins alike by chance
    ],
)
def test_a_text_so_far_is_told_from_a_piece_by_how_it_begins(texts, whole):
    assert answer_text(stream(*texts)) == whole


def test_the_same_text_again_is_payload_as_a_piece_and_none_as_the_text_so_far():
    assert len(read_stream(stream("ha", "ha", "!")).payload_ends) == 3
    so_far = read_stream(stream("Hi", "Hi", "Hi there"))
    assert list(so_far.event_classes) == [EventClass.TEXT, EventClass.EMPTY, EventClass.TEXT]


def test_of_several_beams_the_first_is_read():
    assert answer_text(event(["Hi", "Ho"]) + event([" there", " ho"])) == "Hi there"


def test_an_answer_is_whole_if_its_message_is_and_truncated_if_the_connection_was_lost():
    body = stream("Hi", " there")
    assert record_of(raw_of("triton", body)).error_class is None
    lost = record_of(raw_of("triton", body, cut_short="the server closed the connection"))
    assert (lost.error_class, lost.error_message) == ("truncated", "the server closed the connection")


@pytest.mark.parametrize("body", [stream(""), stream("Hi")[:-9], b": ping\n\n"])
def test_a_message_that_ends_without_text_or_inside_an_event_is_no_answer(body):
    assert record_of(raw_of("triton", body)).error_class == "truncated"


def test_an_error_after_200_is_a_stream_error():
    failed = b'data: {"error":"in ensemble, failed to allocate"}\n\n'
    record = record_of(raw_of("triton", stream("Hi") + failed))
    assert (record.error_class, record.error_message) == ("stream_error", "in ensemble, failed to allocate")


def test_a_stream_cut_anywhere_is_its_beginning():
    check_cuts(TRITON, stream("Grü", "ße", "日本"))


def test_the_model_and_its_version_stand_in_the_path_and_v2_stands_there_once():
    path = TRITON.path(spec(model="a model/versions/1"))
    assert path == "/v2/models/a%20model/versions/1/generate_stream"
    for base_url in ("http://h", "http://h/", "http://h/v2"):
        assert parse_origin(base_url, path).target == path


def test_a_request_is_that_of_tensorrt_llm_and_can_be_made_another():
    body = orjson.loads(TRITON.request_body(spec(output_tokens=9, extra_body={"top_k": 1}), Prompt.of("Hello")))
    assert body == {
        "text_input": "Hello", "max_tokens": 9, "bad_words": "", "stop_words": "", "stream": True, "temperature": 0.0,
        "top_k": 1,
    }  # fmt: skip
