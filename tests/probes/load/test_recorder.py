"""From raw attempts to records: times and tokens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.protocols.base import EventClass
from probes.load.recorder import _nearest_rank, _payload_times, read_attempt, record_of
from tests.probes.load.test_spool import RAW


def event(text, **more):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return b"data: " + orjson.dumps({"choices": [choice], **more}) + b"\n\n"


def attempt(*reads, **more):
    """An attempt whose i-th read came at 1000 (i + 1) ns."""
    ends, total = [], 0
    for read in reads:
        total += len(read)
        ends.append(total)
    stamps = [1000 * (n + 1) for n in range(len(reads))]
    return record_of(replace(RAW, body=b"".join(reads), read_stamps_ns=stamps, read_ends=ends, **more))


FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'


def usage(output, reasoning=None):
    details = {} if reasoning is None else {"completion_tokens_details": {"reasoning_tokens": reasoning}}
    return b"data: " + orjson.dumps({"choices": [], "usage": {"completion_tokens": output, **details}}) + b"\n\n"


def test_every_event_has_the_time_of_the_read_that_completed_it():
    record = attempt(event(""), event("a"), event("b") + event("c"), event("d")[:20], event("d")[20:], FINISH)
    assert (record.t_byte_ns, record.t_first_ns, record.t_last_ns) == (1000, 2000, 5000)
    assert (record.chunks, record.coalesced_chunks, record.reads) == (4, 1, 6)
    gaps = (record.chunk_gap_p50_ns, record.chunk_gap_p95_ns, record.chunk_gap_max_ns)
    assert gaps == (1000, 2000, 2000)  # 0, 1000, 2000


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.data())
def test_the_time_of_an_event_is_the_first_read_that_reaches_its_end(sizes, data):
    total = sum(sizes)
    cuts = sorted(data.draw(st.sets(st.integers(1, total))) | {total})
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    raw = replace(RAW, body=b"x" * total, read_ends=cuts, read_stamps_ns=[10 * cut for cut in cuts])
    times, coalesced = _payload_times(raw, ends)
    reads = [min(cut for cut in cuts if cut >= end) for end in ends]
    assert times == [10 * read for read in reads]
    assert coalesced == len(reads) - len(set(reads))


def test_one_chunk_has_no_gap():
    record = attempt(event("a"), FINISH)
    assert record.chunk_gap_p50_ns is None
    assert record.chunk_gap_max_ns is None


def test_hidden_reasoning_is_not_streamed_and_shown_reasoning_is():
    hidden = attempt(event("a word or two"), FINISH, usage(30, reasoning=20))
    shown = attempt(
        b'data: {"choices":[{"index":0,"delta":{"reasoning":"hm"}}]}\n\n',
        event("a word or two"),
        FINISH,
        usage(30, reasoning=20),
    )
    assert (hidden.output_tokens, hidden.streamed_tokens) == (30, 10)
    assert (shown.output_tokens, shown.streamed_tokens) == (30, 30)
    assert (shown.t_first_ns, shown.t_visible_ns) == (1000, 2000)


def test_without_usage_tokens_are_unknown():
    record = attempt(event("a"), FINISH)
    assert (record.output_tokens, record.streamed_tokens, record.token_source) == (None, None, None)
    assert attempt(event("a"), FINISH, usage(1)).token_source == "server"


def test_the_wall_time_of_the_start_is_the_stamp_plus_the_offset():
    record = replace(RAW, t_start_ns=5_000_000, wall_offset_ns=1_700_000_000_000_000_000)
    assert record_of(record).started_at == datetime(2023, 11, 14, 22, 13, 20, 5000, UTC)


def test_percentiles_are_values_that_occurred():
    assert [_nearest_rank(list(range(1, 101)), p) for p in (50, 95, 99)] == [50, 95, 99]
    assert _nearest_rank([7], 99) == 7
    assert _nearest_rank([], 50) is None


def test_the_first_choice_has_its_own_time_whether_or_not_it_brought_anything():
    assert attempt(event(""), event("a"), FINISH).t_choice_ns == 1000
    assert attempt(usage(3), event("a"), FINISH).t_choice_ns == 2000
    assert attempt(usage(3)).t_choice_ns is None


def test_a_reading_lists_the_events_behind_the_record():
    body = event("a") + FINISH
    reading = read_attempt(replace(RAW, body=body, read_stamps_ns=[5], read_ends=[len(body)]))
    assert list(reading.event_ends) == [len(event("a")), len(body)]
    assert list(reading.event_classes) == [EventClass.TEXT, EventClass.FINISH]
    refused = read_attempt(replace(RAW, http_status=503, body=body, read_stamps_ns=[5], read_ends=[len(body)]))
    assert (list(refused.event_ends), refused.event_classes) == ([], b"")


def test_a_count_that_no_answer_can_hold_is_kept_in_words_only():
    record = attempt(event("Hi"), event(" you"), FINISH, usage(20))
    assert (record.output_tokens, record.streamed_tokens, record.reasoning_tokens) == (None, None, None)
    assert record.token_source is None
    assert record.usage_fault == "20 output tokens cannot be in 6 bytes of text, which came in 2 chunks"
    assert record.error_class is None


def test_many_tokens_in_a_chunk_are_believed_where_the_text_can_hold_them():
    assert attempt(event("a long piece of text"), FINISH, usage(20)).output_tokens == 20
    assert attempt(event("Hi"), FINISH, usage(9)).output_tokens == 9
    thinking = b'data: {"choices":[{"index":0,"delta":{"reasoning":"hm"}}]}\n\n'
    assert (
        attempt(thinking, event("Hi"), FINISH, usage(90)).output_tokens == 90
    )  # how long the thinking was is not known


def test_what_headers_say_of_a_rate_limit_is_part_of_the_record():
    headers = {
        "content-type": "text/event-stream",
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    record = attempt(event("a"), FINISH, headers=headers)
    assert (record.limit_requests, record.remaining_requests, record.requests_reset_s) == (60, 59, 1.0)
    assert (record.limit_tokens, record.remaining_tokens, record.tokens_reset_s) == (150_000, 149_984, 360.0)
    assert record.retry_after_s is None
    assert attempt(event("a"), FINISH).limit_requests is None


def test_a_retry_that_was_asked_for_counts_from_the_answer():
    came_at = datetime.fromtimestamp((RAW.wall_offset_ns + 1000) / 1e9, UTC)
    date = format_datetime(came_at.replace(microsecond=0) + timedelta(seconds=30), usegmt=True)
    record = attempt(b"{}", headers={"retry-after": date}, http_status=429)
    assert 29 <= record.retry_after_s <= 30
    body = b'{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"46s"}]}}'
    record = attempt(body, headers={}, http_status=429)
    assert (record.error_class, record.retry_after_s) == ("rate_limited", 46.0)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ({"code": 429, "message": "Rate limit exceeded"}, "429: Rate limit exceeded"),
        ({"type": "overloaded_error", "message": "Overloaded"}, "overloaded_error: Overloaded"),
        ({"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "no quota"}, "RESOURCE_EXHAUSTED: no quota"),
        ("Model is overloaded", "Model is overloaded"),
    ],
)
def test_an_error_after_200_says_whether_it_was_a_limit(error, says):
    record = attempt(event("a"), b"data: " + orjson.dumps({"error": error}) + b"\n\n")
    assert (record.error_class, record.error_message) == ("stream_error", says)
