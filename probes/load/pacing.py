"""Staying under a provider's limit: a closed loop waits before it plans a send, in place of collecting refusals.

Nothing that was sent is delayed or repeated: a send that waits here is not planned yet, so its time begins when it
goes out. How long places stood empty for it is counted, and lands with the trial.
"""

import math
from collections.abc import Mapping
from typing import Final

from probes.load.orders import Orders
from probes.load.rate_limits import RateLimits, read_rate_limits

_S: Final = 1_000_000_000
_MINUTE_S: Final = 60.0
LONGEST_WAIT_S: Final = 900.0  # who asks for more is not waited for


class Pacer:
    """When the next request may go to one target.

    Args:
        max_rps: at most so many requests a second, evenly; None for no limit.
        max_tokens_per_minute: at most so many tokens asked for (prompt and longest answer), evenly; None for no limit.
        by_headers: also as the answers of the target say.
        parts: processes that share these limits.
    """

    def __init__(
        self, *, max_rps: float | None, max_tokens_per_minute: float | None, by_headers: bool, parts: int = 1
    ) -> None:
        self._request_s = parts / max_rps if max_rps else 0.0
        self._token_s = parts * _MINUTE_S / max_tokens_per_minute if max_tokens_per_minute else 0.0
        self._by_headers = by_headers
        self._last_tokens = 0
        self.ready_ns = 0  # CLOCK_MONOTONIC
        self.held_ns = 0

    def sent(self, now_ns: int, tokens: int) -> None:
        """A request that asks for so many tokens goes out."""
        self._last_tokens = tokens
        self._not_before(max(self.ready_ns, now_ns) + round(max(self._request_s, self._token_s * tokens) * _S))

    def heard(
        self, headers: Mapping[str, str], body: bytes, *, now_ns: int, wall_offset_ns: int, in_flight: int
    ) -> str | None:
        """An answer has come, `in_flight` requests are still out; a reason to give up, if it asks for too long a wait.

        Args:
            headers: of the answer, lower case.
            body: of an answer that is no success; b"" otherwise.
            now_ns: CLOCK_MONOTONIC.
            wall_offset_ns: CLOCK_REALTIME less that.
            in_flight: requests of this client that the target had not counted yet, at worst.
        """
        if not self._by_headers:
            return None
        said = read_rate_limits(headers, body, wall_ns=now_ns + wall_offset_ns)
        wait_s = self._wait_s(said, in_flight)
        if wait_s > LONGEST_WAIT_S:
            return f"the target asks to wait {wait_s:.0f} s, more than the {LONGEST_WAIT_S:.0f} s that pacing waits for"
        self._not_before(now_ns + round(wait_s * _S))
        return None

    def _wait_s(self, said: RateLimits, in_flight: int) -> float:
        waits = [said.retry_after_s or 0.0]
        if said.remaining_requests is not None and said.remaining_requests <= in_flight:
            waits.append(said.requests_reset_s or 0.0)
        if said.remaining_tokens is not None and said.remaining_tokens < self._last_tokens * (in_flight + 1):
            waits.append(said.tokens_reset_s or 0.0)
        return max(waits)

    def _not_before(self, at_ns: int) -> None:
        self.ready_ns = max(self.ready_ns, at_ns)


def pacing_problem(
    orders: Orders, *, max_rps: float | None, max_tokens_per_minute: float | None, pace: str | None
) -> str | None:
    """Why a load cannot keep to a target's limits, in one sentence; None if it can.

    An open loop sends when it planned to. It may stay under a limit by its plan, but never waits for one.
    """
    for name, limit in (("max_rps", max_rps), ("max_tokens_per_minute", max_tokens_per_minute)):
        if limit is not None and not 0 < limit < math.inf:
            return f"{name} = {limit:g} must be > 0"
    if orders.arrivals == "closed" or (max_rps, max_tokens_per_minute, pace) == (None, None, None):
        return None
    if pace is not None:
        return f'pace = "{pace}" waits, and arrivals = "{orders.arrivals}" never does; use arrivals = "closed"'
    rate_rps = _highest_rate_rps(orders)
    if max_rps is not None and rate_rps > max_rps:
        return (
            f"a rate of {rate_rps:g} requests/s is over max_rps = {max_rps:g}, and an open loop never waits; lower it"
        )
    tokens = (orders.prompt_tokens + orders.output_tokens) * rate_rps * _MINUTE_S
    if max_tokens_per_minute is not None and tokens > max_tokens_per_minute:
        return (
            f"{rate_rps:g} requests/s ask for {tokens:.0f} tokens a minute, over max_tokens_per_minute ="
            f" {max_tokens_per_minute:g}, and an open loop never waits; lower the rate"
        )
    return None


def _highest_rate_rps(orders: Orders) -> float:
    """The rate, or the higher end of a ramp; of a trace or a file of rates the mean."""
    if orders.arrivals in ("trace", "piecewise"):
        from probes.load.plan import planned_rate  # which needs what needs this module

        return planned_rate(orders) or 0.0
    return max(orders.rate_rps or 0.0, orders.rate_end_rps or 0.0)
