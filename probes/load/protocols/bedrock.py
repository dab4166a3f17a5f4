"""Amazon Bedrock's ConverseStream: JSON in binary frames, signed requests or a bearer key.

Order: messageStart, of each block its start (not of text), deltas and stop, messageStop with the reason, metadata with
the counts. Input that came from a cache or went into one is counted beside `inputTokens`. Reasoning is part of
`outputTokens` and not told apart.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from probes.load.event_stream import cut_frames, last_frame
from probes.load.prompt import Prompt, Turn
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bedrock_signing import secret, sign
from probes.load.protocols.bodies import bearer, dump_body, system_text
from probes.load.protocols.molds import read_alike, text_mold
from probes.load.protocols.reading import EventReader, last_count, parse_json_events, payload_in, text_or_none
from probes.load.spec import LoadSpec

_OTHER, _USAGE, _EMPTY, _FINISH = (int(kind) for kind in list(EventClass)[:4])
_REASONING, _TOOL, _TEXT = (int(kind) for kind in (EventClass.REASONING, EventClass.TOOL, EventClass.TEXT))
_IMAGE: Final = int(EventClass.IMAGE)
_FILTERED: Final = ("guardrail_intervened", "content_filtered")
_LAST_FRAMES: Final = (b'{"metadata":', b'{"error":')
_TAIL_BYTES: Final = 16384  # of the metadata of a guardrail, which can be long


def path(spec: LoadSpec) -> str:
    """Path of a model, an inference profile or its ARN, on the regional host."""
    return f"/model/{quote(spec.model, safe='')}/converse-stream"


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request; `spec.extra_body` wins, its `inferenceConfig` key by key."""
    config: dict[str, object] = {"maxTokens": spec.output_tokens}
    if spec.temperature is not None:
        config["temperature"] = spec.temperature
    body: dict[str, object] = {
        "messages": [{"role": t.role, "content": _content(t)} for t in prompt.turns if t.role != "system"],
        "inferenceConfig": config,
    }
    system = system_text(prompt)
    if system is not None:
        body["system"] = [{"text": system}]
    return dump_body(body, spec.extra_body)


def _content(turn: Turn) -> list[dict[str, Any]]:
    pictures: list[dict[str, Any]] = [
        {
            "image": {
                "format": image.media_type.rpartition("/")[2].replace("jpg", "jpeg"),
                "source": {"bytes": b64encode(image.data).decode()},
            }
        }
        for image in turn.images
    ]
    return [*pictures, {"text": turn.text}] if turn.text or not pictures else pictures


@dataclass(slots=True)
class ConverseReader(EventReader):
    """Reads the events of one answer, each an object of one key: its kind."""

    broken: str | None = None  # what is wrong with the last frame
    torn: bool = False  # the body ends within a frame
    _usage: dict[str, Any] = field(default_factory=dict)

    def take(self, event: object) -> int:  # noqa: PLR0911 - a table
        """Note what one event says; returns its class."""
        if type(event) is not dict:
            return self.take_stranger(event)
        for kind, said in event.items():
            if type(said) is not dict:
                break
            match kind:
                case "contentBlockDelta":
                    return self._take_delta(said.get("delta"))
                case "contentBlockStart":
                    start = said.get("start")
                    call = start.get("toolUse") if type(start) is dict else None
                    return _TOOL if type(call) is dict and call.get("name") else _EMPTY
                case "messageStart" | "contentBlockStop":
                    return _EMPTY
                case "messageStop":
                    return self._take_stop(said.get("stopReason"))
                case "metadata":
                    return self._take_metadata(said)
        return _OTHER

    def _take_delta(self, delta: object) -> int:
        if type(delta) is not dict:
            return _EMPTY
        if delta.get("text"):
            return _TEXT
        thought, call, image = delta.get("reasoningContent"), delta.get("toolUse"), delta.get("image")
        if type(thought) is dict and thought.get("text"):  # the rest is a signature, or withheld
            self.reasoned = True
            return _REASONING
        if type(call) is dict and call.get("input"):
            return _TOOL
        return _IMAGE if type(image) is dict and image.get("source") else _EMPTY

    def _take_stop(self, reason: object) -> int:
        self.terminal = True
        if reason:
            self.finish(reason)
        self.refused |= reason in _FILTERED
        return _FINISH

    def _take_metadata(self, metadata: dict[str, Any]) -> int:
        usage, tier = metadata.get("usage"), metadata.get("serviceTier")
        if type(usage) is dict:
            self._usage = usage
        if type(tier) is dict:
            self.service_tier = text_or_none(tier.get("type"))
        return _USAGE

    def fail_json(self, place: int, text: bytes) -> None:
        """The event at that place is not JSON, or its frame is damaged."""
        if text or self.broken is None:
            EventReader.fail_json(self, place, text)
        else:
            self.fail("parse_error", self.broken)

    def facts(self, event_ends: list[int], event_classes: bytes) -> StreamFacts:
        """What was said, once all events were taken."""
        usage = self._usage
        uncached = self.count("inputTokens", usage.get("inputTokens"))
        self.cached_tokens = self.count("cacheReadInputTokens", usage.get("cacheReadInputTokens"))
        self.cache_write_tokens = self.count("cacheWriteInputTokens", usage.get("cacheWriteInputTokens"))
        if uncached is not None:
            self.prompt_tokens = uncached + (self.cached_tokens or 0) + (self.cache_write_tokens or 0)
        self.output_tokens = self.count("outputTokens", usage.get("outputTokens"))
        self.terminal &= not self.torn  # half a frame is proof that more was to come
        # `super()` is not for a slotted dataclass: the decorator makes a second class
        return EventReader.facts(self, event_ends, event_classes)


_MOLD: Final = text_mold(ConverseReader, ("text", "input"))


def read_stream(body: bytes) -> StreamFacts:
    """Everything an answer says. Faults are reported, never raised."""
    cut = cut_frames(body)
    return read_alike(cut.events, ConverseReader(broken=cut.broken, torn=cut.torn), _MOLD)


has_payload: Final = payload_in(read_stream)


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with the metadata or an exception."""
    last = last_frame(body[-_TAIL_BYTES:])
    return last is not None and last.startswith(_LAST_FRAMES)


output_tokens: Final = last_count("outputTokens", tail_bytes=_TAIL_BYTES)


def answer_text(body: bytes) -> str:
    """The visible text, without reasoning; as far as frames are whole and JSON."""
    events, _ = parse_json_events(cut_frames(body).events.data)
    return "".join(map(_text, events))


def _text(event: object) -> str:
    said = event.get("contentBlockDelta") if isinstance(event, dict) else None
    delta = said.get("delta") if isinstance(said, dict) else None
    text = delta.get("text") if isinstance(delta, dict) else None
    return text if isinstance(text, str) else ""


BEDROCK: Final = WireProtocol(
    name="bedrock",
    path=path,
    accept="application/vnd.amazon.eventstream",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=answer_text,
    end="a messageStop event",
    has_lines=False,
    sign=sign,
    secret=secret,
)
