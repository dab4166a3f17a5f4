"""When to send: planned instants of an open loop. Fixed by the seed before the first send, blind to the answers."""

import random
from collections.abc import Iterator
from typing import Literal

_NS_PER_S = 1_000_000_000


def planned_offsets_ns(
    arrivals: Literal["constant", "poisson"],
    *,
    rate_rps: float,
    requests: int | None,
    duration_s: float | None,
    seed: int,
) -> Iterator[int]:
    """Nanoseconds from the start of the window to each planned send, rising.

    "constant" sends every 1 / rate_rps seconds from 0 on (coefficient of variation of the gaps 0); "poisson" draws the
    gaps, the one before the first send included, from the exponential distribution of mean 1 / rate_rps (coefficient
    of variation 1).

    Args:
        arrivals: the process.
        rate_rps: mean rate, > 0.
        requests: stop after so many; None for no such limit.
        duration_s: stop before the first send at or past it; None for no such limit.
        seed: of the gaps; the same seed gives the same plan.
    """
    end_ns = None if duration_s is None else duration_s * _NS_PER_S
    draw = random.Random(f"arrivals:{seed}").expovariate
    t_ns = 0.0
    n = 0
    while requests is None or n < requests:
        if arrivals == "constant":
            t_ns = n / rate_rps * _NS_PER_S
        else:
            t_ns += draw(rate_rps) * _NS_PER_S
        if end_ns is not None and t_ns >= end_ns:
            return
        yield round(t_ns)
        n += 1
