"""OpenAI images: pictures for a text, as one JSON document or, with `stream` in extra_body, as events.

A picture in a document is base64 of megabytes without a line break, or a link. In a stream sketches (`partial_images`)
may come before the picture: the first of them is the first payload.
"""

import re
from dataclasses import dataclass
from typing import Final

import orjson

from probes.load.document import is_document, read_document
from probes.load.prompt import Prompt
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer
from probes.load.protocols.reading import EventReader, last_count, read_json_events, text_or_none
from probes.load.spec import LoadSpec
from probes.load.sse import cut_events

_OTHER, _EMPTY, _IMAGE = int(EventClass.OTHER), int(EventClass.EMPTY), int(EventClass.IMAGE)
_DONE: Final = re.compile(rb'"type"\s*:\s*"image_(?:generation|edit)\.completed"')


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request for one picture; `spec.extra_body` wins.

    Whether a picture comes as base64 or as a link is the server's choice: newer models refuse to be asked.
    """
    return orjson.dumps({"model": spec.model, "prompt": prompt.text, "n": 1} | dict(spec.extra_body))


@dataclass(slots=True)
class ImagesReader(EventReader):
    """Reads the events of a stream, or the one document."""

    def take(self, event: object) -> int:
        """Note what one event says; returns its class."""
        if not isinstance(event, dict):
            return self.take_stranger(event)
        kind = event.get("type")
        if event.get("error") or kind == "error":
            return self.take_error(event)
        self._take_usage(event.get("usage"))
        if isinstance(kind, str) and kind.endswith((".partial_image", ".completed")):
            shown = _has_picture(event)
            if kind.endswith(".completed"):
                self.terminal = True
                self.output_images = (self.output_images or 0) + shown
            return _IMAGE if shown else _EMPTY
        if self.streamed:
            return _OTHER
        data = event.get("data")
        if not isinstance(data, list):
            self.fail("parse_error", f"the answer has no list of pictures but {sorted(event)[:8]}")
            return _OTHER
        self.model_returned = text_or_none(event.get("model"))
        self.output_images = sum(map(_has_picture, data))
        return _IMAGE if self.output_images else _EMPTY

    def _take_usage(self, usage: object) -> None:
        if isinstance(usage, dict):
            self.prompt_tokens = self.count("input_tokens", usage.get("input_tokens"))
            self.output_tokens = self.count("output_tokens", usage.get("output_tokens"))


def _has_picture(item: object) -> bool:
    return isinstance(item, dict) and any(text_or_none(item.get(key)) for key in ("b64_json", "url"))


def read_stream(body: bytes) -> StreamFacts:
    """Everything an answer says. Faults are reported, never raised."""
    if is_document(body):
        return read_document(body, ImagesReader())
    return read_json_events(cut_events(body), ImagesReader())


def has_payload(body: bytes) -> bool:
    """Whether a body under way holds a picture or a sketch; of a document, whether any of it has come."""
    return is_document(body) or bool(read_stream(body).payload_ends)


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with the last event."""
    ended = body.rstrip(b"\r\n")
    return ended != body and _DONE.search(ended, ended.rfind(b"\n") + 1) is not None


output_tokens: Final = last_count("output_tokens")


OPENAI_IMAGES: Final = WireProtocol(
    name="openai-images",
    converses=False,
    path=lambda _: "/images/generations",
    accept="application/json, text/event-stream",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=lambda _: "",
    end="the end of its JSON, or image_generation.completed",
    streams=False,  # unless extra_body asks for it
    has_lines=False,
)
