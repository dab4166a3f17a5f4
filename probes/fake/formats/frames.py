"""Frames of application/vnd.amazon.eventstream: lengths, headers, payload and two CRC32, big endian.

Source: Amazon Transcribe Developer Guide, "Event stream encoding"; IEEE 802.3 CRC32 as in zlib.
"""

import struct
from collections.abc import Mapping
from typing import Final
from zlib import crc32

_STRING: Final = 7
_PRELUDE_BYTES: Final = 12  # two lengths and their checksum
_LAST_BYTES: Final = 4  # the checksum of all


def frame(headers: Mapping[str, str], payload: bytes, *, good: bool = True) -> bytes:
    """One frame.

    Args:
        headers: all of type string; names and values in ASCII, names shorter than 256 bytes.
        payload: any bytes.
        good: False for a checksum that is wrong.
    """
    head = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _STRING, len(value)) + value.encode()
        for name, value in headers.items()
    )
    total = _PRELUDE_BYTES + len(head) + len(payload) + _LAST_BYTES
    lengths = struct.pack(">II", total, len(head))
    message = lengths + struct.pack(">I", crc32(lengths)) + head + payload
    return message + struct.pack(">I", crc32(message) ^ (0 if good else 1))
