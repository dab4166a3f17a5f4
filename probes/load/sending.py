"""Sending: which request of a plan goes out next, and when it may."""

from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from time import monotonic_ns
from typing import Final

from probes.load.flight import Flight, Following, Planned, Round
from probes.load.lane import Lane
from probes.load.launching import Launcher
from probes.load.rounds import Ahead
from probes.load.timer import Timer

_BATCH: Final = 16  # sends between two looks at the sockets
_NOTHING: Final = Ahead(iter(()), 0)


class Sender:
    """Sends a plan, in batches, so that the sockets are looked at in between.

    Args:
        lanes: where requests go, by `Planned.lane`.
        launcher: puts them on the wire.
        max_connections: how many there may be.
        timer: armed for the next send that is not due yet.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        *,
        launcher: Launcher,
        max_connections: int,
        timer: Timer,
    ) -> None:
        self._lanes = lanes
        self._launcher = launcher
        self._max_connections = max_connections
        self._timer = timer
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
        self._launcher.launch(lane, planned, round_)
