"""How sure the ranks of a board are: bands, tiers and the chance of being first, over the nights of the last weeks.

Computed when it is asked for, out of figures that a load has stored. Nights count together where the same thing was
measured in the same way: the workload under the terms of its newest trial, a target as it was in its own newest one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from warehouse.formulas.paired_runs import MIN_RUNS
from warehouse.formulas.ranking import Basis, Standing, WhyTied, rank_bands
from warehouse.metrics import Metric, metric
from warehouse.night_figures import by_target_and_run, chance_variance, trial_values
from warehouse.shared_inputs import drawn_figures

if TYPE_CHECKING:
    import duckdb

    from warehouse.formulas.paired_runs import Floats

WINDOW = timedelta(days=28)


UNCOMPARED = "no known figure under the terms that the workload has now"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankBand:
    """Where a target of a board stands under a metric, and how sure that is; `reason` says why ranks are None.

    `figure` is the typical one of the nights, in the unit of the metric, and `low` to `high` its 95 % interval beside
    the others; `nights` are those that it is typical of, oldest first, None where it was not measured, and `n_runs` how
    many there were. `place` counts typical figures: 1 is best, equal ones share it; `rank_low` to `rank_high` hold it.
    `next_better` is the target one place above, and `tied_by` why the two are not told apart, None if they are.
    """

    target_id: str
    figure: float | None = None
    low: float | None = None
    high: float | None = None
    place: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    tier: int | None = None
    p_first: float | None = None
    n_runs: int = 0
    nights: tuple[float | None, ...] = ()
    basis: Basis | None = None
    next_better: str | None = None
    tied_by: WhyTied | None = None
    nights_to_separate: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardFigures:
    """Figures of some targets in some runs: a row a target, a column a run, NaN where it is not known.

    `low` and `high` are ends of the 95 % interval within a run; `floor_variance` and `input_draws` as for
    `formulas.ranking.rank_bands`. `linear` where differences count and not ratios.
    """

    central: "Floats"
    low: "Floats"
    high: "Floats"
    floor_variance: "Floats | None"
    input_draws: "Floats | None"
    linear: bool


def bands_over(
    con: "duckdb.DuckDBPyConnection", trials: Sequence[Mapping[str, Any]], target_ids: Sequence[str], *, by: str
) -> list[RankBand]:
    """Bands of some targets of one workload, ranked among each other.

    Args:
        con: an open snapshot.
        trials: of `comparable_trials`.
        target_ids: the board; one without a figure is not ranked, and its reason says so.
        by: id of the metric.

    Returns:
        One for each target, in the order given.

    Raises:
        WarehouseError: there is no such metric.
    """
    chosen = metric(by)
    there, figures = board_figures(con, chosen, trials, target_ids)
    bands = bands_of(target_ids, there, figures, direction=chosen.direction)
    return [_as_share(band) for band in bands] if chosen.unit == "share" else bands


def _as_share(band: RankBand) -> RankBand:
    """The same without the part of an interval that no share can have."""
    if band.low is None or band.high is None:
        return band
    return replace(band, low=max(band.low, 0.0), high=min(band.high, 1.0))


def board_figures(
    con: "duckdb.DuckDBPyConnection",
    chosen: Metric,
    trials: Sequence[Mapping[str, Any]],
    target_ids: Sequence[str],
) -> tuple[list[str], BoardFigures]:
    """Figures of one metric, and which targets have any: a row each.

    Args:
        con: the open snapshot.
        chosen: the metric.
        trials: of `comparable_trials`; each run of theirs has a column, also where this metric is not known in it, so
            that several metrics of one board have their runs in the same columns.
        target_ids: the board; trials of others are left out.
    """
    wanted = set(target_ids)
    trials = [trial for trial in trials if trial["target_id"] in wanted]
    values = trial_values(con, chosen, [trial["trial_id"] for trial in trials])
    known = [trial for trial in trials if trial["trial_id"] in values]
    measured = {trial["target_id"] for trial in known}
    there = [target_id for target_id in target_ids if target_id in measured]
    cells = by_target_and_run(known, values, there, runs=[trial["run_id"] for trial in trials])
    draws = None
    if there and chosen.range_of == "inputs":
        newest = {trial["target_id"]: trial["trial_id"] for trial in known}
        last = np.array([values[newest[target_id]][0] for target_id in there])
        draws = last[:, None] * drawn_figures(con, chosen.id, [newest[target_id] for target_id in there])
    is_share = chosen.unit == "share"
    return there, BoardFigures(
        central=cells["central"],
        low=cells["low"],
        high=cells["high"],
        floor_variance=chance_variance(cells["central"], cells["n"]) if there and is_share else None,
        input_draws=draws,
        linear=is_share or bool(there and np.nanmin(cells["central"]) <= 0),
    )


def bands_of(
    target_ids: Sequence[str], there: Sequence[str], figures: BoardFigures, *, direction: Literal["lower", "higher"]
) -> list[RankBand]:
    """Bands of a board, one for each of `target_ids`; `figures` has a row for each of `there`, the others have none."""
    if not there:
        return [RankBand(target_id=target_id, reason=UNCOMPARED) for target_id in target_ids]
    standings = rank_bands(
        figures.central,
        direction=direction,
        within_low=figures.low,
        within_high=figures.high,
        floor_variance=figures.floor_variance,
        input_draws=figures.input_draws,
        linear=figures.linear,
    )
    places = _places([of.figure for of in standings], direction)
    bands = {
        target_id: _band(target_id, of, place, night, there)
        for target_id, of, place, night in zip(there, standings, places, figures.central, strict=True)
    }
    return [bands.get(target_id) or RankBand(target_id=target_id, reason=UNCOMPARED) for target_id in target_ids]


def _places(typical: Sequence[float], direction: str) -> list[int]:
    """1 is best; figures that differ by rounding only share a place, and the next one is skipped."""
    shown = [float(f"{value:.9g}") for value in typical]
    return [1 + sum(other < one if direction == "lower" else other > one for other in shown) for one in shown]


def _band(target_id: str, of: Standing, place: int, nights: "Floats", target_ids: Sequence[str]) -> RankBand:
    return RankBand(
        target_id=target_id,
        figure=of.figure,
        low=of.low,
        high=of.high,
        place=place,
        rank_low=of.rank_low,
        rank_high=of.rank_high,
        tier=of.tier,
        p_first=of.p_first,
        n_runs=of.runs,
        nights=tuple(None if np.isnan(one) else one for one in nights.tolist()),
        basis=of.basis,
        next_better=None if of.next_better is None else target_ids[of.next_better],
        tied_by=of.tied_by,
        nights_to_separate=of.runs_to_separate,
        reason=f"{of.runs} of the {MIN_RUNS} nights that show how it varies" if of.runs < MIN_RUNS else None,
    )
