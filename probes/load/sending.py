"""Sending: what is due goes out on a connection that is ready, or on one that is opened for it."""

import select
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from time import monotonic_ns
from typing import Final

from probes.load.clock import WallClock
from probes.load.flight import Flight, Following, Planned, Round
from probes.load.lane import Lane
from probes.load.timer import Timer
from probes.load.transport import LISTEN, Connection, State

_BATCH: Final = 16  # sends between two looks at the sockets
_AHEAD_BYTES: Final = 16 << 20


class Ahead:
    """The rounds of a phase, some of them built before they can be sent: building costs more than sending.

    Args:
        rounds: in the order of their sends; the requests of a round are due together.
        most: rounds to have ready. 0 for a plan that builds ahead by itself (an open loop): it is asked one ahead.
    """

    __slots__ = ("_most", "_ready", "_ready_bytes", "_rounds")

    def __init__(self, rounds: Iterator[Sequence[Planned]], most: int) -> None:
        self._rounds = rounds
        self._most = most
        self._ready: deque[Sequence[Planned]] = deque()
        self._ready_bytes = 0

    def build(self, count: int) -> bool:
        """Build at most so many more; whether there was anything to build."""
        built = False
        for _ in range(count):
            if len(self._ready) >= self._most or self._ready_bytes >= _AHEAD_BYTES or not self._build():
                break
            built = True
        return built

    def first(self) -> Sequence[Planned] | None:
        """The round to be sent next; None at the end of the plan."""
        return self._ready[0] if self._ready or self._build() else None

    def take(self) -> None:
        """The first round is being sent."""
        for planned in self._ready.popleft():
            self._ready_bytes -= len(planned.request)

    def _build(self) -> bool:
        planned_round = next(self._rounds, None)
        if planned_round is None:
            return False
        self._ready.append(planned_round)
        for planned in planned_round:
            self._ready_bytes += len(planned.request)
        return True


_NOTHING: Final = Ahead(iter(()), 0)


class Sender:
    """Sends a plan, in batches, so that the sockets are looked at in between.

    Args:
        lanes: where requests go, by `Planned.lane`.
        by_fd: all connections of the loop.
        max_connections: how many there may be.
        epoll: where connections are registered.
        timer: armed for the next send that is not due yet.
        clock: the wall clock's offset.
        on_lost: called with a connection that broke while sending, and why.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        *,
        by_fd: dict[int, Connection],
        max_connections: int,
        epoll: select.epoll,
        timer: Timer,
        clock: WallClock,
        on_lost: Callable[[Connection, str], None],
    ) -> None:
        self._lanes = lanes
        self._by_fd = by_fd
        self._max_connections = max_connections
        self._epoll = epoll
        self._timer = timer
        self._clock = clock
        self._on_lost = on_lost
        self._ahead = _NOTHING
        self._limit: int | None = None
        self._until_ns: int | None = None
        self._queue: deque[tuple[Planned, Round]] = deque()  # of the round being sent
        self._rounds_in_flight = 0
        self._following: list[tuple[int, str, Following, Flight]] = []  # a heap by due time, then by what it follows
        self._filling = False
        self._paced = any(lane.pacer is not None for lane in lanes)
        self._held_since_ns = 0  # something could be sent since then, but for pacing; 0: nothing is held back
        self.in_flight = 0
        self.more = False  # the last batch was full: more may be due

    @property
    def has_work(self) -> bool:
        """Whether anything is in flight or still to be sent."""
        waits = bool(self._queue) or bool(self._following)
        return self.in_flight > 0 or waits or self._ahead.first() is not None

    def begin(self, ahead: Ahead, *, limit: int | None, until_ns: int | None) -> None:
        """Start on a plan; the arguments are those of `LoadLoop.run`."""
        self._ahead, self._limit, self._until_ns = ahead, limit, until_ns
        self._held_since_ns = 0
        self._rounds_in_flight = 0

    def build_ahead(self, count: int) -> bool:
        """Use a quiet moment; False if there is nothing to prepare."""
        return self._ahead.build(count)

    def cease(self) -> None:
        """Send nothing more of this plan. Sends of an open loop that were due by now were missed."""
        now_ns = monotonic_ns()
        self._note_held(now_ns)
        missed = [planned for planned, _ in self._queue]
        while (due := self._ahead.first()) is not None and due[0].t_sched_ns is not None:
            if due[0].t_sched_ns > now_ns:
                break
            self._ahead.take()
            missed += due
        for planned in missed:
            if planned.t_sched_ns is not None:
                self._lanes[planned.lane].sent(None)
        self._ahead = _NOTHING
        self._queue.clear()
        self._following.clear()
        for lane in self._lanes:
            lane.waiting.clear()

    def fill(self) -> None:
        """Send what is due. Called when something may have become due: a timer, a landing, a start."""
        if self._filling:
            return
        self._filling = True
        self.more = False
        queue = self._queue
        sends_left = _BATCH
        while queue or self._next_following() or self._next_round():
            if not sends_left:
                self.more = True
                break
            sends_left -= 1
            self._offer(*queue.popleft())
        self._filling = False

    def _next_following(self) -> bool:
        """Put what follows on something that has landed into the queue if it is due; it has a place in a round."""
        if not self._following:
            return False
        due_ns = self._following[0][0]
        if due_ns > monotonic_ns():
            self._timer.arm(due_ns)
            return False
        if self._is_late():
            return False
        if self._paced and self._is_held([self._following[0][3].planned.lane]):
            return False
        _, _, following, before = heappop(self._following)
        planned = following.build()
        planned.lane = before.planned.lane
        if before.planned.pair_id is not None:  # the same turns of a round's conversations are a pair
            planned.pair_id = f"{before.planned.pair_id.partition('.')[0]}.{planned.turn_number}"
        self._queue.append((planned, before.round))
        return True

    def _is_late(self) -> bool:
        """Whether the time for sending is over; if so, nothing more is sent."""
        if self._until_ns is None or monotonic_ns() < self._until_ns:
            return False
        self.cease()
        return True

    def _next_round(self) -> bool:
        """Put the next round into the queue if it is due."""
        limit = self._limit
        if limit is not None and self._rounds_in_flight >= limit:
            return False
        planned_round = self._ahead.first()
        if planned_round is None or not self._is_due(planned_round[0].t_sched_ns):
            return False
        if self._paced and limit is not None and self._is_held([planned.lane for planned in planned_round]):
            return False
        self._ahead.take()
        round_ = Round(len(planned_round))
        self._rounds_in_flight += 1
        for planned in planned_round:
            self._queue.append((planned, round_))
        return True

    def _is_held(self, lanes: Sequence[int]) -> bool:
        """Whether pacing holds back what would now be sent to some lanes; then the timer is set."""
        pacers = [each.pacer for n in lanes if (each := self._lanes[n]).stopped_reason is None]
        ready_ns = max((pacer.ready_ns for pacer in pacers if pacer is not None), default=0)
        now_ns = monotonic_ns()
        if ready_ns > now_ns:
            self._held_since_ns = self._held_since_ns or now_ns
            self._timer.arm(ready_ns if self._until_ns is None else min(ready_ns, self._until_ns))
            return True
        self._note_held(now_ns)
        return False

    def _note_held(self, now_ns: int) -> None:
        """Nothing is held back any more."""
        if self._held_since_ns:
            for lane in self._lanes:
                if lane.pacer is not None:
                    lane.pacer.held_ns += now_ns - self._held_since_ns
            self._held_since_ns = 0

    def _is_due(self, due_ns: int | None) -> bool:
        """Whether the next round may go; None is the due time in a closed loop."""
        if self._is_late():
            return False
        if due_ns is None:
            doubt = self._rounds_in_flight and all(each.in_doubt for each in self._lanes if each.stopped_reason is None)
            return not doubt
        if due_ns > monotonic_ns():
            self._timer.arm(due_ns)
            return False
        return self.in_flight < self._max_connections

    def _offer(self, planned: Planned, round_: Round) -> None:
        """Send a request of a round, unless its lane cannot take it now; the others of the round do not wait for it."""
        lane = self._lanes[planned.lane]
        if lane.stopped_reason is not None:
            if planned.t_sched_ns is not None:
                lane.sent(None)
        elif lane.in_doubt and lane.in_flight and len(self._lanes) > 1 and planned.t_sched_ns is None:
            lane.waiting.append(planned)
        else:
            self._start(lane, planned, round_)
            return
        self._leave(round_)

    def _leave(self, round_: Round) -> None:
        round_.left -= 1
        if round_.counts and not round_.left:
            self._rounds_in_flight -= 1

    def landed(self, flight: Flight, lane: Lane) -> None:
        """A flight is over, and its lane has counted it: its place is free."""
        self.in_flight -= 1
        follow = flight.planned.follow
        if follow is None or lane.stopped_reason is not None or self._ahead is _NOTHING:
            self._leave(flight.round)
        else:
            self._await(follow(lane.last_landed), flight)
        while lane.waiting and not (lane.in_doubt and lane.in_flight):
            self._start(lane, lane.waiting.popleft(), Round(1, counts=False))
        if lane.stopped_reason is not None and all(each.stopped_reason is not None for each in self._lanes):
            self.cease()
        self.fill()

    def _await(self, following: Following, before: Flight) -> None:
        """Keep what follows until it is due; what would be due after the time for sending never is."""
        if self._until_ns is not None and following.due_ns >= self._until_ns:
            self._leave(before.round)
        else:
            heappush(self._following, (following.due_ns, before.planned.attempt_id, following, before))

    def _start(self, lane: Lane, planned: Planned, round_: Round) -> None:
        self.in_flight += 1
        lane.in_flight += 1
        if planned.sign is not None:
            planned.freshen()
        flight = Flight(planned=planned, wall_offset_ns=self._clock.offset_ns, round=round_)
        if lane.pacer is not None:
            lane.pacer.sent(monotonic_ns(), (planned.prompt_tokens_asked or 0) + (planned.output_tokens_asked or 0))
        pool = lane.pool
        if pool.idle:
            connection = pool.idle.pop()
            connection.flight = flight
            self.send(connection, flight)
        else:
            flight.reused = False
            flight.t_start_ns = monotonic_ns()
            pool.dial(flight)
        if planned.t_sched_ns is None:
            return
        lane.sent(flight.t_start_ns - planned.t_sched_ns)
        if not lane.fatal_in_a_row and not lane.cold:  # keep some connections ahead of the need
            spares = max(4, lane.in_flight // 8)
            if len(pool.idle) + pool.opening < spares and len(self._by_fd) < self._max_connections:
                pool.dial(None)

    def connected(self, connection: Connection) -> None:
        """A connection that was opened for a flight is ready."""
        flight = connection.flight
        if flight is not None:
            flight.t_conn_ns = monotonic_ns()
            self.send(connection, flight)

    def send(self, connection: Connection, flight: Flight) -> None:
        """Send the request of a flight."""
        connection.state = State.BUSY
        connection.calm = False
        request = flight.planned.request
        try:
            data = request if connection.tls is None else connection.tls.encrypt(request)
            if not flight.t_start_ns:
                flight.t_start_ns = monotonic_ns()
            sent = connection.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._on_lost(connection, error.strerror or str(error))
            return
        if sent == len(data):
            flight.t_sent_ns = monotonic_ns()
        else:
            connection.outbox = memoryview(data)[sent:]
            self._epoll.modify(connection.fd, LISTEN | select.EPOLLOUT)

    def send_rest(self, connection: Connection) -> None:
        """The socket takes more of a request that it did not take at once."""
        flight, outbox = connection.flight, connection.outbox
        if flight is None or outbox is None:
            return
        try:
            outbox = outbox[connection.send(outbox) :]
        except BlockingIOError:
            return
        except OSError:
            # The server may have answered before it closed (413): the read that follows tells.
            outbox = outbox[len(outbox) :]
        connection.outbox = outbox or None
        if connection.outbox is None:
            flight.t_sent_ns = monotonic_ns()
            self._epoll.modify(connection.fd, LISTEN)
