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
from warehouse.night_figures import by_target_and_run, chance_variance, trial_values
from warehouse.shared_inputs import drawn_figures

if TYPE_CHECKING:
    import duckdb

    from warehouse.formulas.paired_runs import Floats


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
    wanted = set(target_ids)
    counted = [trial for trial in trials if trial["target_id"] in wanted]
    return [_drawn(con, counted, target_ids, of, number) for number, of in enumerate(metrics, start=1)]


def _drawn(
    con: "duckdb.DuckDBPyConnection",
    trials: Sequence[Mapping[str, Any]],
    target_ids: Sequence[str],
    of: Metric,
    number: int,
) -> MetricDraws:
    values = trial_values(con, of, [trial["trial_id"] for trial in trials])
    known = [trial for trial in trials if trial["trial_id"] in values]
    measured = {trial["target_id"] for trial in known}
    there = [target_id for target_id in target_ids if target_id in measured]
    shapes = {"figures": (), "draws": (DRAWS,), "low": (), "high": ()}
    board = {name: np.full((len(target_ids), *rest), np.nan) for name, rest in shapes.items()}
    runs = np.zeros(len(target_ids), dtype=np.int64)
    if there:
        cells = _in_columns_of(trials, known, by_target_and_run(known, values, there))
        central = cells["central"]
        input_draws = None
        if of.range_of == "inputs":
            newest = {trial["target_id"]: trial["trial_id"] for trial in known}
            last = np.array([values[newest[target_id]][0] for target_id in there])
            input_draws = last[:, None] * drawn_figures(con, of.id, [newest[target_id] for target_id in there])
        is_share = of.unit == "share"
        rows = [place for place, target_id in enumerate(target_ids) if target_id in measured]
        found = typical_figures(
            central,
            direction=of.direction,
            within_low=cells["low"],
            within_high=cells["high"],
            floor_variance=chance_variance(central, cells["n"]) if is_share else None,
            input_draws=input_draws,
            linear=is_share or bool(np.nanmin(central) <= 0),
            figure_number=number,
        )
        for name, values_of_all in board.items():
            # no share is below 0, nor above 1; 10^-12 of one is rounding
            drawn = getattr(found, name)
            values_of_all[rows] = np.round(np.clip(drawn, 0.0, 1.0), 12) if is_share else drawn
        runs[rows] = (~np.isnan(central)).sum(axis=1)
    return MetricDraws(metric=of, of=TypicalFigures(**board), runs=tuple(runs.tolist()))


def _in_columns_of(
    trials: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]], cells: "Mapping[str, Floats]"
) -> "dict[str, Floats]":
    """Cells with a column for every run of `trials`, also for those in which this metric is not known."""
    place = {run_id: number for number, run_id in enumerate(dict.fromkeys(trial["run_id"] for trial in trials))}
    columns = [place[run_id] for run_id in dict.fromkeys(trial["run_id"] for trial in known)]
    spread = {}
    for name, values in cells.items():
        spread[name] = np.full((len(values), len(place)), np.nan)
        spread[name][:, columns] = values
    return spread
