"""Anthropic Messages, streamed, and the servers that imitate it (llama.cpp, vLLM, gateways).

Order: message_start, then of each block its start, deltas and stop, then message_delta with the stop reason and the
final counts, message_stop; `ping` and `error` anywhere. Counts come in two objects, of which the second need not
repeat the first.
"""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from probes.load.prompt import Prompt, Turn
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bodies import dump_body, system_text
from probes.load.protocols.molds import read_sse, text_mold
from probes.load.protocols.reading import EventReader, last_count, parse_json_events, payload_in, text_or_none
from probes.load.spec import LoadSpec
from probes.load.sse import cut_events

_VERSION: Final = "2023-06-01"
_TAIL_BYTES: Final = 4096
_LAST_WORDS: Final = ("message_stop", "error")

_OTHER, _USAGE, _EMPTY, _FINISH = (int(kind) for kind in list(EventClass)[:4])
_REASONING, _TOOL, _TEXT, _DONE = (
    int(kind) for kind in (EventClass.REASONING, EventClass.TOOL, EventClass.TEXT, EventClass.DONE)
)
# Of a delta: its own key, and the class of an event that brings something there. A signature and a citation are
# nothing that was generated.
_DELTAS: Final = {
    "text_delta": ("text", _TEXT),
    "thinking_delta": ("thinking", _REASONING),
    "input_json_delta": ("partial_json", _TOOL),
}
_BLOCKS: Final = {
    "text": ("text", _TEXT),
    "thinking": ("thinking", _REASONING),
    "tool_use": ("name", _TOOL),
    "server_tool_use": ("name", _TOOL),
    "mcp_tool_use": ("name", _TOOL),
}


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request; `spec.extra_body` wins."""
    body: dict[str, object] = {
        "model": spec.model,
        "max_tokens": spec.output_tokens,  # a request without it is refused
        "messages": [{"role": t.role, "content": _content(t)} for t in prompt.turns if t.role != "system"],
        "stream": True,
    }
    system = system_text(prompt)
    if system is not None:
        body["system"] = system
    if spec.temperature is not None:
        body["temperature"] = spec.temperature
    return dump_body(body, spec.extra_body)


def _content(turn: Turn) -> str | list[dict[str, object]]:
    """The text of a turn, or its blocks if it has pictures, which stand before the text."""
    if not turn.images:
        return turn.text
    blocks: list[dict[str, object]] = [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": image.media_type, "data": b64encode(image.data).decode()},
        }
        for image in turn.images
    ]
    return [*blocks, {"type": "text", "text": turn.text}] if turn.text else blocks


@dataclass(slots=True)
class MessagesReader(EventReader):
    """Reads the events of one message."""

    _usage: dict[str, Any] = field(default_factory=dict)

    def take(self, event: object) -> int:  # noqa: PLR0911 - a table
        """Note what one event says; returns its class."""
        if type(event) is not dict:
            return self.take_stranger(event)
        kind = event.get("type")
        if kind == "content_block_delta":  # nearly every event
            delta = event.get("delta")
            if type(delta) is dict:
                key, payload = _DELTAS.get(_name(delta), ("", _EMPTY))
                return self._shown(payload) if delta.get(key) else _EMPTY
            return _EMPTY
        if kind == "error" or event.get("error"):
            return self.take_error(event)
        match kind:
            case "message_start":
                return self._take_message(event.get("message"))
            case "content_block_start":
                return self._take_block(event.get("content_block"))
            case "content_block_stop":
                return _EMPTY
            case "message_delta":
                return self._take_end(event)
            case "message_stop":
                self.terminal = True
                return _DONE
            case "message":  # one document: stream = false was asked for, or what was asked was ignored
                self.streamed = False
                return self._take_message(event)
            case _:  # ping, and what will be invented
                return _OTHER

    def _shown(self, payload: int) -> int:
        self.reasoned |= payload == _REASONING
        return payload

    def _take_message(self, message: object) -> int:
        if type(message) is not dict:
            return _EMPTY
        self.model_returned = text_or_none(message.get("model"))
        self._merge(message.get("usage"))
        self._stop(message.get("stop_reason"))
        blocks = message.get("content")
        return max(map(self._take_block, blocks), default=_EMPTY) if type(blocks) is list else _EMPTY

    def _take_block(self, block: object) -> int:
        if type(block) is not dict:
            return _EMPTY
        key, payload = _BLOCKS.get(_name(block), ("", _EMPTY))
        return self._shown(payload) if block.get(key) else _EMPTY

    def _take_end(self, event: dict[str, Any]) -> int:
        usage, delta = event.get("usage"), event.get("delta")
        self._merge(usage)
        reason = delta.get("stop_reason") if type(delta) is dict else None
        self._stop(reason)
        return _FINISH if reason is not None else _USAGE if usage else _EMPTY

    def _stop(self, reason: object) -> None:
        if reason is not None:
            self.finish(reason)
            self.refused |= reason == "refusal"

    def _merge(self, usage: object) -> None:
        if type(usage) is dict:
            self._usage.update((name, value) for name, value in usage.items() if value is not None)

    def says_more(self) -> bool:
        """Whether anything was said that the next event of the same shape may say otherwise."""
        return EventReader.says_more(self) or bool(self._usage)

    def facts(self, event_ends: list[int], event_classes: bytes) -> StreamFacts:
        """What was said, once all events were taken."""
        usage = self._usage
        uncached = self.count("input_tokens", usage.get("input_tokens"))
        written = self.count("cache_creation_input_tokens", usage.get("cache_creation_input_tokens"))
        cached = self.count("cache_read_input_tokens", usage.get("cache_read_input_tokens"))
        if uncached is not None:
            self.prompt_tokens = uncached + (written or 0) + (cached or 0)  # what is cached is counted beside it
        self.cached_tokens, self.cache_write_tokens = cached, written
        if self.terminal:  # what message_start counts is a beginning, and an answer that was cut has no count
            self.output_tokens = self.count("output_tokens", usage.get("output_tokens"))
        details = usage.get("output_tokens_details")
        if type(details) is dict:
            self.reasoning_tokens = self.count("thinking_tokens", details.get("thinking_tokens"))
        self.service_tier = text_or_none(usage.get("service_tier"))
        # `super()` is not for a slotted dataclass: the decorator makes a second class
        return EventReader.facts(self, event_ends, event_classes)


_MOLD: Final = text_mold(MessagesReader, ("text", "thinking", "partial_json"))


def _name(part: dict[str, Any]) -> str:
    name = part.get("type")
    return name if type(name) is str else ""


def read_stream(body: bytes) -> StreamFacts:
    """Everything an answer says. Faults are reported, never raised."""
    return read_sse(body, MessagesReader(), _MOLD)


has_payload: Final = payload_in(read_stream)


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with message_stop or an error."""
    last = cut_events(body[-_TAIL_BYTES:]).data[-1:]
    events, _ = parse_json_events(last)
    return any(isinstance(event, dict) and event.get("type") in _LAST_WORDS for event in events)


output_tokens: Final = last_count("output_tokens", tail_bytes=_TAIL_BYTES)


def answer_text(body: bytes) -> str:
    """The visible text, without thinking; as far as the stream is JSON."""
    events, _ = parse_json_events(cut_events(body).data)
    return "".join(text for event in events if isinstance(event, dict) for text in _texts(event))


def _texts(event: dict[str, Any]) -> Iterator[str]:
    message = event.get("message", event)
    content = message.get("content") if isinstance(message, dict) else None
    blocks = content if isinstance(content, list) else []
    for part in (event.get("delta"), event.get("content_block"), *blocks):
        text = part.get("text") if isinstance(part, dict) else None
        if isinstance(text, str):
            yield text


ANTHROPIC: Final = WireProtocol(
    name="anthropic",
    path=lambda _: "/v1/messages",
    accept="text/event-stream",
    key_headers=lambda key: {"x-api-key": key},
    headers={"anthropic-version": _VERSION},
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=answer_text,
    end="a stop_reason or message_stop",
)
