"""The part of a trial in which the load was what was asked for, and the tokens that arrived in it.

Trimmed by when attempts started, never by when they ended: dropping the first to finish drops the fastest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyWindow:
    """From `start_ns` to `end_ns` on the client's monotonic clock; without them `reason` says why there is none."""

    start_ns: int | None
    end_ns: int | None
    reason: str | None


def closed_loop_window(t_start_ns: Ints, t_end_ns: Ints, *, concurrency: int) -> SteadyWindow:
    """From the start that first filled all slots to the last start: before, the load ramps; after, it drains.

    Args:
        t_start_ns: shape (n,); sends of the measured attempts, any order.
        t_end_ns: shape (n,); their ends; an attempt that never ended is given the largest integer.
        concurrency: slots, >= 1.
    """
    starts = np.sort(t_start_ns)
    # A slot is free again the instant its attempt ends.
    in_flight = np.arange(1, len(starts) + 1) - np.searchsorted(np.sort(t_end_ns), starts, side="right")
    full = np.flatnonzero(in_flight >= concurrency)
    if not len(full):
        most = int(in_flight.max(initial=0))
        return _none(f"at most {most} of {concurrency} slots were ever busy at once")
    start_ns, end_ns = int(starts[full[0]]), int(starts[-1])
    if end_ns <= start_ns:
        return _none(
            f"no request was sent after all {concurrency} slots were busy; ask for several times as many requests"
        )
    return SteadyWindow(start_ns=start_ns, end_ns=end_ns, reason=None)


def open_loop_window(t_sched_ns: Ints, duration_ns: Ints) -> SteadyWindow:
    """From one mean duration after the first planned send to the last planned send.

    By Little's law the number in flight has reached its mean when as many attempts end as are sent, which in a stable
    system is so after about one mean duration.

    Args:
        t_sched_ns: shape (n,); planned sends of the measured attempts, any order.
        duration_ns: shape (m,); send to end of the attempts that succeeded.
    """
    if not len(t_sched_ns) or not len(duration_ns):
        return _none("no request succeeded, so there is no duration to go by")
    start_ns = int(t_sched_ns.min()) + round(float(duration_ns.mean()))
    end_ns = int(t_sched_ns.max())
    if end_ns <= start_ns:
        return _none(
            f"the sends were over after {(end_ns - int(t_sched_ns.min())) / 1e9:.2f} s, before one mean duration of"
            f" {float(duration_ns.mean()) / 1e9:.2f} s had passed; send for longer"
        )
    return SteadyWindow(start_ns=start_ns, end_ns=end_ns, reason=None)


def arrived_tokens(chunk_ns: Ints, chunks: Ints, tokens: Floats, *, start_ns: int, end_ns: int) -> float:
    """Tokens whose arrival lies in [start_ns, end_ns).

    The tokens of an answer are shared over its chunks equally (no server says which chunk holds how many), and each
    share counts at the time of its chunk. Adjacent windows add up.

    Args:
        chunk_ns: shape (sum of chunks,); time of each payload chunk, the answers one after the other.
        chunks: shape (answers,); chunks of each answer, >= 1.
        tokens: shape (answers,); streamed tokens of each answer.
        start_ns: start of the window on the same clock.
        end_ns: its end.

    Returns:
        Tokens, not a whole number: a share need not be.
    """
    inside = (chunk_ns >= start_ns) & (chunk_ns < end_ns)
    return float(np.repeat(tokens / chunks, chunks)[inside].sum())


def _none(reason: str) -> SteadyWindow:
    return SteadyWindow(start_ns=None, end_ns=None, reason=reason)
