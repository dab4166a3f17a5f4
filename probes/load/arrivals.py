"""When to send: planned instants of an open loop. Fixed by the seed before the first send, blind to the answers.

A plan is a process of rate 1 (how regular the sends are) under a curve (how often they come, `rates`):

    even units   | constant
    gamma units  | gamma; with shape 1, which is the exponential distribution, Poisson, ramps and piecewise rates

Ramps and piecewise rates are Poisson processes, not evenly spaced: they stand for callers who know nothing of each
other and become more or fewer. Evenly spaced sends would never queue behind each other below saturation and would so
flatter the server exactly where a ramp is meant to find its limit.
"""

import math
import random
from collections.abc import Iterator
from itertools import count

from probes.load.rates import DueAt

_NS_PER_S = 1_000_000_000


def even_units() -> Iterator[float]:
    """0, 1, 2 and so on: gaps without variation."""
    return map(float, count())


def gamma_units(*, seed: int, shape: float = 1.0) -> Iterator[float]:
    """Rising sums of gaps from the gamma distribution of mean 1, the gap before the first included.

    Args:
        seed: of the gaps; the same seed gives the same process.
        shape: > 0; the coefficient of variation of the gaps is 1 / sqrt(shape). 1 is the Poisson process; below 1
            sends come in bursts, above 1 they are more regular.
    """
    rng = random.Random(f"arrivals:{seed}")
    units = 0.0
    while True:
        units += rng.expovariate(1.0) if shape == 1 else rng.gammavariate(shape, 1 / shape)
        yield units


def planned_offsets_ns(
    units: Iterator[float], due_at: DueAt, *, requests: int | None, duration_s: float | None
) -> Iterator[int]:
    """Nanoseconds from the start of the window to each planned send, never falling.

    Args:
        units: a process of rate 1.
        due_at: the curve that it is laid under.
        requests: stop after so many; None for no such limit.
        duration_s: stop before the first send at or past it; None for no such limit.
    """
    end_ns = math.inf if duration_s is None else round(duration_s * _NS_PER_S)
    for n, unit in enumerate(units):
        due_s = due_at(unit)
        if n == requests or due_s == math.inf:
            return
        offset_ns = round(due_s * _NS_PER_S)
        if offset_ns >= end_ns:
            return
        yield offset_ns
