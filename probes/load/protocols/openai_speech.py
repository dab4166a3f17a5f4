"""OpenAI speech: sound for a text, as raw bytes (the default) or, with stream_format "sse", as events.

Raw sound has no events, so we cut it into some: the header of its container, which is no sound (`EMPTY`); its first
byte; and each 1024 bytes that were complete, with what is left at the end. So the time to the first token is that to
the first byte of sound, the last payload is the last byte, and the gaps between chunks are those between kibibytes: 0
inside a read, else the pause between two reads, whatever the server's own pieces were; none counts as coalesced
(`StreamFacts.is_raw`). Nothing in raw sound tells its end: it is whole if its HTTP message is
(`StreamFacts.ends_with_body`).

WAV is asked for, since it tells how long it is; so do Opus and FLAC (`probes.load.containers`). Of MP3, AAC and raw PCM
the length is unknown.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, Final

import orjson

from probes.load.containers import PAGE_BYTES, audio_s, audio_start
from probes.load.prompt import Prompt
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer
from probes.load.protocols.reading import EventReader, last_count, payload_in, read_json_events
from probes.load.spec import LoadSpec
from probes.load.sse import cut_long_events

_OTHER, _EMPTY, _FINISH, _AUDIO = map(int, (EventClass.OTHER, EventClass.EMPTY, EventClass.FINISH, EventClass.AUDIO))
PIECE_BYTES: Final = 1024
_KEPT: Final = 256  # pieces
_PAGE_PACKED: Final = (PAGE_BYTES + 2 * _KEPT) // 3 * 4 + 4  # letters; each piece may be filled up with two
_FILLING: Final = itemgetter(slice(-2, None))
_VOICE: Final = "alloy"  # the API wants one; other servers have other names: extra_body
_COMMENTS: Final = re.compile(rb"(?::[ -~]*(?:[\r\n]+|\Z))*")
_SSE_FIELDS: Final = (b"data:", b"event:")
_DONE: Final = b'"speech.audio.done"'
_TAIL_BYTES: Final = 2048


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request; `spec.extra_body` wins."""
    asked = {"model": spec.model, "input": prompt.text, "voice": _VOICE, "response_format": "wav"}
    return orjson.dumps(asked | dict(spec.extra_body))


@dataclass(slots=True)
class SpeechReader(EventReader):
    """Reads the events of a stream, and the one document that a server may send in place of sound."""

    _packed: list[str] = field(default_factory=list)  # the sound in base64, piece by piece; its end at least
    _head: bytes = b""  # its beginning, up to some sound
    _started: bool = False  # there is sound in it, not only the header of its container
    _forgotten_bytes: int = 0  # of sound

    def take(self, event: object) -> int:
        """Note what one event says; returns its class."""
        if type(event) is not dict:
            return self.take_stranger(event)
        kind = event.get("type")
        if kind == "error" or event.get("error"):
            return self.take_error(event)
        if kind == "speech.audio.delta":
            packed = event.get("audio")
            if not self._started or type(packed) is not str or len(packed) % 4:
                return self._take_beginning(packed)
            self._packed.append(packed)  # from now on nothing hangs on what a piece holds: it stays packed
            if len(self._packed) > _KEPT:
                self._forget()
            return _AUDIO if packed else _EMPTY
        if kind == "speech.audio.done":
            self._end(event)
            return _FINISH
        return _OTHER

    def _take_beginning(self, packed: object) -> int:
        """A piece up to the first that brings sound, or what is no piece."""
        if not isinstance(packed, str) or len(packed) % 4:
            self.fail("parse_error", f"the sound of an event is not base64: {str(packed)[:40]}")
            return _OTHER
        self._packed.append(packed)
        self._head += self._unpacked(packed)
        start = audio_start(self._head)
        self._started = start is not None and start < len(self._head)
        return _AUDIO if packed and self._started else _EMPTY

    def _forget(self) -> None:
        """Keep the last page of what came: to hold all of it takes more time than to read it."""
        size, kept = 0, len(self._packed)
        while kept and size < _PAGE_PACKED:
            kept -= 1
            size += len(self._packed[kept])
        self._forgotten_bytes += _unpacked_bytes(self._packed[:kept])
        del self._packed[:kept]

    def _unpacked(self, packed: str) -> bytes:
        try:
            return a2b_base64(packed, strict_mode=True)
        except (Base64Error, ValueError):
            self.fail("parse_error", f"the sound of an event is not base64: {packed[:40]}")
            return b""

    def _end(self, event: dict[str, Any]) -> None:
        self.terminal = True
        usage = event.get("usage")
        if isinstance(usage, dict):
            self.prompt_tokens = self.count("input_tokens", usage.get("input_tokens"))
            self.output_tokens = self.count("output_tokens", usage.get("output_tokens"))
        self.output_audio_s = self._sound_s()

    def _sound_s(self) -> float | None:
        tail = b""
        for packed in reversed(self._packed):
            tail = self._unpacked(packed) + tail
            if len(tail) >= PAGE_BYTES:
                break
        return audio_s(self._head, tail=tail, total_bytes=self._forgotten_bytes + _unpacked_bytes(self._packed))


def read_stream(body: bytes) -> StreamFacts:
    """Everything an answer says. Faults are reported, never raised."""
    if _is_sse(body):
        return read_json_events(cut_long_events(body), SpeechReader())
    document = _document(body)
    if document is not None:
        reader = SpeechReader()
        kind = reader.take(document)
        reader.fail("parse_error", f"the answer is JSON and no sound: {str(document)[:80]}")
        return reader.facts([len(body)], bytes([kind]))
    return _read_sound(body)


def _unpacked_bytes(pieces: list[str]) -> int:
    return sum(map(len, pieces)) // 4 * 3 - "".join(map(_FILLING, pieces)).count("=")


def _is_sse(body: bytes) -> bool:
    """Whether these are events, as far as the body has come."""
    comments = _COMMENTS.match(body)
    start = comments.end() if comments else 0
    return any(field.startswith(body[start : start + len(field)]) for field in _SSE_FIELDS)


def _document(body: bytes) -> dict[str, Any] | None:
    if not body.startswith(b"{"):
        return None
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None  # PCM may begin with that byte
    return document if isinstance(document, dict) else None


def _read_sound(body: bytes) -> StreamFacts:
    reader = SpeechReader(ends_with_body=True)
    start = audio_start(body)
    if start is None:
        return reader.facts([len(body)], bytes([_EMPTY]))
    ends = [start] if start else []
    classes = bytes([_EMPTY]) * len(ends)
    if start < len(body):
        pieces = [start + 1, *range(start + PIECE_BYTES, len(body), PIECE_BYTES)]
        if pieces[-1] < len(body):
            pieces.append(len(body))
        ends += pieces
        classes += bytes([_AUDIO]) * len(pieces)
        reader.output_audio_s = audio_s(body, tail=body, total_bytes=len(body))
    return replace(reader.facts(ends, classes), is_raw=True)


has_payload: Final = payload_in(read_stream)


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with the last event; raw sound has none."""
    tail = body[-_TAIL_BYTES:].rstrip(b"\r\n")
    return tail != body[-_TAIL_BYTES:] and _DONE in tail[tail.rfind(b"\n") + 1 :]


output_tokens: Final = last_count("output_tokens")


OPENAI_SPEECH: Final = WireProtocol(
    name="openai-speech",
    converses=False,
    path=lambda _: "/audio/speech",
    accept="*/*",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=lambda _: "",
    end="speech.audio.done",
    has_lines=False,
)
