"""OpenAI chat completions, and the same at Azure's path."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from probes.fake.formats.base import SSE, Body, Format, Writer, need, sse, stops_asked, tokens_asked, traits, words_of
from probes.fake.story import TOOL_NAME, Ask, Piece, Story

_REASONS: Final = {
    "length": "length",
    "stop": "stop",
    "sequence": "stop",
    "tool": "tool_calls",
    "filter": "content_filter",
}
DONE: Final = b"data: [DONE]\n\n"


def read(body: Body, path: Mapping[str, str]) -> Ask:
    """What a chat request asks for."""
    messages = need(body, "messages", list)
    options = body.get("stream_options")
    return Ask(
        model=path.get("model") or need(body, "model", str),
        prompt_tokens=words_of({"messages": messages}, "messages"),
        tokens=tokens_asked(body, "max_completion_tokens", "max_tokens"),
        stops=stops_asked(body, "stop"),
        stream=body.get("stream") is True,
        wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def usage(story: Story, output: int) -> dict[str, Any]:
    """Token counts as chat and completions tell them, after so many output tokens."""
    told = story.told(output)
    return {
        "prompt_tokens": story.prompt_tokens,
        "completion_tokens": told,
        "total_tokens": story.prompt_tokens + output if story.usage_fault == "none" else told,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": min(story.reasoning_tokens, output)},
    }


class ChatWriter(Writer):
    """Role, content, finish, usage, [DONE]."""

    def __init__(self, ask: Ask, story: Story) -> None:
        super().__init__(ask, story)
        self._sent = 0
        self._called = False

    def opening(self) -> list[bytes]:
        return [self._event({"role": "assistant", "content": ""})] if self.story.role else []

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        self._sent += piece.tokens
        return [self._event(self._delta(piece))]

    def _delta(self, piece: Piece) -> dict[str, Any]:
        if piece.kind == "text":
            return {"content": piece.text}
        if piece.kind == "reasoning":
            return {"reasoning_content": piece.text}
        call: dict[str, Any] = {"index": 0, "function": {"arguments": piece.text}}
        if not self._called:
            self._called = True
            call = {"index": 0, "id": "call_1", "type": "function"}
            call["function"] = {"name": TOOL_NAME, "arguments": piece.text}
        return {"tool_calls": [call]}

    def ending(self) -> list[bytes]:
        story = self.story
        place = story.usage_place
        told = {"usage": usage(story, story.output_tokens)}
        in_finish = told if place in ("finish", "every") else {}
        events = [self._event({}, reason=_REASONS[story.finish], **in_finish)]
        if place in ("own", "every") or (place == "usual" and self.ask.wants_usage):
            events.append(sse({**self._envelope(), "choices": [], **told}))
        return [*events, DONE]

    def error(self, message: str) -> bytes:
        return sse({"error": {"message": message, "type": "server_error", "param": None, "code": 500}})

    def hollow_first(self) -> bytes:
        return sse({**self._envelope(), "choices": [], "prompt_filter_results": [{"prompt_index": 0}]})

    def hollow(self) -> bytes:
        return sse({**self._envelope(), "choices": [{"index": 0, "finish_reason": None}]})

    def document(self) -> bytes:
        story = self.story
        message: dict[str, Any] = {"role": "assistant", "content": story.said("text") or None, "refusal": None}
        if story.said("reasoning"):
            message["reasoning_content"] = story.said("reasoning")
        if story.said("tool"):
            function = {"name": TOOL_NAME, "arguments": story.said("tool")}
            message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "finish_reason": _REASONS[story.finish]}
        told = {} if story.usage_place == "none" else {"usage": usage(story, story.output_tokens)}
        return orjson.dumps({**self._envelope("chat.completion"), "choices": [choice], **told})

    def _event(self, delta: dict[str, Any], *, reason: str | None = None, **more: object) -> bytes:
        if self.story.usage_place == "every":
            more.setdefault("usage", usage(self.story, self._sent))
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return sse({**self._envelope(), "choices": [choice], **more})

    def _envelope(self, kind: str = "chat.completion.chunk") -> dict[str, Any]:
        return {
            "id": "chatcmpl-fake",
            "object": kind,
            "created": 1,
            "model": self.story.model,
            "system_fingerprint": "fp_fake",
        }


_TRAITS: Final = SSE | traits(
    "opening", "role", "usage", "usage-places", "usage-every", "reasoning", "hidden-reasoning", "tools", "filter",
    "list-first", "limits",
)  # fmt: skip

OPENAI_CHAT: Final = Format(
    name="openai-chat",
    path=re.compile(r"/v1/chat/completions"),
    base="/v1",
    family="openai",
    traits=_TRAITS,
    read=read,
    writer=ChatWriter,
)
AZURE_OPENAI: Final = Format(
    name="azure-openai",
    path=re.compile(r"/openai/deployments/(?P<model>[^/]+)/chat/completions"),
    base="/openai/deployments/fake?api-version=2024-10-21",
    family="openai",
    traits=_TRAITS,
    read=read,
    writer=ChatWriter,
)
