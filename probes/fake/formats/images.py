"""OpenAI images: pictures as base64 in one document, or sketches and then the picture as events."""

import re
import struct
import zlib
from base64 import b64encode
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import orjson

from probes.fake.formats.base import Body, Format, Writer, need, sse, tokens_asked, traits, words_of
from probes.fake.story import Ask, Piece, Story

_SIDE: Final = 8
_BIG_SIDE: Final = 160  # of noise: more than 64 KiB
_RGB: Final = 2


def read(body: Body, _: Mapping[str, str]) -> Ask:
    """What an image request asks for."""
    need(body, "prompt", str)
    return Ask(
        model=need(body, "model", str),
        prompt_tokens=words_of(body, "prompt"),
        stream=body.get("stream") is True,
        count=tokens_asked(body, "n") or 1,
    )


class ImagesWriter(Writer):
    """A sketch for every piece but the last, which is the picture."""

    def __init__(self, ask: Ask, story: Story) -> None:
        super().__init__(ask, story)
        self._sketches = 0

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        picture = {"b64_json": _picture(len(piece.text)), "created_at": 1, "output_format": "png"}
        if last:
            return [
                sse({"type": "image_generation.completed", **picture} | self._usage(), "image_generation.completed")
            ]
        number = self._sketches
        self._sketches += 1
        sketch = {"type": "image_generation.partial_image", "partial_image_index": number, **picture}
        return [sse(sketch, "image_generation.partial_image")]

    def error(self, message: str) -> bytes:
        return sse(
            {"type": "error", "error": {"message": message, "type": "server_error", "code": "server_error"}}, "error"
        )

    def document(self) -> bytes:
        story = self.story
        largest = max((len(piece.text) for piece in story.pieces), default=0)
        data = [{"b64_json": _picture(largest)} for _ in range(self.ask.count if story.pieces else 0)]
        return orjson.dumps({"created": 1, "data": data} | self._usage())

    def _usage(self) -> dict[str, Any]:
        story = self.story
        if story.usage_place == "none":
            return {}
        usage = {
            "input_tokens": story.prompt_tokens,
            "input_tokens_details": {"text_tokens": story.prompt_tokens, "image_tokens": 0},
            "output_tokens": story.told(story.output_tokens),
            "total_tokens": story.total(),
        }
        return {"usage": usage}


def _picture(size: int) -> str:
    side = _BIG_SIDE if size > 60_000 else _SIDE
    noise = Random(size)  # which no compression makes small
    rows = b"".join(b"\0" + noise.randbytes(3 * side) for _ in range(side))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, _RGB, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b64encode(png).decode()


OPENAI_IMAGES: Final = Format(
    name="openai-images",
    path=re.compile(r"/v1/images/generations"),
    base="/v1",
    family="openai",
    traits=traits("stream", "sse", "lines", "json", "pings", "error-event", "terminal", "usage", "big", "limits"),
    read=read,
    writer=ImagesWriter,
)
