"""Anthropic Messages: message_start, blocks with their deltas, message_delta, message_stop."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from probes.fake.formats.base import SSE, Body, Format, Writer, need, sse, stops_asked, tokens_asked, traits, words_of
from probes.fake.story import TOOL_NAME, Ask, BadAskError, Kind, Piece, Story

_REASONS: Final = {
    "length": "max_tokens",
    "stop": "end_turn",
    "sequence": "stop_sequence",
    "tool": "tool_use",
    "filter": "refusal",
}


def read(body: Body, _: Mapping[str, str]) -> Ask:
    """What a messages request asks for; without max_tokens it is refused."""
    need(body, "messages", list)
    tokens = tokens_asked(body, "max_tokens")
    if tokens is None:
        raise BadAskError("max_tokens: Field required")
    return Ask(
        model=need(body, "model", str),
        prompt_tokens=words_of(body, "system", "messages"),
        tokens=tokens,
        stops=stops_asked(body, "stop_sequences"),
        stream=body.get("stream") is True,
    )


class MessagesWriter(Writer):
    """Blocks of thinking, text or a tool's input."""

    def __init__(self, ask: Ask, story: Story) -> None:
        super().__init__(ask, story)
        self._index = -1  # of the block under way
        self._kind: Kind | None = None

    def opening(self) -> list[bytes]:
        told = {} if self.story.usage_place == "none" else {"usage": self._input_usage() | {"output_tokens": 1}}
        message = self._message([], None) | told
        return [_named("message_start", message=message)]

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        events = []
        if piece.kind != self._kind:
            events = [*self._close_block(), self._open_block(piece.kind)]
        deltas: dict[Kind, dict[str, str]] = {
            "text": {"type": "text_delta", "text": piece.text},
            "reasoning": {"type": "thinking_delta", "thinking": piece.text},
            "tool": {"type": "input_json_delta", "partial_json": piece.text},
        }
        return [*events, _named("content_block_delta", index=self._index, delta=deltas[piece.kind])]

    def ending(self) -> list[bytes]:
        story = self.story
        fields: dict[str, Any] = {"delta": {"stop_reason": _REASONS[story.finish], "stop_sequence": story.stopped_at}}
        if story.usage_place != "none":
            fields["usage"] = self._output_usage()
        return [*self._close_block(), _named("message_delta", **fields), _named("message_stop")]

    def error(self, message: str) -> bytes:
        return _named("error", error={"type": "overloaded_error", "message": message})

    def ping(self) -> list[bytes]:
        return [_named("ping")] * 2

    def document(self) -> bytes:
        story = self.story
        blocks: list[dict[str, Any]] = []
        if story.said("reasoning"):
            blocks.append({"type": "thinking", "thinking": story.said("reasoning"), "signature": "c2ln"})
        if story.said("text"):
            blocks.append({"type": "text", "text": story.said("text")})
        if story.said("tool"):
            arguments = orjson.loads(story.said("tool"))
            blocks.append({"type": "tool_use", "id": "toolu_1", "name": TOOL_NAME, "input": arguments})
        told = {} if story.usage_place == "none" else {"usage": self._input_usage() | self._output_usage()}
        return orjson.dumps(self._message(blocks, _REASONS[story.finish]) | told)

    def _open_block(self, kind: Kind) -> bytes:
        self._kind = kind
        self._index += 1
        blocks: dict[Kind, dict[str, Any]] = {
            "text": {"type": "text", "text": ""},
            "reasoning": {"type": "thinking", "thinking": "", "signature": ""},
            "tool": {"type": "tool_use", "id": "toolu_1", "name": TOOL_NAME, "input": {}},
        }
        return _named("content_block_start", index=self._index, content_block=blocks[kind])

    def _close_block(self) -> list[bytes]:
        if self._kind is None:
            return []
        events = [_named("content_block_stop", index=self._index)]
        if self._kind == "reasoning":
            signature = {"type": "signature_delta", "signature": "c2ln"}
            events.insert(0, _named("content_block_delta", index=self._index, delta=signature))
        return events

    def _message(self, blocks: list[dict[str, Any]], reason: str | None) -> dict[str, Any]:
        return {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "model": self.story.model,
            "content": blocks,
            "stop_reason": reason,
            "stop_sequence": self.story.stopped_at if reason is not None else None,
        }

    def _input_usage(self) -> dict[str, Any]:
        return {
            "input_tokens": self.story.prompt_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "service_tier": "standard",
        }

    def _output_usage(self) -> dict[str, Any]:
        told: dict[str, Any] = {"output_tokens": self.story.told(self.story.output_tokens)}
        if self.story.reasoning_tokens:
            told["output_tokens_details"] = {"thinking_tokens": self.story.reasoning_tokens}
        return told


def _named(name: str, **fields: object) -> bytes:
    return sse({"type": name, **fields}, name)


ANTHROPIC: Final = Format(
    name="anthropic",
    path=re.compile(r"/v1/messages"),
    base="",
    family="anthropic",
    traits=SSE | traits("opening", "usage", "reasoning", "hidden-reasoning", "tools", "filter", "limits"),
    read=read,
    writer=MessagesWriter,
)
