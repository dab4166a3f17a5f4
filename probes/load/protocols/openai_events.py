"""What single events of an OpenAI chat stream say, in the dialects of compatible servers.

Servers leave out, merge and repeat nearly all parts of an event, so each is read for all of them.
"""

from itertools import compress
from typing import Any, Final

from probes.load.errors import ErrorClass, error_text, sanitise
from probes.load.protocols.base import CHOICE_FLAGS, PAYLOAD_FLAGS, VISIBLE_FLAGS, EventClass, StreamFacts

DONE: Final = b"[DONE]"

# As plain numbers: one is needed for every event, and looking one up in an enum costs as much as reading the event.
_OTHER, _USAGE, _EMPTY, _FINISH, _REASONING, _TOOL, _AUDIO, _REFUSAL, _TEXT, _DONE_CLASS, _ERROR = map(int, EventClass)


class EventReader:
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

    @property
    def says_more(self) -> bool:
        """Whether anything was said that the next event of the same kind may say otherwise: usage, an end, a fault."""
        return self._terminal or bool(self._usage) or self._fault is not None or self._refused

    def fail_json(self, place: int, text: bytes) -> None:
        self.fail("parse_error", f"event {place} is not JSON: {text[:80].decode('utf-8', 'replace')}")

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
        if event is DONE:
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
        written = details.get("cache_write_tokens") if isinstance(details, dict) else None
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
            # OpenRouter's name, else the one that gateways to Anthropic pass on
            cache_write_tokens=_count(usage.get("cache_creation_input_tokens") if written is None else written),
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
