"""Raw attempts on disk."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import ProbeError
from probes.load.raw import RawAttempt, read_raw
from probes.load.spool import SpoolWriter, read_spool

I64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RAW = RawAttempt(
    attempt_id="t.00000",
    seq=0,
    phase="measured",
    api="openai-chat",
    t_sched_ns=None,
    t_start_ns=1_000,
    t_conn_ns=None,
    t_sent_ns=1_100,
    t_end_ns=9_000,
    wall_offset_ns=1_790_000_000_000_000_000,
    stamp_source="kernel",
    connection_reused=True,
    http_status=200,
    headers={"content-type": "text/event-stream"},
    failure_class=None,
    failure_message=None,
    cut_short=None,
    body=b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n',
    read_stamps_ns=[5_000],
    read_ends=[72],
)


def write(path, *attempts):
    with SpoolWriter(path) as spool:
        for attempt in attempts:
            spool.add(attempt)


@given(
    body=st.binary(max_size=200),
    stamps=st.lists(I64, max_size=5),
    message=st.none() | TEXT,
    headers=st.dictionaries(TEXT, TEXT, max_size=3),
    status=st.none() | st.integers(100, 599),
)
def test_what_is_written_is_read_again(tmp_path_factory, body, stamps, message, headers, status):
    path = tmp_path_factory.mktemp("spool") / "s"
    raw = replace(
        RAW,
        body=body,
        read_stamps_ns=stamps,
        read_ends=list(range(len(stamps))),
        failure_message=message,
        headers=headers,
        http_status=status,
    )
    write(path, raw, RAW)
    assert list(read_raw(path)) == [raw, RAW]


def test_a_spool_torn_at_any_byte_keeps_every_whole_record(tmp_path):
    whole = tmp_path / "whole"
    attempts = [replace(RAW, attempt_id=f"t.{n:05d}", seq=n) for n in range(3)]
    sizes = []
    for count in range(4):
        write(tmp_path / f"part{count}", *attempts[:count])
        sizes.append((tmp_path / f"part{count}").stat().st_size)
    write(whole, *attempts)
    data = whole.read_bytes()
    torn = tmp_path / "torn"
    for length in range(len(data) + 1):
        torn.write_bytes(data[:length])
        kept = sum(1 for size in sizes[1:] if size <= length)
        assert [record.seq for record in read_spool(torn)] == list(range(kept))


def test_a_record_whose_bytes_changed_ends_the_reading(tmp_path):
    path = tmp_path / "s"
    write(path, RAW, RAW)
    data = bytearray(path.read_bytes())
    data[-5] ^= 0xFF
    path.write_bytes(data)
    assert len(read_spool(path)) == 1


def test_what_was_flushed_is_there_although_the_writer_never_closed(tmp_path):
    path = tmp_path / "s"
    spool = SpoolWriter(path)
    spool.add(RAW)
    spool.flush()
    assert len(read_spool(path)) == 1
    spool.__exit__(None, None, None)


def test_warm_ups_come_first_and_then_seq_order(tmp_path):
    path = tmp_path / "s"
    write(path, replace(RAW, seq=1), replace(RAW, seq=0), replace(RAW, seq=0, phase="warmup"))
    assert [(record.phase, record.seq) for record in read_spool(path)] == [
        ("warmup", 0),
        ("measured", 0),
        ("measured", 1),
    ]


def test_a_missing_spool_and_a_file_that_is_none_are_told_in_a_sentence(tmp_path):
    with pytest.raises(ProbeError, match="cannot read the spool"):
        read_spool(tmp_path / "none")
    (tmp_path / "other").write_bytes(b"PAR1 something else")
    with pytest.raises(ProbeError, match="not a spool"):
        read_spool(tmp_path / "other")


def test_an_earlier_spool_is_never_overwritten(tmp_path):
    write(tmp_path / "s", RAW)
    with pytest.raises(ProbeError, match="spool of an earlier trial"):
        SpoolWriter(tmp_path / "s")


def test_a_full_disk_is_told_in_a_sentence(tmp_path):
    (tmp_path / "s").symlink_to("/dev/full")
    with pytest.raises(ProbeError, match="spool"):
        SpoolWriter(tmp_path / "s")
