"""One JSON array that is written piece by piece, as Google streams where nobody asks for events: cut into its items.

An item is an event, and has come when its own last byte has; the comma or bracket behind it may come later.
"""

import re
from itertools import accumulate, repeat
from operator import add
from typing import Final

from probes.load.sse import SseEvents

_BETWEEN_ITEMS: Final = re.compile(rb"[\s,]*")
_BETWEEN_OBJECTS: Final = re.compile(rb"\}\s*,\s*\{")
_SCALAR: Final = re.compile(rb'[^\s,\[\]{}"]+')
_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_WHOLE_STRING: Final = re.compile(_STRING, re.DOTALL)
# Whole strings and what is no bracket, then a bracket, the quote of a string that does not end, or the body's end.
_TO_BRACKET: Final = re.compile(rb'[^"{}\[\]]*+(?:%b[^"{}\[\]]*+)*+([{}\[\]"]|\Z)' % _STRING, re.DOTALL)


def split_objects(body: bytes) -> SseEvents | None:
    """The items of an array of objects, cut at whatever stands between the first two: six times as quick again.

    Right if each item is JSON; it is not where an item holds the same bytes, or where the next come differently. None
    if the body does not end like a whole array of objects.
    """
    start, last = body.find(b"{"), body.rfind(b"}") + 1
    if body[:start].strip() != b"[" or body[last:].strip() != b"]":
        return None
    end = value_end(body, start)
    between = _BETWEEN_OBJECTS.match(body, end - 1) if end is not None else None
    if between is None:
        return None
    data = list(map(b"{%b}".__mod__, body[start + 1 : last - 1].split(between[0])))
    gap = len(between[0]) - 2
    ends = list(accumulate(map(add, map(len, data), repeat(gap)), initial=start - gap))[1:]
    return SseEvents(data=data, ends=ends, errors=frozenset(), unfinished=None)


def guess_objects(body: bytes) -> SseEvents | None:
    """The items of an array of objects, cut where braces are even: six times as quick as `cut_array`.

    Right if each item is JSON, since no object begins another. A brace within a string may lead it astray; then one
    is not, and `cut_array` tells. None if the body does not end like a whole array of objects.
    """
    start, last = body.find(b"{"), body.rfind(b"}") + 1
    if body[:start].strip() != b"[" or body[last:].strip() != b"]":
        return None
    data: list[bytes] = []
    ends: list[int] = []
    depth, at, count = 0, start, body.count
    for between in _BETWEEN_OBJECTS.finditer(body):
        end = between.start() + 1
        depth += count(b"{", at, end) - count(b"}", at, end)
        at = end
        if not depth:
            data.append(body[start:end])
            ends.append(end)
            start = between.end() - 1
    data.append(body[start:last])
    ends.append(last)
    return SseEvents(data=data, ends=ends, errors=frozenset(), unfinished=None)


def cut_array(body: bytes) -> SseEvents:
    """The items of an array that has ended, or of as much of it as has come.

    Args:
        body: begins with the array's bracket, or white space before it. A last item that has not come whole is
            `unfinished`; what stands behind the array's end is cut as if it stood in it.
    """
    data: list[bytes] = []
    ends: list[int] = []
    unfinished = None
    at = body.index(b"[") + 1
    is_open = True
    while (at := _after(_BETWEEN_ITEMS, body, at)) < len(body):
        if is_open and body[at : at + 1] == b"]":
            is_open = False
            at += 1
            continue
        end = value_end(body, at)
        if end is None:
            unfinished = len(data)
        data.append(body[at:end])
        at = len(body) if end is None else end
        ends.append(at)
    return SseEvents(data=data, ends=ends, errors=frozenset(), unfinished=unfinished)


def value_end(body: bytes, start: int) -> int | None:
    """Where the JSON value that begins at `start` ends; None if it has not come whole, or a number may go on.

    Only brackets and strings are looked at. What can be no value is one byte long.
    """
    first = body[start : start + 1]
    if first == b'"':
        string = _WHOLE_STRING.match(body, start)
        return string.end() if string else None
    if first not in (b"{", b"["):
        end = _after(_SCALAR, body, start)
        return None if end == len(body) else max(end, start + 1)
    depth = 0
    for found in _TO_BRACKET.finditer(body, start):
        bracket = found[1]
        if bracket in (b"{", b"["):
            depth += 1
        elif bracket in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return found.end()
        else:
            return None
    return None


def _after(pattern: re.Pattern[bytes], body: bytes, at: int) -> int:
    found = pattern.match(body, at)
    return found.end() if found else at
