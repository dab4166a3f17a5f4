"""What single events of an OpenAI Responses stream say.

Text comes in `*.delta` events and whole again in `*.done` and in the last event; who sends no deltas is heard there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from probes.load.errors import error_text
from probes.load.protocols.base import EventClass, StreamFacts
from probes.load.protocols.openai_usage import take_usage
from probes.load.protocols.reading import EventReader, text_or_none

_OTHER, _EMPTY, _FINISH, _ERROR = map(int, (EventClass.OTHER, EventClass.EMPTY, EventClass.FINISH, EventClass.ERROR))
_REASONING, _TOOL, _AUDIO = map(int, (EventClass.REASONING, EventClass.TOOL, EventClass.AUDIO))
_REFUSAL, _TEXT, _IMAGE = map(int, (EventClass.REFUSAL, EventClass.TEXT, EventClass.IMAGE))

TEXT_DELTA: Final = "response.output_text.delta"
TEXT_DONE: Final = "response.output_text.done"
# What a tool answers is not among them: nobody generated it.
_DELTAS: Final = {
    TEXT_DELTA: _TEXT,
    "response.refusal.delta": _REFUSAL,
    "response.reasoning_text.delta": _REASONING,
    "response.reasoning_summary_text.delta": _REASONING,
    "response.reasoning.delta": _REASONING,  # this and the next are names of the first months
    "response.reasoning_summary.delta": _REASONING,
    "response.function_call_arguments.delta": _TOOL,
    "response.custom_tool_call_input.delta": _TOOL,
    "response.mcp_call_arguments.delta": _TOOL,
    "response.code_interpreter_call_code.delta": _TOOL,
    "response.shell_call_command.delta": _TOOL,
    "response.audio.delta": _AUDIO,
    "response.audio.transcript.delta": _AUDIO,
}
_WHOLE: Final = {
    TEXT_DONE: (_TEXT, "text"),
    "response.refusal.done": (_REFUSAL, "refusal"),
    "response.reasoning_text.done": (_REASONING, "text"),
    "response.reasoning_summary_text.done": (_REASONING, "text"),
    "response.function_call_arguments.done": (_TOOL, "arguments"),
    "response.custom_tool_call_input.done": (_TOOL, "input"),
    "response.mcp_call_arguments.done": (_TOOL, "arguments"),
    "response.image_generation_call.partial_image": (_IMAGE, "partial_image_b64"),
}
# A summary is not the reasoning that is counted: what was shown of that only the raw text tells.
_RAW_REASONING: Final = frozenset({"response.reasoning_text.delta", "response.reasoning_text.done"})
_TERMINAL: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


@dataclass(slots=True, eq=False, repr=False)
class ResponsesReader(EventReader):
    """Reads the events of a Responses stream."""

    _usage: dict[str, Any] = field(default_factory=dict)
    _came: set[int] = field(default_factory=set)  # classes of payload so far

    def take(self, event: object) -> int:
        """Note what one event says; returns its class."""
        if type(event) is not dict:
            return self.take_stranger(event)
        kind = event.get("type")
        if type(kind) is not str and event.get("object") == "response":  # one document, although a stream was asked for
            self.streamed = False
            return self._take_response("response.completed", event)
        if type(kind) is not str:
            return self.take_error(event) if event.get("error") else _OTHER
        delta = _DELTAS.get(kind)
        if delta is not None:
            return self._bring(kind, delta) if event.get("delta") else _EMPTY
        if kind == "error" or event.get("error"):
            return self.take_error(event)
        return self._take_rest(kind, event)

    def _take_rest(self, kind: str, event: dict[str, Any]) -> int:
        if kind in _WHOLE:
            piece, name = _WHOLE[kind]
            is_new = bool(event.get(name)) and (piece == _IMAGE or piece not in self._came)
            return self._bring(kind, piece) if is_new else _EMPTY
        if kind == "response.image_generation_call.completed":
            self.output_images = (self.output_images or 0) + 1
        response = event.get("response")
        if isinstance(response, dict):
            return self._take_response(kind, response)
        return _EMPTY if kind.startswith("response.") else _OTHER  # such as a keep-alive

    def _bring(self, kind: str, piece: int) -> int:
        self._came.add(piece)
        if piece == _REASONING:
            self.reasoned |= kind in _RAW_REASONING
        elif piece == _REFUSAL:
            self.refused = True
        return piece

    def _take_response(self, kind: str, response: dict[str, Any]) -> int:
        self.model_returned = self.model_returned or text_or_none(response.get("model"))
        self.service_tier = text_or_none(response.get("service_tier")) or self.service_tier  # at first only "auto"
        usage = response.get("usage")
        if isinstance(usage, dict):
            self._usage = usage
        if kind not in _TERMINAL:
            return _EMPTY
        status = text_or_none(response.get("status")) or kind.removeprefix("response.")
        if kind == "response.failed" or status == "failed":
            self.fail("stream_error", error_text(response.get("error") or "the server says that the response failed"))
            return _ERROR
        why = response.get("incomplete_details")
        reason = why.get("reason") if isinstance(why, dict) else None
        self.finish(reason or status)
        whole = next((piece for piece, _ in shown(response)), None) if not self._came else None
        return self._bring(kind, whole) if whole is not None else _FINISH

    def facts(self, event_ends: list[int], event_classes: bytes) -> StreamFacts:
        """What was said, once all events were taken."""
        self.refused |= self.finish_reason == "content_filter"
        if self._usage:
            take_usage(self, self._usage, "input_tokens", "output_tokens")
        # `super()` is not for a slotted dataclass: the decorator makes a second class
        return EventReader.facts(self, event_ends, event_classes)


def shown(response: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Class and text of what a whole response shows, in its order."""
    output = response.get("output")
    for item in output if isinstance(output, list) else []:
        if not isinstance(item, dict):
            continue
        if item.get("type") == "function_call":
            yield _TOOL, str(item.get("arguments") or item.get("name") or "")
        content = item.get("content")
        for part in content if isinstance(content, list) else []:
            if not isinstance(part, dict):
                continue
            if part.get("type") == "output_text" and part.get("text"):
                yield _TEXT, str(part["text"])
            elif part.get("type") == "refusal":
                yield _REFUSAL, str(part.get("refusal"))
