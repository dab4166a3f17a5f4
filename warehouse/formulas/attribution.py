"""Who drew the energy of a window in which requests were served together: shares that add up to the whole.

An energy meter sees a machine, not a request. The time-sliced rule gives each instant's power to the requests alive
then, in proportion to how fast each has its tokens worked off. It is conserved: shares and overhead are the window's
energy.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse.formulas.energy_curve import EnergyCurve

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Clocks tell nothing shorter apart: a phase below this has no length.
_SHORTEST_S = 1e-9
# The sum of all rates in units of the fixed point: what is left of 63 bits for adding without overflow.
_RATE_BITS = 62
# Running sums are kept in so many integers of up to 62 bits, the first for the highest digits.
_LIMBS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Requests with the weight of each of their two phases; all of shape (n,).

    Prefill runs from start to first token, decode from there to the end. A request that failed before its first token
    has all its time in prefill: its first is its end.

    Attributes:
        start_s: when it was sent.
        first_s: its first token, from start_s to end_s.
        end_s: when it ended.
        prefill_weight: of working off its prompt, in the unit of `decode_weight`; NaN: not known.
        decode_weight: of generating its answer; NaN: not known.
    """

    start_s: Floats
    first_s: Floats
    end_s: Floats
    prefill_weight: Floats
    decode_weight: Floats


def weight_rates(requests: Requests) -> tuple[Floats, Floats]:
    """Weight that each request has worked off in a second of its prefill and of its decode phase.

    A weight that is not known (a server that sent no usage, a failure) is that of the average request for its time:
    the rate is the sum of the known weights of that phase over the sum of their seconds. Where none is known in the
    phase, it is the mean rate of the other; where none is known at all, every second weighs the same. A phase without
    a length has rate 0: nothing can be drawn in no time.

    Returns:
        Rates of both phases, shape (n,) each, per second.
    """
    lengths = (requests.first_s - requests.start_s, requests.end_s - requests.first_s)
    weights = (requests.prefill_weight, requests.decode_weight)
    means = [_mean_rate(length, weight) for length, weight in zip(lengths, weights, strict=True)]
    rates = []
    for length, weight, own, other in zip(lengths, weights, means, reversed(means), strict=True):
        usual = own if own is not None else other if other is not None else 1.0
        known = np.divide(weight, length, out=np.zeros_like(length), where=length >= _SHORTEST_S)
        rates.append(np.where(length >= _SHORTEST_S, np.where(np.isnan(weight), usual, known), 0.0))
    return rates[0], rates[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """How energy was divided: what each request drew, and what was drawn while nobody's tokens were worked off."""

    request_j: Floats
    overhead_j: float


class TimeSlices:
    """The slices between the instants at which a request begins, has its first token, or ends.

    Built once for a window, they divide any curve of its energy: the low, the central and the high one.
    """

    def __init__(self, requests: Requests, start_s: float, end_s: float) -> None:
        """Cut a window into slices.

        Args:
            requests: those that were alive in it, wholly or partly; of one that reaches over an edge, the part inside
                counts.
            start_s: start of the window, seconds on the clock of the requests.
            end_s: its end.

        Raises:
            ValueError: a request whose instants are not in order, or a weight below 0; names the first.
        """
        _check(requests)
        self._window = (start_s, end_s)
        prefill, decode = _fixed_point(*weight_rates(requests))
        edges = np.concatenate((requests.start_s, requests.first_s, requests.end_s))
        order = np.argsort(edges)
        # Integers: what has begun and ended leaves exactly nothing behind, however different the rates are.
        self._alive = np.cumsum(np.concatenate((prefill, decode - prefill, -decode))[order])[:-1].astype(np.float64)
        self._edges = np.clip(edges[order], start_s, end_s)
        self._place = np.empty_like(order)
        self._place[order] = np.arange(order.size)
        self._prefill, self._decode = prefill.astype(np.float64), decode.astype(np.float64)
        # where the edges are in the steps of the last curve: the low, central and high one mostly have the same
        self._located: tuple[Floats, NDArray[np.intp], Floats] | None = None

    def divide(self, curve: EnergyCurve) -> Division:
        """Divide the energy of the window: each slice among those alive in it, by their rates.

        With w(t) the sum of the rates of those alive and P(t) the power, a request with rate r from a to b gets
        r x integral of P(t) / w(t) over [a, b]. A slice in which nobody's rate is above 0 is overhead. The integral is
        summed up once for all requests, so the whole takes O(n log n).

        Args:
            curve: energy on the clock of the requests; it must cover the window.

        Returns:
            Joules of each request, in their order, none below 0; with the overhead they are the energy of the window.

        Source: our own rule. The reference of fairness is the Shapley value (for requests to LLMs: Li et al. 2025,
            recalled), which it equals for equal requests, and where the power of a slice is in proportion to w(t).
        """
        start_j, end_j = curve.at(np.array(self._window))
        if not self._edges.size:
            return Division(request_j=np.zeros(0), overhead_j=float(end_j - start_j))
        if self._located is None or not np.array_equal(self._located[0], curve.t_s):
            self._located = (curve.t_s, *curve.places(self._edges))
        spent_j = curve.at_places(*self._located[1:])
        slices_j = np.maximum(np.diff(spent_j), 0.0)
        shared = self._alive > 0
        per_weight = np.divide(slices_j, self._alive, out=np.zeros_like(slices_j), where=shared)
        sums = _RunningSum(per_weight)
        n = self._prefill.size
        begin, first, end = self._place[:n], self._place[n : 2 * n], self._place[2 * n :]
        request_j = self._prefill * sums.between(begin, first) + self._decode * sums.between(first, end)
        alone_j = math.fsum(slices_j[~shared]) if not shared.all() else 0.0
        return Division(
            request_j=request_j,
            overhead_j=float(spent_j[0] - start_j) + alone_j + float(end_j - spent_j[-1]),
        )


def lone_requests(start_s: Floats, end_s: Floats) -> NDArray[np.bool_]:
    """Which requests had nobody beside them from their start to their end.

    Args:
        start_s: shape (n,).
        end_s: shape (n,); not before start_s.
    """
    order = np.argsort(start_s, kind="stable")
    starts, ends = start_s[order], end_s[order]
    ended = np.concatenate(([-np.inf], np.maximum.accumulate(ends)[:-1]))
    following = np.concatenate((starts[1:], [np.inf]))
    lone = np.empty(start_s.size, dtype=np.bool_)
    lone[order] = (ended <= starts) & (ends <= following)
    return lone


def prefill_weight_ratio(
    prefill_j: Floats, prompt_tokens: Floats, decode_j: Floats, output_tokens: Floats
) -> float | None:
    """Energy of a prompt token over that of an output token, from requests that were served alone.

    Sums over sums, so that a short request does not count like a long one. A phase that is shorter than the step
    between power readings carries the power of its surroundings: many requests even that out, a few do not.

    Args:
        prefill_j: shape (n,); energy from send to first token, joules.
        prompt_tokens: shape (n,); worked off in that time, those read from a cache left out.
        decode_j: shape (n,); energy from the first token to the end, joules.
        output_tokens: shape (n,); generated.

    Returns:
        The ratio; None where one of the four sums is not above 0.
    """
    sums = [float(values.sum()) for values in (prefill_j, prompt_tokens, decode_j, output_tokens)]
    if min(sums) <= 0:
        return None
    return (sums[0] / sums[1]) / (sums[2] / sums[3])


def _mean_rate(length_s: Floats, weight: Floats) -> float | None:
    known = ~np.isnan(weight) & (length_s >= _SHORTEST_S)
    seconds = float(length_s[known].sum())
    return float(weight[known].sum()) / seconds if seconds > 0 else None


def _fixed_point(prefill_rate: Floats, decode_rate: Floats) -> tuple[Ints, Ints]:
    """Rates as integers in one unit, so small that any sum of them still fits; no rate above 0 becomes 0."""
    total = float(prefill_rate.sum() + decode_rate.sum())
    if not total > 0:
        return np.zeros(prefill_rate.size, np.int64), np.zeros(decode_rate.size, np.int64)
    units = 2.0**_RATE_BITS / total
    if not math.isfinite(units):
        raise ValueError(f"the rates of requests add up to {total:g} per second, too little to be told apart")
    whole = [np.where(rate > 0, np.maximum(np.rint(rate * units), 1.0), 0.0) for rate in (prefill_rate, decode_rate)]
    return whole[0].astype(np.int64), whole[1].astype(np.int64)


class _RunningSum:
    """Sums of stretches of numbers, none below 0, each as exact as the numbers in it.

    Differences of running sums of floats are not: after a large number, small ones are lost. These run in integers.
    """

    def __init__(self, values: Floats) -> None:
        bits = _RATE_BITS - max(values.size, 1).bit_length()
        exponent = int(np.frexp(values.max(initial=0.0))[1])
        self._limbs: list[tuple[Ints, int]] = []
        rest = np.ldexp(values, bits - exponent)
        for limb in range(1, _LIMBS + 1):
            digits = np.floor(rest)
            running = np.zeros(values.size + 1, np.int64)
            np.cumsum(digits.astype(np.int64), out=running[1:])
            self._limbs.append((running, exponent - limb * bits))
            rest = (rest - digits) * 2.0**bits

    def between(self, first: Ints, last: Ints) -> Floats:
        """The sum of the numbers from place `first` until before place `last`."""
        total = np.zeros(first.size)
        for running, exponent in reversed(self._limbs):
            total += np.ldexp((running[last] - running[first]).astype(np.float64), exponent)
        return total


def _check(requests: Requests) -> None:
    in_order = (requests.start_s <= requests.first_s) & (requests.first_s <= requests.end_s)
    bad = np.flatnonzero(~in_order)
    if bad.size:
        n = int(bad[0])
        raise ValueError(
            f"request {n} is sent at {requests.start_s[n]} s, has its first token at {requests.first_s[n]} s and ends"
            f" at {requests.end_s[n]} s; these must follow on each other"
        )
    for name, weight in (("prefill", requests.prefill_weight), ("decode", requests.decode_weight)):
        bad = np.flatnonzero((weight < 0) | np.isinf(weight))
        if bad.size:
            raise ValueError(
                f"the {name} weight of request {int(bad[0])} is {weight[bad[0]]}; it must be finite and not negative"
            )
