"""How sure the ranks of a board are: bands, tiers and the chance of being first, over the nights of the last weeks.

Computed when it is asked for, out of figures that a load has stored. Nights count together where the same thing was
measured in the same way: the workload under the terms of its newest trial, a target as it was in its own newest one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse.formulas.paired_runs import MIN_RUNS
from warehouse.formulas.ranking import Basis, Standing, WhyTied, rank_bands
from warehouse.metrics import metric
from warehouse.night_figures import by_target_and_run, chance_variance, comparable_trials, trial_values
from warehouse.query import DEFAULT_METRIC, open_published, ranked
from warehouse.shared_inputs import drawn_figures

if TYPE_CHECKING:
    import duckdb

WINDOW = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankBand:
    """Where a target of a board stands under a metric, and how sure that is; `reason` says why ranks are None.

    `figure` is the typical one of the nights, in the unit of the metric, `n_runs` how many there were; `next_better` is
    the target one place above, and `tied_by` why the two are not told apart, None if they are.
    """

    target_id: str
    figure: float | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    tier: int | None = None
    p_first: float | None = None
    n_runs: int = 0
    basis: Basis | None = None
    next_better: str | None = None
    tied_by: WhyTied | None = None
    nights_to_separate: int | None = None
    reason: str | None = None


def banded_rows(
    data_dir: Path, *, by: str = DEFAULT_METRIC, any_grade: bool = False, window: timedelta = WINDOW
) -> list[dict[str, Any]]:
    """Rows of the published leaderboard, each with its band beside its rank.

    Args:
        data_dir: the data folder.
        by: id of the metric to rank by.
        any_grade: rank whatever was measured; else only what a client certified A or B measured.
        window: as for `board_bands`.

    Returns:
        The rows of `leaderboard_rows` with the fields of `RankBand` but `target_id`; its `figure` is `band_figure`, its
        `basis` `band_basis` and its `reason` `band_reason`.

    Raises:
        WarehouseError: nothing is published, or there is no such metric.
    """
    with open_published(data_dir) as con:
        rows = ranked(con, by=by, any_grade=any_grade)
        bands = board_bands(con, rows, by=by, any_grade=any_grade, window=window)
    renamed = {"figure": "band_figure", "basis": "band_basis", "reason": "band_reason"}
    return [
        row | {renamed.get(name, name): value for name, value in asdict(band).items() if name != "target_id"}
        for row, band in zip(rows, bands, strict=True)
    ]


def board_bands(
    con: "duckdb.DuckDBPyConnection",
    rows: Sequence[Mapping[str, Any]],
    *,
    by: str,
    any_grade: bool = False,
    window: timedelta = WINDOW,
) -> list[RankBand]:
    """Bands for the rows of a leaderboard, each among those of its workload that are ranked; in the order of the rows.

    Args:
        con: the open snapshot that the rows are of.
        rows: rows of `warehouse.query.ranked`.
        by: the metric that they are ranked by.
        any_grade: as for `ranked`.
        window: how far back from the newest trial of a workload its nights count.

    Raises:
        WarehouseError: there is no such metric.
    """
    bands: dict[tuple[str, str], RankBand] = {}
    for workload_id in dict.fromkeys(row["workload_id"] for row in rows):
        targets = [row["target_id"] for row in rows if row["workload_id"] == workload_id and row["rank"] is not None]
        found = workload_bands(con, workload_id, targets, by=by, any_grade=any_grade, window=window)
        bands |= {(workload_id, band.target_id): band for band in found}
    unranked = "it is not ranked: its figure is not known or its load client is not graded well enough"
    return [
        bands.get((row["workload_id"], row["target_id"])) or RankBand(target_id=row["target_id"], reason=unranked)
        for row in rows
    ]


def workload_bands(
    con: "duckdb.DuckDBPyConnection",
    workload_id: str,
    target_ids: Sequence[str],
    *,
    by: str,
    any_grade: bool = False,
    window: timedelta = WINDOW,
) -> list[RankBand]:
    """Bands of some targets of one workload, ranked among each other; see `board_bands`."""
    chosen = metric(by)
    wanted = set(target_ids)
    compared = comparable_trials(con, workload_id, window=window, any_grade=any_grade)
    trials = [trial for trial in compared if trial["target_id"] in wanted]
    figures = trial_values(con, chosen, [trial["trial_id"] for trial in trials])
    trials = [trial for trial in trials if trial["trial_id"] in figures]
    there = [target_id for target_id in target_ids if any(trial["target_id"] == target_id for trial in trials)]
    if not there:
        return [_unknown(target_id) for target_id in target_ids]
    cells = by_target_and_run(trials, figures, there)
    draws = None
    if chosen.range_of == "inputs":
        newest = {trial["target_id"]: trial["trial_id"] for trial in trials}
        last = np.array([figures[newest[target_id]][0] for target_id in there])
        draws = last[:, None] * drawn_figures(con, by, [newest[target_id] for target_id in there])
    is_share = chosen.unit == "share"
    standings = rank_bands(
        cells["central"],
        direction=chosen.direction,
        within_low=cells["low"],
        within_high=cells["high"],
        floor_variance=chance_variance(cells["central"], cells["n"]) if is_share else None,
        input_draws=draws,
        linear=is_share or bool(np.nanmin(cells["central"]) <= 0),
    )
    bands = {target_id: _band(target_id, of, there) for target_id, of in zip(there, standings, strict=True)}
    return [bands.get(target_id) or _unknown(target_id) for target_id in target_ids]


def _band(target_id: str, of: Standing, target_ids: Sequence[str]) -> RankBand:
    return RankBand(
        target_id=target_id,
        figure=of.figure,
        rank_low=of.rank_low,
        rank_high=of.rank_high,
        tier=of.tier,
        p_first=of.p_first,
        n_runs=of.runs,
        basis=of.basis,
        next_better=None if of.next_better is None else target_ids[of.next_better],
        tied_by=of.tied_by,
        nights_to_separate=of.runs_to_separate,
        reason=f"{of.runs} of the {MIN_RUNS} nights that show how it varies" if of.runs < MIN_RUNS else None,
    )


def _unknown(target_id: str) -> RankBand:
    return RankBand(target_id=target_id, reason="no known figure under the terms that the workload has now")
