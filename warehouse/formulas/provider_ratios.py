"""How two providers compare: the geometric mean of their ratios on the models that both serve, paired by run.

A mean over all models of a provider would compare its models and not the provider. Here a ratio is of one model under
one workload in one run, in which both were measured, so that model, workload and night fall out of it. Each shared
model counts the same, however often it was measured.

What is random is a run; the shared models are what they are. The interval says nothing of a model that is not shared.

Sources: Fleming, Wallace: How not to lie with statistics: the correct way to summarize benchmark results,
Communications of the ACM 29, 1986 (geometric mean of ratios). Liang, Zeger: Longitudinal data analysis using
generalized linear models, Biometrika 73, 1986 (variance by clusters, which are runs here), with Student's t for as many
as there are; of so few a bootstrap covers too little, see `paired_runs`.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.formulas.paired_runs import MIN_RUNS, Floats
from warehouse.formulas.resampling import t_quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRatio:
    """One provider's figure over the other's, and its 95 % interval: None with fewer than three runs in common."""

    ratio: float
    low: float | None
    high: float | None
    models: int
    runs: int


def paired_ratio(one: Floats, other: Floats) -> PairedRatio | None:
    """The ratio of two providers on the models that they share.

    Args:
        one: shape (models, runs); figures above 0, NaN where it was not measured.
        other: the same models in the same runs, of the other provider.

    Returns:
        None where no model has a run in which both were measured.

    Raises:
        ValueError: the shapes differ, or a figure is not above 0.
    """
    if one.shape != other.shape:
        raise ValueError(f"figures of shape {one.shape} and {other.shape}; they must be of the same models and runs")
    if min(np.nanmin(one, initial=np.inf), np.nanmin(other, initial=np.inf)) <= 0:
        raise ValueError("a figure that is not above 0 has no ratio to others; leave it out")
    logs = np.log(one) - np.log(other)
    known = ~np.isnan(logs)
    shared, used = known.any(axis=1), known.any(axis=0)
    if not shared.any():
        return None
    logs, known = logs[np.ix_(shared, used)], known[np.ix_(shared, used)]
    of_models = np.nanmean(logs, axis=1)
    middle, runs = float(of_models.mean()), logs.shape[1]
    low = high = None
    if runs >= MIN_RUNS:
        # what a run moved the mean over models by, each model by its share of it
        moved = (np.where(known, logs - of_models[:, None], 0.0) / known.sum(axis=1)[:, None]).mean(axis=0)
        error = float(np.sqrt((moved**2).sum() * runs / (runs - 1)))
        half = t_quantile(runs - 1) * error
        low, high = float(np.exp(middle - half)), float(np.exp(middle + half))
    return PairedRatio(ratio=float(np.exp(middle)), low=low, high=high, models=len(logs), runs=runs)
