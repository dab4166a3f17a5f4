"""Providers against each other, only on models that both serve: ratios paired by model, workload and night.

Models are the same if they go by the same name, without its owner and in any case (`meta-llama/Llama-3.1-8B` is
`llama-3.1-8b`), in the same number format: where only one of two providers states its own, they are not known to be.
Several targets of one provider and model count as their geometric mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse.formulas.provider_ratios import paired_ratio
from warehouse.metrics import metric
from warehouse.night_figures import comparable_trials, trial_values
from warehouse.query import dicts
from warehouse.rank_bands import WINDOW

if TYPE_CHECKING:
    import duckdb

    from warehouse.formulas.paired_runs import Floats

# workload, model, number format
_Model = tuple[str, str, str | None]
_SERVED = "SELECT trial_id, provider, model, quantisation FROM trials WHERE trial_id IN (SELECT unnest(?))"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRatio:
    """A metric of one provider over that of another, on the models that both serve; `models` names those.

    `low` to `high` is its 95 % interval over nights; None with fewer than three nights in which both were measured.
    """

    provider: str
    other: str
    ratio: float
    low: float | None
    high: float | None
    models: tuple[str, ...]
    n_runs: int


def provider_ratios(
    con: "duckdb.DuckDBPyConnection",
    workload_ids: Sequence[str],
    *,
    by: str,
    any_grade: bool = False,
    window: timedelta = WINDOW,
) -> list[ProviderRatio]:
    """Every pair of providers that share a model, by name; nothing where none is shared.

    Args:
        con: an open snapshot.
        workload_ids: the workloads whose trials count; a model under two of them counts as two.
        by: id of the metric; one that may be 0 counts only where it is not.
        any_grade: count whatever was measured; else only what a client certified A or B measured.
        window: how far back from the newest night of a workload its nights count.

    Raises:
        WarehouseError: there is no such metric.
    """
    chosen = metric(by)
    trials = [
        {**trial, "workload_id": workload_id}
        for workload_id in workload_ids
        for trial in comparable_trials(con, workload_id, window=window, any_grade=any_grade)
    ]
    values = trial_values(con, chosen, [trial["trial_id"] for trial in trials])
    served = {row["trial_id"]: row for row in dicts(con.execute(_SERVED, [[trial["trial_id"] for trial in trials]]))}
    logs: dict[str, dict[_Model, dict[str, list[float]]]] = {}
    for trial in trials:
        value = values.get(trial["trial_id"])
        if value is None or value[0] <= 0:
            continue
        row = served[trial["trial_id"]]
        of_provider = logs.setdefault(row["provider"], {})
        of_provider.setdefault(_model(trial["workload_id"], row), {}).setdefault(trial["run_id"], []).append(
            float(np.log(value[0]))
        )
    runs = list(dict.fromkeys(trial["run_id"] for trial in trials))
    found = [_compared(one, other, logs[one], logs[other], runs) for one, other in combinations(sorted(logs), 2)]
    return [ratio for ratio in found if ratio is not None]


def _compared(
    one: str,
    other: str,
    of_one: Mapping[_Model, Mapping[str, Sequence[float]]],
    of_other: Mapping[_Model, Mapping[str, Sequence[float]]],
    runs: Sequence[str],
) -> ProviderRatio | None:
    shared = sorted(set(of_one) & set(of_other), key=lambda model: tuple(map(str, model)))
    if not shared:
        return None
    figures = [np.stack([_figures(of[model], runs) for model in shared]) for of in (of_one, of_other)]
    together = [model for model, *both in zip(shared, *figures, strict=True) if not np.isnan(both[0] - both[1]).all()]
    found = paired_ratio(*figures)
    if found is None:
        return None
    return ProviderRatio(
        provider=one,
        other=other,
        ratio=found.ratio,
        low=found.low,
        high=found.high,
        models=tuple(dict.fromkeys(name for _, name, _ in together)),
        n_runs=found.runs,
    )


def _figures(of_runs: Mapping[str, Sequence[float]], runs: Sequence[str]) -> "Floats":
    return np.array([np.exp(np.mean(of_runs[run])) if run in of_runs else np.nan for run in runs])


def _model(workload_id: str, row: Mapping[str, Any]) -> _Model:
    return workload_id, row["model"].rsplit("/", 1)[-1].lower(), row["quantisation"]
