"""A request from plan to end, as the loop handles it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import monotonic_ns
from typing import Final

from probes.load.compression import content_encoding
from probes.load.errors import ErrorClass
from probes.load.raw import RawAttempt, decompressed
from probes.load.record import Phase, StampSource
from probes.load.redaction import Secrets
from probes.load.response import Response

_FAILED_KEEP_BYTES: Final = 1 << 20
_SIGNATURE_NS: Final = 60_000_000_000  # a fifth of what Amazon grants


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
    conversation_id: str | None = None
    turn_number: int | None = None  # of its conversation, from 1
    follow: "Callable[[Landed], Following] | None" = None  # asked what comes after it, once it has landed
    sign: Callable[[bytes], bytes] | None = None  # the same request with a signature of now; None: it needs none
    signed_ns: int = 0

    def freshen(self) -> None:
        """Sign it anew if it has waited: a signature says when it was made, and holds for some minutes only."""
        now_ns = monotonic_ns()
        if self.sign is not None and now_ns - self.signed_ns > _SIGNATURE_NS:
            self.request, self.signed_ns = self.sign(self.request), now_ns


@dataclass(slots=True, kw_only=True)
class Following:
    """A request that another led to, such as the next turn of a conversation. Its place in the round is the other's."""

    due_ns: int  # CLOCK_MONOTONIC
    build: Callable[[], Planned]  # once


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


def repeated(flight: Flight, now_ns: int, why: str) -> tuple[Landed, Flight]:
    """A flight that never arrived as it is written down, and the one that takes its place, sent from now on.

    The second has the identity that was planned, so that who waits for it finds it; the first is named after it.
    """
    planned = flight.planned
    lost_id = f"{planned.attempt_id}.lost"
    lost = replace(flight, planned=replace(planned, attempt_id=lost_id, phase="lost", pair_id=None))
    message = f"{why} before the request arrived, as it had done between two requests; sent again on a new connection"
    landed = Landed(flight=lost, response=None, failure=("stale_connection", message), cut_short=None, t_end_ns=now_ns)
    again = replace(flight, planned=replace(planned, retry_of=lost_id), reused=False, t_start_ns=now_ns, t_sent_ns=None)
    return landed, again


def _stamp_source(response: Response | None, stamps: list[int]) -> StampSource | None:
    """Whose stamps an answer has; the kernel's only if all are."""
    if response is None or not (stamps or response.spilled_bytes):
        return None
    return "read" if response.read_stamped else "kernel"


def raw_attempt(landed: Landed, *, api: str, secrets: Secrets, target: str, keep_bytes: int) -> RawAttempt:
    """The raw attempt of a flight; of one whose answer was spilled, the end of it.

    Args:
        landed: the flight.
        api: its wire format.
        secrets: the key, which is taken out of all that is kept.
        target: path of the request.
        keep_bytes: of the body of a request, which is kept up to that length if nothing is known to have failed.
    """
    flight, response = landed.flight, landed.response
    status = None if response is None else response.status
    failed = landed.failure is not None or landed.cut_short is not None or status is None or not 200 <= status < 300
    body = b"" if response is None else secrets.star(b"".join(response.parts), thorough=failed)
    stamps, ends = ([], []) if response is None else response.body_reads()
    raw = RawAttempt(
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
        headers={} if response is None else secrets.star_headers(response.headers, thorough=failed),
        failure_class=None if landed.failure is None else landed.failure[0],
        failure_message=None if landed.failure is None else landed.failure[1],
        cut_short=landed.cut_short,
        body=body,
        read_stamps_ns=stamps,
        read_ends=ends,
        pair_id=flight.planned.pair_id,
        prompt_tokens_asked=flight.planned.prompt_tokens_asked,
        output_tokens_asked=flight.planned.output_tokens_asked,
        conversation_id=flight.planned.conversation_id,
        turn_number=flight.planned.turn_number,
        retry_of=flight.planned.retry_of,
        target=target if failed else "",
        request=_kept_request(flight.planned.request, secrets, _FAILED_KEEP_BYTES if failed else keep_bytes),
    )
    return raw if content_encoding(raw.headers) is None else _without_packed_key(raw, secrets)


def _without_packed_key(raw: RawAttempt, secrets: Secrets) -> RawAttempt:
    """A compressed answer as it came, unless the key is inside: then as it was meant, without it."""
    plain = decompressed(raw, content_encoding(raw.headers) or "")
    body = secrets.star(plain.body, thorough=True)
    if body == plain.body:
        return raw
    headers = {name: value for name, value in raw.headers.items() if name != "content-encoding"}
    return replace(plain, body=body, headers=headers, wire_reads=None)


def _kept_request(request: bytes, secrets: Secrets, most_bytes: int) -> bytes:
    """The body of a request, unless it is too long to be kept."""
    start = request.find(b"\r\n\r\n") + 4
    return secrets.star(request[start:], thorough=False) if len(request) - start <= most_bytes else b""
