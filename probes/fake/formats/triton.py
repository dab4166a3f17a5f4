"""Triton's generate extension in the form of TensorRT-LLM: deltas, or the text so far; it counts nothing."""

import re
from collections.abc import Mapping
from typing import Final

import orjson

from probes.fake.formats.base import SSE, Body, Format, Writer, need, sse, tokens_asked, traits, words_of
from probes.fake.story import Ask, Piece, Story


def read(body: Body, path: Mapping[str, str]) -> Ask:
    """What a generate request asks for."""
    need(body, "text_input", str)
    return Ask(
        model=path["model"],
        prompt_tokens=words_of(body, "text_input"),
        tokens=tokens_asked(body, "max_tokens"),
        stream=path["action"] == "generate_stream",
    )


class TritonWriter(Writer):
    """Events of `text_output`."""

    def __init__(self, ask: Ask, story: Story) -> None:
        super().__init__(ask, story)
        self._so_far = ""

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        self._so_far += piece.text
        return [sse(self._said(self._so_far if self.story.text_so_far else piece.text))]

    def ending(self) -> list[bytes]:
        return [] if self.story.pieces else [sse(self._said(""))]

    def error(self, message: str) -> bytes:
        return sse({"error": message})

    def bare_error(self, message: str) -> bytes:
        return orjson.dumps({"error": message}, option=orjson.OPT_INDENT_2) + b"\n\n"

    def ping(self) -> list[bytes]:
        return [b": alive\n\n"]

    def document(self) -> bytes:
        return orjson.dumps(self._said(self.story.said("text")))

    def _said(self, text: str) -> dict[str, str]:
        return {"model_name": self.story.model, "model_version": "1", "text_output": text}


TRITON: Final = Format(
    name="triton",
    path=re.compile(r"/v2/models/(?P<model>[^/]+)(?:/versions/[^/]+)?/(?P<action>generate(?:_stream)?)"),
    base="",
    family="triton",
    # An answer ends where its HTTP message ends, and one without text cannot be told from one that was cut.
    traits=SSE - {"terminal", "zero"} | traits("so-far"),
    read=read,
    writer=TritonWriter,
)
