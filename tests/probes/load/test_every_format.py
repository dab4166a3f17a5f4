"""What holds for every wire format: read whole, cut anywhere, come in any pieces, or broken anyhow."""

import dataclasses
import random

import pytest

from probes.load.protocols import PROTOCOLS
from probes.load.recorder import read_attempt
from tests.fuzz.mutations import mutated
from tests.probes.load.laws import check, raw_of
from tests.probes.load.streams import STREAMS

FORMATS = sorted(PROTOCOLS)
# Sound is sound wherever it ends, and Triton has no terminator: there the transport tells.
ENDS_UNSEEN = {"openai-speech", "triton"}
MUTANTS = 300


@pytest.mark.parametrize("api", FORMATS)
def test_a_whole_answer_is_read_as_its_specification_says(api):
    stream, wire = STREAMS[api], PROTOCOLS[api]
    record = read_attempt(raw_of(api, stream.body)).record
    assert (record.error_class, record.error_message) == (None, None)
    assert wire.answer_text(stream.body) == stream.text
    assert record.chunks == stream.payloads or not stream.payloads
    assert (record.prompt_tokens, record.output_tokens) == (stream.prompt_tokens, stream.output_tokens)
    assert record.finish_reason == stream.finish_reason
    assert record.usage_fault is None


@pytest.mark.parametrize("api", FORMATS)
def test_a_stream_that_is_cut_anywhere_says_what_came_and_is_no_success(api):
    stream, wire = STREAMS[api], PROTOCOLS[api]
    whole = wire.read_stream(stream.body)
    for place in range(len(stream.body)):
        part = stream.body[:place]
        reading = read_attempt(raw_of(api, part, cut_short="the server closed the connection"))
        facts = wire.read_stream(part)
        known = [end for end in facts.payload_ends if end < place]
        assert known == whole.payload_ends[: len(known)] or api == "openai-speech"
        if facts.fault is None:
            assert stream.text.startswith(wire.answer_text(part))
        if not facts.terminal or api in ENDS_UNSEEN:
            assert reading.record.error_class is not None
        else:  # all that tells the end has come: what is missing is a blank line, or usage
            assert reading.record.chunks == len(whole.payload_ends)


@pytest.mark.parametrize("api", [api for api in FORMATS if api not in ENDS_UNSEEN])
def test_half_an_answer_is_truncated_and_the_sentence_says_what_its_end_would_have_been(api):
    body = STREAMS[api].body
    record = read_attempt(raw_of(api, body[: len(body) // 2])).record
    assert record.error_class == "truncated"
    assert record.error_message == f"the answer ended without {PROTOCOLS[api].end}"
    assert ("[DONE]" in record.error_message) == (b"[DONE]" in body)


@pytest.mark.parametrize("api", FORMATS)
def test_where_the_reads_cut_an_answer_changes_times_and_nothing_else(api):
    stream = STREAMS[api]
    whole = read_attempt(raw_of(api, stream.body))
    timeless = [
        field.name
        for field in dataclasses.fields(whole.record)
        if not field.name.endswith("_ns") and field.name not in ("reads", "coalesced_chunks")
    ]
    for place in range(1, len(stream.body)):
        reading = read_attempt(raw_of(api, stream.body, [place, len(stream.body)]))
        assert (reading.event_ends, reading.event_classes) == (whole.event_ends, whole.event_classes)
        for name in timeless:
            assert getattr(reading.record, name) == getattr(whole.record, name)


@pytest.mark.parametrize("api", FORMATS)
def test_line_ends_are_no_matter(api):
    stream, wire = STREAMS[api], PROTOCOLS[api]
    if not wire.has_lines or b"\n" not in stream.body or not wire.streams or "audio" in wire.accept:
        return
    lf = stream.body.replace(b"\r\n", b"\n")
    crlf = lf.replace(b"\n", b"\r\n")
    one, other = wire.read_stream(lf), wire.read_stream(crlf)
    assert one.event_classes == other.event_classes
    assert (one.output_tokens, one.finish_reason) == (other.output_tokens, other.finish_reason)
    assert wire.answer_text(lf) == wire.answer_text(crlf) == stream.text


@pytest.mark.parametrize("api", FORMATS)
def test_a_stream_that_is_broken_anyhow_is_a_row_and_no_crash(api):
    generator = random.Random(api)
    body = STREAMS[api].body
    for _ in range(MUTANTS):
        check(api, mutated(body, generator))


def test_every_format_has_its_sample():
    assert set(PROTOCOLS) <= set(STREAMS)
