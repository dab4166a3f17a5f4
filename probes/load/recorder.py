"""From what was seen on the wire to the record of an attempt: times, faults, tokens. The only place that does it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter, sub
from typing import Any, Final

from probes.load.clock import utc
from probes.load.compression import content_encoding
from probes.load.errors import ErrorClass, sanitise
from probes.load.plausible import plausible_counts
from probes.load.protocols import protocol
from probes.load.protocols.base import StreamFacts
from probes.load.rate_limits import RATE_HEADERS, columns_of, read_rate_limits
from probes.load.raw import RawAttempt
from probes.load.record import AttemptRecord
from probes.load.statuses import classify_status

_SAID: Final = (
    "usage_fault", "service_tier", "billed_usd", "server_load_s", "server_queue_s", "server_prefill_s",
    "server_decode_s", "input_items", "input_audio_s", "output_audio_s", "output_images",
    "search_units",
)  # fmt: skip
_SAID_OF: Final = attrgetter(*_SAID)


# not frozen: there is one for every attempt
@dataclass(slots=True, kw_only=True)
class AttemptReading:
    """The record of an attempt and, beside it, the events that it rests on.

    `event_ends[i]` is the body offset at which the i-th event was complete: its time is that of the first read whose
    `read_ends` reaches it. `event_classes[i]` is its `protocols.base.EventClass`. Both are empty unless the answer
    was 2xx.
    """

    record: AttemptRecord
    event_ends: Sequence[int]
    event_classes: bytes


def record_of(raw: RawAttempt) -> AttemptRecord:
    """Read one raw attempt for its record only."""
    return read_attempt(raw).record


def read_attempt(raw: RawAttempt) -> AttemptReading:
    """Read one raw attempt."""
    answered = raw.is_success_status
    facts = protocol(raw.api).read_stream(raw.body) if answered and raw.body else None
    if facts is not None:
        facts = plausible_counts(facts, raw.body, protocol(raw.api))
    error_class, error_message = _verdict(raw, facts)
    times, coalesced = _payload_times(raw, facts.payload_ends if facts else [])
    streamed = facts is not None and facts.streamed
    first = times[:1] if streamed else []  # one document has no first token: all of it comes at once
    visible = facts.first_visible if facts and streamed else None
    gaps = sorted(map(sub, times[1:], times))
    output = facts.output_tokens if facts else None
    reads, body_bytes = raw.wire_reads or (len(raw.read_ends), len(raw.body))
    record = AttemptRecord(
        attempt_id=raw.attempt_id,
        seq=raw.seq,
        phase=raw.phase,
        retry_of=raw.retry_of,
        started_at=utc(raw.t_start_ns + raw.wall_offset_ns),
        t_sched_ns=raw.t_sched_ns,
        t_start_ns=raw.t_start_ns,
        t_conn_ns=raw.t_conn_ns,
        t_sent_ns=raw.t_sent_ns,
        t_byte_ns=raw.read_stamps_ns[0] if raw.read_stamps_ns else None,
        t_first_ns=first[0] if first else None,
        t_visible_ns=times[visible] if visible is not None else None,
        t_last_ns=times[-1] if times else None,
        t_end_ns=raw.t_end_ns,
        stamp_source=raw.stamp_source,
        connection_reused=raw.connection_reused,
        http_status=raw.http_status,
        error_class=error_class,
        error_message=error_message,
        finish_reason=facts.finish_reason if facts else None,
        response_bytes=body_bytes if raw.http_status is not None else None,
        reads=reads if raw.http_status is not None else None,
        chunks=len(times) if facts else None,
        coalesced_chunks=None if facts is None else 0 if facts.is_raw else coalesced,
        chunk_gap_p50_ns=_nearest_rank(gaps, 50),
        chunk_gap_p95_ns=_nearest_rank(gaps, 95),
        chunk_gap_p99_ns=_nearest_rank(gaps, 99),
        chunk_gap_max_ns=gaps[-1] if gaps else None,
        prompt_tokens=facts.prompt_tokens if facts else None,
        cached_tokens=facts.cached_tokens if facts else None,
        output_tokens=output,
        reasoning_tokens=facts.reasoning_tokens if facts else None,
        streamed_tokens=_streamed(facts) if facts else None,
        token_source="server" if output is not None else None,
        model_returned=facts.model_returned if facts else None,
        system_fingerprint=facts.system_fingerprint if facts else None,
        pair_id=raw.pair_id,
        prompt_tokens_asked=raw.prompt_tokens_asked,
        output_tokens_asked=raw.output_tokens_asked,
        conversation_id=raw.conversation_id,
        turn_number=raw.turn_number,
        t_choice_ns=_choice_time(raw, facts) if facts and streamed else None,
        cache_write_tokens=facts.cache_write_tokens if facts else None,
        answer_streamed=facts.streamed if facts else None,
        content_encoding=content_encoding(raw.headers),
        **_said(facts),
        **_rate_limits(raw, answered=answered),
    )
    return AttemptReading(
        record=record,
        event_ends=facts.event_ends if facts else (),
        event_classes=facts.event_classes if facts else b"",
    )


def _said(facts: StreamFacts | None) -> dict[str, Any]:
    """What only some wire formats tell; the names are the same in the record."""
    return {} if facts is None else dict(zip(_SAID, _SAID_OF(facts), strict=True))


def _rate_limits(raw: RawAttempt, *, answered: bool) -> dict[str, Any]:
    """What the answer says of a rate limit; the names are those of the record."""
    if answered and RATE_HEADERS.isdisjoint(raw.headers):
        return {}
    came_ns = raw.read_stamps_ns[0] if raw.read_stamps_ns else raw.t_end_ns
    body = b"" if answered else raw.body
    return columns_of(read_rate_limits(raw.headers, body, wall_ns=came_ns + raw.wall_offset_ns))


def _verdict(raw: RawAttempt, facts: StreamFacts | None) -> tuple[ErrorClass, str] | tuple[None, None]:
    """The first thing that went wrong, in the order in which it would have been noticed."""
    if raw.failure_class is not None:
        return raw.failure_class, sanitise(raw.failure_message or raw.failure_class)
    if raw.http_status is not None and not raw.is_success_status:
        return classify_status(raw.http_status, raw.headers, raw.body, target=raw.target)
    return _stream_fault(raw, facts) or (None, None)


def _stream_fault(raw: RawAttempt, facts: StreamFacts | None) -> tuple[ErrorClass, str] | None:
    if facts is not None and facts.fault is not None:
        return facts.fault
    is_document = raw.headers.get("content-type", "").startswith("application/json")
    if is_document and protocol(raw.api).streams and (facts is None or not facts.payload_ends):
        return "parse_error", "the answer is one JSON document, not a stream of events; the server ignored stream=true"
    if facts is None or not (facts.terminal or (facts.ends_with_body and raw.cut_short is None)):
        return "truncated", sanitise(raw.cut_short or f"the answer ended without {protocol(raw.api).end}")
    if not facts.payload_ends:
        told = "unknown" if facts.output_tokens is None else str(facts.output_tokens)
        return "empty", f"the stream ended properly but carried no payload (output tokens: {told})"
    return None


def _payload_times(raw: RawAttempt, payload_ends: Sequence[int]) -> tuple[list[int], int]:
    """When each payload event was complete, and how many shared a read with an earlier one."""
    # Nearly always a read ends where an event ends; then a look-up in a dict, without a Python step, does it.
    stamp_at = dict(zip(raw.read_ends, raw.read_stamps_ns, strict=True))
    try:
        return list(map(stamp_at.__getitem__, payload_ends)), 0
    except KeyError:
        pass
    # Several events share a read: how many have come with each read and those before it.
    come = [bisect_right(payload_ends, end) for end in raw.read_ends]
    shares = [after - before for before, after in pairwise([0, *come])]
    times: list[int] = []
    for stamp, share in zip(raw.read_stamps_ns, shares, strict=True):
        times += [stamp] * share
    return times, len(times) - sum(map(bool, shares))


def _choice_time(raw: RawAttempt, facts: StreamFacts) -> int | None:
    if facts.first_choice is None:
        return None
    return raw.read_stamps_ns[bisect_left(raw.read_ends, facts.event_ends[facts.first_choice])]


def _nearest_rank(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest value with at least `percent` of all at or below it."""
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else None


def _streamed(facts: StreamFacts) -> int | None:
    """Tokens that came over the wire: all, less the reasoning that was never shown."""
    if facts.output_tokens is None or facts.reasoning_streamed or facts.reasoning_tokens is None:
        return facts.output_tokens
    return max(facts.output_tokens - facts.reasoning_tokens, 0)
