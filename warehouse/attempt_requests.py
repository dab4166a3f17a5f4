"""Measured attempts of trials as the requests among which energy is divided."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from warehouse.formulas.attribution import Requests, lone_requests, prefill_weight_ratio
from warehouse.formulas.energy_curve import EnergyCurve

if TYPE_CHECKING:
    import duckdb
    import polars as pl

Floats = NDArray[np.float64]

# Fewer attempts that were alone say too little of the two phases.
LEAST_LONE = 10

_ATTEMPTS = """
    SELECT trial_id, attempt_id, t_start_ns, t_first_ns, t_end_ns, prompt_tokens, cached_tokens, output_tokens
    FROM attempts
    WHERE phase = 'measured' AND trial_id IN (SELECT unnest(?))
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


class Attempts:
    """Measured attempts of one trial, in the order of the table."""

    def __init__(self, frame: "pl.DataFrame") -> None:
        self._frame = frame

    @property
    def attempt_id(self) -> "pl.Series":
        """Their ids."""
        return self._frame["attempt_id"]

    @property
    def trial_id(self) -> "pl.Series":
        """Their trial's id, as often."""
        return self._frame["trial_id"]

    def timed(self, start_ns: int, end_ns: int) -> Timed:
        """Those that were sent, on the clock of the window."""

        def seconds(name: str) -> Floats:
            # whole nanoseconds first: as doubles they would lose digits
            return ((self._frame[name] - start_ns).cast(float).fill_null(float("nan")) / 1e9).to_numpy()

        def tokens(name: str) -> Floats:
            return self._frame[name].cast(float).fill_null(float("nan")).to_numpy()

        start_s, first_s, end_s = (seconds(name) for name in ("t_start_ns", "t_first_ns", "t_end_ns"))
        sent = ~np.isnan(start_s)
        start_s = start_s[sent]
        end_s = np.maximum(np.where(np.isnan(end_s), (end_ns - start_ns) / 1e9, end_s)[sent], start_s)
        first_s = np.where(np.isnan(first_s[sent]), end_s, first_s[sent])
        fresh = tokens("prompt_tokens") - np.nan_to_num(tokens("cached_tokens"))
        return Timed(
            sent=sent,
            start_s=start_s,
            first_s=np.clip(first_s, start_s, end_s),
            end_s=end_s,
            fresh_tokens=np.maximum(fresh, 0.0)[sent],
            output_tokens=tokens("output_tokens")[sent],
        )


def attempts_of(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str]) -> dict[str, Attempts]:
    """Measured attempts by trial; a trial without any is left out."""
    frame = con.sql(_ATTEMPTS, params=[list(trial_ids)]).pl()
    return {str(key[0]): Attempts(part) for key, part in frame.partition_by("trial_id", as_dict=True).items()}


def fitted_ratio(timed: Timed, curve: EnergyCurve, idle_w: float | None) -> tuple[float, int] | None:
    """Weight of a prompt token, an output token being 1, from the attempts that were served alone.

    Args:
        timed: attempts of a trial.
        curve: energy of its window.
        idle_w: power without requests, watts, which is left out of what tokens drew; None: not known, nothing is.

    Returns:
        The ratio and how many attempts it is from; None if they are fewer than `LEAST_LONE`, or drew nothing.
    """
    counted = ~np.isnan(timed.fresh_tokens) & ~np.isnan(timed.output_tokens)
    alone = lone_requests(timed.start_s, timed.end_s) & counted & (timed.first_s < timed.end_s)
    if int(alone.sum()) < LEAST_LONE:
        return None
    start, first, end = timed.start_s[alone], timed.first_s[alone], timed.end_s[alone]
    spent = [curve.at(instants) - (idle_w or 0.0) * instants for instants in (start, first, end)]
    ratio = prefill_weight_ratio(
        spent[1] - spent[0], timed.fresh_tokens[alone], spent[2] - spent[1], timed.output_tokens[alone]
    )
    return None if ratio is None else (ratio, int(alone.sum()))
