"""A request from plan to end, as the loop handles it."""

from dataclasses import dataclass, field

from probes.load.errors import ErrorClass
from probes.load.raw import RawAttempt
from probes.load.record import Phase, StampSource
from probes.load.transport import Response


@dataclass(slots=True, kw_only=True)
class Planned:
    """One request that is to be sent. `t_sched_ns` is None in a closed loop."""

    attempt_id: str
    seq: int
    phase: Phase
    t_sched_ns: int | None
    request: bytes
    pair_id: str | None = None
    prompt_tokens_asked: int | None = None
    output_tokens_asked: int | None = None
    lane: int = 0  # which of the loop's lanes it goes to
    retry_of: str | None = None  # attempt_id of one that never arrived


@dataclass(slots=True)
class Round:
    """Requests that are sent together, one a lane; a closed loop counts rounds in flight."""

    left: int  # of them under way
    counts: bool = True  # False for one that was held back: its round has gone on without it


@dataclass(slots=True, kw_only=True)
class Flight:
    """One request under way."""

    planned: Planned
    round: Round = field(default_factory=lambda: Round(1))
    wall_offset_ns: int
    t_start_ns: int = 0
    t_conn_ns: int | None = None
    t_sent_ns: int | None = None
    reused: bool = True


@dataclass(slots=True, kw_only=True)
class Landed:
    """A flight that is over, waiting for a quiet moment to be written down."""

    flight: Flight
    response: Response | None  # None when there was never a connection
    failure: tuple[ErrorClass, str] | None
    cut_short: str | None
    t_end_ns: int

    @property
    def held_bytes(self) -> int:
        """Memory it stands for, about."""
        return 0 if self.response is None else self.response.held_bytes


def starred(body: bytes, secret: bytes, status: int | None) -> bytes:
    """A body in which a server's repetition of the API key is starred out, its length kept.

    In a 2xx answer a key of under eight characters is left, since it would be found in ordinary words.
    """
    failed = status is None or not 200 <= status < 300
    if secret and (failed or len(secret) >= 8) and secret in body:
        return body.replace(secret, b"*" * len(secret))
    return body


def _stamp_source(response: Response | None, stamps: list[int]) -> StampSource | None:
    """Whose stamps an answer has; the kernel's only if all are."""
    if response is None or not (stamps or response.spilled_bytes):
        return None
    return "read" if response.read_stamped else "kernel"


def raw_attempt(landed: Landed, *, api: str, secret: bytes, target: str = "") -> RawAttempt:
    """The raw attempt of a flight; of one whose answer was spilled, the end of it."""
    flight, response = landed.flight, landed.response
    status = None if response is None else response.status
    body = b"" if response is None else starred(b"".join(response.parts), secret, status)
    stamps, ends = ([], []) if response is None else response.body_reads()
    return RawAttempt(
        attempt_id=flight.planned.attempt_id,
        seq=flight.planned.seq,
        phase=flight.planned.phase,
        api=api,
        t_sched_ns=flight.planned.t_sched_ns,
        t_start_ns=flight.t_start_ns,
        t_conn_ns=flight.t_conn_ns,
        t_sent_ns=flight.t_sent_ns,
        t_end_ns=landed.t_end_ns,
        wall_offset_ns=flight.wall_offset_ns,
        stamp_source=_stamp_source(response, stamps),
        connection_reused=flight.reused,
        http_status=status,
        headers={} if response is None else response.headers,
        failure_class=None if landed.failure is None else landed.failure[0],
        failure_message=None if landed.failure is None else landed.failure[1],
        cut_short=landed.cut_short,
        body=body,
        read_stamps_ns=stamps,
        read_ends=ends,
        pair_id=flight.planned.pair_id,
        prompt_tokens_asked=flight.planned.prompt_tokens_asked,
        output_tokens_asked=flight.planned.output_tokens_asked,
        retry_of=flight.planned.retry_of,
        target=target if status is None or not 200 <= status < 300 else "",
    )
