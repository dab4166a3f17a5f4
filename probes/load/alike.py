"""Texts that differ from one before them in nothing but one string: told apart without parsing them.

A stream of a thousand tokens is a thousand times the same JSON around another word, and parsing it is most of what
reading an answer costs. So one event is parsed, and what stands around its text is its mold: bytes before, bytes after.
An event of the same two ends, whose middle is a plain JSON string (UTF-8, no control character, no quote and no
backslash but in an escape), is JSON of the same structure and says the same. Whatever does not fit is parsed.

Two things may differ besides, where the format says so: a padding in a string of its own, which some providers put
behind each text, and numbers, which count events or tokens. Numbers of as many digits are then taken for the same, so
the last event of a run is parsed too: what it counts stands.

The work is done by a few calls for many events, since calls, not bytes, are what it costs.
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, takewhile
from operator import itemgetter
from typing import Final

_LEAST_EVENTS: Final = 12  # of fewer, parsing is as quick
_TRIED: Final = 6  # events parsed to find one that makes a mold
_GROUP: Final = 12
_FIRST_BLOCK: Final = 64  # events compared at once; what ends a run in mid-block costs most of the block
_BLOCK: Final = 1024
_LONG_BYTES: Final = 512  # a text as long as this is compared by itself: to put many together is to copy them
_LAST_EVENTS: Final = 8
_MOST_MOLDS: Final = 16  # a server that dates each event by the second needs one a second
# Of a JSON string all but halves of a pair of \u; line feeds stand between the texts.
_ESCAPE: Final = rb'\\(?:["\\/bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}))'
_PLAIN: Final = re.compile(rb'(?:[^"\\\x00-\x09\x0b-\x1f]++|%b)++' % _ESCAPE)
_ONE_LINE: Final = rb'(?:[^"\\\x00-\x1f]++|%b)++' % _ESCAPE
_PADDING: Final = rb"[0-9A-Za-z+/=_*-]*+"
_DIGITS: Final = bytes(48 if chr(n) in "123456789" else n for n in range(256))
_ZERO: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Where the texts of a mold differ: from `start` to `stop`, with something on both sides."""

    kind: int  # class of the event
    start: int
    stop: int
    inner: bytes = b""  # within the hole, between the text and a padding; nothing: all of it is text
    # Not None: other numbers may differ, as long as their lengths do not. Where those of several digits begin, from
    # the text's beginning, or negative from its end: none of them may begin with 0.
    first_digits: tuple[int, ...] | None = None


def sort_texts(texts: list[bytes], hole_of: Callable[[bytes], Hole | None]) -> tuple[bytearray, list[int]]:
    """Class what fits a mold.

    Args:
        texts: the events of an answer, in order.
        hole_of: what the wire format makes of an event; None if it can make no mold.

    Returns:
        The class of each text (0 where it is not known yet), and the indexes of those to parse, in order.
    """
    classes = bytearray(len(texts))
    unread: list[int] = []
    at = 0
    for _ in range(_MOST_MOLDS):
        start, at = at, _take_run(texts, at, hole_of, classes, unread)
        if at == start:
            break
    unread += range(at, len(texts))
    return classes, unread


def _take_run(
    texts: list[bytes], at: int, hole_of: Callable[[bytes], Hole | None], classes: bytearray, unread: list[int]
) -> int:
    """Find a mold at `at` or soon after, class the texts behind it that fit, and return where it ends."""
    if len(texts) - at < _LEAST_EVENTS:
        return at
    for n in range(at, at + _TRIED):
        unread.append(n)  # that of the mold too: it may tell what holds for all
        hole = hole_of(texts[n])
        if hole is not None:
            break
    else:
        unread += range(at + _TRIED, len(texts))
        return len(texts)
    first, counted = n + 1, hole.first_digits is not None
    middles = fitting(texts, first, texts[n][: hole.start], texts[n][hole.stop :], numbers_vary=counted)
    end = first + len(middles)
    if any(_ZERO in map(itemgetter(place), texts[first:end]) for place in hole.first_digits or ()):
        unread += range(first, end)
        return end
    if _are_plain(middles, hole.inner):
        classes[first:end] = bytes([hole.kind]) * len(middles)
    else:
        for place in range(0, len(middles), _GROUP):  # somewhere is something unusual: most of it has none
            _take_group(middles[place : place + _GROUP], first + place, hole, classes, unread)
    if counted and unread[-1] != end - 1:
        unread.append(end - 1)
    return end


def _take_group(group: list[bytes], at: int, hole: Hole, classes: bytearray, unread: list[int]) -> None:
    if _are_plain(group, hole.inner):
        classes[at : at + len(group)] = bytes([hole.kind]) * len(group)
        return
    for place, middle in enumerate(group, at):
        if _are_plain([middle], hole.inner):
            classes[place] = hole.kind
            continue
        if hole.first_digits is not None and unread[-1] != place - 1:
            unread.append(place - 1)  # if this one is no JSON, what that one counts stands
        unread.append(place)


def fitting(texts: list[bytes], first: int, before: bytes, after: bytes, *, numbers_vary: bool = False) -> list[bytes]:
    """What stands between the two ends in each text from `first` on, up to the first text that does not have them.

    Args:
        texts: all of them.
        first: index of the first that is looked at.
        before: what each begins with.
        after: what each ends with, one byte at least.
        numbers_vary: any digit is the same as any other there.
    """
    start, stop = len(before), -len(after)
    front, back = (before.translate(_DIGITS), after.translate(_DIGITS)) if numbers_vary else (before, after)

    def has_ends(text: bytes) -> bool:
        if numbers_vary:
            fits = text[:start].translate(_DIGITS) == front and text[stop:].translate(_DIGITS) == back
        else:
            fits = text.startswith(before) and text.endswith(after)
        return fits and len(text) >= start - stop

    if first < len(texts) and len(texts[first]) >= _LONG_BYTES:
        return list(map(itemgetter(slice(start, stop)), takewhile(has_ends, islice(texts, first, None))))
    middles: list[bytes] = []
    size = _FIRST_BLOCK
    while first < len(texts) and has_ends(texts[first]):
        end = last = min(first + size, len(texts))
        size = min(2 * size, _BLOCK)
        while last > first and end - last < _LAST_EVENTS and not has_ends(texts[last - 1]):
            last -= 1  # a stream ends with events of other kinds
        if not has_ends(texts[last - 1]):  # the run ends in mid-stream: nearly there, what comes between is seen below
            last = bisect_left(texts, True, first + 1, last, key=lambda text: not has_ends(text))
        run = texts[first:last]
        found = list(map(itemgetter(slice(start, stop)), run))
        # As long together only if each is as long as what it is compared with, so equal as a whole is equal one by one.
        together, joined = b"".join((before, (after + before).join(found), after)), b"".join(run)
        if numbers_vary and len(together) == len(joined):
            together, joined = together.translate(_DIGITS), joined.translate(_DIGITS)
        if together != joined:
            fits = next(n for n, text in enumerate(run) if not has_ends(text))
            return middles + found[:fits]
        middles += found
        if last < end:
            break
        first = last
    return middles


def is_plain(text: bytes) -> bool:
    """Whether this is a JSON string without its quotes, and not an empty one, whatever stands before it."""
    if _PLAIN.fullmatch(text) is None or b"\n" in text:
        return False
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


def _are_plain(middles: list[bytes], inner: bytes) -> bool:
    """Whether each is a JSON string without its quotes, not an empty one, and behind it `inner` and a padding."""
    joined = b"\n".join(middles)  # so that no character can reach from one into the next
    pattern = _padded(inner) if inner else _PLAIN
    if b"" in middles or pattern.fullmatch(joined) is None or joined.count(b"\n") >= max(len(middles), 1):
        return not middles
    if joined.isascii():
        return True
    try:
        joined.decode()
    except UnicodeDecodeError:
        return False
    return True


@lru_cache
def _padded(inner: bytes) -> re.Pattern[bytes]:
    line = _ONE_LINE + re.escape(inner) + _PADDING
    return re.compile(rb"%b(?:\n%b)*+" % (line, line))
