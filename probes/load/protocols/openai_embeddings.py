"""OpenAI embeddings: one JSON document with a vector for each text.

The vectors are asked for in base64, little-endian float32: as JSON numbers they are about four times larger, and
reading those would be most of what is measured.
"""

import sys
from array import array
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass
from math import isfinite
from typing import Final

import orjson

from probes.load.document import read_document
from probes.load.prompt import Prompt
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer
from probes.load.protocols.reading import EventReader, text_or_none
from probes.load.spec import LoadSpec

_FLOAT_BYTES: Final = 4


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request for the documents of a prompt, or its text if it has none; `spec.extra_body` wins."""
    body: dict[str, object] = {
        "model": spec.model,
        "input": list(prompt.documents) or prompt.text,
        "encoding_format": "base64",
    }
    return orjson.dumps(body | dict(spec.extra_body))


@dataclass(slots=True)
class EmbeddingsReader(EventReader):
    """Reads the document. What is no list of finite vectors of one length is a fault."""

    def take(self, event: object) -> int:
        """Note what the document says; returns its class."""
        if not isinstance(event, dict):
            return self.take_stranger(event)
        if event.get("error"):
            return self.take_error(event)
        self.model_returned = text_or_none(event.get("model"))
        usage = event.get("usage")
        if isinstance(usage, dict):
            self.prompt_tokens = self.count("prompt_tokens", usage.get("prompt_tokens"))
            total = self.count("total_tokens", usage.get("total_tokens"))
            if self.prompt_tokens is not None and total is not None and total >= self.prompt_tokens:
                self.output_tokens = total - self.prompt_tokens  # none, by the server's own count
        data = event.get("data")
        if not isinstance(data, list):
            self.fail("parse_error", f"the answer has no list of embeddings but {sorted(event)[:8]}")
            return int(EventClass.OTHER)
        self.input_items = len(data)
        wrong = _wrong_with(data)
        if wrong is not None:
            self.fail("parse_error", wrong)
        return int(EventClass.RESULT if data else EventClass.EMPTY)


def _wrong_with(data: list[object]) -> str | None:
    """What is wrong with a list of embeddings; None if nothing is."""
    dimensions = None
    places = []
    for n, item in enumerate(data):
        vector = item.get("embedding") if isinstance(item, dict) else None
        numbers = _numbers(vector)
        if isinstance(numbers, str):
            return f"embedding {n} {numbers}"
        dimensions = len(numbers) if dimensions is None else dimensions
        if len(numbers) != dimensions:
            return f"embedding {n} has {len(numbers)} dimensions and the first {dimensions}"
        if not isfinite(sum(numbers)):
            return f"embedding {n} holds a number that is not finite"
        places.append(item.get("index", n) if isinstance(item, dict) else n)
    if sorted(places, key=str) != sorted(range(len(data)), key=str):
        return f"the embeddings have the indexes {places[:8]}, not 0 to {len(data) - 1} once each"
    return None


def _numbers(vector: object) -> "array[float] | list[float] | str":
    """The numbers of one embedding in either encoding, or what is wrong with it."""
    if isinstance(vector, str):
        try:
            packed = b64decode(vector, validate=True)
        except (Base64Error, ValueError):
            return "is not base64"
        if len(packed) % _FLOAT_BYTES or not packed:
            return f"is {len(packed)} bytes of base64, which are no float32"
        numbers = array("f", packed)
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers
    if isinstance(vector, list) and vector and all(type(number) in (float, int) for number in vector):
        return vector
    return "is neither base64 nor a list of numbers"


def read_stream(body: bytes) -> StreamFacts:
    """Everything an answer says. Faults are reported, never raised."""
    return read_document(body, EmbeddingsReader())


OPENAI_EMBEDDINGS: Final = WireProtocol(
    name="openai-embeddings",
    converses=False,
    path=lambda _: "/embeddings",
    accept="application/json",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=bool,
    has_terminator=lambda _: False,
    output_tokens=lambda _: None,
    answer_text=lambda _: "",
    end="the end of its JSON",
    streams=False,
    has_lines=False,
)
