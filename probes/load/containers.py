"""Where the sound begins in a body of audio, and how long it is: RIFF/WAVE, Ogg Opus, FLAC and MP3 are told apart.

A server sends the header of its container before it has made any sound, so the header must not count as the first of
it. What has no header (raw PCM, AAC in ADTS) is sound from its first byte on.
"""

import struct
from typing import Final

_CHUNK: Final = struct.Struct("<4sI")
PAGE_BYTES: Final = 65_307  # the largest of Ogg
_OGG_HEADER_BYTES: Final = 27
_OPUS_RATE: Final = 48_000  # granules of Ogg Opus a second, whatever the sound was sampled at
_MARKS: Final = (b"RIFF", b"OggS", b"fLaC", b"ID3")


def audio_start(body: bytes) -> int | None:
    """The offset of the first byte of sound, in a body of which only the beginning may have come.

    Returns:
        None as long as nothing but a header, or a piece of one, has come. An offset may be that of the end of the body:
        the header is whole, and nothing followed it.
    """
    if any(mark.startswith(body[: len(mark)]) for mark in _MARKS):
        if body.startswith(b"RIFF"):
            return _riff_data(body)[0]
        if body.startswith(b"OggS"):
            return _ogg_start(body)
        if body.startswith(b"fLaC"):
            return _flac_start(body)
        return _id3_end(body) if body.startswith(b"ID3") else None
    return 0


def audio_s(head: bytes, *, tail: bytes, total_bytes: int) -> float | None:
    """How long the sound of a whole body lasts, seconds; None if its form does not tell: raw PCM, MP3, AAC.

    Args:
        head: its beginning, at least to the first byte of sound.
        tail: its end, at least the last `PAGE_BYTES`; may be all of it, like head.
        total_bytes: how long it is.

    Source: Microsoft RIFF (WAVE), RFC 7845 (Ogg Opus), RFC 9639 (FLAC).
    """
    if head.startswith(b"RIFF"):
        return _riff_s(head, total_bytes)
    if head.startswith(b"OggS"):
        return _opus_s(head, tail)
    if head.startswith(b"fLaC") and len(head) >= 26:
        rate_and_samples = int.from_bytes(head[18:26], "big")
        rate, samples = rate_and_samples >> 44, rate_and_samples & ((1 << 36) - 1)
        return samples / rate if rate and samples else None
    return None


def _riff_data(body: bytes) -> tuple[int | None, int, int]:
    """Where the data of a WAVE file begin (None: not yet), how long they call themselves, and bytes a second (or 0)."""
    at, rate = 12, 0
    while at + _CHUNK.size <= len(body):
        name, size = _CHUNK.unpack_from(body, at)
        if name == b"data":
            return at + _CHUNK.size, size, rate
        if name == b"fmt " and at + 20 <= len(body):
            rate = int.from_bytes(body[at + 16 : at + 20], "little")
        at += _CHUNK.size + size + size % 2
    return None, 0, rate


def _riff_s(head: bytes, total_bytes: int) -> float | None:
    start, size, rate = _riff_data(head)
    if start is None or not rate:
        return None
    came = total_bytes - start
    # A server that streams does not know the size beforehand, and writes 0 or the largest number there.
    return (min(size, came) if size else came) / rate


def _ogg_start(body: bytes) -> int | None:
    """The beginning of the first page that is no header of Opus: neither OpusHead nor OpusTags."""
    at, in_tags = 0, False
    while (page := _ogg_page(body, at)) is not None:
        data, end = page
        if body[data : data + 8] in (b"OpusHead", b"OpusTags"):
            in_tags = body[data : data + 8] == b"OpusTags"
        elif not (in_tags and body[at + 5] & 1):  # tags go on to the next page
            return data
        if end > len(body):
            return None
        at = end
    return None


def _ogg_page(body: bytes, at: int) -> tuple[int, int] | None:
    """Where the data of a page begin and end; None if its header has not come."""
    if at + _OGG_HEADER_BYTES > len(body) or body[at : at + 4] != b"OggS":
        return None
    data = at + _OGG_HEADER_BYTES + body[at + 26]
    if data + 8 > len(body):
        return None
    return data, data + sum(body[at + _OGG_HEADER_BYTES : data])


def _opus_s(head: bytes, tail: bytes) -> float | None:
    last, first = tail.rfind(b"OggS"), head.find(b"OpusHead")
    if first < 0 or last < 0 or last + 14 > len(tail) or first + 12 > len(head):
        return None
    granules = int.from_bytes(tail[last + 6 : last + 14], "little", signed=True)
    skipped = int.from_bytes(head[first + 10 : first + 12], "little")
    return (granules - skipped) / _OPUS_RATE if granules > skipped else None


def _flac_start(body: bytes) -> int | None:
    at = 4
    while at + 4 <= len(body):
        is_last, size = body[at] & 0x80, int.from_bytes(body[at + 1 : at + 4], "big")
        at += 4 + size
        if is_last:
            return at if at <= len(body) else None
    return None


def _id3_end(body: bytes) -> int | None:
    if len(body) < 10:
        return None
    size = 0
    for byte in body[6:10]:  # seven bits each
        size = size << 7 | byte & 0x7F
    return 10 + size if 10 + size <= len(body) else None
