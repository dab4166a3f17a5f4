"""OpenAI Responses: named events with a rising number, one of three ends, no [DONE]."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from probes.fake.formats.base import SSE, Body, Format, Writer, need, sse, tokens_asked, traits, words_of
from probes.fake.story import TOOL_NAME, Ask, Kind, Piece, Story

_ITEM_TYPES: Final[dict[Kind, str]] = {"text": "message", "reasoning": "reasoning", "tool": "function_call"}


def read(body: Body, _: Mapping[str, str]) -> Ask:
    """What a Responses request asks for."""
    need(body, "input", (str, list))
    return Ask(
        model=need(body, "model", str),
        prompt_tokens=words_of(body, "instructions", "input"),
        tokens=tokens_asked(body, "max_output_tokens"),
        stream=body.get("stream") is True,
    )


class ResponsesWriter(Writer):
    """created, in_progress, items with their parts and deltas, completed or incomplete."""

    def __init__(self, ask: Ask, story: Story) -> None:
        super().__init__(ask, story)
        self._number = 0
        self._index = -1  # of the item under way
        self._kind: Kind | None = None
        self._said = False

    def opening(self) -> list[bytes]:
        under_way = {"response": self._response("in_progress")}
        return [self._event("response.created", **under_way), self._event("response.in_progress", **under_way)]

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        events = []
        if piece.kind != self._kind:
            events = [*self._close_item(), *self._open_item(piece.kind)]
        place: dict[str, Any] = {"item_id": f"item_{self._index}", "output_index": self._index}
        if piece.kind == "text":
            place |= {"content_index": 0, "logprobs": []}
        elif piece.kind == "reasoning":
            place["summary_index"] = 0
        names: dict[Kind, str] = {
            "text": "response.output_text.delta",
            "reasoning": "response.reasoning_summary_text.delta",
            "tool": "response.function_call_arguments.delta",
        }
        return [*events, self._event(names[piece.kind], **place, delta=piece.text)]

    def ending(self) -> list[bytes]:
        ends = {"length": "incomplete", "filter": "incomplete"}
        end = ends.get(self.story.finish, "completed")
        return [*self._close_item(), self._event(f"response.{end}", response=self._response(end))]

    def error(self, message: str) -> bytes:
        if self._kind is None:  # nothing was said: the response as a whole has failed
            failed = self._response("failed") | {"error": {"code": "server_error", "message": message}}
            return self._event("response.failed", response=failed)
        return self._event("error", code="server_error", message=message, param=None)

    def document(self) -> bytes:
        return orjson.dumps(self._response("incomplete" if self.story.finish in ("length", "filter") else "completed"))

    def _open_item(self, kind: Kind) -> list[bytes]:
        self._kind = kind
        self._index += 1
        place = {"output_index": self._index}
        events = [self._event("response.output_item.added", **place, item=self._item(kind, "in_progress"))]
        place |= {"item_id": f"item_{self._index}"}  # type: ignore[dict-item]  # an object of JSON
        if kind == "text":
            part = {"type": "output_text", "text": "", "annotations": []}
            events.append(self._event("response.content_part.added", **place, content_index=0, part=part))
        elif kind == "reasoning":
            part = {"type": "summary_text", "text": ""}
            events.append(self._event("response.reasoning_summary_part.added", **place, summary_index=0, part=part))
        return events

    def _close_item(self) -> list[bytes]:
        kind = self._kind
        if kind is None:
            return []
        said = self.story.said(kind)
        place: dict[str, Any] = {"item_id": f"item_{self._index}", "output_index": self._index}
        events = []
        if kind == "text":
            part = {"type": "output_text", "text": said, "annotations": []}
            events.append(self._event("response.output_text.done", **place, content_index=0, text=said, logprobs=[]))
            events.append(self._event("response.content_part.done", **place, content_index=0, part=part))
        elif kind == "reasoning":
            part = {"type": "summary_text", "text": said}
            events.append(self._event("response.reasoning_summary_text.done", **place, summary_index=0, text=said))
            events.append(self._event("response.reasoning_summary_part.done", **place, summary_index=0, part=part))
        else:
            events.append(self._event("response.function_call_arguments.done", **place, arguments=said))
        item = self._item(kind, "completed")
        return [*events, self._event("response.output_item.done", output_index=self._index, item=item)]

    def _item(self, kind: Kind, status: str) -> dict[str, Any]:
        item: dict[str, Any] = {"id": f"item_{max(self._index, 0)}", "type": _ITEM_TYPES[kind], "status": status}
        said = self.story.said(kind) if status == "completed" else ""
        if kind == "text":
            parts = [{"type": "output_text", "text": said, "annotations": [], "logprobs": []}] if said else []
            return item | {"role": "assistant", "content": parts}
        if kind == "reasoning":
            return item | {"summary": [{"type": "summary_text", "text": said}] if said else []}
        return item | {"call_id": "call_1", "name": TOOL_NAME, "arguments": said}

    def _response(self, status: str) -> dict[str, Any]:
        story = self.story
        response: dict[str, Any] = {
            "id": "resp_fake",
            "object": "response",
            "created_at": 1,
            "status": status,
            "model": story.model,
            "output": [],
            "error": None,
            "incomplete_details": None,
            "usage": None,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }
        if status not in ("completed", "incomplete"):
            return response
        kinds: tuple[Kind, ...] = ("reasoning", "text", "tool")
        response["output"] = [self._item(kind, "completed") for kind in kinds if story.said(kind)]
        if status == "incomplete":
            reason = "content_filter" if story.finish == "filter" else "max_output_tokens"
            response["incomplete_details"] = {"reason": reason}
        if story.usage_place != "none":
            response["usage"] = {
                "input_tokens": story.prompt_tokens,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": story.told(story.output_tokens),
                "output_tokens_details": {"reasoning_tokens": story.reasoning_tokens},
                "total_tokens": story.total(),
            }
        return response

    def _event(self, name: str, **fields: object) -> bytes:
        event = sse({"type": name, "sequence_number": self._number, **fields}, name)
        self._number += 1
        return event


OPENAI_RESPONSES: Final = Format(
    name="openai-responses",
    path=re.compile(r"/v1/responses"),
    base="/v1",
    family="openai",
    traits=SSE | traits("opening", "usage", "reasoning", "hidden-reasoning", "tools", "filter", "limits"),
    read=read,
    writer=ResponsesWriter,
)
