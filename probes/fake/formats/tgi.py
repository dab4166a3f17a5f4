"""TGI's own route: an event a token, `data:` without a space, counts in the last event if they were asked for."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import orjson

from probes.fake.formats.base import SSE, Body, Format, Writer, need, stops_asked, tokens_asked, traits, words_of
from probes.fake.story import Ask, BadAskError, Piece, Story

_REASONS: Final = {
    "length": "length",
    "stop": "eos_token",
    "sequence": "stop_sequence",
    "tool": "eos_token",
    "filter": "stop_sequence",
}


def read(body: Body, path: Mapping[str, str]) -> Ask:
    """What a generate request asks for."""
    need(body, "inputs", str)
    parameters = body.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise BadAskError("parameters must be an object")
    return Ask(
        model="fake",  # it serves one, and no request names it
        prompt_tokens=words_of(body, "inputs"),
        tokens=tokens_asked(parameters, "max_new_tokens"),
        stops=stops_asked(parameters, "stop"),
        stream=path["action"] == "generate_stream",
        wants_usage=parameters.get("details") is True,
    )


class TgiWriter(Writer):
    """Tokens; the last, or a special one behind it, ends the answer."""

    headers: ClassVar[dict[str, str]] = {"x-accel-buffering": "no", "x-compute-type": "fake"}

    def __init__(self, ask: Ask, story: Story) -> None:
        super().__init__(ask, story)
        self._index = 0
        self._ended = False

    @property
    def output_tokens(self) -> int:
        # A token that ends the text is generated too, and counted.
        return self.story.output_tokens + (self.story.finish != "length")

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        self._ended = last and self.story.finish == "length"
        return [self._token(piece.text, special=False, ends=self._ended)]

    def ending(self) -> list[bytes]:
        return [] if self._ended else [self._token("</s>", special=True, ends=True)]

    def error(self, message: str) -> bytes:
        return _event({"error": message, "error_type": "generation"})

    def bare_error(self, message: str) -> bytes:
        error = {"error": message, "error_type": "generation"}
        return orjson.dumps(error, option=orjson.OPT_INDENT_2) + b"\n\n"

    def document(self) -> bytes:
        return orjson.dumps({"generated_text": self.story.said("text"), "details": self._details()})

    def _token(self, text: str, *, special: bool, ends: bool) -> bytes:
        self._index += 1
        return _event(
            {
                "index": self._index,
                "token": {"id": 1 if special else 100 + self._index, "text": text, "logprob": -0.1, "special": special},
                "generated_text": self.story.said("text") if ends else None,
                "details": self._details() if ends else None,
            }
        )

    def _details(self) -> dict[str, Any] | None:
        story = self.story
        if not self.ask.wants_usage or story.usage_place == "none":
            return None
        return {
            "finish_reason": _REASONS[story.finish],
            "generated_tokens": story.told(self.output_tokens),
            "seed": None,
            "input_length": story.prompt_tokens,
        }


def _event(value: dict[str, Any]) -> bytes:
    return b"data:%b\n\n" % orjson.dumps(value)


TGI: Final = Format(
    name="tgi",
    path=re.compile(r"/(?P<action>generate(?:_stream)?)"),
    base="",
    family="tgi",
    traits=SSE - {"groups"} | traits("usage"),
    read=read,
    writer=TgiWriter,
)
