"""A request from plan to end, as the loop handles it."""

from dataclasses import dataclass

from probes.load.errors import ErrorClass
from probes.load.raw import RawAttempt
from probes.load.record import Phase
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


@dataclass(slots=True, kw_only=True)
class Flight:
    """One request under way."""

    planned: Planned
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
        return 0 if self.response is None else self.response.bytes_received


def raw_attempt(landed: Landed, *, api: str, secret: bytes) -> RawAttempt:
    """The raw attempt of a flight. A server that repeats the API key in its answer has it starred out, length kept.

    In a 2xx answer a key of under eight characters is left, since it would be found in ordinary words.
    """
    flight, response = landed.flight, landed.response
    body = b"" if response is None else b"".join(response.parts)
    status = None if response is None else response.status
    failed = status is None or not 200 <= status < 300
    if secret and (failed or len(secret) >= 8) and secret in body:
        body = body.replace(secret, b"*" * len(secret))
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
        stamp_source=None if response is None or not stamps else ("read" if response.read_stamped else "kernel"),
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
    )
