"""Triton's generate extension, /v2/models/NAME/generate_stream, in the form of TensorRT-LLM's models.

The base URL is the server's root, with or without /v2; `NAME/versions/1` names a version. What a model answers is its
own affair: `text_output` is the next piece of the text, or all of it so far. It is taken for the latter if each begins
with the one before it, and one is longer.

Nothing is counted by the server, so all counts are unknown. Nothing says that the answer is at its end, either: an
answer with some text and no error is whole if its HTTP message is (`StreamFacts.ends_with_body`), and truncated if the
connection was lost before that.
"""

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

import orjson

from probes.load.alike import is_plain
from probes.load.document import as_it_came
from probes.load.prompt import Prompt
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer
from probes.load.protocols.molds import STRING_END, read_sse_onward
from probes.load.protocols.reading import EventReader, parse_json_events, payload_in, read_json_events, text_or_none
from probes.load.spec import LoadSpec
from probes.load.sse import cut_events

_HEAD_BYTES: Final = 2048
_NAME: Final = b'"text_output"'
_KEY: Final = re.compile(rb'"text_output"\s*:\s*"')
_OTHER, _EMPTY, _TEXT = int(EventClass.OTHER), int(EventClass.EMPTY), int(EventClass.TEXT)


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request; `spec.extra_body` wins, for models that name their inputs otherwise."""
    body: dict[str, object] = {
        "text_input": prompt.text,
        "max_tokens": spec.output_tokens,
        "bad_words": "",
        "stop_words": "",
        "stream": True,
    }
    if spec.temperature is not None:
        body["temperature"] = spec.temperature
    return orjson.dumps(body | dict(spec.extra_body))


@dataclass(slots=True)
class TritonReader(EventReader):
    """Reads the events of a stream."""

    _taken: int = 0
    _last: str = ""
    _begins_alike: bool = True  # so far, each text began with the one before it
    _grew: bool = False
    _after: bytes = b""  # what stood behind the text of an event
    _repeats: list[int] = field(default_factory=list)  # events with the same text as the one before

    def take(self, event: object) -> int:
        """Note what one event says; returns its class."""
        place = self._taken
        self._taken += 1
        if type(event) is not dict:
            return self.take_stranger(event)
        if event.get("error"):
            return self.take_error(event)
        if self.model_returned is None:
            self.model_returned = text_or_none(event.get("model_name"))
        text = _text(event)
        if not text:
            return _OTHER if text is None else _EMPTY
        last = self._last
        if text == last:
            self._repeats.append(place)
        elif self._begins_alike and last:
            # A character that is cut stands as U+FFFD until the rest of it came.
            self._begins_alike = self._grew = text.startswith(last.rstrip("\ufffd"))
        self._last = text
        return _TEXT

    def take_grown(self, texts: list[bytes], first: int, kind: int) -> bytes:
        """Note the events from `first` on whose text is that of the one before and more; their classes.

        They are not parsed, since each holds all text so far: only what was added is looked at.

        Args:
            texts: what each event is cut from.
            first: index of the first that is not read yet.
            kind: class of the one before it.
        """
        if kind != _TEXT or not self._begins_alike or first == len(texts):
            return b""
        model = texts[first - 1]
        start, stop = _text_place(model, self._after)
        if not stop:
            return b""
        last, after = model[:stop], model[stop:]
        self._after = after
        size = len(after)
        grown = 0
        for text in islice(texts, first, None):
            if not (text.startswith(last) and text.endswith(after) and is_plain(text[len(last) : -size])):
                break
            grown += 1
            last = text[:-size]
        if grown:
            self._taken += grown
            self._grew = True
            self._last = orjson.loads(b'"%b"' % last[start:])
        return bytes([_TEXT]) * grown

    @property
    def is_so_far(self) -> bool:
        """Whether each text is all of it so far."""
        return self._begins_alike and self._grew

    def facts(self, event_ends: list[int], event_classes: bytes) -> StreamFacts:
        """What was said, once all events were taken."""
        if self.is_so_far and self._repeats:  # the same again brings nothing
            classes = bytearray(event_classes)
            for place in self._repeats:
                classes[place] = _EMPTY
            event_classes = bytes(classes)
        self.ends_with_body = bool(self._last) and not self.misread
        return EventReader.facts(self, event_ends, event_classes)


def _text_place(event: bytes, after: bytes) -> tuple[int, int]:
    """Where the text of an event begins and ends, without its quotes; (0, 0) if that is not plain to see.

    Args:
        event: JSON.
        after: what stood behind the text of another event, if any: to look there is quicker.
    """
    key = _KEY.match(event, max(event.find(_NAME), 0))
    if key is None or event.count(_NAME) > 1:
        return 0, 0
    start = key.end()
    stop = len(event) - len(after)
    text = event[start:stop]
    # If each quote has a backslash, and no two backslashes stand together, the text goes on to the end that is known.
    if not (after and event.endswith(after) and b"\\\\" not in text and text.count(b'"') == text.count(b'\\"')):
        end = STRING_END.match(event, start)
        stop = end.end() - 1 if end else 0
    # A name in escapes is another of the same.
    return (0, 0) if b"\\" in event[:start] or b"\\" in event[stop:] else (start, stop)


def _text(event: dict[str, Any]) -> str | None:
    text = event.get("text_output")
    if isinstance(text, list):  # one of each beam
        text = text[0] if text else ""
    return text if isinstance(text, str) else None


def read_stream(body: bytes) -> StreamFacts:
    """Everything an answer says, streamed or in one document of that form. Faults are reported, never raised."""
    reader = TritonReader()
    grows = _grows(body[:_HEAD_BYTES])
    facts = read_sse_onward(body, reader, reader.take_grown) if grows else read_json_events(cut_events(body), reader)
    return as_it_came(body, facts)


def _grows(head: bytes) -> bool:
    """Whether the first two texts that differ look like text so far."""
    last = ""
    for event in parse_json_events(cut_events(head).data)[0]:
        text = _text(event) if isinstance(event, dict) else None
        if text and last and text != last:
            return text.startswith(last)
        last = text or last
    return False


has_payload: Final = payload_in(read_stream)


def answer_text(body: bytes) -> str:
    """The visible text; as far as the stream is JSON."""
    events, _ = parse_json_events(cut_events(body).data)
    reader = TritonReader()
    texts = []
    for event in events:
        if isinstance(event, dict):
            reader.take(event)
            texts.append(_text(event) or "")
    return next((text for text in reversed(texts) if text), "") if reader.is_so_far else "".join(texts)


TRITON: Final = WireProtocol(
    name="triton",
    path=lambda spec: f"/v2/models/{quote(spec.model)}/generate_stream",
    accept="text/event-stream",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=lambda _: False,
    output_tokens=lambda _: None,
    answer_text=answer_text,
    end="an event with text_output that is whole",
)
