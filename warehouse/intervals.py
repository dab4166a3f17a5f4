"""Intervals: how far the figures of trials, of repeated trials and of pairs can be trusted, computed and stored.

A row names its method and the version of the formulas. What has rows of all metrics under the current version is left
alone, so a load computes what is new; a cell is computed anew when it has got another trial. What cannot be known is a
row with a reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse.formulas.resampling import CONFIDENCE_SHARE, Floats, block_count, time_blocks
from warehouse.formulas.statistics import (
    METHOD_VERSION,
    MIN_TRIALS,
    Estimate,
    over_trials,
    percentile_interval,
    ratio_interval,
    share_interval,
)
from warehouse.query import dicts
from warehouse.tables import insert_dicts

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

# metric -> column of attempt_metrics, percentile
_PERCENTILES = {
    "ttft_p50_s": ("ttft_s", 0.50),
    "ttft_p95_s": ("ttft_s", 0.95),
    "tpot_p50_s": ("tpot_s", 0.50),
    "tpot_p95_s": ("tpot_s", 0.95),
    "e2e_p50_s": ("e2e_s", 0.50),
    "e2e_p95_s": ("e2e_s", 0.95),
}
# The metric that was added last: what has no row of it was looked at before it was known.
_NEWEST = "e2e_p95_s"
# Trials whose attempts are held in memory together.
_TRIALS_AT_ONCE = 50

_PENDING = """
    SELECT trial_id
    FROM trials
    WHERE trial_id NOT IN (SELECT trial_id FROM trial_intervals WHERE method_version = ? AND metric_id = ?)
    ORDER BY started_at, trial_id
"""
_TRIALS = """
    SELECT
        f.*,
        CASE f.measured_over WHEN 'steady' THEN (t.steady_start_ns - t.window_start_ns) / 1e9 ELSE 0 END AS from_s,
        CASE f.measured_over
            WHEN 'steady' THEN (t.steady_end_ns - t.window_start_ns) / 1e9
            ELSE (t.window_end_ns - t.window_start_ns) / 1e9
        END AS until_s
    FROM trials AS t
    INNER JOIN trial_figures AS f USING (trial_id)
    WHERE trial_id IN (SELECT unnest(?))
    ORDER BY trial_id
"""
_ATTEMPTS = """
    SELECT
        trial_id,
        coalesce(start_s, due_s) AS at_s,
        coalesce(steady, FALSE) AS steady,
        ok,
        slo_met AND NOT sent_late AS good,
        in_flight_s,
        start_s + first_content_s AS first_s,
        start_s + e2e_s AS last_s,
        ttft_s,
        tpot_s,
        e2e_s,
        output_tokens
    FROM attempt_metrics
    WHERE trial_id IN (SELECT unnest(?))
    ORDER BY trial_id, at_s, seq
"""
_PENDING_CELLS = """
    WITH counted AS (
        SELECT run_id, target_id, workload_id, count(*) AS trials
        FROM cell_trials
        GROUP BY ALL
        HAVING count(*) >= ?
    )
    SELECT run_id, target_id, workload_id, trials
    FROM counted
    ANTI JOIN (SELECT * FROM cell_intervals WHERE method_version = ? AND metric_id = ?)
        USING (run_id, target_id, workload_id, trials)
    ORDER BY ALL
"""
_CELL = """
    SELECT f.*
    FROM trial_figures AS f
    SEMI JOIN cell_trials AS c USING (trial_id)
    WHERE f.run_id = ? AND f.target_id = ? AND f.workload_id = ?
    ORDER BY trial_id
"""


def pending_trials(con: "duckdb.DuckDBPyConnection") -> list[str]:
    """Trials that have no intervals under the current version."""
    return [trial_id for (trial_id,) in con.execute(_PENDING, [METHOD_VERSION, _NEWEST]).fetchall()]


def add_trial_intervals(con: "duckdb.DuckDBPyConnection") -> int:
    """Store the intervals of every trial that has none under the current version.

    Call it inside a transaction, on a connection whose views are written.

    Returns:
        How many trials were computed.
    """
    recorded_at = datetime.now(UTC)
    pending = pending_trials(con)
    for start in range(0, len(pending), _TRIALS_AT_ONCE):
        some = pending[start : start + _TRIALS_AT_ONCE]
        attempts = _attempts(con, some)
        rows = []
        for trial in dicts(con.execute(_TRIALS, [some])):
            key = {"trial_id": trial["trial_id"], "measured_over": trial["measured_over"]}
            estimates = _trial_estimates(trial, attempts[trial["trial_id"]])
            rows += [key | {"metric_id": metric_id} | asdict(of) for metric_id, of in estimates]
        insert_estimates(con, "trial_intervals", rows, recorded_at)
    return len(pending)


def pending_cells(con: "duckdb.DuckDBPyConnection") -> list[tuple[str, str, str, int]]:
    """Run, target, workload and number of trials of each cell of repeated trials that `add_cell_intervals` computes."""
    return con.execute(_PENDING_CELLS, [MIN_TRIALS, METHOD_VERSION, _NEWEST]).fetchall()


def add_cell_intervals(con: "duckdb.DuckDBPyConnection", cells: Sequence[tuple[str, str, str, int]]) -> None:
    """Store the intervals of cells, out of the figures of all their trials; call it as `add_trial_intervals`."""
    rows = []
    for run_id, target_id, workload_id, trials in cells:
        key = {"run_id": run_id, "target_id": target_id, "workload_id": workload_id, "trials": trials}
        figures = columns(con.execute(_CELL, [run_id, target_id, workload_id]))
        rows += [key | {"metric_id": metric_id} | asdict(of) for metric_id, of in _cell_estimates(figures)]
    insert_estimates(con, "cell_intervals", rows, datetime.now(UTC))


def _attempts(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str]) -> dict[str, dict[str, Floats]]:
    """The measured attempts of each trial, column by column, in the order in which they were sent."""
    found = columns(con.execute(_ATTEMPTS, [list(trial_ids)]))
    of_trial = found.pop("trial_id").astype(str)
    values = {name: floats(column) for name, column in found.items()}
    ends = {trial_id: np.searchsorted(of_trial, trial_id, side="right") for trial_id in trial_ids}
    starts = {trial_id: np.searchsorted(of_trial, trial_id) for trial_id in trial_ids}
    return {
        trial_id: {name: column[starts[trial_id] : ends[trial_id]] for name, column in values.items()}
        for trial_id in trial_ids
    }


def _trial_estimates(trial: Mapping[str, Any], attempts: Mapping[str, Floats]) -> Iterable[tuple[str, Estimate]]:
    """(metric, estimate) of one trial, around the very figures that the views show."""
    flights_s = attempts["in_flight_s"]
    shortest_s = float(np.nanmean(flights_s)) if np.isfinite(flights_s).any() else 0.0
    answered = (attempts["ok"] == 1) & np.isfinite(attempts["at_s"])
    shown = answered & (attempts["steady"] == 1) if trial["measured_over"] == "steady" else answered
    block = time_blocks(attempts["at_s"][shown], shortest_s=shortest_s)
    for metric_id, (column, share) in _PERCENTILES.items():
        estimate = percentile_interval(attempts[column][shown], block, share)
        if trial[metric_id] is None and estimate.central is not None:
            reason = f"{estimate.n} attempts are fewer than this percentile needs"
            estimate = replace(estimate, central=None, low=None, high=None, reason=reason)
        yield metric_id, estimate
    arrivals = (attempts[name][answered] for name in ("output_tokens", "first_s", "last_s"))
    yield "output_tokens_per_s", _speed(trial, *arrivals, shortest_s=shortest_s)
    yield "goodput_share", _goodput(trial, attempts["at_s"], attempts["good"], shortest_s=shortest_s)


def _speed(trial: Mapping[str, Any], tokens: Floats, first_s: Floats, last_s: Floats, *, shortest_s: float) -> Estimate:
    """Tokens over time by stretches of the window; the tokens of an answer come evenly from its first to its last.

    The figure counts them event by event where it is of the steady window: the stretches say by how much it varies.
    """
    figure = trial["output_tokens_per_s"]
    known = np.isfinite(tokens + first_s + last_s)
    n = int(known.sum())
    if figure is None or n == 0:
        reason = "no answer with a known count of tokens"
        return Estimate(central=figure, low=None, high=None, n=n, blocks=0, method="block-bootstrap", reason=reason)
    length_s = trial["until_s"] - trial["from_s"]
    blocks = block_count(n, length_s=length_s, shortest_s=shortest_s)
    edges_s = np.linspace(trial["from_s"], trial["until_s"], blocks + 1)[:, None]
    took_s = np.maximum(last_s[known] - first_s[known], 1e-9)
    come = (np.clip((edges_s - first_s[known]) / took_s, 0.0, 1.0) * tokens[known]).sum(axis=1)
    estimate = ratio_interval(np.diff(come), np.full(blocks, length_s / blocks), n=n)
    if estimate.low is None or estimate.high is None or not estimate.central:
        return replace(estimate, central=figure)
    scale = figure / estimate.central
    return replace(estimate, central=figure, low=estimate.low * scale, high=estimate.high * scale)


def _goodput(trial: Mapping[str, Any], at_s: Floats, good: Floats, *, shortest_s: float) -> Estimate:
    """Of all that was offered: a send that was never made, and has no row, counts in the last stretch."""
    timed = np.isfinite(at_s)
    block = time_blocks(at_s[timed], shortest_s=shortest_s)
    offered_by = np.bincount(block).astype(np.float64)
    good_by = np.bincount(block, good[timed]).astype(np.float64)
    if len(offered_by):
        offered_by[-1] += trial["offered_attempts"] - int(timed.sum())
    return share_interval(good_by[offered_by > 0], offered_by[offered_by > 0])


def _cell_estimates(figures: Mapping[str, "NDArray[Any]"]) -> Iterable[tuple[str, Estimate]]:
    for metric_id in (*_PERCENTILES, "output_tokens_per_s"):
        values = floats(figures[metric_id])
        known = values[np.isfinite(values)]
        estimate = over_trials(known.tolist())
        if len(known) < len(values):
            reason = f"known for {len(known)} of {len(values)} trials"
            estimate = replace(estimate, central=None, low=None, high=None, reason=reason)
        yield metric_id, estimate
    offered = floats(figures["offered_attempts"])
    good = np.nan_to_num(floats(figures["goodput_share"])) * offered
    yield "goodput_share", share_interval(good[offered > 0], offered[offered > 0], min_blocks=MIN_TRIALS)


def columns(result: "duckdb.DuckDBPyConnection") -> dict[str, "NDArray[Any]"]:
    """What a query gives, as an array a column; see `floats`."""
    found: dict[str, NDArray[Any]] = result.fetchnumpy()
    return found


def floats(values: "NDArray[Any]") -> Floats:
    """A column as an array; NULL is NaN."""
    return np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)


def insert_estimates(
    con: "duckdb.DuckDBPyConnection", table: str, rows: Sequence[Mapping[str, Any]], recorded_at: datetime
) -> None:
    """Add rows of key and estimate to one of the interval tables, with the version and level that they share."""
    shared = {"confidence_share": CONFIDENCE_SHARE, "method_version": METHOD_VERSION, "recorded_at": recorded_at}
    insert_dicts(con, table, [{**row, **shared} for row in rows])
