"""Two to four targets of one workload side by side: what each is typically, and how far the first is from the others.

A difference is of pairs: both targets in the same night, so that what the night did to both falls out of it. Where a
group was measured with its attempts interleaved, each round is such a pair too, and the view `paired_differences` says
what one night's rounds tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse.errors import WarehouseError
from warehouse.formulas.pair_difference import PairDifference, pair_difference
from warehouse.fronts import Spread
from warehouse.metric_draws import typical_of
from warehouse.metrics import Metric, metric
from warehouse.night_figures import comparable_trials
from warehouse.offered import offered_metrics
from warehouse.query import dicts
from warehouse.rank_bands import WINDOW, BoardFigures, board_figures

if TYPE_CHECKING:
    import duckdb

MOST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first target beside another one in one metric.

    `figure_a` and `figure_b` are typical of the nights of each, None if unknown. `found` is None, and `reason` says
    why, where one is unknown or they were never measured in the same night.
    """

    metric: Metric
    target_a: str
    target_b: str
    figure_a: Spread | None
    figure_b: Spread | None
    found: PairDifference | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All differences of the first target from each of the others: by metric in the registry's order, then by target.

    `nights` is in how many each target was measured, and `newest` its newest trial, where it has one; `untrusted` are
    those that only a load client of grade C or D ever measured.
    """

    target_ids: tuple[str, ...]
    differences: tuple[Difference, ...]
    nights: Mapping[str, int]
    newest: Mapping[str, str]
    untrusted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """What attempts that were sent in one round of an interleaved group say: the median of a - b, seconds."""

    target_a: str
    target_b: str
    metric_id: str  # ttft_s, tpot_s or e2e_s
    run_id: str
    pairs: int
    low: float | None
    central: float | None
    high: float | None
    reason: str | None


def compare(
    con: "duckdb.DuckDBPyConnection",
    workload_id: str,
    target_ids: Sequence[str],
    *,
    metric_ids: Sequence[str] | None = None,
    window: timedelta = WINDOW,
) -> Comparison:
    """Compare the first of some targets of a workload with each of the others.

    Args:
        con: an open snapshot.
        workload_id: the workload.
        target_ids: two to four different ones, the first is compared with the others.
        metric_ids: of `warehouse.metrics`; all that the workload has, if None.
        window: how far back from the newest trial of the workload its nights count.

    Raises:
        WarehouseError: too few or too many targets, one of them twice, or no such metric.
    """
    if not 2 <= len(target_ids) <= MOST or len(set(target_ids)) < len(target_ids):
        given = ", ".join(target_ids) or "nothing"
        raise WarehouseError(f"{given} cannot be compared; give 2 to {MOST} different targets")
    metrics = offered_metrics(con, workload_id) if metric_ids is None else [metric(one) for one in metric_ids]
    trials, untrusted = _trials(con, workload_id, target_ids, window)
    nights = {
        target_id: len({trial["run_id"] for trial in trials if trial["target_id"] == target_id})
        for target_id in target_ids
    }
    differences = [one for of in metrics for one in _differences(con, trials, target_ids, of)]
    return Comparison(
        target_ids=tuple(target_ids),
        differences=tuple(differences),
        nights=nights,
        newest={trial["target_id"]: trial["trial_id"] for trial in trials},
        untrusted=untrusted,
    )


def interleaved(con: "duckdb.DuckDBPyConnection", workload_id: str, target_ids: Sequence[str]) -> list[Rounds]:
    """The newest group in which the first target and each of the others took turns, where there is one."""
    found = dicts(
        con.execute(
            """
            SELECT
                p.target_id_a AS target_a, p.target_id_b AS target_b, p.metric_id, p.run_id, p.pairs, p.low, p.central,
                p.high, p.reason
            FROM paired_differences AS p
            INNER JOIN trials AS t ON t.trial_id = p.trial_id_a
            WHERE p.workload_id = $workload_id
                AND p.target_id_a = $first
                AND p.target_id_b IN (SELECT unnest($others))
            QUALIFY row_number() OVER (
                PARTITION BY p.target_id_b, p.metric_id ORDER BY t.started_at DESC, p.group_id DESC
            ) = 1
            ORDER BY ALL
            """,
            {"workload_id": workload_id, "first": target_ids[0], "others": list(target_ids[1:])},
        )
    )
    return [Rounds(**row) for row in found]


def _trials(
    con: "duckdb.DuckDBPyConnection", workload_id: str, target_ids: Sequence[str], window: timedelta
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Nights that can be compared, the oldest first; what an untrusted client measured only where nothing else is."""
    trusted = comparable_trials(con, workload_id, window=window, any_grade=False)
    known = {trial["target_id"] for trial in trusted}
    lacking = [target_id for target_id in target_ids if target_id not in known]
    others = []
    if lacking:
        graded = comparable_trials(con, workload_id, window=window, any_grade=True)
        others = [trial for trial in graded if trial["target_id"] in lacking]
    trials = [trial for trial in trusted if trial["target_id"] in target_ids] + others
    trials.sort(key=lambda trial: (trial["started_at"], trial["trial_id"]))
    return trials, tuple(dict.fromkeys(trial["target_id"] for trial in others))


def _differences(
    con: "duckdb.DuckDBPyConnection", trials: Sequence[Mapping[str, Any]], target_ids: Sequence[str], of: Metric
) -> list[Difference]:
    there, figures = board_figures(con, of, trials, target_ids)
    spreads = _spreads(there, figures, of)
    first = target_ids[0]
    found = []
    for other in target_ids[1:]:
        difference, reason = None, None
        unknown = [target_id for target_id in (first, other) if target_id not in spreads]
        if unknown:
            reason = f"{of.title} of {' and '.join(unknown)} is not known"
        else:
            difference = _pair(figures, [there.index(first), there.index(other)])
            if difference is None:
                reason = "they were never measured in the same night"
        found.append(
            Difference(
                metric=of,
                target_a=first,
                target_b=other,
                figure_a=spreads.get(first),
                figure_b=spreads.get(other),
                found=difference,
                reason=reason,
            )
        )
    return found


def _spreads(there: Sequence[str], figures: BoardFigures, of: Metric) -> dict[str, Spread]:
    if not there:
        return {}
    typical = typical_of(of, figures)
    return {
        target_id: Spread.of(float(low), float(central), float(high))
        for target_id, low, central, high in zip(there, typical.low, typical.figures, typical.high, strict=True)
    }


def _pair(figures: BoardFigures, rows: Sequence[int]) -> PairDifference | None:
    central = figures.central[rows]
    return pair_difference(
        central,
        within_low=figures.low[rows],
        within_high=figures.high[rows],
        floor_variance=None if figures.floor_variance is None else figures.floor_variance[rows],
        input_draws=None if figures.input_draws is None else figures.input_draws[rows],
        # of these two alone: another target's 0 does not take the ratio away from them
        linear=figures.linear and bool(np.nanmin(central) <= 0 or figures.floor_variance is not None),
    )
