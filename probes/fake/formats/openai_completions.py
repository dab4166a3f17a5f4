"""OpenAI's legacy completions: text in `choices[0].text`, no event that only opens."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from probes.fake.formats.base import SSE, Body, Format, Writer, need, sse, stops_asked, tokens_asked, traits, words_of
from probes.fake.formats.openai_chat import DONE, usage
from probes.fake.story import Ask, Piece, Story

_REASONS: Final = {"length": "length", "stop": "stop", "sequence": "stop", "tool": "stop", "filter": "content_filter"}


def read(body: Body, _: Mapping[str, str]) -> Ask:
    """What a completions request asks for."""
    prompt = need(body, "prompt", (str, list))
    ids = isinstance(prompt, list) and all(isinstance(token, int) for token in prompt)
    options = body.get("stream_options")
    return Ask(
        model=need(body, "model", str),
        prompt_tokens=len(prompt) if ids else words_of(body, "prompt"),
        tokens=tokens_asked(body, "max_tokens"),
        stops=stops_asked(body, "stop"),
        stream=body.get("stream") is True,
        wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


class CompletionsWriter(Writer):
    """Text, finish, usage, [DONE]."""

    def __init__(self, ask: Ask, story: Story) -> None:
        super().__init__(ask, story)
        self._sent = 0

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        self._sent += piece.tokens
        return [self._event(piece.text)]

    def ending(self) -> list[bytes]:
        story, place = self.story, self.story.usage_place
        told = {"usage": usage(story, story.output_tokens)}
        events = [self._event("", reason=_REASONS[story.finish], **(told if place in ("finish", "every") else {}))]
        if place in ("own", "every") or (place == "usual" and self.ask.wants_usage):
            events.append(sse({**self._envelope(), "choices": [], **told}))
        return [*events, DONE]

    def error(self, message: str) -> bytes:
        return sse({"error": {"message": message, "type": "server_error", "param": None, "code": 500}})

    def hollow_first(self) -> bytes:
        return sse({**self._envelope(), "choices": []})

    def hollow(self) -> bytes:
        return sse({**self._envelope(), "choices": [{"index": 0, "finish_reason": None}]})

    def document(self) -> bytes:
        story = self.story
        choice = {"index": 0, "text": story.said("text"), "logprobs": None, "finish_reason": _REASONS[story.finish]}
        told = {} if story.usage_place == "none" else {"usage": usage(story, story.output_tokens)}
        return orjson.dumps({**self._envelope(), "choices": [choice], **told})

    def _event(self, text: str, *, reason: str | None = None, **more: object) -> bytes:
        if self.story.usage_place == "every":
            more.setdefault("usage", usage(self.story, self._sent))
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
        return sse({**self._envelope(), "choices": [choice], **more})

    def _envelope(self) -> dict[str, Any]:
        return {"id": "cmpl-fake", "object": "text_completion", "created": 1, "model": self.story.model}


OPENAI_COMPLETIONS: Final = Format(
    name="openai-completions",
    path=re.compile(r"/v1/completions"),
    base="/v1",
    family="openai",
    traits=SSE | traits("usage", "usage-places", "usage-every", "filter", "list-first", "limits"),
    read=read,
    writer=CompletionsWriter,
)
