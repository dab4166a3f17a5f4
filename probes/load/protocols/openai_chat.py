"""OpenAI chat completions, streamed, and the dialects of compatible servers.

Stream order: role chunk, content chunks, finish chunk, usage chunk (`choices: []`), `[DONE]`. Servers leave out, merge
and repeat nearly all of these, so every event is read for all of them.
"""

import re
from typing import Any, Final

import orjson

from probes.load.errors import ErrorClass, error_text, sanitise
from probes.load.protocols.base import StreamFacts, WireProtocol
from probes.load.spec import LoadSpec
from probes.load.sse import SseEvents, cut_events

_DONE: Final = b"[DONE]"
_COMPLETION_TOKENS: Final = re.compile(rb'"completion_tokens"\s*:\s*(\d+)')
_TAIL_BYTES: Final = 2048


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
    for n, event in enumerate(parsed):
        reader.take(event, events.ends[n], n in events.errors)
    if broken is not None and broken != events.unfinished:
        reader.fail("parse_error", f"event {broken} is not JSON: {events.data[broken][:80].decode('utf-8', 'replace')}")
    return reader.facts()


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

    __slots__ = (
        "_ends",
        "_fault",
        "_fingerprint",
        "_finish",
        "_model",
        "_reasoned",
        "_refused",
        "_terminal",
        "_usage",
        "_visible",
    )

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._visible: int | None = None
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

    def take(self, event: object, end: int, says_error: bool) -> None:
        if not isinstance(event, dict):
            if event is _DONE:
                self._terminal = True
            elif event is not None:
                self.fail("parse_error", f"an event is not a JSON object: {str(event)[:80]}")
            return
        if says_error or (event.get("error")):
            self.fail("stream_error", error_text(event.get("error") or event))
            return
        if self._model is None:
            self._model = _text(event.get("model"))
            self._fingerprint = _text(event.get("system_fingerprint"))
        usage = event.get("usage")
        if usage is None and "x_groq" in event and isinstance(event["x_groq"], dict):
            usage = event["x_groq"].get("usage")
        if isinstance(usage, dict):
            self._usage = usage
        choices = event.get("choices")
        if isinstance(choices, list):
            for choice in choices:
                if isinstance(choice, dict):
                    self._take_choice(choice, end)

    def _take_choice(self, choice: dict[str, Any], end: int) -> None:
        delta = choice.get("delta")
        reason = choice.get("finish_reason")
        if reason is not None:
            self._finish = str(reason)
            self._terminal = True
        if not isinstance(delta, dict) or not delta:
            return
        content = delta.get("content")
        if len(delta) == 1 and type(content) is str:  # nearly every event of nearly every server
            visible, reasoning = content != "", False
        else:
            visible, reasoning = _is_visible(delta), _is_reasoning(delta)
            self._refused |= bool(delta.get("refusal"))
            self._reasoned |= reasoning
        if visible or reasoning:
            ends = self._ends
            if visible and self._visible is None:
                self._visible = len(ends)
            if not ends or ends[-1] != end:  # two choices in one event are one payload event
                ends.append(end)

    def facts(self) -> StreamFacts:
        if self._finish == "content_filter" or self._refused:
            self.fail("filtered", "the provider's content filter or the model refused")
        usage = self._usage
        details = usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        spent = usage.get("completion_tokens_details")
        return StreamFacts(
            payload_ends=self._ends,
            first_visible=self._visible,
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


def _is_visible(delta: dict[str, Any]) -> bool:
    content = delta.get("content")
    if content and not (isinstance(content, list) and _only_thinking(content)):
        return True
    if delta.get("refusal") or delta.get("audio"):
        return True
    calls = delta.get("tool_calls")
    called = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    called.append(delta.get("function_call"))
    return any(isinstance(part, dict) and (part.get("name") or part.get("arguments")) for part in called)


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
