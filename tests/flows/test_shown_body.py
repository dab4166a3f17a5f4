"""A body in a terminal: what a person can read of it, and nothing that a terminal obeys."""

import pytest

from flows.shownbody import content_type, readable
from probes.load.multipart import form_body
from probes.load.wav import wav_of_tones
from tests.probes.load.streams import STREAMS, frame

FORM = "multipart/form-data"
FRAMES = "application/vnd.amazon.eventstream"
HELLO = frame("event", "contentBlockDelta", {"delta": {"text": "Grüne"}})
SAID = '{"contentBlockDelta":{"delta": {"text": "Grüne"}}}'


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("POST /v1 HTTP/1.1\r\nContent-Type: application/json; charset=utf-8\r\n", "application/json"),
        ("content-type: text/event-stream", "text/event-stream"),
        ("accept: application/json", ""),
    ],
)
def test_a_head_says_what_its_body_is(head, kind):
    assert content_type(head) == kind


def test_text_is_as_it_is_and_steers_no_terminal():
    body = 'data: "Grüne\t\x1b[31m"\r\n\xff'.encode("latin-1").replace(b"\xfc", "ü".encode())
    assert readable(body, "text/event-stream") == 'data: "Grüne\\x09\\x1b[31m"\n\\xff'


def test_frames_are_shown_by_what_they_say():
    assert readable(HELLO + HELLO, FRAMES) == f"{SAID}\n{SAID}"
    assert readable(HELLO + HELLO[:-5], FRAMES) == f"{SAID}\n(and {len(HELLO) - 5} bytes of a frame)"
    broken = readable(HELLO + HELLO[:-1] + b"?", FRAMES)
    assert broken == (
        f"{SAID}\n(frame 1 of the event stream, at byte {len(HELLO)}: its checksum is wrong; what follows is not shown)"
    )
    assert readable(frame("event", "x", "\x1b[31m"), FRAMES) == '{"x":"\\u001b[31m"}'


def test_sound_and_files_are_shown_by_how_long_they_are():
    sound = STREAMS["openai-speech"].body
    assert readable(sound, "audio/wav") == f"({len(sound):,} bytes of audio/wav)"
    wav = wav_of_tones(seconds=1, seed="a")
    file = {"file_field": "file", "file_name": "a.wav", "media_type": "audio/wav", "data": wav}
    shown = readable(form_body({"model": "whisper-1"}, **file), FORM)
    assert f"({len(wav):,} bytes)" in shown
    assert "whisper-1" in shown
    assert len(shown) < 600
    assert readable(b"\r\nno form", FORM) == "\nno form"
