"""Cutting events out of a body."""

import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.load.sse import SseEvents, cut_events, cut_long_events

PAYLOADS = st.lists(
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=20).map(
        str.encode
    ),
    max_size=8,
)
LINES = st.sampled_from(
    [
        b"data: x", b"data:y", b"data:  z", b"data: ", b"data:", b"data", b": ping", b":", b"event: e", b"event:e",
        b"event: error", b"event:error", b"event:  error", b"event", b"id: 1", b"retry: 5", b'error: {"code":1}',
        b"error:", b'{"error":', b" {}}", b"[1]", b"", b"", b"", "data: a\u2028b\u2029c\u0085d".encode(),
        b"data: \x0b\x0c\x1c\x1e", b"data: \xff\xe6", b"\xef\xbb\xbfdata: x", b"x", b" data: x", b"data : x",
    ]
)  # fmt: skip
LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
BODIES = st.one_of(
    st.builds(lambda lines, end: b"".join(line + end for line in lines), st.lists(LINES, max_size=14), LINE_ENDS),
    st.lists(st.tuples(LINES, LINE_ENDS), max_size=14).map(lambda pairs: b"".join(map(b"".join, pairs))),
)

PIECES = st.sampled_from([b"x", b" y", "\u2028\u65e5".encode(), b"{}", b"\x00", b"data: z"])


def body_of(payloads: list[bytes], end: bytes = b"\n") -> bytes:
    return b"".join(b"data: " + payload + end + end for payload in payloads)


def line_by_line(body: bytes) -> SseEvents:
    """The same, as the standard tells it: one line after another, an event at each blank one."""
    data, ends, errors = [], [], set()
    lines, place = [], 3 if body.startswith(b"\xef\xbb\xbf") else 0
    for found in [*re.finditer(rb"([^\r\n]*)(\r\n|\r|\n)", body[place:]), None]:
        if found is not None and found[1]:
            lines.append(found[1])
            continue
        if found is None:
            rest = re.search(rb"[^\r\n]*\Z", body[place:])[0]
            lines += [rest] if rest else []
        fields = [(line.partition(b":")[0], line.partition(b":")[2].removeprefix(b" ")) for line in lines]
        said = [value for name, value in fields if name == b"data" or (name == b"error" and value)]
        bare = [line for line in lines if line.partition(b":")[0] not in (b"data", b"event", b"error", b"")]
        payload = b"\n".join(said) if said else b"\n".join(bare) if bare and bare[0][:1] in (b"{", b"[") else b""
        if payload:
            marks = [
                name == b"error" or value == b"error"
                for name, value in fields
                if name == b"event" or (name == b"error" and value)
            ]
            if marks and marks[-1]:
                errors.add(len(data))
            data.append(payload)
            ends.append(len(body) if found is None else place + found.end())
        lines = []
    unfinished = len(data) - 1 if payload else None
    return SseEvents(data=data, ends=ends, errors=frozenset(errors), unfinished=unfinished)


@given(PAYLOADS, LINE_ENDS)
def test_every_line_end_gives_the_same_events(payloads, end):
    events = cut_events(body_of(payloads, end))
    assert events.data == payloads
    assert events.unfinished is None


@settings(max_examples=200)
@given(BODIES)
def test_the_fast_ways_say_what_reading_line_by_line_says(body):
    assert cut_events(body) == line_by_line(body)


@given(BODIES)
def test_so_they_do_of_a_body_that_is_cut_anywhere(body):
    for place in range(len(body)):
        assert cut_events(body[:place]) == line_by_line(body[:place])


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"", b"event: e", b"event: error", b"event:error", b": ping"]),
            st.lists(PIECES, max_size=3),
        ),
        max_size=6,
    ),
    LINE_ENDS,
    st.sampled_from([b"data: ", b"data:"]),
)
def test_named_events_are_cut_alike_whatever_their_line_ends(events, end, prefix):
    lines = [[name] if name else [] for name, _ in events]
    texts = [[prefix + text for text in payloads] for _, payloads in events]
    body = b"".join(
        b"".join(line + end for line in [*names, *data, b""]) for names, data in zip(lines, texts, strict=True)
    )
    assert cut_events(body) == line_by_line(body)


@given(st.lists(st.sampled_from([b"data: x", b"data:y", b": ping", b"event: e", b"", b"data: ", b"{}", b"id: 1"])))
def test_a_body_cut_at_any_position_gives_the_events_that_were_complete_by_then(lines):
    body = b"".join(line + b"\n" for line in lines)
    whole = cut_events(body + b"\n\n")  # what was still open is closed
    for position in range(len(body) + 1):
        part = cut_events(body[:position])
        complete = [data for n, data in enumerate(part.data) if n != part.unfinished]
        assert complete == [data for data, end in zip(whole.data, whole.ends, strict=True) if end <= position]
        assert part.ends[: len(complete)] == whole.ends[: len(complete)]


def test_an_end_is_just_past_the_blank_line():
    assert cut_events(b"data: a\n\ndata: bc\n\n").ends == [9, 19]
    assert cut_events(b"data: a\r\n\r\ndata: bc\r\n\r\n").ends == [11, 23]


def test_the_space_after_the_colon_is_optional():
    assert cut_events(b'data:{"a":1}\n\ndata: {"b":2}\n\n').data == [b'{"a":1}', b'{"b":2}']


def test_several_data_lines_join_with_a_line_feed():
    assert cut_events(b"data: a\ndata: b\n\n").data == [b"a\nb"]


def test_comments_and_other_fields_are_no_events():
    assert cut_events(b": OPENROUTER PROCESSING\n\nid: 7\nretry: 10\n\n: x\n").data == []


def test_unicode_line_separators_do_not_end_a_line():
    text = "a\u2028b\u2029c\u0085d".encode()
    assert cut_events(b"data: " + text + b"\n\n").data == [text]


def test_a_last_event_without_its_blank_line_is_kept_and_named():
    events = cut_events(b"data: a\n\ndata: [DONE]\n")
    assert events.data == [b"a", b"[DONE]"]
    assert events.unfinished == 1


def test_a_bare_json_object_is_an_event():
    assert cut_events(b'data: {}\n\n{"error":\n {"code": 429}}\n\n').data == [b"{}", b'{"error":\n {"code": 429}}']


def test_an_error_event_and_an_error_field_are_marked():
    assert cut_events(b"event: error\ndata: {}\n\n").errors == {0}
    events = cut_events(b'data: {}\n\nerror: {"message":"m"}\n\n')
    assert events.errors == {1}
    assert events.data[1] == b'{"message":"m"}'


def test_a_byte_order_mark_is_skipped():
    assert cut_events(b"\xef\xbb\xbfdata: a\n\n").data == [b"a"]


@settings(max_examples=300)
@given(st.one_of(BODIES, PAYLOADS.map(body_of), st.tuples(PAYLOADS.map(body_of), BODIES).map(b"".join)))
def test_events_that_are_copied_late_are_the_same(body):
    early, late = cut_events(body), cut_long_events(body)
    assert (list(late.data), late.ends, late.errors, late.unfinished) == (
        early.data, early.ends, early.errors, early.unfinished,
    )  # fmt: skip
    assert [late.data[n] for n in range(len(late.data))] == early.data


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n", b"\r\n\r"])
@pytest.mark.parametrize("before", [b"", b"data: 1\n\n", b"data: 1\r\n\r\n"])
def test_blank_lines_by_the_thousand_take_little_memory_and_are_no_events(line_end, before):
    flood = line_end * (200_000 // len(line_end))
    body = before + flood + b"data: 2" + 2 * line_end
    tracemalloc.start()
    try:
        events = cut_events(body)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 30 * len(body)
    assert events.data == ([b"1"] if before else []) + [b"2"]
    assert events.ends[: len(events.data) - 1] == ([len(before)] if before else [])
    assert len(before) + len(flood) < events.ends[-1] <= len(body)
