"""Pictures for a text: one document of megabytes, or sketches and the picture as events."""

import orjson
import pytest

from probes.load.prompt import Prompt
from probes.load.protocols.base import EventClass
from probes.load.protocols.openai_images import OPENAI_IMAGES, has_terminator, read_stream
from probes.load.recorder import record_of
from probes.load.spec import LoadSpec
from tests.probes.load.cuts import check_cuts
from tests.probes.load.laws import raw_of

USAGE = {"input_tokens": 9, "output_tokens": 1000, "total_tokens": 1009}


def event(kind, **more):
    said = {"type": f"image_generation.{kind}", **more}
    return b"event: %b\ndata: %b\n\n" % (said["type"].encode(), orjson.dumps(said))


STREAM = (
    event("partial_image", partial_image_index=0, b64_json="AAAA")
    + event("partial_image", partial_image_index=1, b64_json="AAAA")
    + event("completed", b64_json="AAAA", usage=USAGE)
)


def test_a_document_of_megabytes_is_read_and_its_pictures_are_counted():
    body = orjson.dumps(
        {"created": 1, "data": [{"b64_json": "A" * (5 << 20)}, {"url": "http://h/p.png"}], "usage": USAGE}
    )
    seen = record_of(raw_of("openai-images", body))
    assert (seen.error_class, seen.output_images, seen.output_tokens, seen.prompt_tokens) == (None, 2, 1000, 9)
    assert (seen.answer_streamed, seen.t_first_ns, seen.t_last_ns) == (False, None, 2)
    assert not OPENAI_IMAGES.has_lines


def test_a_picture_that_is_billed_by_the_piece_has_no_tokens():
    seen = read_stream(b'{"created":1,"data":[{"b64_json":"AAAA"}]}')
    assert (seen.output_images, seen.output_tokens, seen.usage_fault) == (1, None, None)


@pytest.mark.parametrize("body", [b'{"data":[]}', b'{"data":[{"b64_json":""}]}', b'{"data":[null]}'])
def test_no_picture_is_an_empty_answer(body):
    assert record_of(raw_of("openai-images", body)).error_class == "empty"


def test_an_error_is_told_from_another_document():
    assert read_stream(b'{"error":{"message":"blocked","code":"moderation_blocked"}}').fault[0] == "stream_error"
    assert read_stream(b'{"id":1}').fault[0] == "parse_error"


def test_the_first_sketch_is_the_first_payload():
    seen = record_of(raw_of("openai-images", STREAM, [STREAM.find(b"event", 9), len(STREAM)]))
    assert (seen.error_class, seen.answer_streamed, seen.t_first_ns, seen.t_last_ns) == (None, True, 2, 3)
    assert (seen.chunks, seen.output_images, seen.output_tokens) == (3, 1, 1000)
    assert read_stream(STREAM).event_classes == bytes([EventClass.IMAGE]) * 3


def test_a_stream_that_breaks_off_behind_a_sketch_is_truncated():
    sketch = event("partial_image", partial_image_index=0, b64_json="AAAA")
    assert record_of(raw_of("openai-images", sketch)).error_class == "truncated"
    died = record_of(raw_of("openai-images", sketch + b'data: {"type":"error","message":"died"}\n\n'))
    assert (died.error_class, died.error_message) == ("stream_error", "error: died")


@pytest.mark.parametrize("body", [STREAM, b'{"data":[{"b64_json":"AAAA"}],"usage":null}'])
def test_an_answer_cut_anywhere_is_its_beginning_and_no_success(body):
    check_cuts(OPENAI_IMAGES, body)


def test_the_completed_event_ends_a_body_under_way():
    assert has_terminator(STREAM)
    assert not has_terminator(STREAM[:-2])
    assert not has_terminator(event("partial_image", b64_json="AAAA"))


def test_a_request_is_for_one_picture_unless_told_otherwise():
    spec = LoadSpec(
        base_url="http://h", model="m", concurrency=1, requests=1, attempt_prefix="t",
        extra_body={"n": 2, "stream": True, "partial_images": 2},
    )  # fmt: skip
    body = orjson.loads(OPENAI_IMAGES.request_body(spec, Prompt.of("a cat")))
    assert body == {"model": "m", "prompt": "a cat", "n": 2, "stream": True, "partial_images": 2}
