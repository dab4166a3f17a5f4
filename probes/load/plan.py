"""What a trial is to send, and when: fixed before the first send, and known beforehand.

orders (a LoadSpec, or a workload that will become one) -> arrivals under a rate, or the rows of a trace -> sends
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, repeat
from typing import Final

from probes.errors import ProbeError
from probes.load.arrivals import even_units, gamma_units, planned_offsets_ns
from probes.load.orders import Arrivals, Orders
from probes.load.prompt_file import FilePrompt
from probes.load.rates import DueAt, exponential_ramp, linear_ramp, piecewise, read_rates, steady
from probes.load.sends import (
    FileRows,
    Lengths,
    Send,
    conversation_sends,
    file_sends,
    most_tokens,
    plain_sends,
    record,
)

__all__ = ["Arrivals", "Orders", "Plan", "PlanFacts", "Send", "planned_rate", "planned_sends"]

_NS_PER_S: Final = 1_000_000_000


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
    """The sends of one trial. Reads its files when it is made, a trace as far as it will be replayed.

    A trace is kept in memory, 24 bytes a request and 8 a block, and so is a file of prompts: a bad row is found before
    the first send, and nothing is read from disk between sends.

    Raises:
        ProbeError: a bad row in a file; nothing to send; rates that never end.
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._recorded = record(orders) if orders.arrivals == "trace" else None
        self._rows = FileRows(orders) if orders.prompts_file is not None else None
        self._lengths = Lengths(orders)
        self._due_at = _curve(orders) if orders.arrivals not in ("closed", "trace") else None
        if orders.arrivals != "closed" and next(self.offsets_ns(), None) is None:
            raise ProbeError(f"nothing is sent within duration_s = {orders.duration_s}; raise it, or the rate")

    @property
    def shares_prefixes(self) -> bool:
        """Whether any prompt shares its beginning with another."""
        return self._recorded is not None and bool(self._recorded.hash_ids)

    @property
    def file_prompts(self) -> tuple[FilePrompt, ...]:
        """What `Send.row` counts; empty where prompts are not those of a file."""
        return () if self._rows is None else self._rows.prompts

    @property
    def mean_send(self) -> Send:
        """A request of mean lengths; of conversations a first turn."""
        recorded = self._recorded
        if recorded is None:
            lengths = self._lengths
            prompt_tokens, output_tokens = round(lengths.prompt.mean), round(lengths.output.mean)
        else:
            rows = len(recorded.offsets_ns)
            prompt_tokens = round(sum(recorded.prompt_tokens) / rows)
            output_tokens = round(sum(recorded.output_tokens) / rows)
        return Send(offset_ns=None, prompt_tokens=max(1, prompt_tokens), output_tokens=max(1, output_tokens))

    @cached_property
    def most_tokens(self) -> tuple[int, int]:
        """The longest prompt and the longest answer, in tokens; of a file's prompts an estimate."""
        recorded = self._recorded
        if recorded is not None:
            return max(recorded.prompt_tokens), max(recorded.output_tokens)
        return most_tokens(self._rows, self._lengths, self._orders.turns)

    @property
    def notes(self) -> list[str]:
        """What is not sent as the file says, in sentences; empty when all of it is."""
        rows = self._rows
        if rows is not None and rows.left_out:
            of = rows.left_out + len(rows.prompts)
            return [f"{rows.name}: {rows.left_out} of {of} have nothing that a user says and are left out"]
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
        """Every send in order, turns of a conversation one after another; a closed loop without a count never ends."""
        if self._recorded is not None:
            yield from self._recorded.sends()
            return
        orders = self._orders
        offsets: Iterator[int | None] = self.offsets_ns()
        if orders.arrivals == "closed":
            offsets = repeat(None) if orders.requests is None else repeat(None, orders.requests)
        if orders.turns > 1:
            yield from islice(conversation_sends(self._rows, self._lengths, orders.turns), orders.requests)
        elif self._rows is not None:
            yield from file_sends(offsets, self._rows, self._lengths)
        else:
            yield from plain_sends(offsets, self._lengths)

    @cached_property
    def facts(self) -> PlanFacts:
        """Counts and rate; goes through the plan once, some microseconds a send."""
        orders = self._orders
        if orders.arrivals == "closed" and orders.requests is None:
            return PlanFacts(sends=None, prompt_tokens=None, output_tokens=None, first_s=None, last_s=None)
        count = prompt_tokens = output_tokens = 0
        first_ns = last_ns = None
        if self._is_uniform:
            for last_ns in self.offsets_ns():
                first_ns = last_ns if first_ns is None else first_ns
                count += 1
            count = count if orders.arrivals != "closed" else orders.requests or 0
            prompt_tokens, output_tokens = orders.prompt_tokens * count, orders.output_tokens * count
        else:
            for send in self.sends():
                first_ns = send.offset_ns if first_ns is None else first_ns
                last_ns = send.offset_ns
                count += 1
                prompt_tokens += send.prompt_tokens
                output_tokens += send.output_tokens
        return PlanFacts(
            sends=count,
            prompt_tokens=prompt_tokens,
            output_tokens=output_tokens,
            first_s=None if first_ns is None else first_ns / _NS_PER_S,
            last_s=None if last_ns is None else last_ns / _NS_PER_S,
        )

    @property
    def _is_uniform(self) -> bool:
        """Whether all sends are of the same length."""
        recorded = self._rows is not None or self._recorded is not None
        return not recorded and not self._lengths.varies and self._orders.turns == 1

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
