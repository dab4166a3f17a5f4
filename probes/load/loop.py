"""The loop: one thread and every connection of a trial, or of a group of them. It sends what is due, reads what comes.

    loop -> sending (plan -> what is due) -> launching (bytes) | receiving (bytes -> stamps) -> lane (accounts) -> spool

Nothing here knows a metric or looks into an answer (but for the slow questions of a timer): requests arrive as bytes,
answers leave as raw attempts for the spool.
"""

import os
import select
from collections.abc import Callable, Sequence
from time import monotonic_ns
from types import TracebackType
from typing import Final, Self

from probes.load.clock import WallClock
from probes.load.errors import ErrorClass
from probes.load.evidence import Gauge
from probes.load.expiry import Sweep
from probes.load.flight import Flight, Landed
from probes.load.lane import Lane
from probes.load.launching import Launcher
from probes.load.receiving import Receiver
from probes.load.rounds import Ahead
from probes.load.sending import Sender
from probes.load.timer import Timer
from probes.load.transport import HANGUP, OPENING, Connection
from probes.load.writing import Writing

_S: Final = 1_000_000_000
_MOST_EVENTS: Final = 10_000  # at one time; more would be 128 KiB, which the C library maps and unmaps at each call
# Streams in mid-answer get as much time in a turn as was needed for what is urgent, within these: none is starved.
_CALM_LEAST_NS: Final = 300_000
_CALM_MOST_NS: Final = 4_000_000
_DIALS_EACH: Final = 2  # tries for each connection that is to be there beforehand
_LONGEST_TICK_S: Final = 0.25
_BUILDS_QUIET: Final = 2


class LoadLoop:
    """Sends and receives until told otherwise. A context manager; whatever is in flight at its end is aborted.

    Args:
        lanes: where requests go; `Planned.lane` is an index into them.
        max_connections: how many descriptors may be spent.
        stop: polled four times a second or more; a reason to stop, or None.
        on_tick: called as often, for progress.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        *,
        max_connections: int,
        stop: Callable[[], str | None],
        on_tick: Callable[[], None],
    ) -> None:
        self._lanes = lanes
        self._max_connections = max_connections
        self._stop = stop
        self._on_tick = on_tick
        limits = [lane.limits for lane in lanes]
        shortest_s = min(min(t.connect_s, t.first_token_s, t.stall_s, t.total_s) for t in limits)
        self._tick_s = min(_LONGEST_TICK_S, max(0.02, shortest_s / 8))
        self._next_tick_ns = 0
        self._by_fd: dict[int, Connection] = {}
        self._epoll = select.epoll()
        self._timer = Timer()
        self._epoll.register(self._timer.fd, select.EPOLLIN)
        self.clock = WallClock()
        self.gauge = Gauge()
        self._worked_since_ns = monotonic_ns()
        self._receiver = Receiver(clock=self.clock, on_landed=self._landed)
        self._launcher = Launcher(
            by_fd=self._by_fd,
            max_connections=max_connections,
            epoll=self._epoll,
            clock=self.clock,
            on_lost=self._receiver.lost,
        )
        self._sender = Sender(lanes, launcher=self._launcher, max_connections=max_connections, timer=self._timer)
        for lane in lanes:
            lane.open_pool(self._epoll, self._by_fd, self._launcher.connected, self._unconnected)
        self._sweep = Sweep(self._receiver)
        self._writing = Writing(lanes)
        self._aborting = False
        self.stopped_reason: str | None = None  # what `stop` said

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._sender.cease()
            self._abort("the client was interrupted")
            self._writing.all()
        finally:
            for lane in self._lanes:
                lane.pool.close_all()
            self._epoll.close()
            os.close(self._timer.fd)

    @property
    def in_flight(self) -> int:
        return self._sender.in_flight

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent: told to stop, or no lane is left."""
        return self.stopped_reason is not None or all(lane.stopped_reason is not None for lane in self._lanes)

    def open_connections(self, counts: Sequence[int]) -> None:
        """Have so many idle connections on each lane, or as many as its target gives; failures show in attempts."""
        # What accepts and hangs up at once, as a balancer with nobody behind it, would be dialled for ever.
        dials_left = [_DIALS_EACH * count for count in counts]
        while not self._aborting:
            for n, (lane, count) in enumerate(zip(self._lanes, counts, strict=True)):
                wanted = 0 if lane.cold or lane.stopped_reason is not None else count
                room = self._max_connections - len(self._by_fd)
                dials_left[n] -= lane.opener.open_some(wanted, min(dials_left[n], room))
            if not any(lane.opener.opening for lane in self._lanes):
                return
            self._turn()

    def run(self, ahead: Ahead, *, limit: int | None, send_until_ns: int | None = None) -> None:
        """Send what is planned and wait for all of it.

        Args:
            ahead: the rounds.
            limit: rounds kept in flight (closed loop); None for an open loop, whose plans carry their time.
            send_until_ns: nothing is sent from this CLOCK_MONOTONIC instant on; None for no such limit.
        """
        for lane in self._lanes:
            lane.enter_phase()
        if self.is_over:
            return
        self._sender.begin(ahead, limit=limit, until_ns=send_until_ns)
        self._sender.fill()
        while self._sender.has_work and not self._aborting:
            self._turn()
        self._abort(self.stopped_reason or "")
        self._writing.all()
        for lane in self._lanes:
            lane.spool.flush()

    def cease(self) -> None:
        """Send nothing more of what is being run; what is in flight may end."""
        self._sender.cease()

    def _turn(self) -> None:
        """Wait for events, at most a tick, and handle them: what is urgent first."""
        receiver, sender, gauge = self._receiver, self._sender, self.gauge
        landed_before = self._writing.waiting_count
        sweep = self._sweep
        at_once = landed_before or sender.more or receiver.queue or sweep.under_way
        timeout_s = 0.0 if at_once else self._tick_s
        began_ns = monotonic_ns()
        gauge.worked(self._worked_since_ns, began_ns)
        # All there are: an urgent one must not wait behind others.
        events = self._epoll.poll(timeout_s, min(len(self._by_fd) + 1, _MOST_EVENTS))
        now_ns = self._worked_since_ns = monotonic_ns()
        if timeout_s:
            gauge.waited(began_ns, now_ns, round(timeout_s * _S))
        receiver.trust_kernel = self.clock.look(now_ns)
        reads_before = receiver.reads
        by_fd = self._by_fd
        for fd, mask in events:
            connection = by_fd.get(fd)
            if connection is not None:
                self._handle(connection, mask)
            elif fd == self._timer.fd:
                gauge.woken_late(began_ns, now_ns, self._timer.armed_ns)
                self._timer.acknowledge()
                sender.fill()
        idle_since_ns = began_ns if timeout_s else now_ns
        self._note_lag(reads_before, idle_since_ns, now_ns)
        if receiver.queue:
            reads_before = receiver.reads
            urgent_until_ns = monotonic_ns()
            share_ns = min(max(urgent_until_ns - now_ns, _CALM_LEAST_NS), _CALM_MOST_NS)
            receiver.read_queued(urgent_until_ns + share_ns)
            self._note_lag(reads_before, idle_since_ns, now_ns)
        if sender.more:
            sender.fill()
        self._writing.some(landed_before, quiet=not (events or receiver.queue))
        if not events:
            sender.build_ahead(_BUILDS_QUIET)
        for lane in self._lanes:
            lane.pool.bury()
        if sweep.under_way and len(events) < _MOST_EVENTS:  # nobody has come that is not known of
            sweep.judge(began_ns)
        if now_ns >= self._next_tick_ns:
            self._tick(now_ns)

    def _handle(self, connection: Connection, mask: int) -> None:
        """An event of a connection."""
        if connection.state in OPENING:
            connection.lane.opener.advance(connection, mask)
            if mask & HANGUP:
                self._receiver.heard(connection, mask)
            return
        if mask & select.EPOLLOUT:
            self._launcher.send_rest(connection)
        if mask != select.EPOLLOUT:
            self._receiver.heard(connection, mask)

    def _note_lag(self, reads_before: int, began_ns: int, woken_ns: int) -> None:
        """Account for the reads of a batch: all as late as the last of them, which is the most."""
        reads = self._receiver.reads - reads_before
        stamp_ns = self._receiver.stamp_ns
        if reads and stamp_ns:
            self.gauge.lags.add(monotonic_ns() - stamp_ns, reads)
            self.gauge.woken_late(began_ns, woken_ns, stamp_ns)

    def _landed(self, flight: Flight, lane: Lane) -> None:
        self._sender.landed(flight, lane)

    def _unconnected(self, flight: Flight, kind: ErrorClass, message: str) -> None:
        lane = self._lanes[flight.planned.lane]
        lane.count(
            Landed(flight=flight, response=None, failure=(kind, message), cut_short=None, t_end_ns=monotonic_ns())
        )
        if kind == "aborted":  # this machine has no port or descriptor left: not the target's fault, and no better soon
            lane.stop(message)
        self._sender.landed(flight, lane)

    def _tick(self, now_ns: int) -> None:
        self._next_tick_ns = now_ns + round(self._tick_s * _S)
        self._writing.tick(now_ns)
        self._sweep.begin(self._by_fd.values())
        reason = self._stop()
        if reason is not None:
            self.stopped_reason = reason
            self._sender.cease()
            self._aborting = True
        self._on_tick()
        self.gauge.check(monotonic_ns(), self._worked_since_ns)

    def _abort(self, reason: str) -> None:
        """Everything in flight ends here."""
        for connection in list(self._by_fd.values()):
            if connection.flight is not None:
                self._receiver.land(connection, monotonic_ns(), failure=("aborted", reason))
