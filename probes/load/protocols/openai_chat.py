"""OpenAI chat completions, streamed, and the dialects of compatible servers.

Stream order: role chunk, content chunks, finish chunk, usage chunk (`choices: []`), `[DONE]`. Servers leave out, merge
and repeat nearly all of these, so every event is read for all of them.
"""

import re
from itertools import compress
from typing import Any, Final

import orjson

from probes.load.errors import ErrorClass, error_text, sanitise
from probes.load.protocols.base import CHOICE_FLAGS, PAYLOAD_FLAGS, VISIBLE_FLAGS, EventClass, StreamFacts, WireProtocol
from probes.load.spec import LoadSpec
from probes.load.sse import SseEvents, cut_events

_DONE: Final = b"[DONE]"
_COMPLETION_TOKENS: Final = re.compile(rb'"completion_tokens"\s*:\s*(\d+)')
_TAIL_BYTES: Final = 2048

# As plain numbers: one is needed for every event, and looking one up in an enum costs as much as reading the event.
_OTHER, _USAGE, _EMPTY, _FINISH, _REASONING, _TOOL, _AUDIO, _REFUSAL, _TEXT, _DONE_CLASS, _ERROR = map(int, EventClass)


def request_body(spec: LoadSpec, prompt: str) -> bytes:
    """The JSON of one request; `spec.extra_body` wins over everything but the messages."""
    body: dict[str, object] = {
        "model": spec.model,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "stream_options": {"include_usage": True},
        spec.max_tokens_field: spec.output_tokens,
    }
    if spec.temperature is not None:
        body["temperature"] = spec.temperature
    return orjson.dumps(body | dict(spec.extra_body))


def read_stream(body: bytes) -> StreamFacts:
    """Everything a streamed answer says. Faults are reported, never raised."""
    events = cut_events(body)
    reader = _Reader()
    parsed, broken = _parse_all(events)
    take = reader.take
    classes = (
        bytearray(take(event) for event in parsed)
        if not events.errors
        else bytearray(
            reader.take_error(event) if n in events.errors else take(event) for n, event in enumerate(parsed)
        )
    )
    if broken is not None and broken != events.unfinished:
        classes.append(EventClass.OTHER)
        reader.fail("parse_error", f"event {broken} is not JSON: {events.data[broken][:80].decode('utf-8', 'replace')}")
    return reader.facts(events.ends[: len(classes)], bytes(classes))


def has_payload(body: bytes) -> bool:
    """Whether a body under way holds any generated payload."""
    return bool(read_stream(body).payload_ends)


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with the terminator event."""
    return body[-32:].rstrip(b"\r\n").endswith(b"data: [DONE]")


def output_tokens(body: bytes) -> int | None:
    """The last completion_tokens near the end of a body."""
    found = _COMPLETION_TOKENS.findall(body[-_TAIL_BYTES:])
    return int(found[-1]) if found else None


def _parse_all(events: SseEvents) -> tuple[list[object], int | None]:
    """The JSON of all events up to the first that is not JSON, and the index of that one.

    One call parses a whole answer (the events joined to an array): calls, not characters, are what parsing costs.
    """
    texts = events.data
    done = bool(texts) and texts[-1] == _DONE
    try:
        parsed = orjson.loads(b"[%b]" % b",".join(texts[:-1] if done else texts))
    except orjson.JSONDecodeError:
        parsed = []  # one of them is at fault: below, each by itself tells which
    if len(parsed) == len(texts) - done:
        return ([*parsed, _DONE] if done else parsed), None
    one_by_one: list[object] = []
    for n, text in enumerate(texts):
        try:
            one_by_one.append(_DONE if text.strip() == _DONE else orjson.loads(text))
        except orjson.JSONDecodeError:
            return one_by_one, n
    return one_by_one, None


class _Reader:
    """Reads events in order and remembers what they said."""

    __slots__ = ("_fault", "_fingerprint", "_finish", "_model", "_reasoned", "_refused", "_terminal", "_usage")

    def __init__(self) -> None:
        self._reasoned = False
        self._refused = False
        self._terminal = False
        self._finish: str | None = None
        self._fault: tuple[ErrorClass, str] | None = None
        self._usage: dict[str, Any] = {}
        self._model: str | None = None
        self._fingerprint: str | None = None

    def fail(self, kind: ErrorClass, message: str) -> None:
        if self._fault is None:
            self._fault = (kind, sanitise(message))

    def take_error(self, event: object) -> int:
        """An event that calls itself an error."""
        if not isinstance(event, dict):
            return self.take(event)
        self.fail("stream_error", error_text(event.get("error") or event))
        return _ERROR

    def take(self, event: object) -> int:
        """Note what one event says; returns its class."""
        if type(event) is not dict:
            return self._take_stranger(event)
        if event.get("error"):
            return self.take_error(event)
        if self._model is None:
            self._model = _text(event.get("model"))
            self._fingerprint = _text(event.get("system_fingerprint"))
        usage = event.get("usage")
        if usage is None and "x_groq" in event and isinstance(event["x_groq"], dict):
            usage = event["x_groq"].get("usage")
        nothing = _OTHER
        if type(usage) is dict:
            self._usage = usage
            nothing = _USAGE
        choices = event.get("choices")
        if choices and type(choices) is list:
            if len(choices) == 1:
                return self._take_choice(choices[0])
            return max(map(self._take_choice, choices))
        return nothing

    def _take_stranger(self, event: object) -> int:
        if event is _DONE:
            self._terminal = True
            return _DONE_CLASS
        if event is not None:
            self.fail("parse_error", f"an event is not a JSON object: {str(event)[:80]}")
        return _OTHER

    def _take_choice(self, choice: Any) -> int:  # noqa: ANN401 - whatever JSON a server puts there
        if type(choice) is not dict:
            return _EMPTY
        reason = choice.get("finish_reason")
        if reason is not None:
            self._finish = str(reason)
            self._terminal = True
        delta = choice.get("delta")
        if type(delta) is dict and delta:
            content = delta.get("content")
            if len(delta) == 1 and type(content) is str:  # nearly every event of nearly every server
                if content:
                    return _TEXT
            else:
                payload = self._take_delta(delta)
                if payload is not None:
                    return payload
        return _EMPTY if reason is None else _FINISH

    def _take_delta(self, delta: dict[str, Any]) -> int | None:
        reasoning = _is_reasoning(delta)
        self._reasoned |= reasoning
        self._refused |= bool(delta.get("refusal"))
        visible = _visible_class(delta)
        return visible if visible is not None else _REASONING if reasoning else None

    def facts(self, event_ends: list[int], event_classes: bytes) -> StreamFacts:
        if self._finish == "content_filter" or self._refused:
            self.fail("filtered", "the provider's content filter or the model refused")
        usage = self._usage
        details = usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        spent = usage.get("completion_tokens_details")
        payload = event_classes.translate(PAYLOAD_FLAGS)
        visible = event_classes.translate(VISIBLE_FLAGS).find(1)
        choice = event_classes.translate(CHOICE_FLAGS).find(1)
        return StreamFacts(
            event_ends=event_ends,
            event_classes=event_classes,
            first_choice=choice if choice >= 0 else None,
            payload_ends=list(compress(event_ends, payload)),
            first_visible=payload[:visible].count(1) if visible >= 0 else None,
            reasoning_streamed=self._reasoned,
            terminal=self._terminal,
            finish_reason=self._finish,
            fault=self._fault,
            prompt_tokens=_count(usage.get("prompt_tokens")),
            cached_tokens=_count(usage.get("prompt_cache_hit_tokens") if cached is None else cached),
            output_tokens=_count(usage.get("completion_tokens")),
            reasoning_tokens=_count(spent.get("reasoning_tokens")) if isinstance(spent, dict) else None,
            model_returned=self._model,
            system_fingerprint=self._fingerprint,
        )


def _visible_class(delta: dict[str, Any]) -> int | None:
    """The class of a delta that a person would see something of; None if there is nothing of that kind."""
    content = delta.get("content")
    if content and not (isinstance(content, list) and _only_thinking(content)):
        return _TEXT
    if delta.get("refusal"):
        return _REFUSAL
    if delta.get("audio"):
        return _AUDIO
    calls = delta.get("tool_calls")
    called = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    called.append(delta.get("function_call"))
    if any(isinstance(part, dict) and (part.get("name") or part.get("arguments")) for part in called):
        return _TOOL
    return None


def _is_reasoning(delta: dict[str, Any]) -> bool:
    content = delta.get("content")
    if delta.get("reasoning_content") or delta.get("reasoning"):
        return True
    return isinstance(content, list) and _only_thinking(content)


def _only_thinking(parts: list[Any]) -> bool:
    # Mistral sends content as parts; a list of nothing but thinking is reasoning.
    return bool(parts) and all(isinstance(part, dict) and part.get("type") == "thinking" for part in parts)


def _count(value: object) -> int | None:
    """A token count, or None for whatever else a server may put there."""
    return value if type(value) is int and value >= 0 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


OPENAI_CHAT: Final = WireProtocol(
    name="openai-chat",
    path_suffix="/chat/completions",
    accept="text/event-stream",
    key_headers=lambda key: {"Authorization": f"Bearer {key}"},
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
)
