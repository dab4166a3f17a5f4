"""Amazon's binary event stream, cut from a whole body after the last byte.

    frame   = u32 length of the frame, u32 length of its headers, u32 crc32 of those 8 bytes,
              headers, payload, u32 crc32 of all before it                                        big endian
    header  = u8 length of name, name, u8 type, value

The kind of an event stands in its headers and what it says in its payload, so both are put together as the JSON
`{"KIND": payload}`; an exception is `{"error": {"code": KIND, "message": ..}}`.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from probes.load.sse import SseEvents

_PRELUDE: Final = struct.Struct(">III")
_LENGTH: Final = struct.Struct(">I")
_CRC: Final = struct.Struct(">I")
_PRELUDE_BYTES: Final = _PRELUDE.size
_AROUND_BYTES: Final = _PRELUDE.size + _CRC.size
_LIMIT_BYTES: Final = 24 << 20  # of a frame, as Amazon's own clients have it

# Where a key stood that the server repeated and that was taken out, before anything was kept: no checksum holds there.
_STARRED: Final = b"*" * 8

_STRING: Final = 7
_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # of values by type: booleans, integers, time, UUID
_LENGTH_BEFORE: Final = (6, 7)  # bytes and strings: u16 before the value


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCut:
    """The frames of a body as events. `broken` says what is wrong with the frame behind the last event."""

    events: SseEvents  # if `broken`, the last one is empty and stands for the broken frame
    broken: str | None
    torn: bool  # the body ends within a frame


def cut_frames(body: bytes) -> FrameCut:
    """All frames of a body that has ended, or of as much of it as has come, up to the first that is damaged.

    Args:
        body: response bytes with the transfer coding removed.

    Source: Smithy 2.0 specification, "Amazon Event Stream Specification".
    """
    data: list[bytes] = []
    ends: list[int] = []
    errors: set[int] = set()
    preludes: dict[bytes, tuple[int, int, int]] = {}  # those seen: most frames of a stream have one of a few lengths
    kinds: dict[bytes, tuple[bytes, Mapping[str, str]]] = {}
    at, size = 0, len(body)
    broken: str | None = None
    while at + _PRELUDE_BYTES <= size:
        prelude = body[at : at + _PRELUDE_BYTES]
        lengths = preludes.get(prelude)
        if lengths is None:
            frame_bytes, header_bytes, crc = _PRELUDE.unpack(prelude)
            if zlib.crc32(prelude[:8]) != crc:
                broken = "the checksum of its length is wrong"
            elif not header_bytes + _AROUND_BYTES <= frame_bytes <= _LIMIT_BYTES:
                broken = f"a frame of {frame_bytes} bytes with {header_bytes} of headers cannot be"
            if broken is not None:
                ends.append(at + _PRELUDE_BYTES)
                break
            lengths = preludes[prelude] = frame_bytes, _PRELUDE_BYTES + header_bytes, crc
        frame_bytes, payload_start, crc = lengths
        end = at + frame_bytes
        if end > size:
            break
        ends.append(end)
        # A checksum goes on from one of what stands before: that of the first 8 bytes is in the prelude.
        whole = zlib.crc32(body[at + 8 : end - 4], crc) == _CRC.unpack_from(body, end - 4)[0]
        if not whole and _STARRED not in body[at:end]:
            broken = "its checksum is wrong"
            break
        head = body[at + _PRELUDE_BYTES : at + payload_start]
        kind = kinds.get(head)
        if kind is None:
            headers = _headers(head)
            if headers is None:
                broken = "its headers cannot be read"
                break
            kind = kinds[head] = _event_front(headers), headers
        payload = body[at + payload_start : end - 4]
        if kind[0]:
            data.append(b"%b%b}" % (kind[0], payload or b"null"))
        else:
            errors.add(len(data))
            data.append(_error(kind[1], payload))
        at = end
    torn = broken is None and at < size
    if broken is not None:
        broken = f"frame {len(data)} of the event stream, at byte {at}: {broken}"
        data.append(b"")
    events = SseEvents(data=data, ends=ends, errors=frozenset(errors), unfinished=None)
    return FrameCut(events=events, broken=broken, torn=torn)


def last_frame(body: bytes) -> bytes | None:
    """The event that a body ends with, whose beginning may be missing; None if it ends within a frame."""
    size = len(body)
    for start in range(size - _AROUND_BYTES + 1):
        if _LENGTH.unpack_from(body, start)[0] == size - start:
            cut = cut_frames(body[start:])
            if len(cut.events.data) == 1 and cut.broken is None:
                return cut.events.data[0]
    return None


def _headers(head: bytes) -> dict[str, str] | None:
    """The headers that are strings; None if these are no headers."""
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(head):
            name = head[at + 1 : at + 1 + head[at]]
            at += 1 + len(name)
            kind = head[at]
            at += 1
            if kind in _LENGTH_BEFORE:
                length = int.from_bytes(head[at : at + 2], "big")
                at += 2
            else:
                length = _SIZES[kind]
            value = head[at : at + length]
            at += length
            if kind == _STRING:
                headers[name.decode()] = value.decode()
    except (IndexError, KeyError, UnicodeDecodeError):
        return None
    return headers if at == len(head) else None


def _event_front(headers: Mapping[str, str]) -> bytes:
    """What stands before the payload of an event; nothing if the headers are those of an error."""
    if headers.get(":message-type", "event") != "event":
        return b""
    return b"{%b:" % orjson.dumps(headers.get(":event-type", ""))


def _error(headers: Mapping[str, str], payload: bytes) -> bytes:
    """An exception, whose words are in its payload, or an error that has no model and says all in its headers."""
    try:
        said = orjson.loads(payload)
    except orjson.JSONDecodeError:
        said = payload.decode("utf-8", "replace")
    message = (said.get("message") or said.get("Message")) if isinstance(said, dict) else said
    code = headers.get(":exception-type") or headers.get(":error-code") or headers.get(":message-type")
    return orjson.dumps({"error": {"code": code, "message": message or headers.get(":error-message")}})
