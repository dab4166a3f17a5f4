"""What a report holds, read by the very queries of the pages: so a file and a page can never say two things."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from ui import (
    canary_snapshot,
    carbon_snapshot,
    method_snapshot,
    overview,
    overview_snapshot,
    prices_snapshot,
    ranking,
    ranking_snapshot,
    snapshot,
)
from warehouse.decision import Rules
from warehouse.errors import WarehouseError
from warehouse.price_shelf import Shelf
from warehouse.query import connect_snapshot, published_path
from warehouse.service_level import Limits, workload_limits

Record = Mapping[str, Any]
Level = Limits | Literal["own"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFigures:
    """One workload: `answers` are its boards by the key of each question, `limits` who may be an answer."""

    workload_id: str
    terms: Sequence[Record]
    limits: Limits | None
    answers: Mapping[str, Sequence[ranking.Entry]]
    missing: Sequence[ranking.Absent]
    reasons: Mapping[str, Record]
    emitted: Sequence[Record]
    changes: Sequence[Record]

    @property
    def measured_at(self) -> datetime | None:
        """When the newest of its targets was measured; None if none was."""
        first = next(iter(self.answers.values()), ())
        return max((entry.row["measured_at"] for entry in first), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A published snapshot as far as a report shows it; `window` counts back from its newest night."""

    snapshot_name: str
    published_at: datetime
    window: timedelta
    asked: Sequence[overview.Question]
    workloads: Sequence[WorkloadFigures]
    providers: Sequence[str]
    canaries: Mapping[str, Any]
    shelf: Shelf
    last_night: Record | None
    definitions: Mapping[str, str]
    methods: Sequence[Record]


def read_report(data_dir: Path, *, workload_id: str | None, window: timedelta, level: Level = "own") -> Report:
    """The figures of the published snapshot.

    Args:
        data_dir: where snapshots are published.
        workload_id: only this one; None for all.
        window: how far back from the newest night of a workload its nights count.
        level: the service level that an answer must keep; "own" for the one of each workload, None for none.

    Raises:
        WarehouseError: nothing is published or measured, or the workload is not there.
    """
    path = published_path(data_dir)
    known = snapshot.workloads(str(path))
    if not known:
        raise WarehouseError("the published snapshot holds no night yet, so there is nothing to report; run one first")
    if workload_id is not None and workload_id not in known:
        raise WarehouseError(f"--workload {workload_id} has not been measured; there are {', '.join(known)}")
    asked = overview.questions("p50")
    chosen = known if workload_id is None else [workload_id]
    shown = str(path)
    return Report(
        snapshot_name=path.name,
        published_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        window=window,
        asked=asked,
        workloads=[_workload(shown, one, asked, window, level) for one in chosen],
        providers=snapshot.providers(shown),
        canaries=canary_snapshot.verdicts(shown),
        shelf=prices_snapshot.shelf(shown),
        last_night=overview_snapshot.last_night(shown),
        definitions=method_snapshot.definitions(shown),
        methods=method_snapshot.methods(shown),
    )


def _workload(
    path: str, workload_id: str, asked: Sequence[overview.Question], window: timedelta, level: Level
) -> WorkloadFigures:
    limits = _own(path, workload_id) if level == "own" else level
    outcomes = snapshot.latest_outcomes(path, workload_id)
    answers = {}
    everything: list[dict[str, Any]] = []
    for question in asked:
        rules = Rules(by=question.by.id, limits=limits, window=window)
        everything = snapshot.leaderboard(path, question.by.id, workload_id, any_grade=False)
        board = ranking_snapshot.board(path, workload_id, rules, tuple(row["target_id"] for row in everything))
        answers[question.key] = ranking.entries(board, outcomes, question.by)
    return WorkloadFigures(
        workload_id=workload_id,
        terms=snapshot.workload_terms(path, workload_id),
        limits=limits,
        answers=answers,
        missing=ranking.absent(everything, outcomes),
        reasons={row["target_id"]: row for row in snapshot.unknown_reasons(path, workload_id)},
        emitted=carbon_snapshot.emitted(path, workload_id),
        changes=overview_snapshot.changes(path, workload_id, window),
    )


def _own(path: str, workload_id: str) -> Limits | None:
    con = connect_snapshot(Path(path))
    try:
        return workload_limits(con, workload_id)
    finally:
        con.close()
