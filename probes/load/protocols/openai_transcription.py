"""OpenAI transcription: text for a sound, as one JSON document or, with `stream` in extra_body, as events.

The sound is that of the prompt; of a prompt without any it is made on the spot (`probes.load.wav`), as long as reading
its text aloud would take, so that the prompt length of a workload rules it. An empty transcript is an answer like
another: in sounds without words there are none.

vLLM streams the chunks of a chat instead of OpenAI's events; both are read.
"""

import re
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from probes.load.document import is_document, read_document
from probes.load.multipart import CONTENT_TYPE, form_body
from probes.load.prompt import Prompt
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer
from probes.load.protocols.reading import (
    EventReader,
    last_count,
    parse_json_events,
    read_json_events,
    seconds,
    text_or_none,
)
from probes.load.spec import LoadSpec
from probes.load.sse import cut_events
from probes.load.wav import reading_s, wav_of_tones

_OTHER, _USAGE, _EMPTY = int(EventClass.OTHER), int(EventClass.USAGE), int(EventClass.EMPTY)
_FINISH, _TEXT, _RESULT = int(EventClass.FINISH), int(EventClass.TEXT), int(EventClass.RESULT)
_DONE: Final = re.compile(rb'"transcript\.text\.done"|data: ?\[DONE\]$')
_TAIL_BYTES: Final = 2048


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The form of one request; `spec.extra_body` wins over every field but the file."""
    sound = prompt.audio
    if sound is None:
        sound = wav_of_tones(seconds=reading_s(prompt.text), seed=prompt.text)
    fields = {"model": spec.model, "response_format": "json", "temperature": spec.temperature} | dict(spec.extra_body)
    return form_body(fields, file_field="file", file_name="sound.wav", media_type="audio/wav", data=sound)


@dataclass(slots=True)
class TranscriptionReader(EventReader):
    """Reads the events of a stream, or the one document."""

    _spoken: bool = False  # some text has come

    def take(self, event: object) -> int:
        """Note what one event says; returns its class."""
        if type(event) is not dict:
            return self.take_stranger(event)
        kind = event.get("type")
        if event.get("error") or kind == "error":
            return self.take_error(event)
        if isinstance(event.get("usage"), dict):
            self._take_usage(event["usage"])
        if kind in ("transcript.text.delta", "transcript.text.segment"):
            return self._text_class(event.get("delta") or event.get("text"))
        if "choices" in event:
            return self._take_chunk(event)
        return self._take_end(event)

    def _take_end(self, event: dict[str, Any]) -> int:
        """The last event, or the document: either has the whole text."""
        if event.get("type") == "transcript.text.done":
            self.terminal = True
            return _FINISH if self._spoken else _RESULT
        if isinstance(event.get("text"), str):
            self.input_audio_s = _length_s(event.get("duration")) if self.input_audio_s is None else self.input_audio_s
            return _RESULT
        if not self.streamed:
            self.fail("parse_error", f"the answer has no text but {sorted(event)[:8]}")
        return _OTHER

    def _take_chunk(self, event: dict[str, Any]) -> int:
        """A chunk of vLLM."""
        if self.model_returned is None:
            self.model_returned = text_or_none(event.get("model"))
        choices = event["choices"]
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return _USAGE if isinstance(event.get("usage"), dict) else _OTHER
        if choice.get("finish_reason"):
            self.finish(choice["finish_reason"])
        delta = choice.get("delta")
        kind = self._text_class(delta.get("content") if isinstance(delta, dict) else None)
        return _FINISH if kind == _EMPTY and choice.get("finish_reason") else kind

    def _text_class(self, text: object) -> int:
        self._spoken |= bool(text)
        return _TEXT if text else _EMPTY

    def _take_usage(self, usage: dict[str, Any]) -> None:
        read, written = usage.get("input_tokens"), usage.get("output_tokens")
        self.prompt_tokens = self.count("input_tokens", usage.get("prompt_tokens") if read is None else read)
        self.output_tokens = self.count("output_tokens", usage.get("completion_tokens") if written is None else written)
        self.input_audio_s = _length_s(usage.get("seconds"))


def _length_s(value: object) -> float | None:
    """A length of sound; some servers write it as text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
        if not isfinite(value):  # "inf" is a number to Python
            return None
    return seconds(value)


def read_stream(body: bytes) -> StreamFacts:
    """Everything an answer says. Faults are reported, never raised."""
    if is_document(body):
        return read_document(body, TranscriptionReader())
    return read_json_events(cut_events(body), TranscriptionReader())


def has_payload(body: bytes) -> bool:
    """Whether a body under way holds any text; of a document, whether any of it has come."""
    return is_document(body) or bool(read_stream(body).payload_ends)


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with the last event."""
    tail = body[-_TAIL_BYTES:].rstrip(b"\r\n")
    return tail != body[-_TAIL_BYTES:] and _DONE.search(tail, tail.rfind(b"\n") + 1) is not None


output_tokens: Final = last_count("output_tokens|completion_tokens")


def answer_text(body: bytes) -> str:
    """The transcript, as far as it is JSON."""
    events, _ = parse_json_events([body] if is_document(body) else cut_events(body).data)
    return "".join(_text(event) for event in events if isinstance(event, dict))


def _text(event: dict[str, Any]) -> str:
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    delta = choice.get("delta") if isinstance(choice, dict) else None
    said = delta.get("content") if isinstance(delta, dict) else event.get("delta")
    if "type" not in event and said is None:
        said = event.get("text")
    return said if isinstance(said, str) else ""


OPENAI_TRANSCRIPTION: Final = WireProtocol(
    name="openai-transcription",
    converses=False,
    path=lambda _: "/audio/transcriptions",
    accept="application/json, text/event-stream",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=answer_text,
    end="transcript.text.done",
    content_type=CONTENT_TYPE,
    streams=False,  # unless extra_body asks for it
    has_lines=False,
)
