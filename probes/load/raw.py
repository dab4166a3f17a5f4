"""A raw attempt, and its form on disk.

    file    = magic, record*
    record  = u32 length of meta, u32 reads, u32 length of body, u32 crc32 of what follows
              meta (JSON), stamps (i64 each read), offsets (i64 each read), body

Little endian. Neither requests nor the API key are ever in it.
"""

import struct
import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from probes.errors import ProbeError
from probes.load.errors import ErrorClass
from probes.load.record import Phase, StampSource

MAGIC: Final = b"MTSPOOL1"
_HEAD: Final = struct.Struct("<IIII")


@dataclass(frozen=True, slots=True, kw_only=True)
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


_META = [name for name in RawAttempt.__dataclass_fields__ if name not in ("body", "read_stamps_ns", "read_ends")]


def encode(raw: RawAttempt) -> tuple[bytes, bytes]:
    """One record in two pieces, what comes before the body and the body itself, which so is not copied."""
    meta = orjson.dumps({name: getattr(raw, name) for name in _META})
    front = b"".join((meta, _pack(raw.read_stamps_ns), _pack(raw.read_ends)))
    crc = zlib.crc32(raw.body, zlib.crc32(front))
    return _HEAD.pack(len(meta), len(raw.read_ends), len(raw.body), crc) + front, raw.body


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
    """The records of a spool in the order they were written, up to the first that is torn.

    Raises:
        ProbeError: there is no such file, or it is no spool.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ProbeError(f"cannot read the spool {path}: {error.strerror}") from error
    with file:
        magic = file.read(len(MAGIC))
        if not MAGIC.startswith(magic):
            raise ProbeError(f"{path} is not a spool of this version: it starts with {magic!r}, not {MAGIC!r}")
        left = path.stat().st_size - len(MAGIC)
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            meta_bytes, reads, body_bytes, crc = _HEAD.unpack(head)
            rest_bytes = meta_bytes + 16 * reads + body_bytes
            left -= _HEAD.size + rest_bytes
            if left < 0:
                return
            rest = file.read(rest_bytes)
            if zlib.crc32(rest) != crc:
                return
            yield _decode(rest, meta_bytes, reads)


def _decode(rest: bytes, meta_bytes: int, reads: int) -> RawAttempt:
    stamps_end = meta_bytes + 8 * reads
    ends_end = stamps_end + 8 * reads
    return RawAttempt(
        **orjson.loads(rest[:meta_bytes]),
        read_stamps_ns=_unpack(rest[meta_bytes:stamps_end]),
        read_ends=_unpack(rest[stamps_end:ends_end]),
        body=rest[ends_end:],
    )
