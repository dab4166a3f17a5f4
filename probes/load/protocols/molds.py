"""Reading the events of an answer by their shape: those that bring nothing but another piece of text are not parsed.

How they are told apart stands in `probes.load.alike`; here is what a wire format has to say: which of its strings is
the text, and whether an event of this shape says anything else (`EventReader.says_more`).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import compress
from typing import Final

import orjson

from probes.load.alike import Hole, sort_texts
from probes.load.protocols.base import PAYLOAD_FLAGS, EventClass, StreamFacts
from probes.load.protocols.reading import DONE, EventReader
from probes.load.sse import SseEvents, cut_blocks, read_block

NewReader = Callable[[], EventReader]
Mold = Callable[[bytes], Hole | None]
Onward = Callable[[list[bytes], int, int], bytes]

STRING_END: Final = re.compile(rb'(?:[^"\\]++|\\.)*+"', re.DOTALL)
# OpenAI's and Amazon's names of what hides how long a text is.
_PADDING: Final = re.compile(rb'"(?:obfuscation|p)"\s*:\s*"([0-9A-Za-z+/=_*-]*)"')
_STRING_OR_NUMBER: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|-?[0-9][-+.0-9eE]*', re.DOTALL)
_MOST_DIGITS: Final = 15


def text_mold(new_reader: NewReader, keys: tuple[str, ...], *, numbers_vary: bool = False) -> Mold:
    """What makes molds of events that bring a piece of text, and that say nothing else of their own.

    Args:
        new_reader: makes the reader of the events.
        keys: names under which a text may stand.
        numbers_vary: the numbers of an event may differ from those of the next: of what they count the last value
            stands. No name or word that the reader knows may then differ from another in its digits alone.
    """
    # Inside a string the quotes would have backslashes, so this is a key and the beginning of its value.
    beginnings = [re.compile(rb'"%b"\s*:\s*"' % key.encode()) for key in keys]
    # Without one of them there is no text to stand between two ends; looking is quicker than parsing.
    has_text = re.compile(rb'"(?:%b)"\s*:\s*"[^"]' % "|".join(keys).encode()).search

    def class_of(text: bytes) -> int:
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError:
            return EventClass.OTHER
        reader = new_reader()
        kind = reader.take(event)
        return EventClass.OTHER if reader.says_more() else kind

    def mold(text: bytes) -> Hole | None:
        if has_text(text) is None or not PAYLOAD_FLAGS[kind := class_of(text)]:
            return None
        for beginning in beginnings:
            found = list(beginning.finditer(text))
            end = STRING_END.match(text, found[0].end()) if len(found) == 1 else None
            if end is None:
                continue
            start, stop = end.start(), end.end() - 1
            # It is the text if without it there is none, and if another does as well.
            if class_of(text[:start] + text[stop:]) != kind == class_of(text[:start] + b"x" + text[stop:]):
                hole = _with_padding(text, Hole(kind=kind, start=start, stop=stop))
                return _with_numbers(text, hole) if numbers_vary else hole
        return None

    return mold


def _with_padding(text: bytes, hole: Hole) -> Hole:
    found = list(_PADDING.finditer(text, hole.stop))
    if len(found) != 1:
        return hole
    return replace(hole, stop=found[0].end(1), inner=text[hole.stop : found[0].start(1)])


def _with_numbers(text: bytes, hole: Hole) -> Hole:
    """The same if only whole numbers stand around the hole, where other digits are as good."""
    first_digits = []
    for found in _STRING_OR_NUMBER.finditer(text):
        if hole.start <= found.start() + 1 and found.end() - 1 <= hole.stop:
            continue
        token = found[0]
        if token.startswith(b'"'):
            if b"\\u" in token:
                return hole  # with another digit it may be half of a pair
            continue
        digits = token.removeprefix(b"-")
        if not digits.isdigit() or len(digits) > _MOST_DIGITS:
            return hole
        if len(digits) > 1:
            place = found.end() - len(digits)
            first_digits.append(place if place < hole.start else place - len(text))
    return replace(hole, first_digits=tuple(first_digits))


def read_alike(events: SseEvents, reader: EventReader, mold: Mold) -> StreamFacts:
    """What `read_json_events` says of events, most of which differ in their text only."""
    data, errors = list(events.data), events.errors
    classes, unread = sort_texts(data, mold)
    return _read_rest(lambda n: (data[n], n in errors), unread, classes, events.ends, events.unfinished, reader)


def read_sse(
    body: bytes, reader: EventReader, mold: Mold, *, instead: Callable[[list[bytes]], StreamFacts | None] | None = None
) -> StreamFacts:
    """What `read_json_events` says of server-sent events, most of which differ in their text only.

    Args:
        body: a whole answer, or as much of it as came.
        reader: a new one.
        mold: of the JSON of an event.
        instead: given the blocks that fit no mold, reads the body in another way if they must be cut otherwise.
    """

    def block_mold(block: bytes) -> Hole | None:
        text, is_error = read_block(block)
        hole = mold(text) if text is not None and not is_error and block.endswith(text) else None
        if hole is None or text is None or b"\n" in text or b"\r" in text:
            return None
        more = len(block) - len(text)
        digits = hole.first_digits
        if digits is not None:
            digits = tuple(place + more if place >= 0 else place for place in digits)
        return replace(hole, start=hole.start + more, stop=hole.stop + more, first_digits=digits)

    blocks, ends = cut_blocks(body)
    classes, unread = sort_texts(blocks, block_mold)
    facts = instead([blocks[n] for n in unread]) if instead is not None else None
    if facts is not None:
        return facts
    return _read_rest(lambda n: read_block(blocks[n]), unread, classes, ends, len(blocks) - 1, reader)


def read_sse_onward(body: bytes, reader: EventReader, onward: Onward) -> StreamFacts:
    """What `read_json_events` says of server-sent events, of which some tell of those behind them.

    Args:
        body: a whole answer, or as much of it as came.
        reader: a new one.
        onward: of the blocks of a body, the index of the first that is not read and the class of the one before it: the
            classes of as many as it can tell without parsing.
    """
    blocks, ends = cut_blocks(body)
    classes = bytearray(len(blocks))

    def unread() -> Iterator[int]:
        n = 0
        while n < len(blocks):
            yield n
            kinds = onward(blocks, n + 1, classes[n])
            classes[n + 1 : n + 1 + len(kinds)] = kinds
            n += 1 + len(kinds)

    return _read_rest(lambda n: read_block(blocks[n]), unread(), classes, ends, len(blocks) - 1, reader)


def _read_rest(
    text_of: Callable[[int], tuple[bytes | None, bool]],
    unread: Iterable[int],
    classes: bytearray,
    ends: list[int],
    unfinished: int | None,
    reader: EventReader,
) -> StreamFacts:
    """Read what fitted no mold, in its order.

    Args:
        text_of: of an index the JSON (None: it is no event), and whether it is an error.
        unread: the indexes, rising.
        classes: of all; those of the unread are written there.
        ends: of all.
        unfinished: index of one that may be torn.
        reader: takes them.
    """
    others: list[int] = []
    for place in unread:
        text, is_error = text_of(place)
        if text is None:
            others.append(place)
            continue
        try:
            event = DONE if text == DONE else orjson.loads(text)  # an exception costs as much as three events
        except orjson.JSONDecodeError:
            if text.strip() != DONE:
                reader.misread = True
                del classes[place:]
                if place != unfinished:
                    classes.append(EventClass.OTHER)
                    reader.fail_json(place - len(others), text)
                break
            event = DONE
        classes[place] = reader.take_error(event) if is_error else reader.take(event)
    if others and others[-1] == len(classes) - 1:
        del classes[others.pop() :]  # nearly always: what follows the last blank line
    if not others:
        return reader.facts(ends[: len(classes)], bytes(classes))
    is_event = bytearray(b"\1") * len(classes)
    for place in others:
        is_event[place] = 0
    return reader.facts(list(compress(ends, is_event)), bytes(compress(classes, is_event)))
