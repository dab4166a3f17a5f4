"""A raw attempt, and its form on disk.

    file    = magic, record*
    record  = u32 length of meta, u32 reads, u32 length of bodies, u32 crc32 of what follows
              meta (JSON), stamps (i64 each read), offsets (i64 each read), request body if it is kept, body

A record is an attempt, or a part of one: a long answer leaves memory in pieces while it comes. Parts stand before the
record of their attempt, which holds the rest; those of an attempt that never ended are skipped.

Little endian. The heads of requests are never in it, nor is the API key.
"""

import glob
import mmap
import os
import struct
import sys
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import orjson

from probes.errors import ProbeError
from probes.load.compression import content_encoding, decode_reads
from probes.load.errors import ErrorClass
from probes.load.record import Phase, StampSource

MAGIC: Final = b"MTSPOOL1"
_HEAD: Final = struct.Struct("<IIII")


# Not frozen: there is one for every attempt, and the fields of a frozen one take four times as long to set.
@dataclass(slots=True, kw_only=True)
class RawAttempt:
    """One attempt as it was seen on the wire, before anything is made of it.

    `read_stamps_ns[i]` is when the i-th read with body bytes came (CLOCK_MONOTONIC), `read_ends[i]` how many body bytes
    there were after it.
    """

    attempt_id: str
    seq: int
    phase: Phase
    api: str
    t_sched_ns: int | None
    t_start_ns: int
    t_conn_ns: int | None
    t_sent_ns: int | None
    t_end_ns: int
    wall_offset_ns: int  # CLOCK_REALTIME - CLOCK_MONOTONIC when it was sent
    stamp_source: StampSource | None
    connection_reused: bool
    http_status: int | None
    headers: dict[str, str]  # of errors.KEPT_HEADERS, lower case
    failure_class: ErrorClass | None  # what the transport saw; the answer itself may still be a failure
    failure_message: str | None
    cut_short: str | None  # why the connection ended before the response did
    body: bytes
    read_stamps_ns: list[int]
    read_ends: list[int]
    pair_id: str | None = None
    prompt_tokens_asked: int | None = None
    output_tokens_asked: int | None = None
    conversation_id: str | None = None
    turn_number: int | None = None
    retry_of: str | None = None
    target: str = ""  # path of the request, where the answer is no success
    request: bytes = b""  # body of the request; b"" if it was not kept
    wire_reads: tuple[int, int] | None = None  # reads and body bytes of an answer that was compressed

    @property
    def is_success_status(self) -> bool:
        """Whether the status is 2xx; what the answer says may still be a failure."""
        return self.http_status is not None and 200 <= self.http_status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPart:
    """A piece of an answer that was still coming. `read_ends` count from the start of the answer."""

    part_of: str  # the attempt_id
    body: bytes
    read_stamps_ns: list[int]
    read_ends: list[int]


_NO_META: Final = ("body", "read_stamps_ns", "read_ends", "request", "wire_reads")
_META = [name for name in RawAttempt.__dataclass_fields__ if name not in _NO_META]
_META_OF: Final = attrgetter(*_META)


def encode(raw: RawAttempt) -> tuple[bytes, ...]:
    """One record in pieces: what comes before the bodies, then those, which so are not copied."""
    meta = dict(zip(_META, _META_OF(raw), strict=True))
    if raw.request:
        meta["request_bytes"] = len(raw.request)
    return _encode(orjson.dumps(meta), raw, raw.request)


def encode_part(part: RawPart) -> tuple[bytes, ...]:
    """A part, in the same pieces."""
    return _encode(orjson.dumps({"part_of": part.part_of}), part, b"")


def _encode(meta: bytes, record: RawAttempt | RawPart, request: bytes) -> tuple[bytes, ...]:
    front = b"".join((meta, _pack(record.read_stamps_ns), _pack(record.read_ends)))
    crc = zlib.crc32(record.body, zlib.crc32(request, zlib.crc32(front)))
    head = _HEAD.pack(len(meta), len(record.read_ends), len(request) + len(record.body), crc)
    return (head + front, request, record.body) if request else (head + front, record.body)


def _pack(numbers: list[int]) -> bytes:
    packed = array("q", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _unpack(data: bytes) -> list[int]:
    numbers = array("q")
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def read_raw(path: Path) -> Iterator[RawAttempt]:
    """The attempts of a spool in the order they ended, up to the first record that is torn; one at a time in memory.

    Where several processes measured, each has a spool of its own beside the first (`worker_path`), and follows it.

    Raises:
        ProbeError: there is no such file, or it is no spool.
    """
    for spool in (path, *sorted(path.parent.glob(f"{glob.escape(path.name)}.worker*"))):
        yield from _read_one(spool)


def worker_path(path: Path, worker: int) -> Path:
    """The spool of one of several processes."""
    return path.with_name(f"{path.name}.worker{worker:03d}")


def _read_one(path: Path) -> Iterator[RawAttempt]:
    with _open(path) as file:
        file_end = os.fstat(file.fileno()).st_size
        if file_end <= len(MAGIC):
            return
        # Mapped, a record is copied once, and without the four calls to the system that reading it takes.
        with mmap.mmap(file.fileno(), file_end, access=mmap.ACCESS_READ) as spool:
            yield from _attempts(spool)


def _attempts(spool: mmap.mmap) -> Iterator[RawAttempt]:
    parts: dict[str, list[_Place]] = {}
    for place in _places(spool):
        loaded = _load(spool, place)
        if loaded is None:
            return
        front, body = loaded
        meta = orjson.loads(front[: place.meta_bytes])
        if "part_of" in meta:
            parts.setdefault(meta["part_of"], []).append(place)
            continue
        stamps, ends = _numbers(front, place)
        request_bytes = meta.pop("request_bytes", 0)
        request, body = (body[:request_bytes], body[request_bytes:]) if request_bytes else (b"", body)
        if meta["attempt_id"] in parts:
            stamps, ends, body = _joined(spool, parts.pop(meta["attempt_id"]), (stamps, ends, body))
        raw = RawAttempt(**meta, read_stamps_ns=stamps, read_ends=ends, body=body, request=request)
        encoding = content_encoding(raw.headers)
        yield raw if encoding is None else decompressed(raw, encoding)


def decompressed(raw: RawAttempt, encoding: str) -> RawAttempt:
    """The attempt with the body that was meant, and for each read that brought some of it how much there was then."""
    decoded = decode_reads(encoding, raw.body, raw.read_ends)
    # The first read stays, it is the first byte; of the others those that completed nothing could only mislead.
    befores = (-1, *decoded.ends)
    kept = [n for n, (before, end) in enumerate(zip(befores, decoded.ends, strict=False)) if end > before]
    faulty = decoded.fault is not None and raw.failure_class is None and raw.cut_short is None
    return replace(
        raw,
        body=decoded.body,
        read_stamps_ns=[raw.read_stamps_ns[n] for n in kept],
        read_ends=[decoded.ends[n] for n in kept],
        wire_reads=(len(raw.read_ends), len(raw.body)),
        failure_class="parse_error" if faulty and raw.is_success_status else raw.failure_class,
        failure_message=decoded.fault if faulty and raw.is_success_status else raw.failure_message,
    )


class _Place(NamedTuple):
    """Where a record is. `offset` is past its head."""

    offset: int
    meta_bytes: int
    reads: int
    body_bytes: int
    crc: int


def _open(path: Path) -> BinaryIO:
    try:
        file = path.open("rb")
    except OSError as error:
        raise ProbeError(f"cannot read the spool {path}: {error.strerror}") from error
    magic = file.read(len(MAGIC))
    if not MAGIC.startswith(magic):
        file.close()
        raise ProbeError(f"{path} is not a spool of this version: it starts with {magic!r}, not {MAGIC!r}")
    return file


def _places(spool: mmap.mmap) -> Iterator[_Place]:
    """Where the records are, by their heads; up to the end that the file had when it was mapped."""
    offset = len(MAGIC)
    while offset + _HEAD.size <= len(spool):
        meta_bytes, reads, body_bytes, crc = _HEAD.unpack_from(spool, offset)
        offset += _HEAD.size
        place = _Place(offset, meta_bytes, reads, body_bytes, crc)
        offset += meta_bytes + 16 * reads + body_bytes
        if offset > len(spool):
            return
        yield place


def _load(spool: mmap.mmap, place: _Place) -> tuple[bytes, bytes] | None:
    """What stands before the body of a record, and the body; None if these are not the bytes that were written."""
    body_start = place.offset + place.meta_bytes + 16 * place.reads
    front, body = spool[place.offset : body_start], spool[body_start : body_start + place.body_bytes]
    return (front, body) if zlib.crc32(body, zlib.crc32(front)) == place.crc else None


def _numbers(front: bytes, place: _Place) -> tuple[list[int], list[int]]:
    """Stamps and offsets of a record."""
    stamps_end = place.meta_bytes + 8 * place.reads
    return _unpack(front[place.meta_bytes : stamps_end]), _unpack(front[stamps_end:])


def _joined(
    spool: mmap.mmap, places: Sequence[_Place], last: tuple[list[int], list[int], bytes]
) -> tuple[list[int], list[int], bytes]:
    """Stamps, offsets and body of an attempt whose first parts are at those places."""
    stamps: list[int] = []
    ends: list[int] = []
    bodies: list[bytes] = []
    for place in places:
        front, body = _load(spool, place) or (b"", b"")  # its checksum was right a moment ago
        part_stamps, part_ends = _numbers(front, place)
        stamps += part_stamps
        ends += part_ends
        bodies.append(body)
    return stamps + last[0], ends + last[1], b"".join([*bodies, last[2]])
