"""Answers that were compressed although we ask for none: decoded read by read, so that every event keeps its stamp.

A compressed stream is still measured, and flagged: the server (or a proxy) holds bytes back until a block is full, so
its gaps are those of the compressor.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_LIMIT_BYTES: Final = 64 << 20  # of what comes out: a few kilobytes can stand for gigabytes
_GZIP_OR_ZLIB: Final = 47
_BARE_DEFLATE: Final = -15
_KNOWN: Final = frozenset({"gzip", "x-gzip", "deflate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A body as it was before it was compressed. `ends[i]` is how much of it the first i + 1 reads hold."""

    body: bytes
    ends: list[int]
    fault: str | None  # why it ends early; None if it does not


def content_encoding(headers: Mapping[str, str]) -> str | None:
    """How a body is compressed, in lower case; None if it is not."""
    named = headers.get("content-encoding")
    if named is None:  # nearly always: we ask for none
        return None
    named = named.strip().lower()
    return named if named not in ("", "identity") else None


def plain_body(headers: Mapping[str, str], body: bytes) -> bytes:
    """A body without its compression, as far as it can be undone; the body itself where there is none."""
    encoding = content_encoding(headers)
    if encoding is None or not body:
        return body
    decoded = decode_reads(encoding, body, [len(body)])
    return decoded.body if decoded.body or decoded.fault is None else body


def decode_reads(encoding: str, body: bytes, ends: Sequence[int]) -> Decoded:
    """Undo a compression in the pieces in which it came.

    Args:
        encoding: the Content-Encoding, lower case.
        body: compressed.
        ends: how much of it there was after each read, rising.
    """
    if encoding not in _KNOWN:
        return Decoded(
            body=b"",
            ends=[0] * len(ends),
            fault=f"the answer is compressed with {encoding}, which was not asked for and is not read here",
        )
    stream = _Stream(bare=encoding == "deflate" and not _is_zlib(body))
    plain: list[bytes] = []
    plain_ends: list[int] = []
    size = start = 0
    fault: str | None = None
    for end in ends:
        if fault is None:
            try:
                piece = stream.take(body[start:end], _LIMIT_BYTES - size)
            except zlib.error as error:
                fault = f"the answer calls itself {encoding} but cannot be decompressed: {error}"
            else:
                plain.append(piece)
                size += len(piece)
                if size >= _LIMIT_BYTES:
                    fault = f"the answer is more than {_LIMIT_BYTES >> 20} MiB once decompressed"
        plain_ends.append(size)
        start = end
    return Decoded(body=b"".join(plain), ends=plain_ends, fault=fault)


def _is_zlib(body: bytes) -> bool:
    """Whether deflate came with the two bytes before it that the standard asks for, and some servers leave out."""
    return len(body) >= 2 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0


class _Stream:
    """One compressed body; gzip may have several members, one after another."""

    def __init__(self, *, bare: bool) -> None:
        self._window = _BARE_DEFLATE if bare else _GZIP_OR_ZLIB
        self._member = zlib.decompressobj(self._window)

    def take(self, data: bytes, limit_bytes: int) -> bytes:
        """What some more bytes bring, at most so much. Raises zlib.error."""
        found: list[bytes] = []
        while data and limit_bytes > 0:
            if self._member.eof:
                self._member = zlib.decompressobj(self._window)
            piece = self._member.decompress(data, limit_bytes)
            limit_bytes -= len(piece)
            found.append(piece)
            data = self._member.unused_data if self._member.eof else b""
        return b"".join(found)
