"""Measured attempts of trials as the requests among which energy is divided."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from warehouse.formulas.attribution import Requests, lone_requests, prefill_weight_ratio
from warehouse.formulas.energy_curve import EnergyCurve

if TYPE_CHECKING:
    import duckdb

Floats = NDArray[np.float64]

# Fewer attempts that were alone say too little of the two phases.
LEAST_LONE = 10
# Energy on top of idle that is less of the whole tells noise, not tokens.
LEAST_ACTIVE_SHARE = 0.02

# Instants are taken from the start of the window while they are whole numbers: as doubles, nanoseconds since boot would
# lose digits.
_ATTEMPTS = """
    SELECT
        number,
        a.rowid AS attempt_row,
        (a.t_start_ns - t.window_start_ns) / 1e9 AS start_s,
        (a.t_first_ns - t.window_start_ns) / 1e9 AS first_s,
        (a.t_end_ns - t.window_start_ns) / 1e9 AS end_s,
        -- greatest passes over NULL, which would make an unknown count 0
        CASE
            WHEN a.prompt_tokens IS NOT NULL THEN greatest(a.prompt_tokens - coalesce(a.cached_tokens, 0), 0)::DOUBLE
        END AS fresh_tokens,
        a.output_tokens::DOUBLE AS output_tokens
    FROM (SELECT unnest(range(len($trials)))::USMALLINT AS number, unnest($trials) AS trial_id)
    INNER JOIN trials AS t USING (trial_id)
    INNER JOIN attempts AS a USING (trial_id)
    WHERE a.phase = 'measured'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Attempts that were sent, in seconds since the start of the window; all of shape (sent,).

    Attributes:
        sent: shape (attempts,); which of the trial's attempts these are.
        start_s: sent.
        first_s: first token; the end, where none came.
        end_s: ended; the end of the window, where it never did.
        fresh_tokens: prompt tokens worked off, those read from a cache left out; NaN: not known.
        output_tokens: generated; NaN: not known.
    """

    sent: NDArray[np.bool_]
    start_s: Floats
    first_s: Floats
    end_s: Floats
    fresh_tokens: Floats
    output_tokens: Floats

    def requests(self, prefill_ratio: float) -> Requests:
        """With a prompt token weighing so much, an output token 1."""
        return Requests(
            start_s=self.start_s,
            first_s=self.first_s,
            end_s=self.end_s,
            prefill_weight=self.fresh_tokens * prefill_ratio,
            decode_weight=self.output_tokens,
        )

    def spread(self, values: Floats) -> Floats:
        """Values of those that were sent, in the places of all attempts; 0 for the others."""
        whole = np.zeros(self.sent.size)
        whole[self.sent] = values
        return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Measured attempts of one trial; all of shape (attempts,), NaN where a value is not known.

    Attributes:
        attempt_row: where each stands in the table `attempts`, for as long as the transaction lasts.
        start_s: sent, seconds since the start of the window.
        first_s: first token.
        end_s: ended.
        fresh_tokens: prompt tokens, those read from a cache left out.
        output_tokens: generated.
    """

    attempt_row: NDArray[np.int64]
    start_s: Floats
    first_s: Floats
    end_s: Floats
    fresh_tokens: Floats
    output_tokens: Floats

    def timed(self, window_s: float) -> Timed:
        """Those that were sent."""
        sent = ~np.isnan(self.start_s)
        start_s, first_s, end_s = self.start_s[sent], self.first_s[sent], self.end_s[sent]
        end_s = np.maximum(np.where(np.isnan(end_s), window_s, end_s), start_s)
        return Timed(
            sent=sent,
            start_s=start_s,
            first_s=np.clip(np.where(np.isnan(first_s), end_s, first_s), start_s, end_s),
            end_s=end_s,
            fresh_tokens=self.fresh_tokens[sent],
            output_tokens=self.output_tokens[sent],
        )


def attempts_of(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str]) -> dict[str, Attempts]:
    """Measured attempts by trial; a trial without any is left out."""
    columns = con.execute(_ATTEMPTS, {"trials": list(trial_ids)}).fetchnumpy()
    number = columns.pop("number")
    order = np.argsort(number, kind="stable")
    ends = np.searchsorted(number[order], np.arange(len(trial_ids) + 1)).tolist()
    rows = columns.pop("attempt_row")[order]
    values = {name: np.ma.filled(column, np.nan)[order] for name, column in columns.items()}
    return {
        trial_id: Attempts(attempt_row=rows[first:last], **{name: each[first:last] for name, each in values.items()})
        for trial_id, (first, last) in zip(trial_ids, pairwise(ends), strict=True)
        if last > first
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Weight of a prompt token, an output token being 1, and what it was fitted from."""

    prefill_ratio: float
    attempts: int
    active: bool  # from the energy on top of idle; else from all of it


def fitted(timed: Timed, curve: EnergyCurve, idle_w: float | None) -> Fit | None:
    """The weight of a prompt token from the attempts that were served alone.

    From the energy on top of idle, where that is known and at least `LEAST_ACTIVE_SHARE` of the whole; below, it is the
    noise of two readings' difference, and all energy is taken: nearly the time for which a token keeps the machine.

    Args:
        timed: attempts of a trial.
        curve: energy of its window.
        idle_w: power without requests, watts; None: not known.

    Returns:
        The fit; None if fewer than `LEAST_LONE` were alone, or they drew nothing.
    """
    counted = ~np.isnan(timed.fresh_tokens) & ~np.isnan(timed.output_tokens)
    alone = lone_requests(timed.start_s, timed.end_s) & counted & (timed.first_s < timed.end_s)
    if int(alone.sum()) < LEAST_LONE:
        return None
    start, first, end = timed.start_s[alone], timed.first_s[alone], timed.end_s[alone]
    prefill_j, decode_j = curve.at(first) - curve.at(start), curve.at(end) - curve.at(first)
    tokens = (timed.fresh_tokens[alone], timed.output_tokens[alone])
    for watts in (idle_w, 0.0):
        if watts is None:
            continue
        active = (prefill_j - watts * (first - start), decode_j - watts * (end - first))
        if sum(float(part.sum()) for part in active) < LEAST_ACTIVE_SHARE * float((prefill_j + decode_j).sum()):
            continue
        ratio = prefill_weight_ratio(active[0], tokens[0], active[1], tokens[1])
        if ratio is not None:
            return Fit(prefill_ratio=ratio, attempts=int(alone.sum()), active=watts > 0)
    return None
