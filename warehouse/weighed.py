"""A board ordered by weights of one's own: utilities with bands, what each weight adds, what would turn first place.

The weighted mean of logarithms is reckoned within each night and then treated as any metric is: nights are paired, an
input that targets share ties none of them, and what is not surely apart shares a band.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse.formulas.paired_runs import additive_fit
from warehouse.formulas.pareto import front
from warehouse.formulas.utility import Turn, contributions, scores, sways, weight_shares
from warehouse.metrics import Metric, metric
from warehouse.rank_bands import BoardFigures, RankBand, bands_of, board_figures
from warehouse.weights import Weights

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from warehouse.formulas.paired_runs import Flags, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One target of a board that is ordered by weights.

    `utility` is 1 for the best in everything that has a weight, and exp(-sum of `contributions`): what each metric adds
    is the share of its weight times the logarithm of how many times worse than the best it is. `band` is of the
    utility, `dominated_by` are targets that are no worse in anything, so that no weights of these metrics put it first.
    """

    target_id: str
    utility: float | None
    contributions: Mapping[str, float]
    dominated_by: tuple[str, ...]
    band: RankBand


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The share of all weight at which first place changes, and who comes first beyond it."""

    weight_share: float
    target_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leeway:
    """How far the weight of a metric can move, the others keeping their proportions, before first place changes."""

    metric_id: str
    weight_share: float
    below: Edge | None  # None: not even without any weight
    above: Edge | None  # None: not even with all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedBoard:
    """Targets in the order asked for, and the leeway of each weight; none where no target has a utility."""

    targets: tuple[Weighed, ...]
    leeways: tuple[Leeway, ...]


def weighed_board(
    con: "duckdb.DuckDBPyConnection",
    trials: Sequence[Mapping[str, Any]],
    target_ids: Sequence[str],
    weights: Weights,
) -> WeighedBoard:
    """Order some targets of one workload among each other by weights.

    Only nights in which every metric with a weight is known count; a target without one has no utility, nor has one
    with a figure of 0, which has no ratio to others: its reason says so.

    Args:
        con: an open snapshot.
        trials: of `warehouse.night_figures.comparable_trials`.
        target_ids: the board.
        weights: as of `parse_weights`.
    """
    chosen = [metric(metric_id) for metric_id in weights]
    shares = weight_shares(list(weights.values()))
    whole = [_with_all_rows(target_ids, *board_figures(con, of, trials, target_ids)) for of in chosen]
    scored = [_scores(of, one.central) for of, one in zip(chosen, whole, strict=True)]
    known = ~np.isnan(np.asarray(np.stack(scored).sum(axis=0), dtype=np.float64))
    rows = np.flatnonzero(known.any(axis=1))
    there = [target_ids[row] for row in rows.tolist()]
    found: dict[str, Weighed] = {}
    leeways: tuple[Leeway, ...] = ()
    if there:
        used = np.asarray(known[rows].any(axis=0), dtype=np.bool_)
        nights = [np.where(known, one, np.nan)[np.ix_(rows, used)] for one in scored]
        levels = np.stack([additive_fit(one)[0] for one in nights], axis=1)
        board = _combined(chosen, [_rows_of(one, rows, used) for one in whole], nights, shares)
        bands = bands_of(there, there, board, direction="lower")
        best = float(levels.min(axis=0) @ shares)
        added = contributions(levels, shares.tolist())
        placings = front(levels.T, ["lower"] * len(chosen))
        for row, target_id in enumerate(there):
            found[target_id] = Weighed(
                target_id=target_id,
                utility=float(np.exp(-added[row].sum())),
                contributions={of.id: float(part) for of, part in zip(chosen, added[row], strict=True)},
                dominated_by=tuple(there[other] for other in placings[row].dominated_by),
                band=_of_utility(bands[row], best),
            )
        leeways = tuple(
            Leeway(
                metric_id=of.id,
                weight_share=sway.weight_share,
                below=_edge(sway.below, there),
                above=_edge(sway.above, there),
            )
            for of, sway in zip(chosen, sways(levels, shares.tolist()), strict=True)
        )
    targets = [
        found.get(target_id) or _without(target_id, [one.central[row] for one in whole], chosen)
        for row, target_id in enumerate(target_ids)
    ]
    return WeighedBoard(targets=tuple(targets), leeways=leeways)


def _scores(of: Metric, figures: "Floats") -> "Floats":
    return scores(np.where(figures > 0, figures, np.nan), of.direction)


def _with_all_rows(target_ids: Sequence[str], there: Sequence[str], figures: BoardFigures) -> BoardFigures:
    """The same with a row for every target, of NaN for one without figures."""
    rows = [target_ids.index(target_id) for target_id in there]

    def spread(values: "Floats") -> "Floats":
        all_rows = np.full((len(target_ids), *values.shape[1:]), np.nan)
        all_rows[rows] = values
        return all_rows

    return _changed(figures, spread)


def _rows_of(figures: BoardFigures, rows: "NDArray[np.int64]", used: "Flags") -> BoardFigures:
    kept = _changed(figures, lambda values: values[rows])
    return replace(kept, central=kept.central[:, used], low=kept.low[:, used], high=kept.high[:, used])


def _changed(figures: BoardFigures, change: "Callable[[Floats], Floats]") -> BoardFigures:
    floor, draws = figures.floor_variance, figures.input_draws
    return BoardFigures(
        central=change(figures.central),
        low=change(figures.low),
        high=change(figures.high),
        floor_variance=None if floor is None else change(floor),
        input_draws=None if draws is None else change(draws),
        linear=figures.linear,
    )


def _combined(
    chosen: Sequence[Metric], board: Sequence[BoardFigures], nights: Sequence["Floats"], shares: "Floats"
) -> BoardFigures:
    """All metrics as one figure, the product of powers by weight: its logarithm is the loss of a night."""
    loss, low, high = np.zeros(nights[0].shape), np.zeros(nights[0].shape), np.zeros(nights[0].shape)
    floor, moved, has_inputs = np.zeros(len(loss)), np.zeros((len(loss), 1)), False
    for of, one, night, share in zip(chosen, board, nights, shares.tolist(), strict=True):
        ends = np.sort(np.stack([_scores(of, one.low), _scores(of, one.high)]), axis=0)
        loss, low, high = loss + share * night, low + share * ends[0], high + share * ends[1]
        if one.floor_variance is not None:
            # of the logarithm of a share, by the delta method
            floor = floor + share**2 * one.floor_variance / np.nanmean(one.central, axis=1) ** 2
        if one.input_draws is not None:
            moved, has_inputs = moved + share * _scores(of, one.input_draws), True
    return BoardFigures(
        central=np.exp(loss),
        low=np.exp(low),
        high=np.exp(high),
        floor_variance=floor,
        input_draws=np.exp(moved) if has_inputs else None,
        linear=False,
    )


def _of_utility(band: RankBand, best: float) -> RankBand:
    """A band of the product of powers as one of the utility: `best` is the logarithm of that of the best in all."""

    def utility(value: float | None) -> float | None:
        return None if value is None else float(np.exp(best) / value)

    return replace(
        band,
        figure=utility(band.figure),
        low=utility(band.high),
        high=utility(band.low),
        nights=tuple(map(utility, band.nights)),
    )


def _without(target_id: str, figures: Sequence["Floats"], chosen: Sequence[Metric]) -> Weighed:
    """A target without a utility, and why."""
    unknown = [of.title for of, one in zip(chosen, figures, strict=True) if np.isnan(one).all()]
    at_zero = [of.title for of, one in zip(chosen, figures, strict=True) if (one <= 0).any()]
    if unknown:
        reason = f"no known figure for {' and '.join(unknown)}, which has a weight"
    elif at_zero:
        reason = f"{' and '.join(at_zero)} of 0 has no ratio to others"
    else:
        reason = "in no night are all metrics known that have a weight"
    band = RankBand(target_id=target_id, reason=reason)
    return Weighed(target_id=target_id, utility=None, contributions={}, dominated_by=(), band=band)


def _edge(turn: Turn | None, target_ids: Sequence[str]) -> Edge | None:
    return None if turn is None else Edge(weight_share=turn.weight_share, target_id=target_ids[turn.first])
