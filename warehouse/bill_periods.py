"""Spans of time of which there is a bill: the last days, calendar weeks and months, any days, or a single run.

All of a run is on the bill of the day (UTC) on which it began: a night is never cut in two.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    import duckdb

FORMS = "7d, 2026-W47, 2026-11, 2026-11-01..2026-11-15, 2026-11-15 or the name of a run"
_LAST_DAYS = re.compile(r"([1-9]\d{0,3})d")
_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledRun:
    """A run that may be on a bill."""

    run_id: str
    kind: str  # night, bench or pulse
    on: date  # UTC day on which it began


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Some days, both ends among them, or a single run; `name` gives it back by `period_named`."""

    name: str
    first_on: date
    last_on: date
    run_ids: tuple[str, ...]
    days_with_runs: int
    run_id: str | None = None

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last_on - self.first_on).days + 1

    @property
    def words(self) -> str:
        """What it is, for people."""
        if self.run_id is not None:
            return self.run_id
        return str(self.first_on) if self.days == 1 else f"{self.first_on} to {self.last_on}"


def billed_runs(con: "duckdb.DuckDBPyConnection") -> list[BilledRun]:
    """Every run that has a trial, the oldest first.

    Args:
        con: a published snapshot.
    """
    return [
        BilledRun(run_id=run_id, kind=kind, on=on)
        for run_id, kind, on in con.execute(
            """
            SELECT
                t.run_id,
                coalesce(k.run_kind, 'night'),
                (coalesce(r.started_at, t.started_at) AT TIME ZONE 'UTC')::DATE
            FROM (SELECT run_id, min(started_at) AS started_at FROM trials GROUP BY run_id) AS t
            LEFT JOIN runs AS r USING (run_id)
            LEFT JOIN ad_hoc_runs AS k USING (run_id)
            ORDER BY coalesce(r.started_at, t.started_at), t.run_id
            """
        ).fetchall()
    ]


def last_days(runs: Sequence[BilledRun], days: int) -> tuple[Period, Period]:
    """The days before, and the last ones up to the newest run: not up to today, so an old warehouse has them too.

    Raises:
        WarehouseError: there is no run.
    """
    newest = _newest(runs)
    middle = newest - timedelta(days=days)
    before = _of_days(runs, middle - timedelta(days=days - 1), middle, name="")
    after = _of_days(runs, middle + timedelta(days=1), newest, name=f"{days}d")
    return before, after


def periods_of(runs: Sequence[BilledRun], names: Sequence[str]) -> tuple[Period, Period]:
    """What two names mean, the earlier first as it was given; of `7d` alone, the 7 days and the 7 before them.

    Raises:
        WarehouseError: a name means nothing here; says which forms do.
    """
    if len(names) == 1 and (found := _LAST_DAYS.fullmatch(names[0])):
        return last_days(runs, int(found[1]))
    if len(names) != 2:
        raise WarehouseError(
            f"a bill compares two spans of time, given {'is' if len(names) == 1 else 'are'}"
            f" {' and '.join(names) or 'none'}; give 7d for the last 7 days against those before, or two of {FORMS}"
        )
    return period_named(runs, names[0]), period_named(runs, names[1])


def period_named(runs: Sequence[BilledRun], name: str) -> Period:
    """What a name means.

    Args:
        runs: all that there are.
        name: `7d` (the last days), `2026-W47` (an ISO week), `2026-11`, `2026-11-01..2026-11-15`, a day, or a run.

    Raises:
        WarehouseError: it means nothing here.
    """
    of_run = [run for run in runs if run.run_id == name]
    if of_run:
        (run,) = of_run
        return Period(name=name, first_on=run.on, last_on=run.on, run_ids=(name,), days_with_runs=1, run_id=name)
    if found := _LAST_DAYS.fullmatch(name):
        return last_days(runs, int(found[1]))[1]
    try:
        ends = _ends(name)
    except (ValueError, OverflowError):
        ends = None  # no such week, month or day
    if ends is None or ends[1] < ends[0]:
        raise WarehouseError(f"{name!r} is neither a run of this warehouse nor a span of time; give {FORMS}")
    return _of_days(runs, *ends, name=name)


def _ends(name: str) -> tuple[date, date] | None:
    if found := _WEEK.fullmatch(name):
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        return monday, monday + timedelta(days=6)
    if found := _MONTH.fullmatch(name):
        first = date(int(found[1]), int(found[2]), 1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if found := _DAYS.fullmatch(name):
        return date.fromisoformat(found[1]), date.fromisoformat(found[2] or found[1])
    return None


def weeks(runs: Sequence[BilledRun]) -> list[str]:
    """ISO weeks in which a run began, the newest first."""
    return sorted({f"{year}-W{week:02d}" for run in runs for year, week, _ in [run.on.isocalendar()]}, reverse=True)


def months(runs: Sequence[BilledRun]) -> list[str]:
    """Months in which a run began, the newest first."""
    return sorted({f"{run.on:%Y-%m}" for run in runs}, reverse=True)


def _of_days(runs: Sequence[BilledRun], first: date, last: date, *, name: str) -> Period:
    inside = [run for run in runs if first <= run.on <= last]
    return Period(
        name=name or f"{first}..{last}",
        first_on=first,
        last_on=last,
        run_ids=tuple(run.run_id for run in inside),
        days_with_runs=len({run.on for run in inside}),
    )


def _newest(runs: Sequence[BilledRun]) -> date:
    if not runs:
        raise WarehouseError("no run has measured anything yet; there is a bill after the first `megatoken night`")
    return max(run.on for run in runs)
