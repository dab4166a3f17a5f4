"""What a wire format is to the rest of the client: how to ask, and how to read what came. No clocks in here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from probes.load.errors import ErrorClass
from probes.load.prompt import Prompt
from probes.load.spec import LoadSpec


class EventClass(IntEnum):
    """What one event of a stream is for. One that is several things at once is the last of them in this order."""

    OTHER = 0  # nothing known: not JSON, not an object, neither choice nor usage
    USAGE = 1  # token counts and no choice
    EMPTY = 2  # a choice without payload: the role, an empty delta
    FINISH = 3  # a finish reason without payload
    REASONING = 4  # shown thinking
    TOOL = 5  # name or arguments of a call
    AUDIO = 6
    REFUSAL = 7
    TEXT = 8
    IMAGE = 9  # a picture, whole or a first sketch of it
    RESULT = 10  # vectors or scores: what a task without text was asked for
    DONE = 11  # the terminator
    ERROR = 12


# For bytes.translate: 1 at each class that has the property, 0 elsewhere.
CHOICE_FLAGS: Final = bytes(EventClass.EMPTY <= n <= EventClass.RESULT for n in range(256))
PAYLOAD_FLAGS: Final = bytes(EventClass.REASONING <= n <= EventClass.RESULT for n in range(256))
VISIBLE_FLAGS: Final = bytes(EventClass.TOOL <= n <= EventClass.RESULT for n in range(256))


# Not frozen: there is one for every attempt, and the fields of a frozen one take four times as long to set.
@dataclass(slots=True, kw_only=True)
class StreamFacts:
    """What the body of one 2xx answer says, without any time.

    `event_ends[i]` is the body offset at which the i-th event was complete, which is where the clock readings are
    looked up, and `event_classes[i]` its `EventClass`; `payload_ends` are the ends of those with payload. Of a stream
    that stops being JSON the events up to there are listed, the broken one as OTHER. Unknown counts are None.
    """

    event_ends: list[int]
    event_classes: bytes
    first_choice: int | None  # index into event_ends of the first event with a choice, payload or not
    payload_ends: list[int]
    first_visible: int | None  # index into payload_ends of the first payload that is not reasoning
    reasoning_streamed: bool
    terminal: bool  # a finish reason or the terminator came
    finish_reason: str | None
    fault: tuple[ErrorClass, str] | None  # stream_error, parse_error or filtered
    prompt_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    model_returned: str | None
    system_fingerprint: str | None
    cache_write_tokens: int | None = None  # of the prompt, written to a cache
    streamed: bool = True  # False: one document, which has no first token
    usage_fault: str | None = None  # what the server counted and what cannot be; the count itself is None
    service_tier: str | None = None
    billed_usd: float | None = None  # what the server says that it charges
    server_load_s: float | None = None  # loading the model, by the server's own clock
    server_queue_s: float | None = None
    server_prefill_s: float | None = None
    server_decode_s: float | None = None
    input_items: int | None = None  # texts embedded, documents ranked
    input_audio_s: float | None = None
    output_audio_s: float | None = None
    output_images: int | None = None
    search_units: int | None = None  # what a rerank is billed by, as the server counts them
    # Nothing in this answer could tell its end: it is whole if its HTTP message is. `terminal` is then False.
    ends_with_body: bool = False
    # Bytes without events, which were cut by us: that several pieces come in one read hides no time of theirs.
    is_raw: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WireProtocol:
    """One wire format as functions; `protocols.PROTOCOLS` lists them by name."""

    name: str
    path: Callable[[LoadSpec], str]  # what follows the base URL, from a slash on; may end in a query
    accept: str
    key_headers: Callable[[str], dict[str, str]]  # API key -> headers
    request_body: Callable[[LoadSpec, Prompt], bytes]
    read_stream: Callable[[bytes], StreamFacts]
    has_payload: Callable[[bytes], bool]  # of a body under way: has anything been generated?
    has_terminator: Callable[[bytes], bool]  # of a body under way: is nothing more to come?
    output_tokens: Callable[[bytes], int | None]  # a cheap look at the end of a body, for progress only
    answer_text: Callable[[bytes], str]  # the visible text of a 2xx body
    end: str = "a finish reason or [DONE]"  # in words: without it an answer is not whole
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with or without a key
    streams: bool = True  # False: the answer is one document; no first token is waited for
    converses: bool = True  # False: it does not answer a text with a text
    has_lines: bool = True  # False: a long answer without a line break is no fault
    sign: Callable[[LoadSpec, str, bytes], dict[str, str]] | None = None  # spec, URL, body -> more headers, each time
    secret: Callable[[LoadSpec], str] | None = None  # what proves who asks without an API key: sent, never written
