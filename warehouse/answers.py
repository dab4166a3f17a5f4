"""The answers of a trial, worked off in blocks as they are read: scores, single events, tokens in the steady window.

Of an event that has been written down only the time is kept, and that only if it brought a payload of a success.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from warehouse.event_file import Answer, EventFile, Ints, timed_events
from warehouse.formulas.qoe import delivered_share
from warehouse.formulas.steady import SteadyWindow, arrived_tokens, closed_loop_window, open_loop_window
from warehouse.rows import AttemptRow

_NEVER_NS: Final = (1 << 63) - 1
# The client ended these itself: they say nothing about the target.
_OURS: Final = "aborted"


class AnswerBook:
    """What has to be known of all answers of a trial while they pass by.

    Args:
        slo_ttft_s: promised time to the first token.
        slo_tpot_s: promised time for each token after it.
        events: where the single events go; None keeps none.
    """

    def __init__(self, *, slo_ttft_s: float, slo_tpot_s: float, events: EventFile | None) -> None:
        self._slo_ttft_s = slo_ttft_s
        self._slo_tpot_s = slo_tpot_s
        self._events = events
        self._chunk_ns: list[Ints] = [np.empty(0, np.int64)]
        self._chunks: list[Ints] = [np.empty(0, np.int64)]
        self._tokens: list[NDArray[np.float64]] = [np.empty(0)]

    def add(self, answers: Sequence[Answer]) -> list[float | None]:
        """Take a block of answers; returns the score of each, see `formulas.qoe`.

        A failure kept nothing of its promise, which is a whole answer, and scores 0; one that we ended ourselves says
        nothing about the target and scores None, and so does a success whose tokens are not known.

        Raises:
            WarehouseError: the disk would not take the events.
        """
        events = timed_events(answers)
        if self._events is not None:
            self._events.add(answers, events)
        payload = events.payload
        owner = np.repeat(np.arange(len(answers)), events.counts)[payload]
        chunks = np.bincount(owner, minlength=len(answers)).astype(np.int64)
        chunk_ns = events.t_ns[payload]
        ok = np.fromiter((a.error_class is None for a in answers), np.bool_, len(answers)) & (chunks > 0)
        tokens = np.fromiter(
            (np.nan if a.streamed_tokens is None else a.streamed_tokens for a in answers), np.float64, len(answers)
        )
        self._keep(answers, ok, chunk_ns, chunks, tokens)
        return self._scores(answers, ok & (tokens >= 1), chunk_ns, chunks, tokens)

    def _keep(
        self,
        answers: Sequence[Answer],
        ok: NDArray[np.bool_],
        chunk_ns: Ints,
        chunks: Ints,
        tokens: NDArray[np.float64],
    ) -> None:
        kept = ok & np.fromiter((a.phase == "measured" for a in answers), np.bool_, len(answers))
        self._chunk_ns.append(chunk_ns[np.repeat(kept, chunks)])
        self._chunks.append(chunks[kept])
        self._tokens.append(tokens[kept])

    def _scores(
        self,
        answers: Sequence[Answer],
        scored: NDArray[np.bool_],
        chunk_ns: Ints,
        chunks: Ints,
        tokens: NDArray[np.float64],
    ) -> list[float | None]:
        starts = np.fromiter((a.t_start_ns for a in answers), np.int64, len(answers))
        shares = delivered_share(
            ((chunk_ns - np.repeat(starts, chunks)) / 1e9)[np.repeat(scored, chunks)],
            chunks[scored],
            tokens[scored].astype(np.int64),
            slo_ttft_s=self._slo_ttft_s,
            slo_tpot_s=self._slo_tpot_s,
        )
        scores: list[float | None] = [None if a.error_class in (None, _OURS) else 0.0 for a in answers]
        for n, share in zip(np.flatnonzero(scored).tolist(), shares.tolist(), strict=True):
            scores[n] = share
        return scores

    def tokens_between(self, start_ns: int, end_ns: int) -> float | None:
        """Streamed tokens of measured successes that arrived in [start_ns, end_ns).

        None if one that was streaming then does not tell how many it has. Failures never do, and are left out.
        """
        total = arrived_tokens(
            np.concatenate(self._chunk_ns),
            np.concatenate(self._chunks),
            np.concatenate(self._tokens),
            start_ns=start_ns,
            end_ns=end_ns,
        )
        return None if np.isnan(total) else total


def steady_window(rows: Sequence[AttemptRow], *, concurrency: int | None) -> SteadyWindow:
    """The steady part of a trial; `concurrency` is None in an open loop."""
    measured = [row for row in rows if row.phase == "measured" and row.t_start_ns is not None]
    if concurrency is not None:
        return closed_loop_window(
            np.array([row.t_start_ns for row in measured], np.int64),
            np.array([_NEVER_NS if row.t_end_ns is None else row.t_end_ns for row in measured], np.int64),
            concurrency=concurrency,
        )
    ok = [(row.t_start_ns, row.t_end_ns) for row in measured if row.error_class is None]
    return open_loop_window(
        np.array([row.t_sched_ns for row in measured if row.t_sched_ns is not None], np.int64),
        np.array([end - start for start, end in ok if start is not None and end is not None], np.int64),
    )
