"""The watch over nightly series: what changed, when, by how much, and what else differed around that night.

A load brings the figures, `record_changes` looks at all of them and writes down what it found for the next snapshot;
`changes` reads it. A shift that later nights do not bear out is gone from the next look.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from warehouse.changes import Change, Kind, named
from warehouse.formulas.change_points import METHOD_VERSION, Course, courses
from warehouse.formulas.level_scale import Scale
from warehouse.metrics import Metric
from warehouse.query import dicts
from warehouse.tables import insert_dicts
from warehouse.trial_digests import digest_trials
from warehouse.watch_hints import hinted
from warehouse.watch_prices import price_changes
from warehouse.watch_series import Board, board, least_change, series

if TYPE_CHECKING:
    import duckdb

__all__ = ["Change", "Kind", "Watch", "changes", "last_watch", "record_changes", "watch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The last look: its newest night, how many nights and series, and of how many there are too few nights yet."""

    watched_at: datetime
    newest_on: date | None
    nights: int
    watched_series: int
    short_series: int


def changes(con: "duckdb.DuckDBPyConnection", *, since: date | None = None) -> list[Change]:
    """What the last look found, the newest first; of one night what lasts before prices and odd nights.

    Args:
        con: an open snapshot.
        since: only what changed on this night (UTC date) or later.
    """
    found = con.execute(
        f"""
        SELECT {", ".join(field.name for field in fields(Change))}
        FROM changes
        WHERE ?::DATE IS NULL OR changed_on >= ?
        ORDER BY changed_on DESC, change_kind DESC, is_better, target_id, workload_id, metric_id
        """,
        [since, since],
    )
    return [Change(**(row | {"hints": tuple(row["hints"])})) for row in dicts(found)]


def last_watch(con: "duckdb.DuckDBPyConnection") -> Watch | None:
    """How the last look went; None if there was none."""
    rows = dicts(con.execute(f"SELECT {', '.join(field.name for field in fields(Watch))} FROM watches"))
    return Watch(**rows[0]) if rows else None


def record_changes(data_dir: Path) -> Watch:
    """Look at all series anew and write down what is found; to be published afterwards.

    Raises:
        WarehouseError: another process holds the warehouse, or its file cannot be used.
    """
    from warehouse.writer import open_warehouse, transaction

    with open_warehouse(data_dir) as con, transaction(con):
        digest_trials(con)
        return watch(con)


def watch(con: "duckdb.DuckDBPyConnection") -> Watch:
    """The same on an open warehouse whose trials are digested, in the caller's transaction."""
    of_board = board(con)
    found, looked_at, short = _found(of_board)
    found = [*hinted(con, found), *price_changes(con)]
    # what this look no longer finds is no change; the snapshots that said so keep it
    con.execute("DELETE FROM found_changes").fetchall()
    con.execute("DELETE FROM watches").fetchall()
    insert_dicts(con, "found_changes", [asdict(named(of)) | {"hints": list(of.hints)} for of in found])
    seen = Watch(
        watched_at=datetime.now(UTC),
        newest_on=of_board.nights[-1] if of_board.nights else None,
        nights=len(of_board.nights),
        watched_series=looked_at,
        short_series=short,
    )
    insert_dicts(con, "watches", [asdict(seen) | {"method_version": METHOD_VERSION}])
    return seen


def _found(of_board: Board) -> tuple[list[Change], int, int]:
    """Shifts and odd nights, how many series were looked at, and how many have too few nights."""
    lines = list(series(of_board))
    values = np.full((len(lines), len(of_board.nights)), np.nan)
    for row, (_, _, line, scale) in enumerate(lines):
        known = np.isfinite(line)
        values[row, known] = scale.to(line[known])
    least = np.array([scale.least_scale for _, _, _, scale in lines])
    found: list[Change] = []
    short = 0
    days = np.array([night.toordinal() for night in of_board.nights], dtype=np.int64)
    for (number, metric, _, scale), course in zip(lines, courses(values, least, days=days), strict=True):
        if course is None:
            short += 1
            continue
        of_course = _of_course(of_board.cells[number], metric, scale, course, of_board.nights)
        found += [change for change in of_course if _counts(change, metric)]
    return found, len(lines) - short, short


def _of_course(
    cell: tuple[str, str], metric: Metric, scale: Scale, course: Course, nights: Sequence[date]
) -> Iterator[Change]:
    up_is_better = metric.direction == "higher"
    for shift in course.shifts:
        yield Change(
            target_id=cell[0],
            workload_id=cell[1],
            metric_id=metric.id,
            change_kind="shift",
            changed_on=nights[shift.night],
            earliest_on=nights[shift.earliest],
            latest_on=nights[shift.latest],
            value_before=scale.back(shift.before),
            value_after=scale.back(shift.after),
            value_after_low=scale.back(shift.before + shift.low),
            value_after_high=scale.back(shift.before + shift.high),
            before_nights=shift.nights_before,
            after_nights=shift.nights_after,
            is_better=(shift.after > shift.before) == up_is_better,
        )
    for odd in course.odd_nights:
        yield Change(
            target_id=cell[0],
            workload_id=cell[1],
            metric_id=metric.id,
            change_kind="night",
            changed_on=nights[odd.night],
            earliest_on=nights[odd.night],
            latest_on=nights[odd.night],
            value_before=scale.back(odd.level),
            value_after=scale.back(odd.value),
            before_nights=odd.neighbours,
            after_nights=1,
            is_better=(odd.value > odd.level) == up_is_better,
        )


def _counts(change: Change, metric: Metric) -> bool:
    """Whether it is large enough: a fifth more and a fifth less than that are alike."""
    least = least_change(metric)
    if metric.unit != "share":
        least *= min(abs(change.value_before), abs(change.value_after))
    return abs(change.value_after - change.value_before) > least
