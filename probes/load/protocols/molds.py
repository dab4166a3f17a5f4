"""Events that differ from one before them in nothing but the text they bring: told apart without parsing them.

A stream of a thousand tokens is a thousand times the same JSON around another word, and parsing it is most of what
reading an answer costs. So one event is parsed, and what stands around its text is its mold: bytes before, bytes after.
An event of the same two ends, whose middle is a plain JSON string (UTF-8, no control character, no quote and no
backslash but in a short escape), is JSON of the same structure and says the same. Whatever does not fit is parsed.

The work is done by a few calls for many events, since calls, not bytes, are what it costs.
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import add, itemgetter
from typing import Final

_FIRST: Final = b"data: "
_NEXT: Final = b"\n\ndata: "
_LAST: Final = b"\n\n"
_LF: Final = 10
_AROUND_BYTES: Final = len(_FIRST) + len(_LAST)

_LEAST_EVENTS: Final = 12  # of fewer, parsing is as quick
_TRIED: Final = 6  # events parsed to find one that makes a mold
_GROUP: Final = 12
_BLOCK: Final = 1024  # events compared at once
_LAST_EVENTS: Final = 8
_MOST_MOLDS: Final = 16  # a server that dates each event by the second needs one a second
# Of a JSON string all but \u, half of which may be missing; line feeds stand between the texts.
_PLAIN: Final = re.compile(rb'(?:[^"\\\x00-\x09\x0b-\x1f]++|\\["\\/bfnrt])++')

# Of the JSON of an event: its class and where its own text stands, (start, end), with something on both sides; None if
# it can make no mold.
Mold = Callable[[bytes], tuple[int, int, int] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedEvents:
    """The events of a body: where each ends, its class if it fitted a mold, and the JSON of those that did not."""

    ends: list[int]
    classes: bytearray  # 0 where it is not known yet
    unread: list[int]  # indexes of those, in order
    texts: list[bytes]  # their JSON


def sort_events(body: bytes, mold: Mold) -> SortedEvents | None:
    """Cut a body and class what fits a mold, if it is as nearly all servers send it: `data: ...LF LF` and nothing else.

    Args:
        body: a whole answer.
        mold: what the wire format makes of an event, see `Mold`.

    Returns:
        None if the body has any other form: `sse.cut_events` reads it.
    """
    if not (body.startswith(_FIRST) and body.endswith(_LAST)) or b"\r" in body:
        return None
    texts = body.split(_NEXT)
    texts[0] = texts[0][len(_FIRST) :]
    texts[-1] = texts[-1][: -len(_LAST)]
    ends = list(accumulate(map(add, map(len, texts), repeat(_AROUND_BYTES))))
    classes = bytearray(len(texts))
    unread: list[int] = []
    at = 0
    for _ in range(_MOST_MOLDS):
        start, at = at, _take_run(body, texts, ends, at, classes, unread, mold)
        if at < 0:
            return None
        if at == start:
            break
    unread += range(at, len(texts))
    others = [texts[n] for n in unread]
    if b"" in others or _LF in b"".join(others):
        return None  # an empty event, or one of several lines
    return SortedEvents(ends=ends, classes=classes, unread=unread, texts=others)


def _take_run(
    body: bytes, texts: list[bytes], ends: list[int], at: int, classes: bytearray, unread: list[int], mold: Mold
) -> int:
    """Find a mold at `at` or soon after, class the events behind it that fit, and return where it ends.

    -1 if something is no event of one line.
    """
    if len(texts) - at < _LEAST_EVENTS:
        return at
    for n in range(at, at + _TRIED):
        if _LF in texts[n]:
            return -1
        unread.append(n)  # that of the mold too: it may tell what holds for all
        found = mold(texts[n])
        if found is not None:
            break
    else:
        unread += range(at + _TRIED, len(texts))
        return len(texts)
    kind, start, stop = found
    middles = _middles(body, texts, ends, n + 1, texts[n][:start], texts[n][stop:])
    end = n + 1 + len(middles)
    if _are_plain(middles):
        classes[n + 1 : end] = bytes([kind]) * len(middles)
        return end
    for place in range(n + 1, end, _GROUP):  # somewhere in it is a long escape: most of it has none
        group = middles[place - n - 1 : place - n - 1 + _GROUP]
        if _are_plain(group):
            classes[place : place + len(group)] = bytes([kind]) * len(group)
        else:
            _take_each(group, place, kind, classes, unread)
    return end


def _take_each(middles: list[bytes], at: int, kind: int, classes: bytearray, unread: list[int]) -> None:
    for place, middle in enumerate(middles, at):
        if _are_plain([middle]):
            classes[place] = kind
        else:
            unread.append(place)


def _middles(body: bytes, texts: list[bytes], ends: list[int], first: int, before: bytes, after: bytes) -> list[bytes]:
    """What stands between the two ends in each text from `first` on, up to the first text that does not have them."""
    start, stop = len(before), -len(after)

    def has_ends(text: bytes) -> bool:
        return text.startswith(before) and text.endswith(after) and len(text) >= start - stop

    middles: list[bytes] = []
    while first < len(texts) and has_ends(texts[first]):
        end = last = min(first + _BLOCK, len(texts))
        while last > first and end - last < _LAST_EVENTS and not has_ends(texts[last - 1]):
            last -= 1  # a stream ends with events of other kinds
        if not has_ends(texts[last - 1]):  # the run ends in mid-stream: nearly there, what comes between is seen below
            last = bisect_left(texts, True, first + 1, last, key=lambda text: not has_ends(text))
        run = texts[first:last]
        found = list(map(itemgetter(slice(start, stop)), run))
        # `_NEXT` is in no text, so what is equal as a whole is equal one by one.
        together = b"".join((before, (after + _NEXT + before).join(found), after))
        if together != body[ends[first - 1] + len(_FIRST) : ends[last - 1] - len(_LAST)]:
            fitting = next(n for n, text in enumerate(run) if not has_ends(text))
            return middles + found[:fitting]
        middles += found
        if last < end:
            break
        first = last
    return middles


def _are_plain(middles: list[bytes]) -> bool:
    """Whether each is a JSON string without its quotes, and not an empty one, whatever stands before it."""
    joined = b"\n".join(middles)  # so that no character can reach from one into the next
    if b"" in middles or _PLAIN.fullmatch(joined) is None or joined.count(b"\n") >= len(middles):
        return False
    if joined.isascii():
        return True
    try:
        joined.decode()
    except UnicodeDecodeError:
        return False
    return True
