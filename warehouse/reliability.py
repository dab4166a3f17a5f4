"""How far targets can be depended on: served, down, slow or refused over a window, out of counts kept for each trial.

Attempts of one run share its moment, and an outage lasts longer than a run: intervals are over days (over runs in a
window of a few days), as if each had been drawn as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse import reliability_queries as queries
from warehouse.formulas.availability import (
    DOWN_BELOW_SHARE,
    BetweenFailures,
    Repairs,
    between_failures,
    outages_of,
    repairs,
)
from warehouse.formulas.statistics import MIN_TRIALS, Estimate, share_interval
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

_BY_RUN_UP_TO = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """One target under one workload over a window.

    `uptime` is ok / (ok + failed by the provider); `served` counts refusals for the rate as failures too; `good` is the
    share of `offered_attempts` (attempts, and sends that were due) that met the service level: the rest failed, was
    refused or never sent, faults of this client among it, but for `slow_count`, answers that came slower or were sent
    late. Faults of this client are in none of the first two. `down_since_at` is the first
    of the failed probes that reach to the newest one; None if it is up.
    """

    target_id: str
    provider: str
    model: str
    region: str | None
    trials: int
    pulses: int
    attempts: int
    ok: int
    down_count: int
    limited_count: int
    own_count: int
    offered_attempts: int
    slow_count: int
    uptime: Estimate
    served: Estimate
    good: Estimate
    errors: Mapping[str, int]
    repairs: Repairs
    between: BetweenFailures
    down_since_at: datetime | None
    tokens_per_chunk_ratio: float | None
    oldest_at: datetime
    newest_at: datetime
    last_failure_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityReport:
    """All targets of a workload; `days` and `absent` are rows for a chart and a list, see the queries.

    `blocks` says over what the intervals are: days or runs; `day_length` is 1 or 7 days. `limits` are the service
    levels of its trials, the newest first: seconds to the first token, seconds a token.
    """

    targets: Sequence[Reliability]
    days: Sequence[Mapping[str, Any]]
    absent: Sequence[Mapping[str, Any]]
    blocks: str
    day_length: int
    pulses: int
    pulses_skipped: int
    pulses_skipped_reason: str | None
    limits: Sequence[tuple[float, float]] = ()


def reliability(con: "duckdb.DuckDBPyConnection", workload_id: str, window: timedelta) -> ReliabilityReport:
    """How far each target of a workload could be depended on in the window that ends with its newest trial.

    Args:
        con: an open snapshot; counts of its trials are read, not their attempts.
        workload_id: the workload.
        window: how far back.
    """
    by_run, by_week = window <= _BY_RUN_UP_TO, window > timedelta(days=60)
    con.execute(queries.SEEN, {"workload_id": workload_id, "window": window}).fetchall()
    try:
        rows = dicts(con.execute(queries.TARGETS))
        blocks = _by_target(dicts(con.execute(queries.BLOCKS, {"by_run": by_run})))
        errors = _by_target(dicts(con.execute(queries.ERRORS)))
        states = _by_target(dicts(con.execute(queries.STATES, {"down_below": DOWN_BELOW_SHARE})))
        days = dicts(con.execute(queries.DAYS, {"by_week": by_week}))
        absent = dicts(con.execute(queries.ABSENT, {"workload_id": workload_id}))
        (pulses,) = dicts(con.execute(queries.PULSES))
        limits = con.execute(queries.LIMITS).fetchall()
    finally:
        con.execute("DROP TABLE temp.reliability_seen").fetchall()
    return ReliabilityReport(
        targets=[_reliability(row, blocks, errors, states) for row in rows],
        days=days,
        absent=absent,
        blocks="runs" if by_run else "days",
        day_length=7 if by_week else 1,
        pulses=pulses["pulses"],
        pulses_skipped=pulses["skipped"],
        pulses_skipped_reason=pulses["reason"],
        limits=limits,
    )


Rows = Sequence[Mapping[str, Any]]


def _reliability(
    row: Mapping[str, Any], blocks: Mapping[str, Rows], errors: Mapping[str, Rows], states: Mapping[str, Rows]
) -> Reliability:
    target_id = row["target_id"]
    of_blocks = blocks[target_id]
    ok, down, limited, offered, good = (
        np.array([float(block[name]) for block in of_blocks])
        for name in ("ok", "down_count", "limited_count", "offered_attempts", "good_count")
    )
    seen = states.get(target_id, ())
    at_s, up = [state["started_at"].timestamp() for state in seen], [bool(state["up"]) for state in seen]
    outages = outages_of(at_s, up)
    ongoing = outages[-1] if outages and outages[-1].next_up_s is None else None
    return Reliability(
        **row,
        uptime=_share(ok, ok + down),
        served=_share(ok, ok + down + limited),
        good=_share(good, offered),
        errors={error["error_class"]: error["failures"] for error in errors.get(target_id, ())},
        repairs=repairs(outages),
        between=between_failures(at_s, up),
        down_since_at=None if ongoing is None else datetime.fromtimestamp(ongoing.first_down_s, UTC),
    )


def _share(good: Any, offered: Any) -> Estimate:  # noqa: ANN401 - arrays of shape (blocks,)
    return share_interval(good[offered > 0], offered[offered > 0], min_blocks=MIN_TRIALS)


def _by_target(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["target_id"], []).append(row)
    return found
