"""What single events of OpenAI's chat and completions streams say, in the dialects of compatible servers.

Servers leave out, merge and repeat nearly all parts of an event, so each is read for all of them.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from probes.load.protocols.base import EventClass, StreamFacts
from probes.load.protocols.openai_usage import take_timings, take_usage
from probes.load.protocols.reading import EventReader, text_or_none

# As plain numbers: one is needed for every event, and looking one up in an enum costs as much as reading the event.
_OTHER, _USAGE, _EMPTY, _FINISH, _REASONING, _TOOL, _AUDIO, _REFUSAL, _TEXT = list(map(int, EventClass))[:9]
_IMAGE: Final = int(EventClass.IMAGE)

# An answer that a server gave up says so in the place where a reason to finish stands: OpenRouter and Mistral; vLLM
# and SGLang; DeepSeek.
_GIVEN_UP: Final = frozenset({"error", "abort", "insufficient_system_resource"})


@dataclass(slots=True, eq=False, repr=False)
class ChatReader(EventReader):
    """Reads the events of a chat stream."""

    _usage: dict[str, Any] = field(default_factory=dict)
    _timed: dict[str, Any] = field(default_factory=dict)  # the last event with times
    _index: object = None  # of the last choice
    _begun: set[object] = field(default_factory=set)  # indexes of all choices
    _finished: set[object] = field(default_factory=set)

    def says_more(self) -> bool:
        """Whether anything was said that the next event of the same kind may say otherwise: usage, an end, a fault."""
        return EventReader.says_more(self) or bool(self._usage) or bool(self._timed)

    def take(self, event: object) -> int:
        """Note what one event says; returns its class."""
        if type(event) is not dict:
            return self.take_stranger(event)
        if event.get("error"):
            return self.take_error(event)
        if self.model_returned is None:
            self.model_returned = text_or_none(event.get("model"))
        fingerprint, tier = event.get("system_fingerprint"), event.get("service_tier")
        if fingerprint is not None and self.system_fingerprint is None:
            self.system_fingerprint = text_or_none(fingerprint)
        if tier is not None:
            self.service_tier = text_or_none(tier)
        usage = event.get("usage")
        if usage is None and "x_groq" in event and isinstance(event["x_groq"], dict):
            usage = event["x_groq"].get("usage")
        nothing = _OTHER
        if type(usage) is dict:
            self._usage = usage
            nothing = _USAGE
        if "timings" in event or "perf_metrics" in event or "time_info" in event:
            self._timed = event
        choices = event.get("choices")
        if choices and type(choices) is list:
            if len(choices) == 1:
                return self._take_choice(choices[0])
            return max(map(self._take_choice, choices))
        if event.get("object") == "error":  # vLLM before it put errors into an object of their own
            return self.take_error(event)
        return nothing

    def _take_choice(self, choice: Any) -> int:  # noqa: ANN401 - whatever JSON a server puts there
        if type(choice) is not dict:
            return _EMPTY
        index = choice.get("index") or 0
        if index != self._index:
            self._index = index
            self._begun.add(str(index))
        reason = choice.get("finish_reason")
        if reason:  # some servers say "" where others say null
            self._finished.add(str(index))
            self._finish_choice(reason, choice)
        payload = self._payload(choice)
        return payload if payload is not None else _FINISH if reason else _EMPTY

    def _finish_choice(self, reason: object, choice: dict[str, Any]) -> None:
        self.finish(reason)
        self.refused |= self.finish_reason == "content_filter"
        if self.finish_reason in _GIVEN_UP:
            why = choice.get("error")
            said = why.get("message") if isinstance(why, dict) else why
            self.fail("stream_error", f"{reason}: {said}" if said else f"the server gave up: finish_reason {reason}")

    def _payload(self, choice: dict[str, Any]) -> int | None:
        """The class of what a choice brings; None if it brings nothing."""
        delta = choice.get("delta")
        if type(delta) is not dict:
            delta = choice.get("message")
            self.streamed &= type(delta) is not dict  # one document, although a stream was asked for
        if type(delta) is not dict or not delta:
            return None
        content = delta.get("content")
        if len(delta) == 1 and type(content) is str:  # nearly every event of nearly every server
            return _TEXT if content else None
        reasoning = _is_reasoning(delta)
        self.reasoned |= reasoning
        self.refused |= bool(delta.get("refusal"))
        images = delta.get("images")
        if images and isinstance(images, list):  # OpenRouter
            self.output_images = (self.output_images or 0) + len(images)
        visible = _visible_class(delta)
        return visible if visible is not None else _REASONING if reasoning else None

    def facts(self, event_ends: list[int], event_classes: bytes) -> StreamFacts:
        """What was said, once all events were taken."""
        # Of several choices each has its end; the terminator is the end of all.
        self.terminal &= EventClass.DONE in event_classes or self._begun <= self._finished
        if self._usage:
            take_usage(self, self._usage, "prompt_tokens", "completion_tokens")
        if self._timed:
            take_timings(self, self._timed)
        # `super()` is not for a slotted dataclass: the decorator makes a second class
        return EventReader.facts(self, event_ends, event_classes)


@dataclass(slots=True, eq=False, repr=False)
class CompletionsReader(ChatReader):
    """Reads the events of a completions stream: the same, but for where the text stands."""

    def _payload(self, choice: dict[str, Any]) -> int | None:
        return _TEXT if choice.get("text") else None


def _visible_class(delta: dict[str, Any]) -> int | None:
    """The class of a delta that a person would see something of; None if there is nothing of that kind."""
    if _is_text(delta.get("content")):
        return _TEXT
    if delta.get("refusal"):
        return _REFUSAL
    if delta.get("images"):
        return _IMAGE
    audio = delta.get("audio")
    if isinstance(audio, dict) and (audio.get("data") or audio.get("transcript")):  # not its id alone, nor its expiry
        return _AUDIO
    return _TOOL if _is_call(delta) else None


def _is_text(content: object) -> bool:
    if not isinstance(content, list):
        return bool(content)
    # Mistral sends content as parts; those that think or refer to a source are no text.
    kinds = [(part.get("type"), part.get("text")) if isinstance(part, dict) else ("text", part) for part in content]
    return any(bool(text) if kind == "text" else kind not in ("thinking", "reference") for kind, text in kinds)


def _is_call(delta: dict[str, Any]) -> bool:
    calls = delta.get("tool_calls")
    called: list[object] = [delta.get("function_call")]
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            called += [call.get("function"), call.get("custom")]
    return any(
        isinstance(part, dict) and bool(part.get("name") or part.get("arguments") or part.get("input"))
        for part in called
    )


def _is_reasoning(delta: dict[str, Any]) -> bool:
    if delta.get("reasoning_content") or delta.get("reasoning"):  # both names with the same text are one event
        return True
    parts = delta.get("reasoning_details")  # OpenRouter; what is encrypted is not shown
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict) and (part.get("text") or part.get("summary")):
            return True
    content = delta.get("content")
    return isinstance(content, list) and any(
        isinstance(part, dict) and part.get("type") == "thinking" for part in content
    )
