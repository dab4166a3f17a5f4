"""Cutting events out of a body."""

from hypothesis import given
from hypothesis import strategies as st

from probes.load.sse import _cut_any, cut_events

PAYLOADS = st.lists(
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=20).map(
        str.encode
    ),
    max_size=8,
)


def body_of(payloads: list[bytes], end: bytes = b"\n") -> bytes:
    return b"".join(b"data: " + payload + end + end for payload in payloads)


@given(PAYLOADS, st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_every_line_end_gives_the_same_events(payloads, end):
    events = cut_events(body_of(payloads, end))
    assert events.data == payloads
    assert events.unfinished is None


@given(PAYLOADS)
def test_the_fast_way_and_the_tolerant_way_agree(payloads):
    body = body_of(payloads)
    assert cut_events(body) == _cut_any(body)


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
