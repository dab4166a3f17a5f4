"""What single events of an OpenAI chat stream say, in the dialects of compatible servers.

Servers leave out, merge and repeat nearly all parts of an event, so each is read for all of them.
"""

from dataclasses import dataclass, field
from typing import Any

from probes.load.protocols.base import EventClass, StreamFacts
from probes.load.protocols.reading import EventReader, text_or_none

# As plain numbers: one is needed for every event, and looking one up in an enum costs as much as reading the event.
_OTHER, _USAGE, _EMPTY, _FINISH, _REASONING, _TOOL, _AUDIO, _REFUSAL, _TEXT = list(map(int, EventClass))[:9]


@dataclass(slots=True)
class ChatReader(EventReader):
    """Reads the events of a chat stream."""

    _usage: dict[str, Any] = field(default_factory=dict)

    @property
    def says_more(self) -> bool:
        """Whether anything was said that the next event of the same kind may say otherwise: usage, an end, a fault."""
        return self.terminal or bool(self._usage) or self.fault is not None or self.refused

    def take(self, event: object) -> int:
        """Note what one event says; returns its class."""
        if type(event) is not dict:
            return self.take_stranger(event)
        if event.get("error"):
            return self.take_error(event)
        if self.model_returned is None:
            self.model_returned = text_or_none(event.get("model"))
            self.system_fingerprint = text_or_none(event.get("system_fingerprint"))
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

    def _take_choice(self, choice: Any) -> int:  # noqa: ANN401 - whatever JSON a server puts there
        if type(choice) is not dict:
            return _EMPTY
        reason = choice.get("finish_reason")
        if reason is not None:
            self.finish(reason)
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
        self.reasoned |= reasoning
        self.refused |= bool(delta.get("refusal"))
        visible = _visible_class(delta)
        return visible if visible is not None else _REASONING if reasoning else None

    def facts(self, event_ends: list[int], event_classes: bytes) -> StreamFacts:
        """What was said, once all events were taken."""
        self.refused |= self.finish_reason == "content_filter"
        usage = self._usage
        details = usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        written = details.get("cache_write_tokens") if isinstance(details, dict) else None
        spent = usage.get("completion_tokens_details")
        self.prompt_tokens = self.count("prompt_tokens", usage.get("prompt_tokens"))
        self.cached_tokens = self.count(
            "cached_tokens", usage.get("prompt_cache_hit_tokens") if cached is None else cached
        )
        self.output_tokens = self.count("completion_tokens", usage.get("completion_tokens"))
        if isinstance(spent, dict):
            self.reasoning_tokens = self.count("reasoning_tokens", spent.get("reasoning_tokens"))
        # OpenRouter's name, else the one that gateways to Anthropic pass on
        written = usage.get("cache_creation_input_tokens") if written is None else written
        self.cache_write_tokens = self.count("cache_write_tokens", written)
        # `super()` is not for a slotted dataclass: the decorator makes a second class
        return EventReader.facts(self, event_ends, event_classes)


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
