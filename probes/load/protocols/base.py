"""What a wire format is to the rest of the client: how to ask, and how to read what came. No clocks in here."""

from collections.abc import Callable
from dataclasses import dataclass

from probes.load.errors import ErrorClass
from probes.load.spec import LoadSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """What the body of one 2xx answer says, without any time.

    `payload_ends[i]` is the body offset at which the i-th payload event was complete: where the clock readings are
    looked up. Unknown counts are None.
    """

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


@dataclass(frozen=True, slots=True, kw_only=True)
class WireProtocol:
    """One wire format as functions; `protocols.PROTOCOLS` lists them by name."""

    name: str
    path_suffix: str  # appended to the path of the base URL
    accept: str
    key_headers: Callable[[str], dict[str, str]]  # API key -> headers
    request_body: Callable[[LoadSpec, str], bytes]  # prompt -> JSON
    read_stream: Callable[[bytes], StreamFacts]
    has_payload: Callable[[bytes], bool]  # of a body under way: has anything been generated?
    has_terminator: Callable[[bytes], bool]  # of a body under way: is nothing more to come?
    output_tokens: Callable[[bytes], int | None]  # a cheap look at the end of a body, for progress only
