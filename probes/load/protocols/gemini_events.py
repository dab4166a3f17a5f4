"""What single events of Google's generateContent say: pieces of candidates, counts so far, blocked prompts, errors."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from probes.load.protocols.base import EventClass, StreamFacts
from probes.load.protocols.reading import EventReader, text_or_none

_OTHER, _USAGE, _EMPTY, _FINISH = (int(kind) for kind in list(EventClass)[:4])
_REASONING, _TOOL, _TEXT = (int(kind) for kind in (EventClass.REASONING, EventClass.TOOL, EventClass.TEXT))
_IMAGE, _AUDIO = int(EventClass.IMAGE), int(EventClass.AUDIO)

_FILTERED: Final = frozenset(
    {
        *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    }
)
_UNSPECIFIED: Final = frozenset({"FINISH_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED"})
_CALLS: Final = ("functionCall", "toolCall", "executableCode")  # what the model wrote to have something done


@dataclass(slots=True)
class GeminiReader(EventReader):
    """Reads the responses that make up one answer."""

    _usage: dict[str, Any] = field(default_factory=dict)

    def take(self, event: object) -> int:
        """Note what one event says; returns its class."""
        if type(event) is list and len(event) == 1:
            event = event[0]  # an error comes so where an array was to begin
        if type(event) is not dict:
            return self.take_stranger(event)
        if event.get("error"):
            return self.take_error(event)
        if self.model_returned is None:
            self.model_returned = text_or_none(event.get("modelVersion"))
        nothing = _OTHER
        usage = event.get("usageMetadata")
        if type(usage) is dict:
            # The last value of each count stands.
            before = self._usage
            same = len(before) == len(usage) and before.keys() == usage.keys()
            self._usage = usage if same or usage.keys() >= before.keys() else {**before, **usage}
            nothing = _USAGE
        if "promptFeedback" in event:
            feedback = event["promptFeedback"]
            if type(feedback) is dict and self._stop(feedback.get("blockReason")):
                self.refused = True
                nothing = _FINISH
        candidates = event.get("candidates")
        if type(candidates) is not list or not candidates:
            return nothing
        if len(candidates) == 1:
            return self._take_candidate(candidates[0])
        return max(map(self._take_candidate, candidates))

    def _take_candidate(self, candidate: object) -> int:
        if type(candidate) is not dict:
            return _EMPTY
        kind = _EMPTY
        if "finishReason" in candidate:
            reason = candidate["finishReason"]
            kind = _FINISH if self._stop(reason) else _EMPTY
            self.refused |= type(reason) is str and reason in _FILTERED
        content = candidate.get("content")
        parts = content.get("parts") if type(content) is dict else None
        if type(parts) is not list or not parts:
            return kind
        if len(parts) == 1 and type(part := parts[0]) is dict and len(part) == 1 and part.get("text"):
            return _TEXT  # nearly every event
        return max(kind, *map(self._take_part, parts))

    def _take_part(self, part: object) -> int:  # noqa: PLR0911 - a table
        if type(part) is not dict:
            return _EMPTY
        if part.get("text"):
            if part.get("thought"):
                self.reasoned = True
                return _REASONING
            return _TEXT
        if any(part.get(call) for call in _CALLS):
            return _TOOL
        data = part.get("inlineData")
        if type(data) is dict and data.get("data"):
            if str(data.get("mimeType")).startswith("audio/"):
                return _AUDIO
            self.output_images = (self.output_images or 0) + 1
            return _IMAGE
        return _EMPTY  # a signature of thoughts, what a tool gave back

    def _stop(self, reason: object) -> bool:
        if not reason or str(reason) in _UNSPECIFIED:
            return False
        self.finish(reason)
        return True

    def facts(self, event_ends: list[int], event_classes: bytes) -> StreamFacts:
        """What was said, once all events were taken."""
        self.prompt_tokens = self._sum("promptTokenCount", "toolUsePromptTokenCount")
        self.cached_tokens = self._count("cachedContentTokenCount")
        self.reasoning_tokens = self._count("thoughtsTokenCount")
        self.output_tokens = self._sum("candidatesTokenCount", "thoughtsTokenCount")  # thoughts are counted beside it
        self.service_tier = text_or_none(self._usage.get("trafficType"))
        # `super()` is not for a slotted dataclass: the decorator makes a second class
        return EventReader.facts(self, event_ends, event_classes)

    def _count(self, name: str) -> int | None:
        return self.count(name, self._usage.get(name))

    def _sum(self, *names: str) -> int | None:
        # A count of 0 is left out, so one of the two is enough; one that is no count spoils the sum.
        counts = [self._count(name) for name in names]
        said = [name for name in names if self._usage.get(name) is not None]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(said) else None


def visible_texts(event: object) -> Iterator[str]:
    """The texts that one event adds to the first candidate."""
    candidates = event.get("candidates") if isinstance(event, dict) else None
    first = candidates[0] if isinstance(candidates, list) and candidates else None
    content = first.get("content") if isinstance(first, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    for part in parts if isinstance(parts, list) else []:
        text = part.get("text") if isinstance(part, dict) and not part.get("thought") else None
        if isinstance(text, str):
            yield text
