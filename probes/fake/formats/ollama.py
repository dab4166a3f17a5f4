"""Ollama's own two routes: JSON lines, the last with `done` and all counts and durations."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from probes.fake.formats.base import Body, Format, Writer, need, stops_asked, tokens_asked, traits, words_of
from probes.fake.story import TOOL_NAME, Ask, BadAskError, Piece

_REASONS: Final = {"length": "length", "stop": "stop", "sequence": "stop", "tool": "stop", "filter": "stop"}
_MS: Final = 1_000_000  # durations are nanoseconds


def _read(body: Body, names: tuple[str, ...]) -> Ask:
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise BadAskError("options must be an object")
    return Ask(
        model=need(body, "model", str),
        prompt_tokens=words_of(body, *names),
        tokens=tokens_asked(options, "num_predict"),
        stops=stops_asked(options, "stop"),
        stream=body.get("stream") is not False,
    )


def read_chat(body: Body, _: Mapping[str, str]) -> Ask:
    """What a chat request asks for."""
    need(body, "messages", list)
    return _read(body, ("messages",))


def read_generate(body: Body, _: Mapping[str, str]) -> Ask:
    """What a generate request asks for."""
    need(body, "prompt", str)
    return _read(body, ("system", "prompt"))


class OllamaWriter(Writer):
    """Lines of `message`."""

    content_type = "application/x-ndjson"

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        return [self._line(self._said(piece))]

    def ending(self) -> list[bytes]:
        return [self._line(self._end(self._text("")))]

    def error(self, message: str) -> bytes:
        return orjson.dumps({"error": message}) + b"\n"

    def broken(self) -> bytes:
        return b"{oops\n"

    def document(self) -> bytes:
        story = self.story
        said = self._text(story.said("text"))
        self._add(said, [piece for piece in story.pieces if piece.kind != "text"])
        return orjson.dumps(self._envelope() | self._end(said))

    def _text(self, text: str) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": text}}

    def _said(self, piece: Piece) -> dict[str, Any]:
        if piece.kind == "text":
            return self._text(piece.text)
        said = self._text("")
        self._add(said, [piece])
        return said

    def _add(self, said: dict[str, Any], pieces: list[Piece]) -> None:
        """Thoughts and calls, which stand beside the text."""
        thoughts = "".join(piece.text for piece in pieces if piece.kind == "reasoning")
        calls = [{"function": {"name": TOOL_NAME, "arguments": {"words": p.words}}} for p in pieces if p.kind == "tool"]
        said["message"] |= ({"thinking": thoughts} if thoughts else {}) | ({"tool_calls": calls} if calls else {})

    def _end(self, said: dict[str, Any]) -> dict[str, Any]:
        story = self.story
        durations = {"total_duration": 1200 * _MS, "load_duration": 300 * _MS}
        counts = {
            "prompt_eval_count": story.prompt_tokens,
            "prompt_eval_duration": 100 * _MS,
            "eval_count": story.told(story.output_tokens),
            "eval_duration": 700 * _MS,
        }
        told = durations if story.usage_place == "none" else durations | counts
        return said | {"done": True, "done_reason": _REASONS[story.finish], **told}

    def _envelope(self) -> dict[str, Any]:
        return {"model": self.story.model, "created_at": "2026-01-01T00:00:00Z"}

    def _line(self, said: dict[str, Any]) -> bytes:
        return orjson.dumps({**self._envelope(), "done": False, **said}) + b"\n"


class GenerateWriter(OllamaWriter):
    """Lines of `response`."""

    def _text(self, text: str) -> dict[str, Any]:
        return {"response": text}

    def _add(self, said: dict[str, Any], pieces: list[Piece]) -> None:
        thoughts = "".join(piece.text for piece in pieces if piece.kind == "reasoning")
        said |= {"thinking": thoughts} if thoughts else {}


_TRAITS: Final = traits(
    "stream",
    "lines",
    "ndjson",
    "json",
    "text",
    "groups",
    "usage",
    "reasoning",
    "error-event",
    "terminal",
    "zero",
    "big",
)

OLLAMA: Final = Format(
    name="ollama",
    path=re.compile(r"/api/chat"),
    base="",
    family="ollama",
    traits=_TRAITS | traits("tools"),
    read=read_chat,
    writer=OllamaWriter,
)
OLLAMA_GENERATE: Final = Format(
    name="ollama-generate",
    path=re.compile(r"/api/generate"),
    base="",
    family="ollama",
    traits=_TRAITS,
    read=read_generate,
    writer=GenerateWriter,
)
