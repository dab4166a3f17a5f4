"""Answers that were compressed although none was asked for."""

import gzip
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.compression import decode_reads, plain_body
from probes.load.raw import read_raw
from probes.load.recorder import record_of
from probes.load.spool import SpoolWriter
from tests.probes.load.test_recorder import FINISH, event, usage
from tests.probes.load.test_spool import RAW

EVENTS = [event("one"), event(" two"), event(" three"), FINISH, usage(3)]
BODY = b"".join(EVENTS)


def bare(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY[:50]) + gzip.compress(BODY[50:])),  # two members
        ("deflate", zlib.compress(BODY)),
        ("deflate", bare(BODY)),
    ],
)
@given(data=st.data())
def test_a_body_is_decoded_the_same_however_it_was_cut(encoding, packed, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, len(packed)), max_size=6)) | {len(packed)})
    decoded = decode_reads(encoding, packed, cuts)
    assert (decoded.body, decoded.fault) == (BODY, None)
    assert decoded.ends == sorted(decoded.ends)
    assert len(decoded.ends) == len(cuts)
    assert decoded.ends[-1] == len(BODY)


def compressed_reads():
    """Each event flushed by itself, as a server does that streams: offsets of what was sent for each."""
    packer = zlib.compressobj(wbits=31)
    pieces = [packer.compress(one) + packer.flush(zlib.Z_SYNC_FLUSH) for one in EVENTS]
    return [*pieces[:-1], pieces[-1] + packer.flush()]


def test_an_event_has_the_stamp_of_the_read_that_completed_it_inside_the_compression(tmp_path):
    pieces = compressed_reads()
    halves = [part for piece in pieces for part in (piece[:5], piece[5:])]
    ends = [sum(map(len, halves[: n + 1])) for n in range(len(halves))]
    raw = replace(
        RAW,
        headers={"content-encoding": "gzip"},
        body=b"".join(halves),
        read_ends=ends,
        read_stamps_ns=[1000 * (n + 1) for n in range(len(halves))],
    )
    with SpoolWriter(tmp_path / "s") as spool:
        spool.add(raw)
    [read] = read_raw(tmp_path / "s")
    assert read.body == BODY
    record = record_of(read)
    assert (record.error_class, record.output_tokens, record.chunks) == (None, 3, 3)
    assert record.content_encoding == "gzip"
    assert (record.t_byte_ns, record.t_first_ns, record.t_last_ns) == (1000, 2000, 6000)
    assert (record.reads, record.response_bytes) == (10, len(raw.body))


@pytest.mark.parametrize(
    ("encoding", "body", "says"),
    [
        ("br", b"\x8b\x02", "compressed with br, which was not asked for"),
        ("gzip", b"data: no gzip at all", "calls itself gzip but cannot be decompressed"),
        ("gzip", gzip.compress(bytes(65 << 20)), "more than 64 MiB once decompressed"),
    ],
    ids=["unknown", "broken", "a bomb"],
)
def test_what_cannot_be_decompressed_is_a_parse_error(encoding, body, says, tmp_path):
    headers = {"content-encoding": encoding}
    with SpoolWriter(tmp_path / "s") as spool:
        spool.add(replace(RAW, headers=headers, body=body, read_ends=[len(body)], read_stamps_ns=[5]))
    [raw] = read_raw(tmp_path / "s")
    assert len(raw.body) <= 64 << 20
    record = record_of(replace(raw, body=raw.body[:1000]))
    assert record.error_class == "parse_error"
    assert says in record.error_message


def test_a_body_that_is_not_compressed_is_left_alone():
    assert plain_body({}, b"text") == b"text"
    assert plain_body({"content-encoding": "identity"}, b"text") == b"text"
    assert plain_body({"content-encoding": "gzip"}, b"not gzip") == b"not gzip"
