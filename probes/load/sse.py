"""Server-sent events, cut from a whole body after the last byte.

Deliberately tolerant where servers are: LF, CRLF or CR line ends, `data:` with or without the space, comments, an
`error:` field (llama.cpp), a bare JSON object in the place of an event (Gemini), a last event without its blank line.
"""

import re
from dataclasses import dataclass
from itertools import accumulate

_LINE_END = re.compile(rb"\r\n|\n|\r")
_NAMED = re.compile(rb"((?:event:[^\r\n]*\n)?data: ?([^\r\n]*)\n\n)")
_ERROR_NAME = re.compile(rb"event: ?error\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class SseEvents:
    """The events of a body, in order. `ends[i]` is the offset just past the blank line that completes `data[i]`."""

    data: list[bytes]
    ends: list[int]
    errors: frozenset[int]  # indexes of events that call themselves an error
    unfinished: int | None  # index of a last event whose blank line never came


def cut_events(body: bytes) -> SseEvents:
    """All events of a body that has ended, or of as much of it as has come.

    Args:
        body: response bytes with the transfer coding removed; an incomplete UTF-8 character at the end is harmless,
            nothing is decoded here.

    Source: WHATWG HTML Living Standard, 9.2.6 "Interpreting an event stream".
    """
    return _cut_plain(body) or _cut_named(body) or _cut_any(body)


def _cut_plain(body: bytes) -> SseEvents | None:
    """The fast way for what nearly all servers send: `data: ...LF LF` and nothing else. None when it is not that."""
    if not (body.startswith(b"data: ") and body.endswith(b"\n\n")) or b"\r" in body:
        return None
    data = body[6:-2].split(b"\n\ndata: ")
    if body.count(b"\n") != 2 * len(data) or b"" in data:
        return None
    return SseEvents(
        data=data, ends=list(accumulate(len(text) + 8 for text in data)), errors=frozenset(), unfinished=None
    )


def _cut_named(body: bytes) -> SseEvents | None:
    """The same where events have names, or `data:` no space behind it; not where one calls itself an error."""
    if not body.endswith(b"\n\n") or _ERROR_NAME.search(body) is not None:
        return None
    found = _NAMED.findall(body)
    ends = list(accumulate(len(whole) for whole, _ in found))
    data = [text for _, text in found]
    if not ends or ends[-1] != len(body) or b"" in data:  # something stands between them
        return None
    return SseEvents(data=data, ends=ends, errors=frozenset(), unfinished=None)


class _Block:
    """The lines of one event under way."""

    __slots__ = ("data", "is_error", "raw")

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.raw: list[bytes] = []
        self.is_error = False

    def add(self, line: bytes) -> None:
        self.raw.append(line)
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self.data.append(value)
        elif name == b"event":
            self.is_error = value == b"error"
        elif name == b"error" and value:
            self.data.append(value)
            self.is_error = True

    def payload(self) -> bytes | None:
        if self.data:
            return b"\n".join(self.data) or None  # an empty event is not dispatched
        if self.raw and self.raw[0][:1] in (b"{", b"["):
            return b"\n".join(self.raw)
        return None


def _cut_any(body: bytes) -> SseEvents:
    data: list[bytes] = []
    ends: list[int] = []
    errors: set[int] = set()
    block = _Block()
    start = 3 if body.startswith(b"\xef\xbb\xbf") else 0
    while found := _LINE_END.search(body, start):
        line = body[start : found.start()]
        start = found.end()
        if line:
            block.add(line)
            continue
        payload = block.payload()
        if payload is not None:
            if block.is_error:
                errors.add(len(data))
            data.append(payload)
            ends.append(start)
        block = _Block()
    if body[start:]:
        block.add(body[start:])
    payload = block.payload()
    unfinished = None
    if payload is not None:
        unfinished = len(data)
        if block.is_error:
            errors.add(unfinished)
        data.append(payload)
        ends.append(len(body))
    return SseEvents(data=data, ends=ends, errors=frozenset(errors), unfinished=unfinished)
