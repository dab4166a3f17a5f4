"""Reading streams of choices (chat, completions): the quick way where events are alike, the thorough one elsewhere."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from probes.load.protocols.base import EventClass, StreamFacts
from probes.load.protocols.molds import Mold, SortedEvents, sort_events
from probes.load.protocols.openai_events import ChatReader
from probes.load.protocols.reading import DONE, last_count, parse_json_events, read_json_events
from probes.load.sse import cut_events

_TERMINATOR: Final = re.compile(rb"data: ?\[DONE\][\r\n]*\Z").search

Choice = dict[str, Any]


def read_choices(body: bytes, new_reader: Callable[[], ChatReader], mold: Mold) -> StreamFacts:
    """Everything a streamed answer says. Faults are reported, never raised.

    Args:
        body: a whole answer, or as much of it as came.
        new_reader: makes the reader of the events.
        mold: what makes a mold of an event, see `text_mold`.
    """
    alike = sort_events(body, mold)
    return read_json_events(cut_events(body), new_reader()) if alike is None else _read_sorted(alike, new_reader())


def _read_sorted(events: SortedEvents, reader: ChatReader) -> StreamFacts:
    """The same where most events have their class already: what is left is read in its order."""
    classes = events.classes
    for place, text in zip(events.unread, events.texts, strict=True):
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError:
            if text.strip() != DONE:
                del classes[place + 1 :]
                classes[place] = EventClass.OTHER
                reader.fail_json(place, text)
                break
            event = DONE
        classes[place] = reader.take(event)
    return reader.facts(events.ends[: len(classes)], bytes(classes))


def text_mold(
    new_reader: Callable[[], ChatReader], keys: tuple[str, ...], texts_of: Callable[[Choice], Choice]
) -> Mold:
    """What makes molds of events of one choice that bring a piece of text, and that say nothing else of their own.

    Args:
        new_reader: makes the reader of the events.
        keys: names under which a text may stand.
        texts_of: where in a choice they stand.
    """
    # Inside a string the quotes would have backslashes, so this is a key and the beginning of its value.
    beginnings = {key: re.compile(rb'"%b"\s*:\s*"' % key.encode()) for key in keys}
    # Without one of them there is no text to stand between two ends; looking is quicker than parsing.
    has_text = re.compile(rb'"(?:%b)"\s*:\s*"[^"]' % "|".join(keys).encode()).search

    def mold(text: bytes) -> tuple[int, int, int] | None:
        if has_text(text) is None:
            return None
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
        reader = new_reader()
        kind = reader.take(event)
        if kind not in (EventClass.TEXT, EventClass.REASONING) or reader.says_more or len(event["choices"]) != 1:
            return None
        texts = texts_of(event["choices"][0])
        for key, beginning in beginnings.items():
            value = texts.get(key)
            if type(value) is str and value and len(found := list(beginning.finditer(text))) == 1:
                start = found[0].end()
                end = start + len(value.encode())
                if text[start:end] == value.encode() and text[end : end + 1] == b'"':
                    return kind, start, end
        return None

    return mold


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with the terminator event."""
    return _TERMINATOR(body, max(len(body) - 32, 0)) is not None


output_tokens: Final = last_count("completion_tokens")


def first_choices(body: bytes) -> Iterator[Choice]:
    """The first choice of each event that has it; as far as the stream is JSON."""
    events, _ = parse_json_events(cut_events(body).data)
    for event in events:
        choices = event.get("choices") if isinstance(event, dict) else None
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict) and not choice.get("index"):
                yield choice
