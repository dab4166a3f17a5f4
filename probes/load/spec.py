"""What a load trial is asked to do, what it says while it runs, and what it hands back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from probes.errors import ProbeError
from probes.load.record import AttemptRecord, StampSource

Arrivals = Literal["closed", "constant", "poisson"]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MAX_REQUEST_ID_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """The client's own limits, in seconds. Each ends one attempt, never the trial."""

    connect_s: float = 10.0  # name resolution, TCP and TLS together
    first_token_s: float = 120.0  # request sent to first generated payload
    stall_s: float = 60.0  # between two body bytes
    total_s: float = 600.0  # the whole attempt

    def __post_init__(self) -> None:
        for name in ("connect_s", "first_token_s", "stall_s", "total_s"):
            if not getattr(self, name) > 0:
                raise ProbeError(f"timeouts.{name} = {getattr(self, name)} must be > 0 seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSpec:
    """One trial's load: where, what and when.

    The request goes to the path of `base_url` + "/chat/completions" (for api "openai-chat"), with or without a
    trailing slash; nothing else is added, so "/v1" is part of the URL where the server wants it.

    A closed loop keeps `concurrency` requests in flight. An open loop ("constant", "poisson") plans its sends at
    `rate_rps` from `seed`, whatever the answers do. The trial ends after `requests` sends or `duration_s` of sending,
    whichever comes first, and then waits for what is in flight.

    Raises:
        ProbeError: a value is out of range; names the field, the value and the remedy.
    """

    base_url: str
    model: str
    api: str = "openai-chat"
    api_key: str | None = field(default=None, repr=False)
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra_body: Mapping[str, object] = field(default_factory=dict)
    arrivals: Arrivals = "closed"
    concurrency: int | None = None
    rate_rps: float | None = None
    requests: int | None = None
    duration_s: float | None = None
    warmup_requests: int = 0
    prompt_tokens: int = 128
    output_tokens: int = 128
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: float | None = 0.0  # None leaves it out, for models that refuse it
    seed: int = 0
    attempt_prefix: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    ca_file: str | None = None  # PEM of a private certificate authority, beside the system's

    def __post_init__(self) -> None:
        if self.arrivals == "closed":
            if self.concurrency is None or self.concurrency < 1:
                raise ProbeError(f"concurrency = {self.concurrency} must be >= 1 in a closed loop")
        elif self.rate_rps is None or not 0 < self.rate_rps < float("inf"):
            raise ProbeError(
                f'rate_rps = {self.rate_rps} must be > 0; for one request at a time use arrivals = "closed"'
            )
        if self.requests is None and self.duration_s is None:
            raise ProbeError("neither requests nor duration_s is set, so the trial would never end; set one")
        if self.requests is not None and self.requests < 1:
            raise ProbeError(f"requests = {self.requests} must be >= 1")
        if self.duration_s is not None and not self.duration_s > 0:
            raise ProbeError(f"duration_s = {self.duration_s} must be > 0")
        for name, least in (("warmup_requests", 0), ("prompt_tokens", 1), ("output_tokens", 1)):
            if getattr(self, name) < least:
                raise ProbeError(f"{name} = {getattr(self, name)} must be >= {least}")
        for name, text in self.extra_headers.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ProbeError(f"extra_headers: {name!r} is not an HTTP header name")
            _check_header_value(f"extra_headers: the value of {name}", text)
        if self.api_key is not None:
            _check_header_value("the API key", self.api_key)
        _check_header_value("attempt_prefix", self.attempt_prefix)
        if len(self.attempt_prefix) > _MAX_REQUEST_ID_BYTES:
            raise ProbeError(f"attempt_prefix is {len(self.attempt_prefix)} characters; the limit is 512")


def _check_header_value(what: str, text: str) -> None:
    # The value is not shown: it may be a secret.
    if not text.isascii() or not text.isprintable():
        raise ProbeError(f"{what} has a line break or another character that no HTTP header may carry; remove it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a trial is. Counts are of the phase under way."""

    phase: Literal["warmup", "measured"]
    done: int
    total: int | None  # None when only duration_s bounds the trial
    ok: int  # answered 2xx, and no fault seen so far; the records decide later
    in_flight: int
    output_tokens: int | None  # by the server's usage, so far; None until one attempt has told
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a trial saw. `*_ns` is CLOCK_MONOTONIC; an offset is CLOCK_REALTIME - CLOCK_MONOTONIC."""

    attempts: list[AttemptRecord]  # warm-ups first, then measured, each in order of seq
    window_start_ns: int | None  # first measured send
    window_end_ns: int | None  # end of the last measured attempt
    clock_offset_start_ns: int
    clock_offset_end_ns: int
    stamp_source: StampSource | None  # "kernel" only if every stamp was the kernel's; None without any
    client_cpu_s: float
    stopped_reason: str | None  # why the trial ended before its plan was sent; None when it did not
