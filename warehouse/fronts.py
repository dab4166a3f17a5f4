"""The front of a board under several metrics: who is on it, who may be, who is dominated by whom, and how surely.

Figures are typical of the nights of a window, as those of the rank bands are; how sure a place is, is counted over
draws in which a night, and an input that targets share, is drawn once for all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from warehouse.formulas.pareto import Placing, front, front_shares
from warehouse.metric_draws import MetricDraws, metric_draws
from warehouse.metrics import metric
from warehouse.night_figures import comparable_trials
from warehouse.rank_bands import WINDOW

if TYPE_CHECKING:
    import duckdb

    from warehouse.formulas.paired_runs import Floats

# on: nobody dominates it in 95 % of draws or more; dominated: in 5 % or fewer; may: in between, or nobody can tell
Verdict = Literal["on", "may", "dominated"]
SURE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure typical of the nights, and its 95 % interval over nights and inputs, None where nothing tells it."""

    low: float | None
    central: float
    high: float | None

    @classmethod
    def of(cls, low: float, central: float, high: float) -> "Spread":
        """Out of numbers, of which the ends may be NaN."""
        told = not math.isnan(low)
        return cls(low=low if told else None, central=central, high=high if told else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPoint:
    """One target of a board.

    `figures` has one a metric, None where it is unknown. `verdict` is None, and `reason` says why, where a figure is
    unknown; `on_line` says whether its typical figures alone are on the front, `dominated_by` which typical figures
    dominate it. `p_front` is None where nights are too few and nothing within them tells how figures vary.
    """

    target_id: str
    figures: tuple[Spread | None, ...]
    verdict: Verdict | None
    on_line: bool
    p_front: float | None
    dominated_by: tuple[str, ...]
    n_runs: int
    newest_at: datetime | None
    trial_id: str | None  # the newest
    reason: str | None = None


def front_points(
    con: "duckdb.DuckDBPyConnection",
    workload_id: str,
    target_ids: Sequence[str],
    *,
    metric_ids: Sequence[str],
    any_grade: bool = False,
    window: timedelta = WINDOW,
) -> list[FrontPoint]:
    """Where some targets of a workload stand among each other when several metrics count at once.

    Args:
        con: an open snapshot.
        workload_id: the workload.
        target_ids: the board; another board may have another front.
        metric_ids: two or more of `warehouse.metrics`.
        any_grade: count whatever was measured; else only what a client certified A or B measured.
        window: how far back from the newest trial of the workload its nights count.

    Returns:
        One for each target, in the order given.

    Raises:
        WarehouseError: there is no such metric.
    """
    metrics = [metric(metric_id) for metric_id in metric_ids]
    trials = comparable_trials(con, workload_id, window=window, any_grade=any_grade)
    drawn = metric_draws(con, trials, target_ids, metrics)
    directions = [of.direction for of in metrics]
    places = front(np.stack([each.of.figures for each in drawn]), directions)
    shares = _shares(drawn)
    newest = {trial["target_id"]: trial for trial in trials}
    points = []
    for one, (target_id, place) in enumerate(zip(target_ids, places, strict=True)):
        last = newest.get(target_id)
        p_front = None if np.isnan(shares[one]) else float(shares[one])
        points.append(
            FrontPoint(
                target_id=target_id,
                figures=tuple(_spread(each, one) for each in drawn),
                verdict=_verdict(place, p_front),
                on_line=bool(place.on_front),
                p_front=p_front,
                dominated_by=tuple(target_ids[other] for other in place.dominated_by),
                n_runs=min(each.runs[one] for each in drawn),
                newest_at=last["started_at"] if last else None,
                trial_id=last["trial_id"] if last else None,
                reason=_reason(drawn, one, measured=last is not None),
            )
        )
    return points


def _shares(drawn: Sequence[MetricDraws]) -> "Floats":
    """P(on the front) of each; NaN where its own figures cannot be drawn. Those stand as they are for the others."""
    untold = np.any([np.isnan(each.of.draws).any(axis=1) for each in drawn], axis=0)
    stacked = np.stack([np.where(np.isnan(each.of.draws), each.of.figures[:, None], each.of.draws) for each in drawn])
    shares = front_shares(stacked, [each.metric.direction for each in drawn])
    return np.where(untold, np.nan, shares)


def _verdict(place: Placing, p_front: float | None) -> Verdict | None:
    if place.on_front is None:
        return None
    if p_front is None:
        return "may" if place.on_front else "dominated"
    if p_front >= SURE:
        return "on"
    return "dominated" if p_front <= 1 - SURE else "may"


def _spread(each: MetricDraws, one: int) -> Spread | None:
    low, central, high = (float(values[one]) for values in (each.of.low, each.of.figures, each.of.high))
    return None if math.isnan(central) else Spread.of(low, central, high)


def _reason(drawn: Sequence[MetricDraws], one: int, *, measured: bool) -> str | None:
    if not measured:
        return "no night of this window measured it under the terms of today with a load client that is trusted"
    unknown = [each.metric.title for each in drawn if np.isnan(each.of.figures[one])]
    return f"unknown: {' and '.join(unknown)}" if unknown else None
