"""What the readers of all wire formats share: what has been said so far, JSON events in order, the facts in the end.

A wire format subclasses `EventReader` and says in `take` what one event is; `read_json_events` does the rest.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import compress
from typing import Final

import orjson

from probes.load.errors import ErrorClass, error_text, sanitise
from probes.load.protocols.base import CHOICE_FLAGS, PAYLOAD_FLAGS, VISIBLE_FLAGS, EventClass, StreamFacts
from probes.load.sse import SseEvents

DONE: Final = b"[DONE]"
_BROKEN: Final = object()
_MOST: Final = 10**15  # tokens, or anything else that is counted


@dataclass(slots=True)
class EventReader:
    """Reads the events of one answer in order and remembers what they said. Unknown stays None."""

    streamed: bool = True
    terminal: bool = False  # a finish reason or the terminator came
    finish_reason: str | None = None
    fault: tuple[ErrorClass, str] | None = None
    refused: bool = False  # by the model or a filter
    reasoned: bool = False  # reasoning was shown
    usage_fault: str | None = None
    prompt_tokens: int | None = None  # cached ones included
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None  # reasoning included
    reasoning_tokens: int | None = None
    model_returned: str | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    billed_usd: float | None = None
    server_load_s: float | None = None
    server_queue_s: float | None = None
    server_prefill_s: float | None = None
    server_decode_s: float | None = None
    input_items: int | None = None
    input_audio_s: float | None = None
    output_audio_s: float | None = None
    output_images: int | None = None
    search_units: int | None = None
    ends_with_body: bool = False
    misread: bool = False  # an event was no JSON, and reading ended there

    def says_more(self) -> bool:
        """Whether anything was said that the next event of the same shape may say otherwise: an end, a fault."""
        ended = self.terminal or self.refused or self.fault is not None or self.usage_fault is not None
        return ended or self.output_images is not None or not self.streamed

    def take(self, event: object) -> int:
        """Note what one event says; returns its `EventClass`. `DONE` stands for the terminator of OpenAI's streams."""
        raise NotImplementedError

    def take_error(self, event: object) -> int:
        """An event that calls itself an error."""
        if not isinstance(event, dict):
            return self.take(event)
        self.fail("stream_error", error_text(event.get("error") or event))
        return int(EventClass.ERROR)

    def take_stranger(self, event: object) -> int:
        """An event that is no JSON object."""
        if event is DONE:
            self.terminal = True
            return int(EventClass.DONE)
        if event is not None:
            self.fail("parse_error", f"an event is not a JSON object: {str(event)[:80]}")
        return int(EventClass.OTHER)

    def fail(self, kind: ErrorClass, message: str) -> None:
        """Something went wrong; what went wrong first stands."""
        if self.fault is None:
            self.fault = (kind, sanitise(message))

    def fail_json(self, place: int, text: bytes) -> None:
        """The event at that place is not JSON."""
        self.fail("parse_error", f"event {place} is not JSON: {text[:80].decode('utf-8', 'replace')}")

    def finish(self, reason: object) -> None:
        """The server said why generation ended."""
        self.finish_reason = str(reason)
        self.terminal = True

    def count(self, name: str, value: object) -> int | None:
        """A count as the server says it; None, and a note, of what can be no count. Absent is None without a note."""
        if type(value) is int and 0 <= value <= _MOST:
            return value
        if isinstance(value, float) and 0 <= value <= _MOST and value.is_integer():
            return int(value)
        if value is not None and self.usage_fault is None:
            self.usage_fault = sanitise(f"{name} = {str(value)[:60]} is no count")
        return None

    def facts(self, event_ends: list[int], event_classes: bytes) -> StreamFacts:
        """What was said, once all events were taken."""
        if self.refused:
            self.fail("filtered", "the provider's content filter or the model refused")
        payload = event_classes.translate(PAYLOAD_FLAGS)
        visible = event_classes.translate(VISIBLE_FLAGS).find(1)
        choice = event_classes.translate(CHOICE_FLAGS).find(1)
        return StreamFacts(
            event_ends=event_ends,
            event_classes=event_classes,
            first_choice=choice if choice >= 0 else None,
            payload_ends=list(compress(event_ends, payload)),
            first_visible=payload[:visible].count(1) if visible >= 0 else None,
            reasoning_streamed=self.reasoned,
            terminal=self.terminal,
            finish_reason=self.finish_reason,
            fault=self.fault,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            output_tokens=self.output_tokens,
            reasoning_tokens=self.reasoning_tokens,
            model_returned=self.model_returned,
            system_fingerprint=self.system_fingerprint,
            cache_write_tokens=self.cache_write_tokens,
            streamed=self.streamed,
            usage_fault=self.usage_fault,
            service_tier=self.service_tier,
            billed_usd=self.billed_usd,
            server_load_s=self.server_load_s,
            server_queue_s=self.server_queue_s,
            server_prefill_s=self.server_prefill_s,
            server_decode_s=self.server_decode_s,
            input_items=self.input_items,
            input_audio_s=self.input_audio_s,
            output_audio_s=self.output_audio_s,
            output_images=self.output_images,
            search_units=self.search_units,
            ends_with_body=self.ends_with_body,
        )


def read_json_events(events: SseEvents, reader: EventReader) -> StreamFacts:
    """Everything that a body of JSON events says, however it was cut into them. Faults are reported, never raised.

    Each event is let go before the next is parsed: to keep those of a long answer costs the garbage collector four
    times what it costs to parse them.
    """
    classes = bytearray()
    loads, take, note, errors = orjson.loads, reader.take, classes.append, events.errors  # looked up once, not by each
    for n, text in enumerate(events.data):
        try:
            event = loads(text)
        except orjson.JSONDecodeError:
            event = DONE if text.strip() == DONE else _BROKEN
            if event is _BROKEN:
                reader.misread = True
                if n != events.unfinished:
                    note(EventClass.OTHER)
                    reader.fail_json(n, text)
                break
        note(reader.take_error(event) if errors and n in errors else take(event))
    return reader.facts(events.ends[: len(classes)], bytes(classes))


def parse_json_events(texts: Iterable[bytes]) -> tuple[list[object], int | None]:
    """The JSON of all events up to the first that is not JSON, and the index of that one."""
    parsed: list[object] = []
    for n, text in enumerate(texts):
        try:
            parsed.append(orjson.loads(text))
        except orjson.JSONDecodeError:
            if text.strip() != DONE:
                return parsed, n
            parsed.append(DONE)
    return parsed, None


def text_or_none(value: object) -> str | None:
    """A text that says something."""
    return value if isinstance(value, str) and value else None


def seconds(value: object, *, per: float = 1.0) -> float | None:
    """A duration of a server's own, given in units of which there are `per` to the second."""
    return value / per if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def payload_in(read_stream: Callable[[bytes], StreamFacts]) -> Callable[[bytes], bool]:
    """Whether a body under way holds any generated payload, for a format whose events tell."""
    return lambda body: bool(read_stream(body).payload_ends)


def last_count(names: str, *, tail_bytes: int = 2048) -> Callable[[bytes], int | None]:
    """A cheap look at the end of a body, for progress: the last count of that name, or of several in a pattern."""
    counts = re.compile(rb'"(?:%b)"\s*:\s*(\d+)' % names.encode())

    def look(body: bytes) -> int | None:
        found = counts.findall(body, max(len(body) - tail_bytes, 0))
        return int(found[-1]) if found else None

    return look
