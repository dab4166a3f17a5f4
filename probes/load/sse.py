"""Server-sent events, cut from a whole body after the last byte.

Deliberately tolerant where servers are: LF, CRLF or CR line ends, `data:` with or without the space, comments, an
`error:` field (llama.cpp), a bare JSON object in the place of an event (Gemini), a last event without its blank line.
"""

from dataclasses import dataclass
from itertools import accumulate, repeat
from operator import add
from typing import Final

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LF: Final = 10  # as a number: looking for that takes a tenth of what looking for a byte string takes
_ERROR_NAMES: Final = frozenset({b"event: error", b"event:error", b"event: error\r", b"event:error\r"})


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
    """Whatever it is, a blank line ends it; only the blocks that are unusual are read line by line."""
    blocks, block_ends = _blocks(body)
    data: list[bytes] = []
    ends: list[int] = []
    errors: set[int] = set()
    for block, end in zip(blocks, block_ends, strict=True):
        if block[:6] == b"data: ":
            text = block[6:]
        elif block[:5] == b"data:":
            text = block[5:]
        else:
            name, _, text = block.partition(b"\ndata: ")
            if name[:6] != b"event:" or _LF in name or name in _ERROR_NAMES:
                text = b""
        if text and _LF not in text:
            data.append(text)  # one line of data, with or without a name before it
            ends.append(end)
            continue
        payload, is_error = _read_lines(block)
        if payload is not None:
            if is_error:
                errors.add(len(data))
            data.append(payload)
            ends.append(end)
    unfinished = None
    if ends and ends[-1] > len(body):
        unfinished = len(ends) - 1
        ends[-1] = len(body)
    return SseEvents(data=data, ends=ends, errors=frozenset(errors), unfinished=unfinished)


def _blocks(body: bytes) -> tuple[list[bytes], list[int]]:
    """What stands between blank lines, and the offsets just past them: beyond the body's end where none came.

    Lines within a block end with LF or, where all of the body's do, with CRLF.
    """
    start = len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0
    text = body[start:]
    carriage_returns = text.count(b"\r")
    if carriage_returns and not carriage_returns == text.count(b"\n") == text.count(b"\r\n"):
        return _mixed_blocks(text, start)
    blank = b"\r\n\r\n" if carriage_returns else b"\n\n"
    blocks = text.split(blank)
    return blocks, list(accumulate(map(add, map(len, blocks), repeat(len(blank))), initial=start))[1:]


def _mixed_blocks(text: bytes, start: int) -> tuple[list[bytes], list[int]]:
    blocks: list[bytes] = []
    ends: list[int] = []
    lines: list[bytes] = []
    for line in text.splitlines(keepends=True):  # of bytes: LF, CRLF and CR, and nothing of Unicode
        start += len(line)
        if line in (b"\n", b"\r\n", b"\r"):
            blocks.append(b"\n".join(lines))
            ends.append(start)
            lines = []
        else:
            lines.append(line.rstrip(b"\r\n"))
    return [*blocks, b"\n".join(lines)], [*ends, start + 1]


def _read_lines(block: bytes) -> tuple[bytes | None, bool]:
    """The data of one event and whether it calls itself an error; None if the block is no event."""
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
