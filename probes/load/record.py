"""One attempt, as measured: the fields of the landing table `attempts`, without the trial they belong to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from probes.load.errors import ErrorClass

RunPhase = Literal["warmup", "measured"]
# "lost" is a send on a connection that the server had closed: it never arrived, and was sent again as the attempt
# that names it in `retry_of`. It counts in nothing.
Phase = Literal["warmup", "measured", "lost"]
StampSource = Literal["kernel", "read"]


# Not frozen: there is one for every attempt, and the fields of a frozen one take four times as long to set.
@dataclass(slots=True, kw_only=True)
class AttemptRecord:
    """One request, successful or not. `*_ns` is this host's CLOCK_MONOTONIC; a time point that never came is None."""

    attempt_id: str  # also sent as X-Request-Id
    seq: int  # within its phase, from 0
    phase: Phase
    retry_of: str | None
    started_at: datetime | None  # UTC of t_start_ns
    t_sched_ns: int | None  # planned send; None in a closed loop
    t_start_ns: int | None  # the instant before the send call, or before connecting if a connection had to be opened
    t_conn_ns: int | None  # connection ready, when this attempt had to wait for one
    t_sent_ns: int | None  # last request byte handed to the kernel
    t_byte_ns: int | None  # first response body byte
    t_first_ns: int | None  # first generated payload of any kind
    t_visible_ns: int | None  # first payload that is not reasoning
    t_last_ns: int | None  # last payload
    t_end_ns: int | None  # response complete, or the failure
    stamp_source: StampSource | None  # None when no byte came
    connection_reused: bool | None
    http_status: int | None
    error_class: ErrorClass | None  # None is success
    error_message: str | None
    finish_reason: str | None
    response_bytes: int | None  # of the body, transfer coding removed
    reads: int | None  # socket reads that brought body bytes
    chunks: int | None  # payload events
    coalesced_chunks: int | None  # payload events that shared a read with an earlier one
    chunk_gap_p50_ns: int | None  # between consecutive payload events, nearest rank
    chunk_gap_p95_ns: int | None
    chunk_gap_p99_ns: int | None
    chunk_gap_max_ns: int | None
    prompt_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    streamed_tokens: int | None
    token_source: str | None
    model_returned: str | None
    system_fingerprint: str | None
    pair_id: str | None = None  # attempts of a group that were sent in one round share it
    prompt_tokens_asked: int | None = None
    output_tokens_asked: int | None = None
    t_choice_ns: int | None = None  # first event with a choice in it, payload or not: where some tools stop the clock
    cache_write_tokens: int | None = None  # of the prompt, written to a cache
    answer_streamed: bool | None = None  # whether the answer came as a stream; False has no first token
    usage_fault: str | None = None  # what the server counted and what cannot be
    service_tier: str | None = None  # as the server named it
    billed_usd: float | None = None  # what the server says that it charges
    server_load_s: float | None = None  # loading the model, by the server's own clock
    server_queue_s: float | None = None  # waiting in its queue
    server_prefill_s: float | None = None  # reading the prompt
    server_decode_s: float | None = None  # writing the answer
    input_items: int | None = None  # texts embedded, documents ranked
    input_audio_s: float | None = None  # sound that was transcribed
    output_audio_s: float | None = None  # sound that was made
    output_images: int | None = None  # pictures that were made
    search_units: int | None = None  # what a rerank is billed by, as the server counts them
    retry_after_s: float | None = None  # how long the server asked to wait
    limit_requests: int | None = None  # of the rate limit, as its headers say
    remaining_requests: int | None = None
    requests_reset_s: float | None = None  # until they are whole again
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    tokens_reset_s: float | None = None
    content_encoding: str | None = None  # how the answer was compressed although we asked for none
    conversation_id: str | None = None  # attempts that are turns of one conversation share it
    turn_number: int | None = None  # of that conversation, from 1
