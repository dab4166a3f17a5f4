"""What a trial is to send, and when: fixed before the first send, and known beforehand.

orders (a LoadSpec, or a workload that will become one) -> arrivals under a rate, or the rows of a trace -> sends
"""

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, repeat
from typing import Final

from probes.errors import ProbeError
from probes.load.arrivals import even_units, gamma_units, planned_offsets_ns
from probes.load.orders import Arrivals, Orders
from probes.load.rates import DueAt, exponential_ramp, linear_ramp, piecewise, read_rates, steady
from probes.load.traces import TraceRow, read_trace

__all__ = ["Arrivals", "Orders", "Plan", "PlanFacts", "Send", "planned_rate", "planned_sends"]

_NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One request that is to be sent."""

    offset_ns: int | None  # from the start of the window; None in a closed loop
    prompt_tokens: int
    output_tokens: int
    hash_ids: Sequence[int] = ()  # blocks of the prompt, from the first on, that equal those of other requests


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """A plan in figures. None: a closed loop that ends by time alone, so that nobody knows beforehand."""

    sends: int | None
    prompt_tokens: int | None  # of all sends together
    output_tokens: int | None
    first_s: float | None  # planned send, seconds from the start; None in a closed loop
    last_s: float | None

    @property
    def mean_rate_rps(self) -> float | None:
        """Sends per second from the first to the last of them. Held against the same figure of the actual sends."""
        if self.sends is None or self.first_s is None or self.last_s is None or self.last_s <= self.first_s:
            return None
        return (self.sends - 1) / (self.last_s - self.first_s)


class Plan:
    """The sends of one trial. Reads the file of rates or the trace, as far as it will be replayed, when it is made.

    A trace is kept in memory, 24 bytes a request and 8 a block: a bad row is found before the first send, and nothing
    is read from disk between sends.

    Raises:
        ProbeError: a bad row in a file; nothing to send; rates that never end.
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._recorded = _record(orders) if orders.arrivals == "trace" else None
        self._due_at = _curve(orders) if orders.arrivals not in ("closed", "trace") else None
        if orders.arrivals != "closed" and next(self.offsets_ns(), None) is None:
            raise ProbeError(f"nothing is sent within duration_s = {orders.duration_s}; raise it, or the rate")

    @property
    def shares_prefixes(self) -> bool:
        """Whether any prompt shares its beginning with another."""
        return self._recorded is not None and bool(self._recorded.hash_ids)

    @property
    def mean_send(self) -> Send:
        """A request of mean lengths."""
        orders, recorded = self._orders, self._recorded
        if recorded is None:
            return Send(offset_ns=None, prompt_tokens=orders.prompt_tokens, output_tokens=orders.output_tokens)
        rows = len(recorded.offsets_ns)
        return Send(
            offset_ns=None,
            prompt_tokens=round(sum(recorded.prompt_tokens) / rows),
            output_tokens=round(sum(recorded.output_tokens) / rows),
        )

    @property
    def notes(self) -> list[str]:
        """What is not sent as the file says, in sentences; empty when all of it is."""
        return [] if self._recorded is None else self._recorded.notes()

    def offsets_ns(self) -> Iterator[int]:
        """Planned sends, nanoseconds from the start of the window; the same at every call; none in a closed loop."""
        if self._recorded is not None:
            return iter(self._recorded.offsets_ns)
        if self._due_at is None:
            return iter(())
        orders = self._orders
        if orders.arrivals == "constant":
            units = even_units()
        else:
            units = gamma_units(seed=orders.seed, shape=1.0 if orders.burstiness is None else orders.burstiness)
        return planned_offsets_ns(units, self._due_at, requests=orders.requests, duration_s=orders.duration_s)

    def sends(self) -> Iterator[Send]:
        """Every send in order; a closed loop without a count goes on for ever."""
        orders = self._orders
        if self._recorded is not None:
            yield from self._recorded.sends()
            return
        offsets: Iterator[int | None] = self.offsets_ns()
        if orders.arrivals == "closed":
            offsets = repeat(None) if orders.requests is None else repeat(None, orders.requests)
        for offset_ns in offsets:
            yield Send(offset_ns=offset_ns, prompt_tokens=orders.prompt_tokens, output_tokens=orders.output_tokens)

    @cached_property
    def facts(self) -> PlanFacts:
        """Counts and rate; goes through the plan once, about a microsecond a send."""
        orders, recorded = self._orders, self._recorded
        count, first_ns, last_ns = 0, None, None
        for offset_ns in self.offsets_ns():
            first_ns = offset_ns if first_ns is None else first_ns
            last_ns = offset_ns
            count += 1
        sends = orders.requests if orders.arrivals == "closed" else count
        if recorded is not None:
            prompt_tokens, output_tokens = sum(recorded.prompt_tokens), sum(recorded.output_tokens)
        else:
            prompt_tokens, output_tokens = orders.prompt_tokens * (sends or 0), orders.output_tokens * (sends or 0)
        return PlanFacts(
            sends=sends,
            prompt_tokens=None if sends is None else prompt_tokens,
            output_tokens=None if sends is None else output_tokens,
            first_s=None if first_ns is None else first_ns / _NS_PER_S,
            last_s=None if last_ns is None else last_ns / _NS_PER_S,
        )

    def busiest(self, window_s: float) -> int:
        """The most sends that fall into any window of that length; 0 in a closed loop."""
        window_ns = window_s * _NS_PER_S
        inside: deque[int] = deque()
        most = 0
        for offset_ns in self.offsets_ns():
            inside.append(offset_ns)
            while offset_ns - inside[0] >= window_ns:
                inside.popleft()
            most = max(most, len(inside))
        return most


def planned_sends(orders: Orders) -> int | None:
    """How many requests a trial will send; None for a closed loop that ends by time alone.

    Raises:
        ProbeError: as `Plan`.
    """
    return Plan(orders).facts.sends


def planned_rate(orders: Orders) -> float | None:
    """Mean planned rate in requests per second, from the first send to the last; None in a closed loop.

    Raises:
        ProbeError: as `Plan`.
    """
    return Plan(orders).facts.mean_rate_rps


def _curve(orders: Orders) -> DueAt:
    rate_rps, end_rps, duration_s = orders.rate_rps, orders.rate_end_rps, orders.duration_s
    if orders.arrivals == "piecewise":
        assert orders.rates_file is not None  # LoadSpec has checked what each kind of arrivals needs
        steps = read_rates(orders.rates_file)
        if duration_s is None and orders.requests is None and steps[-1][1]:
            raise ProbeError(
                f"{orders.rates_file.name}: the last rate, {steps[-1][1]:g}, would go on for ever; "
                "set duration_s or requests, or end with a row of rate 0"
            )
        return piecewise(steps)
    assert rate_rps is not None
    if end_rps is None or duration_s is None:
        return steady(rate_rps)
    ramp = linear_ramp if orders.arrivals == "linear-ramp" else exponential_ramp
    return ramp(rate_rps, end_rps, duration_s)


class _Recorded:
    """The part of a trace that is replayed, in arrays."""

    __slots__ = ("hash_ids", "ids_end", "name", "offsets_ns", "output_tokens", "prompt_tokens", "without")

    def __init__(self, name: str) -> None:
        self.name = name
        self.offsets_ns = array("q")
        self.prompt_tokens = array("I")
        self.output_tokens = array("I")
        self.hash_ids = array("Q")  # of all rows
        self.ids_end = array("q")  # where those of each row end
        self.without = {"prompt": 0, "output": 0}  # rows of 0 tokens

    def add(self, row: TraceRow, offset_ns: int) -> None:
        # No protocol can ask for 0 tokens, and leaving the request out would change the load: counted, and said.
        self.without["prompt"] += not row.prompt_tokens
        self.without["output"] += not row.output_tokens
        self.offsets_ns.append(offset_ns)
        self.prompt_tokens.append(max(row.prompt_tokens, 1))
        self.output_tokens.append(max(row.output_tokens, 1))
        self.hash_ids.extend(row.hash_ids)
        self.ids_end.append(len(self.hash_ids))

    def sends(self) -> Iterator[Send]:
        start = 0
        for n, offset_ns in enumerate(self.offsets_ns):
            end = self.ids_end[n]
            yield Send(
                offset_ns=offset_ns,
                prompt_tokens=self.prompt_tokens[n],
                output_tokens=self.output_tokens[n],
                hash_ids=self.hash_ids[start:end],
            )
            start = end

    def notes(self) -> list[str]:
        return [
            f"{self.name}: {count} of {len(self.offsets_ns)} requests have 0 {what} tokens and are asked for 1"
            for what, count in self.without.items()
            if count
        ]


def _record(orders: Orders) -> _Recorded:
    assert orders.trace_file is not None
    recorded = _Recorded(orders.trace_file.name)
    end_ns = None if orders.duration_s is None else round(orders.duration_s * _NS_PER_S)
    for row in islice(read_trace(orders.trace_file), orders.requests):
        offset_ns = round(row.offset_ns / orders.trace_speed)
        if end_ns is not None and offset_ns >= end_ns:
            break
        recorded.add(row, offset_ns)
    return recorded
