"""Cutting Amazon's frames, checked against botocore's own reader of them."""

import struct
import zlib

import orjson
import pytest
from botocore import eventstream
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.load.event_stream import cut_frames, last_frame
from probes.load.redaction import Secrets

SOME = settings(max_examples=60, deadline=None)
KINDS = st.sampled_from(["messageStart", "contentBlockDelta", "metadata", "größe"])
PAYLOADS = st.dictionaries(st.text("abp", max_size=2), st.text(max_size=20), max_size=3)
FRAMES = st.lists(st.tuples(KINDS, PAYLOADS), max_size=6)


def header(name, value, kind=7):
    if kind == 7:
        value = value.encode()
    length = struct.pack(">H", len(value)) if kind in (6, 7) else b""
    return struct.pack(">B", len(name)) + name.encode() + bytes([kind]) + length + value


def frame(headers, payload):
    prelude = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def event(kind, said):
    names = header(":event-type", kind) + header(":content-type", "application/json") + header(":message-type", "event")
    return frame(names, orjson.dumps(said))


def exception(kind, payload):
    return frame(header(":message-type", "exception") + header(":exception-type", kind), payload)


HELLO = event("contentBlockDelta", {"delta": {"text": "Hello"}})


@SOME
@given(FRAMES)
def test_every_frame_is_an_event_with_its_kind_as_the_key(frames):
    frames_bytes = [event(kind, said) for kind, said in frames]
    cut = cut_frames(b"".join(frames_bytes))
    assert [orjson.loads(text) for text in cut.events.data] == [{kind: said} for kind, said in frames]
    assert cut.events.ends == [sum(map(len, frames_bytes[: n + 1])) for n in range(len(frames))]
    assert (cut.broken, cut.torn, cut.events.errors) == (None, False, frozenset())


@SOME
@given(FRAMES)
def test_botocore_reads_the_same(frames):
    body = b"".join(event(kind, said) for kind, said in frames)
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(body)
    theirs = [{one.headers[":event-type"]: orjson.loads(one.payload)} for one in buffer]
    assert [orjson.loads(text) for text in cut_frames(body).events.data] == theirs


@SOME
@given(FRAMES)
def test_a_body_cut_anywhere_gives_the_frames_that_were_whole_by_then(frames):
    body = b"".join(event(kind, said) for kind, said in frames)
    whole = cut_frames(body).events
    for place in range(len(body)):
        part = cut_frames(body[:place])
        come = sum(end <= place for end in whole.ends)
        assert (part.events.data, part.events.ends) == (whole.data[:come], whole.ends[:come])
        assert part.broken is None
        assert part.torn == (place > (whole.ends[come - 1] if come else 0))


@SOME
@given(st.integers(0, 3 * len(HELLO) - 1), st.integers(1, 255))
def test_a_byte_that_changed_on_the_way_breaks_its_frame_and_what_follows(place, change):
    body = bytearray(HELLO * 3)
    body[place] ^= change
    cut = cut_frames(bytes(body))
    whole = place // len(HELLO)
    assert cut.broken is not None
    assert cut.broken.startswith(f"frame {whole} of the event stream, at byte {whole * len(HELLO)}: ")
    assert cut.events.data == [*cut_frames(HELLO * whole).events.data, b""]
    assert len(cut.events.ends) == whole + 1
    assert cut.events.ends[-1] <= len(body)


def test_botocore_calls_the_same_bytes_damaged():
    for place in range(0, len(HELLO), 7):
        body = bytearray(HELLO)
        body[place] ^= 0x40
        buffer = eventstream.EventStreamBuffer()
        buffer.add_data(bytes(body))
        with pytest.raises(eventstream.ChecksumMismatch):
            list(buffer)


def test_exceptions_and_errors_say_what_they_are():
    cut = cut_frames(
        HELLO
        + exception("throttlingException", b'{"message":"Too many requests"}')
        + exception("modelStreamErrorException", b"no JSON")
        + exception("internalServerException", b"{}")
        + frame(
            header(":message-type", "error") + header(":error-code", "E1") + header(":error-message", "it broke"), b""
        )
    )
    assert cut.events.errors == {1, 2, 3, 4}
    assert [orjson.loads(text)["error"] for text in cut.events.data[1:]] == [
        {"code": "throttlingException", "message": "Too many requests"},
        {"code": "modelStreamErrorException", "message": "no JSON"},
        {"code": "internalServerException", "message": None},
        {"code": "E1", "message": "it broke"},
    ]


def test_headers_of_all_types_are_passed_over():
    odd = b"".join(
        header(name, value, kind)
        for name, value, kind in [
            ("t", b"", 0),
            ("f", b"", 1),
            ("b", b"\x01", 2),
            ("s", b"\x00\x01", 3),
            ("i", b"\x00" * 4, 4),
            ("l", b"\x00" * 8, 5),
            ("y", b"\xff\xfe", 6),
            ("d", b"\x00" * 8, 8),
            ("u", b"\x00" * 16, 9),
        ]
    )
    cut = cut_frames(frame(odd + header(":event-type", "messageStop"), b"{}"))
    assert cut.events.data == [b'{"messageStop":{}}']


@pytest.mark.parametrize(
    "headers", [b"\x05ab", b"\x01a\x0a", b"\x01a\x07\x00\x09x", b"\x01a\x07\x00\x01\xff", b"\x02a"]
)
def test_headers_that_cannot_be_read_break_their_frame(headers):
    cut = cut_frames(HELLO + frame(headers, b"{}"))
    assert cut.broken is not None
    assert "frame 1" in cut.broken
    assert "headers" in cut.broken


@pytest.mark.parametrize(("frame_bytes", "header_bytes"), [(15, 0), (40, 30), (1 << 30, 0)])
def test_lengths_that_cannot_be_break_their_frame_at_once(frame_bytes, header_bytes):
    prelude = struct.pack(">II", frame_bytes, header_bytes)
    cut = cut_frames(prelude + struct.pack(">I", zlib.crc32(prelude)))
    assert cut.broken is not None
    assert str(frame_bytes) in cut.broken


def test_an_answer_that_is_no_event_stream_is_told_from_its_first_bytes():
    assert cut_frames(b'{"message":"not here"}').broken is not None
    assert cut_frames(b"<html>").torn


def test_a_big_frame_and_an_empty_payload():
    big = event("contentBlockDelta", {"delta": {"text": "x" * 5_000_000}})
    assert cut_frames(big).events.ends == [len(big)]
    assert cut_frames(frame(header(":event-type", "contentBlockStop"), b"")).events.data == [
        b'{"contentBlockStop":null}'
    ]


def test_the_last_frame_is_known_though_the_beginning_is_missing():
    metadata = event("metadata", {"usage": {"outputTokens": 3}})
    said = b'{"metadata":{"usage":{"outputTokens":3}}}'
    assert last_frame(metadata) == last_frame((HELLO + metadata)[50:]) == said
    assert last_frame(metadata[:-1]) is None
    assert last_frame(metadata[1:]) is None
    assert last_frame(metadata + HELLO) == cut_frames(HELLO).events.data[0]
    assert last_frame(b"") is None


def test_a_frame_from_which_a_key_was_taken_out_is_read_although_its_checksum_is_that_of_the_key():
    key = "sk-planted-0123456789"
    body = event("messageStart", {"role": "assistant"}) + exception(
        "throttlingException", orjson.dumps({"message": f"bad key {key}"})
    )
    assert cut_frames(body.replace(key.encode(), b"#" * len(key))).broken is not None
    cut = cut_frames(Secrets(key).star(body, thorough=False))
    assert cut.broken is None
    assert b"bad key *****" in cut.events.data[-1]
