"""OpenAI embeddings: one document of vectors, as numbers or as base64 of little-endian float32."""

import re
import struct
from base64 import b64encode
from collections.abc import Mapping
from typing import Final
from zlib import crc32

import orjson

from probes.fake.formats.base import Body, Format, Writer, need, tokens_asked, traits
from probes.fake.story import Ask, BadAskError, count_words

_DIMENSIONS: Final = 8
_BIG_DIMENSIONS: Final = 20_000


def read(body: Body, _: Mapping[str, str]) -> Ask:
    """What an embeddings request asks for."""
    given = need(body, "input", (str, list))
    inputs = [given] if isinstance(given, str) else given
    if not inputs:
        raise BadAskError("input is an empty list")
    if all(isinstance(token, int) for token in inputs):
        inputs = [inputs]
    encoding = body.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise BadAskError(f"encoding_format = {str(encoding)[:60]} must be float or base64")
    return Ask(
        model=need(body, "model", str),
        prompt_tokens=sum(count_words(text) if isinstance(text, str) else len(text) for text in inputs),
        stream=False,
        inputs=tuple(map(str, inputs)),
        variant=encoding,
        count=tokens_asked(body, "dimensions") or _DIMENSIONS,
    )


class EmbeddingsWriter(Writer):
    """Vectors that depend on nothing but the text."""

    @property
    def output_tokens(self) -> int:
        return 0

    def document(self) -> bytes:
        story, ask = self.story, self.ask
        big = any(len(piece.text) > len(ask.model) + 60_000 for piece in story.pieces)
        texts = ask.inputs if story.pieces else ()
        vectors = [_vector(text, _BIG_DIMENSIONS if big else ask.count) for text in texts]
        data = [
            {"object": "embedding", "index": n, "embedding": self._coded(vector)} for n, vector in enumerate(vectors)
        ]
        told = {}
        if story.usage_place != "none":
            count = story.told(story.prompt_tokens)
            told["usage"] = {"prompt_tokens": count, "total_tokens": count}
        return orjson.dumps({"object": "list", "data": data, "model": story.model} | told)

    def _coded(self, vector: list[float]) -> object:
        if self.ask.variant == "float":
            return vector
        return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _vector(text: str, dimensions: int) -> list[float]:
    seed = crc32(text.encode())
    return [((seed * (n + 1)) % 2001 - 1000) / 1000 for n in range(dimensions)]


OPENAI_EMBEDDINGS: Final = Format(
    name="openai-embeddings",
    path=re.compile(r"/v1/embeddings"),
    base="/v1",
    family="openai",
    traits=traits("document", "json", "usage", "zero", "big", "limits"),
    read=read,
    writer=EmbeddingsWriter,
)
