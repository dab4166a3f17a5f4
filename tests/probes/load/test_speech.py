"""Sound for a text: the first byte of sound, not of its container."""

import base64
import io
import struct
import wave

import orjson
import pytest

from probes.load.containers import audio_s, audio_start
from probes.load.prompt import Prompt
from probes.load.protocols.base import EventClass
from probes.load.protocols.openai_speech import OPENAI_SPEECH, PIECE_BYTES, has_terminator, read_stream
from probes.load.recorder import record_of
from probes.load.spec import LoadSpec
from tests.probes.load.cuts import check_cuts
from tests.probes.load.laws import raw_of

EMPTY, AUDIO, FINISH = EventClass.EMPTY, EventClass.AUDIO, EventClass.FINISH
USAGE = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}


def wav(samples, *, rate=24_000):
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(bytes(2 * samples))
    return file.getvalue()


def page(data, *, granules=0, flags=0):
    segments = [255] * (len(data) // 255) + [len(data) % 255]
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granules, 1, 0, 0, len(segments))
    return head + bytes(segments) + data


def opus(granules, *, skipped=312):
    head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, skipped, 24_000, 0, 0)
    return page(head, flags=2) + page(b"OpusTags" + bytes(300)) + page(b"\xfc" * 400, granules=granules)


def flac(samples, *, rate=24_000):
    info = bytes(10) + ((rate << 44) | (15 << 36) | samples).to_bytes(8, "big") + bytes(16)
    return (
        b"fLaC"
        + b"\0"
        + len(info).to_bytes(3, "big")
        + info
        + b"\x81"
        + (4).to_bytes(3, "big")
        + bytes(4)
        + b"\xff\xf8" * 9
    )


def sse(*events):
    return b"".join(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event)) for event in events)


def delta(data):
    return {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()}


def seconds(body):
    return audio_s(body, tail=body, total_bytes=len(body))


def test_a_header_is_no_sound_and_the_first_byte_behind_it_is():
    body = wav(3000)
    facts = read_stream(body)
    assert facts.event_ends[:3] == [44, 45, 44 + PIECE_BYTES]
    assert list(facts.event_classes[:2]) == [EMPTY, AUDIO]
    assert facts.payload_ends == [45, *range(44 + 1024, len(body), 1024), len(body)]


def test_the_first_token_is_when_the_first_sound_came_though_its_header_came_before():
    body = wav(3000)
    seen = record_of(raw_of("openai-speech", body, [44, 1000, len(body)]))
    assert (seen.t_byte_ns, seen.t_choice_ns, seen.t_first_ns, seen.t_visible_ns, seen.t_last_ns) == (2, 2, 3, 3, 4)
    assert (seen.output_audio_s, seen.output_tokens, seen.answer_streamed) == (0.125, None, True)


def test_pieces_of_one_read_are_ours_and_not_coalesced_and_only_pauses_between_reads_are_gaps():
    body = wav(5 * 512)
    seen = record_of(raw_of("openai-speech", body, [len(body)]))
    assert (seen.chunks, seen.coalesced_chunks, seen.chunk_gap_max_ns) == (6, 0, 0)


@pytest.mark.parametrize(
    ("body", "start", "length_s"),
    [
        (wav(2400), 44, 0.1),
        (wav(0), 44, 0.0),
        (wav(2400)[:12] + b"LIST\x05\0\0\0abcde\0" + wav(2400)[12:], 58, 0.1),  # a chunk of odd length, padded
        (wav(2400)[:40] + b"\xff\xff\xff\xff" + bytes(4800), 44, 0.1),  # a server that streams
        (wav(2400)[:40] + bytes(4) + bytes(4800), 44, 0.1),
        (wav(2400) + b"LIST\4\0\0\0abcd", 44, 0.1),  # something behind the sound
        (opus(48_312), 28 + 19 + 29 + 308 + 29, 1.0),
        (flac(12_000), 4 + 4 + 34 + 4 + 4, 0.5),
        (flac(0), 50, None),  # a server that streams does not know
        (b"ID3\4\0\0\0\0\x01\x02" + bytes(130) + b"\xff\xfb\x90\0" + bytes(300), 140, None),
        (b"\xff\xfb\x90\0" + bytes(300), 0, None),
        (b"\x01\x02" * 200, 0, None),
    ],
)  # fmt: skip
def test_each_container_tells_where_its_sound_begins_and_most_how_long_it_is(body, start, length_s):
    assert audio_start(body) == start
    assert seconds(body) == length_s
    for place in range(1, len(body)):
        assert audio_start(body[:place]) in (None, start)
        seconds(body[:place])


def test_raw_sound_is_whole_if_its_message_is():
    for body in (wav(3000), b"\x01\x02" * 900):
        assert record_of(raw_of("openai-speech", body)).error_class is None
        assert record_of(raw_of("openai-speech", body, cut_short="lost")).error_class == "truncated"


def test_a_header_without_sound_is_an_empty_answer():
    assert record_of(raw_of("openai-speech", wav(0))).error_class == "empty"
    assert record_of(raw_of("openai-speech", wav(9)[:30])).error_class == "empty"


def test_a_json_answer_is_an_error_or_at_least_no_sound():
    failed = record_of(raw_of("openai-speech", b'{"error":{"message":"no such voice","code":"x"}}'))
    assert (failed.error_class, failed.error_message) == ("stream_error", "x: no such voice")
    assert record_of(raw_of("openai-speech", b'{"audio":"AAAA"}')).error_class == "parse_error"
    assert record_of(raw_of("openai-speech", b"{" + bytes(300))).error_class is None  # PCM may begin like that


def test_events_are_read_with_their_usage_and_their_length():
    sound = wav(2400)
    body = sse(
        delta(sound[:40]), delta(sound[40:100]), delta(sound[100:]), {"type": "speech.audio.done", "usage": USAGE}
    )
    facts = read_stream(body)
    assert list(facts.event_classes) == [EMPTY, AUDIO, AUDIO, FINISH]
    assert (facts.prompt_tokens, facts.output_tokens, facts.output_audio_s) == (14, 101, 0.1)
    assert (facts.terminal, facts.ends_with_body, facts.fault) == (True, False, None)
    assert has_terminator(body)
    assert not has_terminator(body[:-3])
    assert not has_terminator(sound)


def test_a_page_of_opus_may_be_cut_between_events():
    sound = opus(48_312)
    pieces = [delta(sound[n : n + 90]) for n in range(0, len(sound), 90)]
    assert read_stream(sse(*pieces, {"type": "speech.audio.done"})).output_audio_s == 1.0


@pytest.mark.parametrize("audio", ["A", "####", None, 5])
def test_an_event_without_base64_is_a_fault(audio):
    assert read_stream(sse({"type": "speech.audio.delta", "audio": audio})).fault[0] == "parse_error"


def test_an_error_between_events_is_a_stream_error():
    facts = read_stream(sse(delta(b"\x01\x02" * 50), {"type": "error", "error": {"message": "died"}}))
    assert facts.fault == ("stream_error", "died")


def test_events_cut_anywhere_are_their_beginning_and_no_success():
    sound = wav(60)
    check_cuts(OPENAI_SPEECH, b": hello\n\n" + sse(delta(sound[:44]), delta(sound[44:]), {"type": "speech.audio.done"}))


@pytest.mark.parametrize("body", [wav(1500), opus(48_312), flac(9), b"\x01\x02" * 1500])
def test_sound_cut_anywhere_is_its_beginning(body):
    whole = read_stream(body)
    for place in range(1, len(body), 7):
        part = read_stream(body[:place])
        told = len(part.event_ends)
        assert part.event_ends[:-1] == whole.event_ends[: max(told - 1, 0)]
        assert part.event_classes == whole.event_classes[:told]
        assert not part.terminal


def test_a_request_asks_for_wav_unless_told_otherwise():
    spec = LoadSpec(
        base_url="http://h", model="m", concurrency=1, requests=1, attempt_prefix="t", extra_body={"voice": "af_heart"}
    )
    body = orjson.loads(OPENAI_SPEECH.request_body(spec, Prompt.of("Hello")))
    assert body == {"model": "m", "input": "Hello", "voice": "af_heart", "response_format": "wav"}
    assert OPENAI_SPEECH.path(spec) == "/audio/speech"


@pytest.mark.parametrize("piece_bytes", [301, 1024, 70_000])
def test_sound_of_more_pieces_than_are_kept_is_as_long_as_in_one(piece_bytes):
    for body in (wav(250_000), opus(48_000 * 9)):
        pieces = [body[n : n + piece_bytes] for n in range(0, len(body), piece_bytes)]
        events = [delta(piece) for piece in pieces]
        facts = read_stream(
            b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in [*events, {"type": "speech.audio.done"}])
        )
        assert len(facts.event_ends) == len(pieces) + 1
        assert facts.output_audio_s == pytest.approx(seconds(body))
