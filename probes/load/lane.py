"""One origin in the loop: its connections, its accounts, and what has landed there and waits to be written down."""

import select
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from probes.load.errors import ErrorClass, sanitise
from probes.load.evidence import LATE_NS
from probes.load.flight import Flight, Landed, Planned, raw_attempt
from probes.load.limits import shortest_silence_s
from probes.load.opening import Opener
from probes.load.origin import Origin
from probes.load.pacing import Pacer
from probes.load.pool import Pool
from probes.load.protocols.base import WireProtocol
from probes.load.raw import RawPart
from probes.load.redaction import Secrets
from probes.load.response import Response
from probes.load.spec import Timeouts
from probes.load.spool import SpoolWriter
from probes.load.statuses import classify_status, is_fatal
from probes.load.transport import Connection, State

if TYPE_CHECKING:
    import ssl

_S: Final = 1_000_000_000
_FATAL_IN_A_ROW: Final = 3
_KEPT_OF_SPILLED_BYTES: Final = 4096  # the end of a body, where terminator and usage are looked for

# Whether an answer of status 200 was one is known only when it is read. Until then the bodies of requests are kept, up
# to this length and, of a trial, up to that: those of failures are looked at, or sent again.
_KEEP_BYTES: Final = 64 << 10
_KEEP_ROOM_BYTES: Final = 256 << 20


@dataclass(slots=True, kw_only=True)
class PhaseCounts:
    """What has happened in the phase under way."""

    done: int = 0
    ok: int = 0
    output_tokens: int | None = None
    duration_sum_ns: int = 0


class Lane:
    """Where a loop sends some or all of its requests.

    Args:
        origin: where to connect.
        protocol: asked whether a body under way holds a payload or has ended, when a timer needs to know.
        timeouts: limits of one attempt.
        spool: takes every attempt as soon as it is over.
        secrets: the API key and what else proves who asks, so that it can be starred out of answers.
        tls_context: for https.
        cold: every request opens a connection of its own, and closes it.
        pacer: holds sends of a closed loop back; None for a target without a limit.
    """

    def __init__(
        self,
        *,
        origin: Origin,
        protocol: WireProtocol,
        timeouts: Timeouts,
        spool: SpoolWriter,
        secrets: Secrets,
        tls_context: "ssl.SSLContext | None" = None,
        cold: bool = False,
        pacer: Pacer | None = None,
    ) -> None:
        self.pacer = pacer
        self.protocol = protocol
        self.limits = timeouts
        # An attempt heard more recently than the one, and younger than the other, has passed no limit.
        self.quiet_ns = round(shortest_silence_s(timeouts) * _S)
        self.early_ns = round(min(timeouts.first_token_s, timeouts.total_s) * _S)
        self.cold = cold
        self.spool = spool
        self._origin = origin
        self._tls_context = tls_context
        self._secrets = secrets
        self._keep_room_bytes = _KEEP_ROOM_BYTES
        self._landed: deque[Landed] = deque()
        self.landed_bytes = 0
        self.waiting: deque[Planned] = deque()  # held back while it is in doubt
        self.fatal_in_a_row = 0
        self.in_flight = 0
        self.counts = PhaseCounts()
        self.sends_planned = 0  # open loop, in the phase under way
        self.sends_missed = 0
        self.stopped_reason: str | None = None
        self.pool: Pool
        self.opener: Opener

    def open_pool(
        self,
        epoll: select.epoll,
        by_fd: dict[int, Connection],
        on_ready: Callable[[Connection], None],
        on_failed: Callable[[Flight, ErrorClass, str], None],
    ) -> None:
        """Join a loop; the arguments are those of `Pool` and `Opener`."""
        self.pool = Pool(lane=self, epoll=epoll, by_fd=by_fd)
        self.opener = Opener(
            lane=self,
            pool=self.pool,
            epoll=epoll,
            origin=self._origin,
            tls_context=self._tls_context,
            connect_s=self.limits.connect_s,
            on_ready=on_ready,
            on_failed=on_failed,
        )

    def hear(self, connection: Connection) -> None:
        """Something came on a connection that carries no answer."""
        if connection.state is State.IDLE:
            self.pool.hear(connection)
        elif connection.state is State.HANDSHAKE:
            self.opener.advance(connection, 0)

    @property
    def in_doubt(self) -> bool:
        """Whether the last thing seen was that it refuses everybody: then it is asked one by one."""
        return bool(self.fatal_in_a_row) or self.opener.spare_failed

    @property
    def landed_count(self) -> int:
        """Attempts that wait to be written down."""
        return len(self._landed)

    @property
    def last_landed(self) -> Landed:
        """What has been counted last; only of use before anything is written down."""
        return self._landed[-1]

    def enter_phase(self) -> None:
        """Count from nothing."""
        self.counts = PhaseCounts()
        self.sends_planned = self.sends_missed = 0

    def sent(self, late_ns: int | None) -> None:
        """A send of an open loop that was due has been made so late; None: it was not made."""
        self.sends_planned += 1
        self.sends_missed += late_ns is None or late_ns > LATE_NS

    def count(self, landed: Landed) -> None:
        """A flight is over: take it into the accounts; its writing down waits."""
        self._landed.append(landed)
        self.landed_bytes += landed.held_bytes
        self.in_flight -= 1
        counts = self.counts
        counts.done += 1
        counts.duration_sum_ns += landed.t_end_ns - landed.flight.t_start_ns
        if self.pacer is not None and landed.response is not None:
            self._heed(self.pacer, landed, landed.response)
        kind, message = landed.failure or (None, "")
        status = None if landed.response is None else landed.response.status
        if kind is None and landed.response is not None and status is not None and not 200 <= status < 300:
            response, target = landed.response, self._origin.target
            kind, message = classify_status(status, response.headers, b"".join(response.parts), target=target)
        if kind is None and landed.cut_short is None:
            counts.ok += 1
            self.opener.spare_failed = False
        if not is_fatal(kind, status):
            self.fatal_in_a_row = 0
            return
        self.fatal_in_a_row += 1
        if self.fatal_in_a_row >= _FATAL_IN_A_ROW:
            self.stop(f"{_FATAL_IN_A_ROW} attempts in a row ended in {kind}: {message}")

    def _heed(self, pacer: Pacer, landed: Landed, response: Response) -> None:
        """Wait as an answer says, or give up."""
        failed = response.status is not None and not 200 <= response.status < 300
        reason = pacer.heard(
            response.headers,
            b"".join(response.parts) if failed else b"",
            now_ns=landed.t_end_ns,
            wall_offset_ns=landed.flight.wall_offset_ns,
            in_flight=self.in_flight,
        )
        if reason is not None:
            self.stop(reason)

    def note_lost(self, landed: Landed) -> None:
        """A send never arrived and is being repeated: it is written down, and counts in nothing."""
        self._landed.append(landed)

    def stop(self, reason: str) -> None:
        """Nothing more is sent here. The first reason stands."""
        if self.stopped_reason is None:
            self.stopped_reason = sanitise(self._secrets.star_text(reason))
            self.waiting.clear()

    def write_down(self, most: int | None = None) -> None:
        """Hand what has landed to the spool, oldest first; at most so many."""
        target, name = self._origin.target, self.protocol.name
        for _ in range(len(self._landed) if most is None else min(most, len(self._landed))):
            landed = self._landed.popleft()
            self.landed_bytes -= landed.held_bytes
            keep_bytes = min(_KEEP_BYTES, self._keep_room_bytes)
            raw = raw_attempt(landed, api=name, secrets=self._secrets, target=target, keep_bytes=keep_bytes)
            self._keep_room_bytes -= len(raw.request)
            tokens = self.protocol.output_tokens(raw.body)
            if tokens is not None:
                self.counts.output_tokens = (self.counts.output_tokens or 0) + tokens
            self.spool.add(raw)

    def spill(self, flight: Flight, response: Response) -> None:
        """Move to disk what a long answer under way holds in memory, but for its end."""
        keys = self._secrets.plain
        keep_bytes = max(_KEPT_OF_SPILLED_BYTES, *map(len, keys), 0)
        stamps, ends, body = response.spill(keep_bytes, keys)
        self.spool.add_part(
            RawPart(
                part_of=flight.planned.attempt_id,
                body=self._secrets.star(body, thorough=False),
                read_stamps_ns=stamps,
                read_ends=ends,
            )
        )
