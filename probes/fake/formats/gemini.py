"""Gemini generateContent at Google's and at Vertex's path: as server-sent events, as one JSON array, or whole."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from probes.fake.formats.base import SSE, Body, Format, Writer, need, stops_asked, tokens_asked, traits, words_of
from probes.fake.story import TOOL_NAME, Ask, BadAskError, Piece, Story

_REASONS: Final = {"length": "MAX_TOKENS", "stop": "STOP", "sequence": "STOP", "tool": "STOP", "filter": "SAFETY"}


def read(body: Body, path: Mapping[str, str]) -> Ask:
    """What a generateContent request asks for; whether it streams is in the path, how in the query."""
    need(body, "contents", list)
    config = body.get("generationConfig") or {}
    if not isinstance(config, dict):
        raise BadAskError("generationConfig must be an object")
    return Ask(
        model=path["model"],
        prompt_tokens=words_of(body, "systemInstruction", "contents"),
        tokens=tokens_asked(config, "maxOutputTokens"),
        stops=stops_asked(config, "stopSequences"),
        stream=path["action"] == "streamGenerateContent",
        variant="sse" if path.get("alt") == "sse" else "array",
    )


class GeminiWriter(Writer):
    """Each event is a whole response with a part of the answer; the last has the reason and all counts."""

    def __init__(self, ask: Ask, story: Story) -> None:
        super().__init__(ask, story)
        self._is_array = ask.variant == "array"
        self.content_type = "application/json" if self._is_array else "text/event-stream"
        self._started = False
        self._ended = False
        self._sent = 0
        self._thought = 0

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        self._sent += piece.tokens
        self._thought += piece.tokens if piece.kind == "reasoning" else 0
        self._ended = last
        return [self._event(self._response([self._part(piece)], self._reason() if last else None))]

    def ending(self) -> list[bytes]:
        events = [] if self._ended else [self._event(self._response(None, self._reason()))]
        return [*events, b"\n]"] if self._is_array else events

    def error(self, message: str) -> bytes:
        return self._event({"error": {"code": 500, "message": message, "status": "INTERNAL"}})

    def ping(self) -> list[bytes]:
        return [] if self._is_array else super().ping()  # JSON knows no comment

    def bare_error(self, message: str) -> bytes:
        if self._is_array:
            return self.error(message)
        error = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}
        return orjson.dumps({"error": error}, option=orjson.OPT_INDENT_2) + b"\n\n"

    def broken(self) -> bytes:
        return b",\n{oops" if self._is_array else b"data: {oops\n\n"

    def hollow_first(self) -> bytes:
        return self._event(self._response(None, None) | {"candidates": []})

    def hollow(self) -> bytes:
        return self._event(self._response(None, None))

    def document(self) -> bytes:
        story = self.story
        self._sent = sum(piece.tokens for piece in story.pieces)
        parts: list[dict[str, Any]] = []
        if story.said("reasoning"):
            parts.append({"text": story.said("reasoning"), "thought": True})
        if story.said("text"):
            parts.append({"text": story.said("text")})
        parts += [self._part(piece) for piece in story.pieces if piece.kind == "tool"]
        return orjson.dumps(self._response(parts or None, self._reason()))

    def _part(self, piece: Piece) -> dict[str, Any]:
        if piece.kind == "tool":
            return {"functionCall": {"name": TOOL_NAME, "args": {"words": piece.words}}}
        return {"text": piece.text, "thought": True} if piece.kind == "reasoning" else {"text": piece.text}

    def _reason(self) -> str:
        return _REASONS[self.story.finish]

    def _response(self, parts: list[dict[str, Any]] | None, reason: str | None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"index": 0}
        if parts is not None:
            candidate["content"] = {"role": "model", "parts": parts}
        if reason is not None:
            candidate["finishReason"] = reason
        response: dict[str, Any] = {"candidates": [candidate]}
        place = self.story.usage_place
        if place == "every" or (place != "none" and reason is not None):
            response["usageMetadata"] = self._usage(whole=reason is not None)
        return response | {"modelVersion": self.story.model, "responseId": "fake"}

    def _usage(self, *, whole: bool) -> dict[str, Any]:
        story = self.story
        thoughts = story.reasoning_tokens if whole else self._thought
        answer = story.output_tokens - thoughts if whole else self._sent - thoughts
        told = {"promptTokenCount": story.prompt_tokens, "candidatesTokenCount": story.told(answer)}
        if thoughts:
            told["thoughtsTokenCount"] = thoughts
        return told | {"totalTokenCount": story.prompt_tokens + answer + thoughts}

    def _event(self, response: dict[str, Any]) -> bytes:
        told = orjson.dumps(response)
        if not self._is_array:
            return b"data: %b\n\n" % told
        start = b",\n" if self._started else b"["
        self._started = True
        return start + told


_TRAITS: Final = SSE | traits("usage", "usage-every", "reasoning", "hidden-reasoning", "tools", "filter", "list-first")
_MODEL: Final = r"models/(?P<model>[^/:]+):(?P<action>(?:streamG|g)enerateContent)"

GEMINI: Final = Format(
    name="gemini",
    path=re.compile(rf"/v1(?:beta)?/{_MODEL}"),
    base="",
    family="gemini",
    traits=_TRAITS,
    read=read,
    writer=GeminiWriter,
)
VERTEX_GEMINI: Final = Format(
    name="vertex-gemini",
    path=re.compile(rf"/v1(?:beta1)?/projects/[^/]+/locations/[^/]+/publishers/google/{_MODEL}"),
    base="/v1/projects/p/locations/l/publishers/google",
    family="gemini",
    traits=_TRAITS,
    read=read,
    writer=GeminiWriter,
)
