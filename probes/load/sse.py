"""Server-sent events, cut from a whole body after the last byte.

Deliberately tolerant where servers are: LF, CRLF or CR line ends, `data:` with or without the space, comments, an
`error:` field (llama.cpp), a bare JSON object in the place of an event (Gemini), a last event without its blank line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import add
from typing import Final, overload

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PLAIN_FRONT: Final = b"data: "
_LF: Final = 10  # as a number: looking for that takes a tenth of what looking for a byte string takes
_LEAST_BLOCK_BYTES: Final = 8  # on average; of fewer most are blank lines, and the place of each costs 40 bytes
_ERROR_NAMES: Final = frozenset({b"event: error", b"event:error", b"event: error\r", b"event:error\r"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SseEvents:
    """The events of a body, in order. `ends[i]` is the offset just past the blank line that completes `data[i]`."""

    data: Sequence[bytes]
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
    return _cut_plain(body, b"\r\n" if b"\r" in body else b"\n") or _cut_blocks(body)


def _cut_plain(body: bytes, line_end: bytes) -> SseEvents | None:
    """The fast way for what nearly all servers send: `data: ...` and a blank line. None when there is anything else."""
    blank = 2 * line_end
    prefix = b"data: " if body.startswith(b"data: ") else b"data:"
    if not (body.startswith(prefix) and body.endswith(blank)):
        return None
    data = body[len(prefix) : -len(blank)].split(blank + prefix)
    if any(body.count(byte) != 2 * len(data) for byte in (b"\n", b"\r") if byte in line_end) or b"" in data:
        return None
    ends = list(accumulate(map(add, map(len, data), repeat(len(prefix) + len(blank)))))
    if prefix == b"data:" and any(text.startswith(b" ") for text in data):
        return None  # some have the space
    return SseEvents(data=data, ends=ends, errors=frozenset(), unfinished=None)


def _cut_blocks(body: bytes) -> SseEvents:
    """Whatever it is, a blank line ends it."""
    blocks, block_ends = cut_blocks(body)
    data: list[bytes] = []
    ends: list[int] = []
    errors: set[int] = set()
    for block, end in zip(blocks, block_ends, strict=True):
        payload, is_error = read_block(block)
        if payload is not None:
            if is_error:
                errors.add(len(data))
            data.append(payload)
            ends.append(end)
    is_last = payload is not None  # behind the last blank line
    return SseEvents(data=data, ends=ends, errors=frozenset(errors), unfinished=len(ends) - 1 if is_last else None)


def cut_blocks(body: bytes) -> tuple[list[bytes], list[int]]:
    """What stands between blank lines, one at least, and the offsets just past them. None came behind the last block.

    See `read_block` for what a block says.
    """
    blocks, ends = _blocks(body)
    ends[-1] = len(body)
    return blocks, ends


def cut_long_events(body: bytes) -> SseEvents:
    """The same as `cut_events`, for events of kilobytes: none is copied before it is looked at, one after another.

    To hold copies of all of them takes new pages of memory, which costs more than anything that is done with them.
    """
    ends: list[int] = []
    note, find, goes_on, joint = ends.append, body.find, body.startswith, b"\n\n" + _PLAIN_FRONT
    at = 0
    while (end := find(b"\n", at) + 2) - at > len(_PLAIN_FRONT) + 2 and goes_on(joint, end - 2):
        note(end)
        at = end
    note(len(body))
    last = body[at:]
    is_plain = last.endswith(b"\n\n") and last.count(b"\n") == 2 and len(last) > len(_PLAIN_FRONT) + 2
    if not is_plain or not body.startswith(_PLAIN_FRONT) or b"\r" in body:
        return cut_events(body)
    return SseEvents(data=_Pieces(body, ends), ends=ends, errors=frozenset(), unfinished=None)


class _Pieces(Sequence[bytes]):
    """The data of a body of events of one line each, that end at those offsets."""

    def __init__(self, body: bytes, ends: list[int]) -> None:
        self._body, self._ends = body, ends

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, n: int) -> bytes: ...
    @overload
    def __getitem__(self, n: slice) -> list[bytes]: ...
    def __getitem__(self, n: int | slice) -> bytes | list[bytes]:
        if isinstance(n, slice):
            return [self[place] for place in range(*n.indices(len(self)))]
        start = self._ends[n - 1] if n % len(self._ends) else 0
        return self._body[start + len(_PLAIN_FRONT) : self._ends[n] - 2]

    def __iter__(self) -> Iterator[bytes]:
        body, start, front = self._body, 0, len(_PLAIN_FRONT)
        for end in self._ends:
            yield body[start + front : end - 2]
            start = end


def read_block(block: bytes) -> tuple[bytes | None, bool]:
    """The data of one event and whether it calls itself an error; None if the block is no event.

    Only what is unusual is read line by line.
    """
    if block[:6] == b"data: ":
        text = block[6:]
    elif block[:5] == b"data:":
        text = block[5:]
    else:
        name, _, text = block.partition(b"\ndata: ")
        if name[:6] != b"event:" or _LF in name or name in _ERROR_NAMES:
            text = b""
    if text and _LF not in text:
        return text, False  # one line of data, with or without a name before it
    return _read_lines(block)


def _blocks(body: bytes) -> tuple[list[bytes], list[int]]:
    """What stands between blank lines, and the offsets just past them.

    Lines within a block end with LF or, where all of the body's do, with CRLF.
    """
    start = len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0
    text = body[start:]
    has_returns = b"\r" in text
    blank = b"\r\n\r\n" if has_returns else b"\n\n"
    blocks = _single_lines(text) if not has_returns else []
    blocks = blocks or text.split(blank)
    if has_returns:
        lines = b"".join(blocks)  # looking whether a byte is there takes a tenth of counting it
        if (b"\r" in lines or b"\n" in lines) and not text.count(b"\r") == text.count(b"\n") == text.count(b"\r\n"):
            return _mixed_blocks(text, start)
    if len(blocks) * _LEAST_BLOCK_BYTES > len(text):
        return _mixed_blocks(text, start)
    return blocks, list(accumulate(map(add, map(len, blocks), repeat(len(blank))), initial=start))[1:]


def _single_lines(text: bytes) -> list[bytes]:
    """The blocks of a text where each is one line; none if one of them has more.

    Looking for one byte takes a tenth of looking for two, which is most of the time where events are kilobytes.
    """
    if b"\n" in text[: text.find(b"\n\n")]:
        return []
    lines = text.split(b"\n")
    return [] if any(lines[1::2]) else lines[::2]


def _mixed_blocks(text: bytes, start: int) -> tuple[list[bytes], list[int]]:
    blocks: list[bytes] = []
    ends: list[int] = []
    lines: list[bytes] = []
    for line in text.splitlines(keepends=True):  # of bytes: LF, CRLF and CR, and nothing of Unicode
        start += len(line)
        if line in (b"\n", b"\r\n", b"\r"):
            if lines:  # one more blank line ends nothing
                blocks.append(b"\n".join(lines))
                ends.append(start)
                lines = []
        else:
            lines.append(line.rstrip(b"\r\n"))
    return [*blocks, b"\n".join(lines)], [*ends, start + 1]


def _read_lines(block: bytes) -> tuple[bytes | None, bool]:
    data: list[bytes] = []
    others: list[bytes] = []
    is_error = False
    for line in block.splitlines():
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            is_error = value == b"error"
        elif name == b"error":
            if value:
                data.append(value)
                is_error = True
        elif name:  # no blank line, no comment
            others.append(line)
    if data:
        return b"\n".join(data) or None, is_error  # an empty event is not dispatched
    if others and others[0][:1] in (b"{", b"["):
        return b"\n".join(others), is_error
    return None, is_error
