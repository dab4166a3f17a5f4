"""The board as one decides by it: first who keeps the service level, then who dominates whom, then the order.

What the order and the bands are of is one thing: the typical figure of the nights of a window, in which nights are
paired. The last measurement of each target stands beside it, in its row of the view leaderboard.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.certificates import is_fit, why_unfit
from warehouse.metrics import metric
from warehouse.night_figures import comparable_trials
from warehouse.provider_scores import ProviderRatio, provider_ratios
from warehouse.query import DEFAULT_METRIC, open_published, ranked
from warehouse.rank_bands import UNCOMPARED, WINDOW, RankBand, bands_over
from warehouse.service_level import Limits, Verdict, judged_together
from warehouse.weighed import Leeway, Weighed, weighed_board
from warehouse.weights import Weights

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a board is decided by.

    `by` is the id of the metric that orders it, unless there are `weights`; `limits` keeps out who fails them, None
    keeps out nobody; `any_grade` takes in what a load client of any grade measured; `window` is how far back from the
    newest trial of the workload its nights count.
    """

    by: str = DEFAULT_METRIC
    weights: Weights | None = None
    limits: Limits | None = None
    any_grade: bool = False
    window: timedelta = WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One target of a board: `row` is its last measurement, `band` where it stands and why, if it is not ranked.

    `verdict` is None where no service level is asked for, or nothing of it counts; `weighed` without weights.
    """

    target_id: str
    row: Mapping[str, Any]
    band: RankBand
    verdict: Verdict | None = None
    weighed: Weighed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Targets of one workload, the best first and those that are not ranked last.

    `leeways` are those of the weights, none without any; `providers` how providers compare on the models that they
    share, by the metric that orders the board, where it was asked for.
    """

    workload_id: str
    places: tuple[Place, ...]
    leeways: tuple[Leeway, ...] = ()
    providers: tuple[ProviderRatio, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What a board is decided on, whatever orders it: its comparable trials, and who keeps the service level."""

    trials: Sequence[Mapping[str, Any]]
    verdicts: Mapping[str, Verdict]


def grounds(con: "duckdb.DuckDBPyConnection", workload_id: str, target_ids: Collection[str], rules: Rules) -> Grounds:
    """The grounds of a board of these targets; of the rules, `any_grade`, `window` and `limits` count."""
    trials = comparable_trials(con, workload_id, window=rules.window, any_grade=rules.any_grade)
    verdicts = _verdicts(con, trials, target_ids, rules.limits) if rules.limits is not None else {}
    return Grounds(trials=trials, verdicts=verdicts)


def decided(
    con: "duckdb.DuckDBPyConnection",
    workload_id: str,
    rows: Sequence[Mapping[str, Any]],
    rules: Rules,
    *,
    on: Grounds | None = None,
) -> Board:
    """Order the targets of one workload among each other.

    Args:
        con: the open snapshot.
        workload_id: the workload.
        rows: rows of `warehouse.query.ranked` by the same metric, all of this workload: the board. Targets that are
            left out of them count in no band.
        rules: what is asked.
        on: the `grounds` of these targets under these rules, where they are known; boards by several metrics share
            them. Worked out, if None.

    Raises:
        WarehouseError: there is no such metric.
    """
    found = on or grounds(con, workload_id, [row["target_id"] for row in rows], rules)
    trials, verdicts = found.trials, found.verdicts
    failing = {target_id for target_id, verdict in verdicts.items() if verdict.standing == "fails"}
    admitted = [row["target_id"] for row in rows if _may_rank(row, rules) and row["target_id"] not in failing]
    weighed: dict[str, Weighed] = {}
    leeways: tuple[Leeway, ...] = ()
    if rules.weights is None:
        bands = {band.target_id: band for band in bands_over(con, trials, admitted, by=rules.by)}
    else:
        board = weighed_board(con, trials, admitted, rules.weights)
        weighed, leeways = {one.target_id: one for one in board.targets}, board.leeways
        bands = {target_id: one.band for target_id, one in weighed.items()}
    newest_at = max((row["measured_at"] for row in rows), default=None)
    places = []
    for row in rows:
        target_id = row["target_id"]
        band = bands.get(target_id)
        if target_id in failing:
            band = RankBand(target_id=target_id, reason=why_failing(verdicts[target_id], rules.limits))
        elif band is None:
            reason = f"{metric(rules.by).title} is not known" if is_fit(row) else why_unfit(row)
            band = RankBand(target_id=target_id, reason=reason)
        elif band.reason == UNCOMPARED and newest_at is not None and row["measured_at"] <= newest_at - rules.window:
            band = replace(band, reason=f"not measured within {_span(rules.window)} of the newest night")
        places.append(
            Place(
                target_id=target_id,
                row=row,
                band=band,
                verdict=verdicts.get(target_id),
                weighed=weighed.get(target_id),
            )
        )
    places.sort(key=lambda place: (place.band.place is None, place.band.place or 0))  # stable: else as the rows stood
    return Board(workload_id=workload_id, places=tuple(places), leeways=leeways)


def published_boards(data_dir: Path, rules: Rules, *, workload_id: str | None = None) -> list[Board]:
    """The boards of the published snapshot, by workload, with providers compared unless weights order them.

    Raises:
        WarehouseError: nothing is published, or there is no such metric.
    """
    with open_published(data_dir) as con:
        rows = ranked(con, by=rules.by, any_grade=rules.any_grade, workload_id=workload_id)
        boards = [
            decided(con, workload, [row for row in rows if row["workload_id"] == workload], rules)
            for workload in dict.fromkeys(row["workload_id"] for row in rows)
        ]
        if rules.weights is not None:
            return boards
        how: Any = {"by": rules.by, "any_grade": rules.any_grade, "window": rules.window}
        return [replace(board, providers=tuple(provider_ratios(con, [board.workload_id], **how))) for board in boards]


def banded_rows(
    data_dir: Path, *, by: str = DEFAULT_METRIC, any_grade: bool = False, window: timedelta = WINDOW
) -> list[dict[str, Any]]:
    """`flat_rows` of the published boards, ordered by one metric."""
    return flat_rows(published_boards(data_dir, Rules(by=by, any_grade=any_grade, window=window)))


def flat_rows(boards: Iterable[Board]) -> list[dict[str, Any]]:
    """A dict for each target of each board, as scripts read it.

    Returns:
        The columns of the view leaderboard, of the last measurement; `rank`, the place by the typical figure of the
        nights, between `rank_low` and `rank_high`, None if it is not ranked; `last_rank`, that by the last measurement
        alone; the fields of `RankBand`, of which `figure`, `low`, `high`, `nights`, `basis` and `reason` begin with
        `band_`; `service_level`, the fields of its `Verdict` or None; None without weights, `utility`, `contributions`,
        `dominated_by` and `leeways`, which are the same in all rows of a workload; and `provider_ratios`, its provider
        over each other one that shares a model with it.
    """
    return [
        {
            **_flat(place),
            "leeways": [asdict(leeway) for leeway in board.leeways] or None,
            "provider_ratios": [
                _seen_from(ratio, place.row["provider"])
                for ratio in board.providers
                if place.row["provider"] in (ratio.provider, ratio.other)
            ],
        }
        for board in boards
        for place in board.places
    ]


def why_failing(verdict: Verdict, limits: Limits | None) -> str:
    """Why a target is kept out, in words."""
    asked = "" if limits is None else f", {100 * limits.success_share:.4g} % are asked for ({limits})"
    return f"it fails the service level: {verdict.good} of {verdict.offered} attempts kept it{asked}"


def _may_rank(row: Mapping[str, Any], rules: Rules) -> bool:
    # what is ordered by weights need not be known in the metric that it would be ranked by
    return row["rank"] is not None if rules.weights is None else rules.any_grade or is_fit(row)


def _verdicts(
    con: "duckdb.DuckDBPyConnection",
    trials: Sequence[Mapping[str, Any]],
    target_ids: Collection[str],
    limits: Limits,
) -> dict[str, Verdict]:
    board = set(target_ids)
    trials_of: dict[str, list[str]] = {}
    for trial in trials:
        if trial["target_id"] in board:
            trials_of.setdefault(trial["target_id"], []).append(trial["trial_id"])
    return judged_together(con, trials_of, limits)


_RENAMED = {name: f"band_{name}" for name in ("figure", "low", "high", "nights", "basis", "reason")}


def _flat(place: Place) -> dict[str, Any]:
    band = {_RENAMED.get(name, name): value for name, value in asdict(place.band).items()}
    weighed = place.weighed
    return {
        **place.row,
        "rank": band.pop("place"),
        "last_rank": place.row["rank"],
        **band,
        "service_level": None if place.verdict is None else asdict(place.verdict),
        "utility": None if weighed is None else weighed.utility,
        "contributions": None if weighed is None else dict(weighed.contributions),
        "dominated_by": None if weighed is None else list(weighed.dominated_by),
    }


def _seen_from(ratio: ProviderRatio, provider: str) -> dict[str, Any]:
    """A ratio as that of one of its two providers over the other."""
    if provider == ratio.provider:
        seen = {"provider": ratio.other, "ratio": ratio.ratio, "low": ratio.low, "high": ratio.high}
    else:
        low, high = (None if end is None else 1 / end for end in (ratio.high, ratio.low))
        seen = {"provider": ratio.provider, "ratio": 1 / ratio.ratio, "low": low, "high": high}
    return {**seen, "models": list(ratio.models), "n_runs": ratio.n_runs}


def _span(window: timedelta) -> str:
    hours = window.total_seconds() / 3600
    return f"{hours:.4g} hours" if hours <= 72 else f"{hours / 24:.4g} days"
