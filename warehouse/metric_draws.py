"""Draws of several metrics of one board at once: nights drawn once for all metrics, shared inputs once for all targets.

What is read is what rank bands read: nights that can be compared, and figures that a load has stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse.formulas.figure_draws import TypicalFigures, typical_figures
from warehouse.formulas.rank_draws import DRAWS
from warehouse.metrics import Metric
from warehouse.rank_bands import BoardFigures, board_figures

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDraws:
    """One metric of the targets of a board, in its own unit; NaN is unknown.

    `of` is as of `typical_figures`, with the same draw of a night and of a shared input for all targets and metrics;
    `runs` is how many nights each target was known in.
    """

    metric: Metric
    of: TypicalFigures
    runs: tuple[int, ...]


def metric_draws(
    con: "duckdb.DuckDBPyConnection",
    trials: Sequence[Mapping[str, Any]],
    target_ids: Sequence[str],
    metrics: Sequence[Metric],
) -> list[MetricDraws]:
    """Typical figures and draws of each metric.

    Args:
        con: an open snapshot.
        trials: of `warehouse.night_figures.comparable_trials`; those of other targets are left out.
        target_ids: the board, in the order of the answer.
        metrics: what is drawn together.

    Returns:
        One for each metric, in their order.
    """
    return [_drawn(con, trials, target_ids, of, number) for number, of in enumerate(metrics, start=1)]


def typical_of(of: Metric, figures: BoardFigures, *, figure_number: int = 0) -> TypicalFigures:
    """Typical figures of one metric; of shares between 0 and 1, and what is less than 10^-12 of one is rounding."""
    found = typical_figures(
        figures.central,
        direction=of.direction,
        within_low=figures.low,
        within_high=figures.high,
        floor_variance=figures.floor_variance,
        input_draws=figures.input_draws,
        linear=figures.linear,
        figure_number=figure_number,
    )
    if of.unit != "share":
        return found
    return TypicalFigures(
        **{name: np.round(np.clip(getattr(found, name), 0.0, 1.0), 12) for name in ("figures", "draws", "low", "high")}
    )


def _drawn(
    con: "duckdb.DuckDBPyConnection",
    trials: Sequence[Mapping[str, Any]],
    target_ids: Sequence[str],
    of: Metric,
    number: int,
) -> MetricDraws:
    there, figures = board_figures(con, of, trials, target_ids)
    shapes = {"figures": (), "draws": (DRAWS,), "low": (), "high": ()}
    board = {name: np.full((len(target_ids), *rest), np.nan) for name, rest in shapes.items()}
    runs = np.zeros(len(target_ids), dtype=np.int64)
    if there:
        rows = [list(target_ids).index(target_id) for target_id in there]
        found = typical_of(of, figures, figure_number=number)
        for name, values in board.items():
            values[rows] = getattr(found, name)
        runs[rows] = (~np.isnan(figures.central)).sum(axis=1)
    return MetricDraws(metric=of, of=TypicalFigures(**board), runs=tuple(runs.tolist()))
