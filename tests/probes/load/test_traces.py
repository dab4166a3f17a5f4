"""Recorded traffic: two formats read, bad rows refused by their number."""

import pytest

from probes.errors import ProbeError
from probes.load.traces import TraceRow, read_trace

HEADER = b"TIMESTAMP,ContextTokens,GeneratedTokens\n"
AZURE_2023 = (
    HEADER + b"2023-11-16 23:59:59.9999999,374,44\n2023-11-17 00:00:00.0000001,396,109\n2023-11-17 00:00:00.0000001,3,0"
)
AZURE_2024 = HEADER + b"2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 02:00:00.500000+02:00,2399,6\n"
MOONCAKE = (
    b'{"timestamp": 27000, "input_length": 1100, "output_length": 500, "hash_ids": [0, 1, 2]}\n'
    b'{"timestamp": 27000, "input_length": 1024, "output_length": 1, "hash_ids": [0, 7]}\n\n'
    b'{"timestamp": 30000.5, "input_length": 40, "output_length": 9, "hash_ids": []}\n'
)


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "day.csv"
        path.write_bytes(content)
        return list(read_trace(path))

    return read


def row(offset_ns, prompt_tokens, output_tokens, *hash_ids):
    return TraceRow(
        offset_ns=offset_ns, prompt_tokens=prompt_tokens, output_tokens=output_tokens, hash_ids=tuple(hash_ids)
    )


def test_the_azure_trace_of_2023_keeps_its_seven_digits_across_midnight(read):
    assert read(AZURE_2023) == [row(0, 374, 44), row(200, 396, 109), row(200, 3, 0)]


def test_the_azure_trace_of_2024_has_zones(read):
    assert read(AZURE_2024) == [row(0, 2162, 5), row(490_070_000, 2399, 6)]


def test_columns_may_come_in_another_order_quoted_beside_others_and_with_windows_line_ends(read):
    content = (
        b'\xef\xbb\xbf"GeneratedTokens","Region","TIMESTAMP","ContextTokens"\r\n"5","eu","2024-05-10 00:00:00","7"\r\n'
    )
    assert read(content) == [row(0, 7, 5)]


def test_the_mooncake_trace_is_told_by_its_content(read):
    assert read(MOONCAKE) == [row(0, 1100, 500, 0, 1, 2), row(0, 1024, 1, 0, 7), row(3_000_500_000, 40, 9)]


def test_rows_are_read_as_they_are_asked_for(tmp_path):
    path = tmp_path / "day.csv"
    path.write_bytes(AZURE_2023 + b"\nnot a row\n")
    rows = read_trace(path)
    assert [next(rows).prompt_tokens for _ in range(3)] == [374, 396, 3]
    with pytest.raises(ProbeError, match="row 5"):
        next(rows)


FIRST = b'{"timestamp": 9, "input_length": 600, "output_length": 5, "hash_ids": [1, 2]}\n'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "day.csv is empty; a trace is Azure's CSV"),
        (b"\n\n", "day.csv is empty"),
        (HEADER, "day.csv has a header and no rows"),
        (b"time,prompt\n1,2\n", 'row 1 begins "time,prompt"; a trace is Azure\'s CSV'),
        (b"\x1f\x8b\x08\x00", "row 1 is not UTF-8"),
        (HEADER + "2024-05-10 00:00:00,5,6\n".encode("utf-16"), "row 2 is not UTF-8"),
        (b"TIMESTAMP,ContextTokens\n", "row 1: no column GeneratedTokens; there are TIMESTAMP, ContextTokens"),
        (HEADER + b"2023-11-16 18:15:46.68,5,6\n2023-11-16 18:15:46.67,5,6\n", "row 3: time goes backwards by 0.01 s"),
        (HEADER + b"2023-11-16 18:15:46,-5,6\n", 'row 2: ContextTokens is "-5"; it must be a whole number >= 0'),
        (HEADER + b"2023-11-16 18:15:46,5,6.5\n", 'row 2: GeneratedTokens is "6.5"; it must be a whole number >= 0'),
        (HEADER + b"2023-11-16 18:15:46,5,\n", 'row 2: GeneratedTokens is ""'),
        (HEADER + b"2023-11-16 18:15:46,5,99999999999\n", "row 2: GeneratedTokens is 99999999999; over 10000000"),
        (HEADER + b"2023-11-16 18:15:46,5\n", "row 2 has 2 cells; the header has 3"),
        (HEADER + b"2023-13-16 18:15:46,5,6\n", 'row 2: TIMESTAMP is "2023-13-16 18:15:46"; it must be an instant'),
        (HEADER + b"1700158546,5,6\n", 'row 2: TIMESTAMP is "1700158546"; it must be an instant'),
        (HEADER + b"9" * (1 << 20), "row 2 is over 1 MiB"),
        (HEADER + b'2023-11-16 18:15:46,5,"' + b"9" * 200_000 + b"\n", "row 2 is not CSV"),
        (FIRST + b"{\n", "row 2 is not JSON"),
        (FIRST + b"[]\n", "row 2 is no JSON object"),
        (FIRST + b'{"timestamp": 9, "input_length": 5, "hash_ids": []}\n', "row 2 has no output_length"),
        (FIRST + b'{"timestamp": 9, "input_length": 5, "output_length": 5}\n', "an empty list says that nothing is"),
        (FIRST.replace(b"9", b"-9"), "row 1: timestamp is -9; it must be milliseconds"),
        (FIRST.replace(b"9", b'"9"'), "row 1: timestamp is '9'; it must be milliseconds"),
        (FIRST + FIRST.replace(b"9", b"8"), "row 2: time goes backwards by 0.001 s; sort the trace by time"),
        (FIRST.replace(b"600", b"true"), "row 1: input_length is True; it must be a whole number >= 0"),
        (FIRST.replace(b"600", b"500"), "row 1 has 2 hash_ids; input_length 500 is 1 blocks of 512"),
        (FIRST.replace(b"[1", b"[-1"), "row 1: hash_ids is [-1, 2]; it must be a list of whole numbers"),
        (FIRST.replace(b"[1, 2]", b"3"), "row 1: hash_ids is 3; it must be a list of whole numbers"),
    ],
)  # fmt: skip
def test_a_bad_row_is_refused_by_its_number(content, words, read):
    with pytest.raises(ProbeError) as caught:
        read(content)
    assert words in str(caught.value)


def test_a_trace_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProbeError, match=r"trace_file .*nowhere\.csv cannot be read: No such file"):
        next(read_trace(tmp_path / "nowhere.csv"))


def test_a_folder_is_no_trace(tmp_path):
    with pytest.raises(ProbeError, match="cannot be read: Is a directory"):
        next(read_trace(tmp_path))
