"""Amazon Bedrock ConverseStream: JSON in binary frames."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import orjson

from probes.fake.formats.base import Body, Format, Writer, need, stops_asked, tokens_asked, traits, words_of
from probes.fake.formats.frames import frame
from probes.fake.story import TOOL_NAME, Ask, BadAskError, Kind, Piece, Story

_REASONS: Final = {
    "length": "max_tokens",
    "stop": "end_turn",
    "sequence": "stop_sequence",
    "tool": "tool_use",
    "filter": "content_filtered",
}


def read(body: Body, path: Mapping[str, str]) -> Ask:
    """What a converse request asks for."""
    need(body, "messages", list)
    config = body.get("inferenceConfig") or {}
    if not isinstance(config, dict):
        raise BadAskError("inferenceConfig must be an object")
    return Ask(
        model=unquote(path["model"]),
        prompt_tokens=words_of(body, "system", "messages"),
        tokens=tokens_asked(config, "maxTokens"),
        stops=stops_asked(config, "stopSequences"),
        stream=path["action"] == "converse-stream",
    )


class ConverseWriter(Writer):
    """messageStart, blocks, messageStop, metadata."""

    content_type = "application/vnd.amazon.eventstream"

    def __init__(self, ask: Ask, story: Story) -> None:
        super().__init__(ask, story)
        self._index = -1  # of the block under way
        self._kind: Kind | None = None

    def opening(self) -> list[bytes]:
        return [_event("messageStart", {"role": "assistant"})]

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        events = []
        if piece.kind != self._kind:
            events = self._close_block()
            self._kind = piece.kind
            self._index += 1
            if piece.kind == "tool":
                start = {"toolUse": {"toolUseId": "tool_1", "name": TOOL_NAME}}
                events.append(_event("contentBlockStart", {"contentBlockIndex": self._index, "start": start}))
        deltas: dict[Kind, dict[str, Any]] = {
            "text": {"text": piece.text},
            "reasoning": {"reasoningContent": {"text": piece.text}},
            "tool": {"toolUse": {"input": piece.text}},
        }
        said = {"contentBlockIndex": self._index, "delta": deltas[piece.kind]}
        return [*events, _event("contentBlockDelta", said)]

    def ending(self) -> list[bytes]:
        stop = _event("messageStop", {"stopReason": _REASONS[self.story.finish]})
        metadata: dict[str, Any] = {"metrics": {"latencyMs": 12}}
        if self.story.usage_place != "none":
            metadata["usage"] = self._usage()
        return [*self._close_block(), stop, _event("metadata", metadata)]

    def error(self, message: str) -> bytes:
        headers = {
            ":message-type": "exception",
            ":exception-type": "modelStreamErrorException",
            ":content-type": "application/json",
        }
        return frame(headers, orjson.dumps({"message": message, "originalStatusCode": 500}))

    def broken(self) -> bytes:
        return _framed("contentBlockDelta", b"{oops")

    def spoilt(self) -> bytes:
        """A frame whose checksum is wrong."""
        return _framed("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":" bad"}}', good=False)

    def document(self) -> bytes:
        story = self.story
        content: list[dict[str, Any]] = []
        if story.said("reasoning"):
            content.append({"reasoningContent": {"reasoningText": {"text": story.said("reasoning")}}})
        if story.said("text"):
            content.append({"text": story.said("text")})
        if story.said("tool"):
            call = {"toolUseId": "tool_1", "name": TOOL_NAME, "input": orjson.loads(story.said("tool"))}
            content.append({"toolUse": call})
        told = {} if story.usage_place == "none" else {"usage": self._usage()}
        message = {"role": "assistant", "content": content}
        reason = _REASONS[story.finish]
        return orjson.dumps({"output": {"message": message}, "stopReason": reason, "metrics": {"latencyMs": 12}} | told)

    def _close_block(self) -> list[bytes]:
        return [] if self._kind is None else [_event("contentBlockStop", {"contentBlockIndex": self._index})]

    def _usage(self) -> dict[str, Any]:
        story = self.story
        return {
            "inputTokens": story.prompt_tokens,
            "outputTokens": story.told(story.output_tokens),
            "totalTokens": story.total(),
            "cacheReadInputTokens": 0,
            "cacheWriteInputTokens": 0,
        }


def _event(name: str, value: dict[str, Any]) -> bytes:
    return _framed(name, orjson.dumps(value))


def _framed(name: str, payload: bytes, *, good: bool = True) -> bytes:
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, payload, good=good)


BEDROCK: Final = Format(
    name="bedrock",
    path=re.compile(r"/model/(?P<model>[^/]+)/(?P<action>converse(?:-stream)?)"),
    base="",
    family="bedrock",
    traits=traits(
        "stream", "frames", "json", "text", "groups", "opening", "usage", "reasoning", "tools", "filter", "error-event",
        "terminal", "zero", "big",
    ),
    read=read,
    writer=ConverseWriter,
)  # fmt: skip
