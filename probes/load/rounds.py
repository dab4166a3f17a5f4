"""The rounds of a phase, built ahead of their sends."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from probes.load.flight import Planned

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


def rounds_of_one(plan: Iterator[Planned]) -> Iterator[Sequence[Planned]]:
    """A plan for one lane, as rounds."""
    return ((planned,) for planned in plan)
