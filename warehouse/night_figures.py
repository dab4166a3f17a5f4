"""Nights that can be compared: which trials count together, and their figures, a row a target and a column a run."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse.formulas.client_limits import RANKED
from warehouse.intervals import columns, floats
from warehouse.metrics import Metric
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from warehouse.formulas.paired_runs import Floats

_STORED = (
    "ttft_p50_s",
    "ttft_p95_s",
    "tpot_p50_s",
    "tpot_p95_s",
    "e2e_p50_s",
    "e2e_p95_s",
    "output_tokens_per_s",
    "goodput_share",
)
_ACCOUNTS = {
    "usd_per_output_mtok": "cost",
    "j_per_output_token": "energy",
    "operational_gco2e_per_output_mtok": "emissions",
    "embodied_gco2e_per_output_mtok": "emissions",
}
_TRIALS = """
    WITH measured AS (
        SELECT
            t.trial_id,
            t.run_id,
            t.target_id,
            t.started_at,
            min(t.started_at) OVER (PARTITION BY t.run_id) AS night_at,
            struct_pack(
                a := t.arrivals, b := t.concurrency, c := t.rate_rps, d := t.rate_end_rps, e := t.burstiness,
                f := t.trace_sha256, g := t.prompt_tokens_asked, h := t.output_tokens_asked, i := t.slo_ttft_s,
                j := t.slo_tpot_s, l := t.prompts_sha256, m := t.prompt_lengths,
                n := t.output_lengths, p := t.conversation_turns,
                -- what landed before these were kept was prose that shared nothing
                k := coalesce(t.prompt_text, 'prose'), o := coalesce(t.shared_prefix_share, 0)
            ) AS terms,
            struct_pack(
                a := t.kind, b := t.provider, c := t.model, d := t.quantisation, e := t.weights_sha256, f := t.base_url,
                g := t.region, h := t.engine, i := t.engine_version, j := t.device, k := t.threads, l := t.slots,
                m := CASE t.kind WHEN 'local' THEN t.host_id END
            ) AS made_of
        FROM trials AS t
        SEMI JOIN cell_trials USING (trial_id)
        ANTI JOIN ad_hoc_runs USING (run_id)
        WHERE t.workload_id = $workload_id
    ),

    compared AS (
        SELECT
            *,
            first_value(terms) OVER (ORDER BY started_at DESC, trial_id DESC) AS terms_now,
            first_value(made_of) OVER (PARTITION BY target_id ORDER BY started_at DESC, trial_id DESC) AS made_of_now,
            max(night_at) OVER () AS newest_at
        FROM measured
    ),

    -- not the view certificate, which reads every attempt for its evidence
    grades AS (
        SELECT trial_id, grade
        FROM certificates
        QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC, method_version DESC) = 1
    )

    SELECT trial_id, run_id, target_id, started_at
    FROM compared
    LEFT JOIN grades USING (trial_id)
    WHERE
        terms IS NOT DISTINCT FROM terms_now
        AND made_of IS NOT DISTINCT FROM made_of_now
        -- a night counts as a whole, or two of them would fall into 24 hours
        AND night_at > newest_at - $window
        AND ($any_grade OR coalesce(grade IN (SELECT unnest($grades)), FALSE))
    ORDER BY started_at, trial_id
"""


def comparable_trials(
    con: "duckdb.DuckDBPyConnection", workload_id: str, *, window: timedelta, any_grade: bool
) -> list[dict[str, Any]]:
    """Trials of a workload that measured the same thing in the same way, the oldest first: see `rank_bands`."""
    asked = {"workload_id": workload_id, "window": window, "any_grade": any_grade, "grades": list(RANKED)}
    return dicts(con.execute(_TRIALS, asked))


def trial_values(
    con: "duckdb.DuckDBPyConnection", chosen: Metric, trial_ids: Sequence[str]
) -> dict[str, tuple[float, float, float, float]]:
    """Central, low, high and number of attempts of each trial with a known figure."""
    if chosen.id in _STORED:
        query = """
            SELECT trial_id, central, low, high, n
            FROM trial_intervals
            WHERE metric_id = $metric_id AND trial_id IN (SELECT unnest($trial_ids))
            QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
        """
    elif chosen.id in _ACCOUNTS:
        # what it varies by from night to night; the range of its inputs is drawn
        query = f"""
            SELECT trial_id, {chosen.column} AS central, {chosen.column} AS low, {chosen.column} AS high, 0 AS n
            FROM {_ACCOUNTS[chosen.id]}
            WHERE $metric_id = $metric_id AND trial_id IN (SELECT unnest($trial_ids))
        """
    else:
        query = f"""
            SELECT trial_id, {chosen.column} AS central, NULL::DOUBLE AS low, NULL::DOUBLE AS high, attempts AS n
            FROM trial_figures
            WHERE $metric_id = $metric_id AND trial_id IN (SELECT unnest($trial_ids))
        """
    found = columns(con.execute(query, {"metric_id": chosen.id, "trial_ids": list(trial_ids)}))
    values = zip(*(floats(found[name]).tolist() for name in ("central", "low", "high", "n")), strict=True)
    return {str(one): of for one, of in zip(found["trial_id"], values, strict=True) if np.isfinite(of[0])}


def by_target_and_run(
    trials: Sequence[Mapping[str, Any]],
    figures: Mapping[str, tuple[float, float, float, float]],
    target_ids: Sequence[str],
    *,
    runs: Sequence[str] | None = None,
) -> dict[str, "Floats"]:
    """A row a target, a column a run; of repeats in a run the mean, and the widest of their ranges.

    Runs are those of the trials, in their order, or `runs` in theirs, in which one may stand several times.
    """
    row_of = {target_id: number for number, target_id in enumerate(target_ids)}
    in_order = dict.fromkeys([trial["run_id"] for trial in trials] if runs is None else runs)
    column_of = {run_id: number for number, run_id in enumerate(in_order)}
    repeats: dict[tuple[int, int], list[tuple[float, float, float, float]]] = {}
    for trial in trials:
        cell = (row_of[trial["target_id"]], column_of[trial["run_id"]])
        repeats.setdefault(cell, []).append(figures[trial["trial_id"]])
    cells = {name: np.full((len(target_ids), len(column_of)), np.nan) for name in ("central", "low", "high", "n")}
    for cell, found in repeats.items():
        if len(found) == 1:  # numpy on thousands of single rows would take longer than all the rest
            ((central, low, high, n),) = found
        else:
            several = np.array(found)
            central, n = several[:, 0].mean(), several[:, 3].sum()
            low, high = several[:, 1].min(), several[:, 2].max()
        cells["central"][cell], cells["low"][cell], cells["high"][cell], cells["n"][cell] = central, low, high, n
    return cells


def chance_variance(shares: "Floats", attempts: "Floats") -> "Floats":
    """What a share of so many independent attempts varies by from run to run, at least; shape (targets,).

    The share is that of all its nights together, with two successes and two failures added, or a target that never
    failed could vary by nothing.

    Source: Agresti, Coull: Approximate is better than exact for interval estimation of binomial proportions, American
    Statistician 52, 1998.
    """
    all_attempts = np.nansum(attempts, axis=1)
    pooled = (np.nansum(shares * attempts, axis=1) + 2) / (all_attempts + 4)
    variance: NDArray[np.float64] = pooled * (1 - pooled) * np.nanmean(1 / np.maximum(attempts, 1), axis=1)
    return variance
