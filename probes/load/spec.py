"""What a load trial is asked to do, what it says while it runs, and what it hands back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from probes.errors import ProbeError
from probes.load.evidence import ClientEvidence
from probes.load.ingredients import History, Images, ingredients_problem
from probes.load.orders import MAX_RATE_RPS, Arrivals, PromptsOrder
from probes.load.pacing import pacing_problem
from probes.load.record import AttemptRecord, StampSource
from probes.load.spread import Spread
from probes.load.texts import TextKind

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MAX_REQUEST_ID_BYTES = 512
_BURSTINESS: Final = (0.01, 1_000_000.0)  # below, all sends fall into one instant; above, the gaps do not vary
_SPEED: Final = (0.001, 100_000.0)

# The fields that tell when to send, and which arrivals each belongs to: elsewhere they would be ignored.
_WHEN: Final[dict[str, tuple[Arrivals, ...]]] = {
    "concurrency": ("closed",),
    "rate_rps": ("constant", "poisson", "gamma", "linear-ramp", "exponential-ramp"),
    "rate_end_rps": ("linear-ramp", "exponential-ramp"),
    "burstiness": ("gamma",),
    "rates_file": ("piecewise",),
    "trace_file": ("trace",),
}


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

    A closed loop keeps `concurrency` requests in flight. An open loop plans its sends from `seed`, whatever the answers
    do: "constant" and "poisson" at `rate_rps`; "gamma" too, in bursts or evenly by `burstiness`; "linear-ramp" and
    "exponential-ramp" from `rate_rps` to `rate_end_rps` over `duration_s`; "piecewise" by the steps of `rates_file`
    (`rates.read_rates`); "trace" by the rows of `trace_file` (`traces.read_trace`), which also give the lengths.

    The trial ends after `requests` sends or `duration_s` of sending, whichever comes first, or with its trace, and then
    waits for what is in flight. `duration_s` is the client's time: at `trace_speed` 20, 30 s replay ten minutes.

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
    rate_end_rps: float | None = None
    burstiness: float | None = None  # shape of the gamma distributed gaps: 1 is Poisson, below 1 comes in bursts
    rates_file: Path | None = None
    trace_file: Path | None = None
    trace_speed: float = 1.0  # 1 as recorded, 2 twice as fast
    connections: Literal["warm", "cold"] = "warm"  # cold: a new one for each request, as part of what is measured
    requests: int | None = None
    duration_s: float | None = None
    warmup_requests: int = 0
    prompt_tokens: int = 128  # this and the next: not of a trace, where each request has its own
    output_tokens: int = 128
    prompt_lengths: Spread | None = None  # drawn for each request; then prompt_tokens is not looked at
    output_lengths: Spread | None = None
    text: TextKind = "prose"  # what prompts are cut from
    tokenizer: str = "usage"  # how text is counted: "usage" by answers to warm-ups, "server", or a tokenizer.json
    nonce: bool = True  # False: caches may answer
    shared_prefix_share: float = 0.0  # of each prompt, the same for all of the trial
    prompts_file: Path | None = None
    prompts_order: PromptsOrder = "file"
    turns: int = 1  # more: conversations of at most so many; `requests` counts turns, `concurrency` conversations
    think_s: Spread | None = None  # from the end of an answer to the next turn; None: none
    history: History = "answers"  # what a later turn repeats: the target's answers, or those of the file (or our text)
    images: Images | None = None
    documents: int = 0  # of document_tokens each, to embed or rank
    document_tokens: int = 0
    audio_s: float = 0.0  # of sound, to transcribe
    max_rps: float | None = None  # this and the next two: the target's limit, under which a closed loop waits
    max_tokens_per_minute: float | None = None  # prompt and longest answer
    pace: Literal["headers"] | None = None  # as the last answers say what is left, and how long to wait
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: float | None = 0.0  # None leaves it out, for models that refuse it
    seed: int = 0
    attempt_prefix: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    ca_file: str | None = None  # PEM of a private certificate authority, beside the system's

    def __post_init__(self) -> None:
        self._check_when()
        if self.requests is not None and self.requests < 1:
            raise ProbeError(f"requests = {self.requests} must be >= 1")
        if self.duration_s is not None and not 0 < self.duration_s < float("inf"):
            raise ProbeError(f"duration_s = {self.duration_s} must be > 0")
        for name, least in (("warmup_requests", 0), ("prompt_tokens", 1), ("output_tokens", 1)):
            if getattr(self, name) < least:
                raise ProbeError(f"{name} = {getattr(self, name)} must be >= {least}")
        most_rps, most_tokens = self.max_rps, self.max_tokens_per_minute
        problem = pacing_problem(self, max_rps=most_rps, max_tokens_per_minute=most_tokens, pace=self.pace)
        problem = problem or ingredients_problem(self)
        if problem is not None:
            raise ProbeError(problem)
        for name, text in self.extra_headers.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ProbeError(f"extra_headers: {name!r} is not an HTTP header name")
            _check_header_value(f"extra_headers: the value of {name}", text)
        if self.api_key is not None:
            _check_header_value("the API key", self.api_key)
        _check_header_value("attempt_prefix", self.attempt_prefix)
        if len(self.attempt_prefix) > _MAX_REQUEST_ID_BYTES:
            raise ProbeError(f"attempt_prefix is {len(self.attempt_prefix)} characters; the limit is 512")

    @property
    def is_paced(self) -> bool:
        """Whether the target has a limit to stay under."""
        return self.max_rps is not None or self.max_tokens_per_minute is not None or self.pace is not None

    def _check_when(self) -> None:
        arrivals, ramp = self.arrivals, self.arrivals.endswith("-ramp")
        if arrivals == "closed" and (self.concurrency is None or self.concurrency < 1):
            raise ProbeError(f"concurrency = {self.concurrency} must be >= 1 in a closed loop")
        for name in ("rate_rps", "rate_end_rps"):
            rate = getattr(self, name)
            # From nothing, or to nothing, along a line only: the logarithm of 0 is no number.
            zero = rate == 0 and arrivals == "linear-ramp" and max(self.rate_rps or 0, self.rate_end_rps or 0) > 0
            if arrivals in _WHEN[name] and not zero and (rate is None or not 0 < rate <= MAX_RATE_RPS):
                hint = "" if ramp else '; for one request at a time use arrivals = "closed"'
                raise ProbeError(f"{name} = {rate} must be > 0 and at most {MAX_RATE_RPS}{hint}")
        if ramp and self.duration_s is None:
            raise ProbeError(f'arrivals = "{arrivals}" needs duration_s, the time from rate_rps to rate_end_rps')
        if arrivals == "gamma" and (self.burstiness is None or not _BURSTINESS[0] <= self.burstiness <= _BURSTINESS[1]):
            raise ProbeError(
                f"burstiness = {self.burstiness} must be {_BURSTINESS[0]:g} to {_BURSTINESS[1]:g}; "
                "1 is Poisson, below 1 comes in bursts"
            )
        for name, kinds in _WHEN.items():
            if arrivals in kinds and getattr(self, name) is None:
                raise ProbeError(f'arrivals = "{arrivals}" needs {name}')
            if arrivals not in kinds and getattr(self, name) is not None:
                places = " or ".join(f'"{kind}"' for kind in kinds)
                raise ProbeError(f'{name} goes with arrivals = {places}, not with "{arrivals}"; leave it out')
        if not _SPEED[0] <= self.trace_speed <= _SPEED[1]:
            raise ProbeError(
                f"trace_speed = {self.trace_speed} must be {_SPEED[0]:g} to {_SPEED[1]:g}; "
                "1 is as recorded, 2 twice as fast"
            )
        if self.trace_speed != 1 and arrivals != "trace":
            raise ProbeError(f'trace_speed goes with arrivals = "trace", not with "{arrivals}"; leave it out')
        if self.requests is None and self.duration_s is None and arrivals not in ("trace", "piecewise"):
            raise ProbeError("neither requests nor duration_s is set, so the trial would never end; set one")


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


@dataclass(frozen=True, kw_only=True)  # no slots: what is read is kept
class LoadResult:
    """What a trial saw. `*_ns` is CLOCK_MONOTONIC; an offset is CLOCK_REALTIME - CLOCK_MONOTONIC.

    The attempts stay in the spool until somebody asks for them: reading a million events costs more than a second.
    """

    spool_path: Path
    clock_offset_start_ns: int
    clock_offset_end_ns: int
    client_cpu_s: float  # of the load itself
    evidence: ClientEvidence
    stopped_reason: str | None  # why the trial ended before its plan was sent; None when it did not

    @cached_property
    def attempts(self) -> list[AttemptRecord]:
        """Warm-ups first, then measured, each in order of seq."""
        from probes.load.spool import read_spool  # which needs this module

        return read_spool(self.spool_path)

    @property
    def window_start_ns(self) -> int | None:
        """First measured send."""
        starts = (a.t_start_ns for a in self.attempts if a.phase == "measured")
        return min((at for at in starts if at is not None), default=None)

    @property
    def window_end_ns(self) -> int | None:
        """End of the last measured attempt."""
        ends = (a.t_end_ns for a in self.attempts if a.phase == "measured")
        return max((at for at in ends if at is not None), default=None)

    @property
    def stamp_source(self) -> StampSource | None:
        """`kernel` only if every stamp was the kernel's; None without any."""
        sources = {a.stamp_source for a in self.attempts} - {None}
        return None if not sources else "read" if "read" in sources else "kernel"
