"""How far targets can be depended on: served, down, slow or refused over a window, out of counts kept for each trial.

Attempts of one run share its moment, and an outage lasts longer than a run: intervals are over days (over runs in a
window of a few days), as if each had been drawn as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

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

_SEEN = """
    CREATE OR REPLACE TEMP TABLE reliability_seen AS
    SELECT *
    FROM reliability_trials
    WHERE
        workload_id = $workload_id
        AND started_at > (SELECT max(started_at) FROM reliability_trials WHERE workload_id = $workload_id) - $window
"""
_TARGETS = """
    SELECT
        target_id,
        arg_max(provider, started_at) AS provider,
        arg_max(model, started_at) AS model,
        arg_max(region, started_at) AS region,
        count(*) AS trials,
        count(*) FILTER (run_kind = 'pulse') AS pulses,
        sum(attempts)::BIGINT AS attempts,
        sum(ok)::BIGINT AS ok,
        sum(down_count)::BIGINT AS down_count,
        sum(limited_count)::BIGINT AS limited_count,
        sum(own_count)::BIGINT AS own_count,
        sum(chunked_tokens) / nullif(sum(chunks), 0) AS tokens_per_chunk_ratio,
        min(started_at) AS oldest_at,
        max(started_at) AS newest_at,
        max(started_at) FILTER (down_count + limited_count > 0) AS last_failure_at
    FROM reliability_seen
    WHERE attempts > 0
    GROUP BY target_id
    ORDER BY target_id
"""
_BLOCKS = """
    SELECT
        target_id,
        CASE WHEN $by_run THEN run_id ELSE (started_at AT TIME ZONE 'UTC')::DATE::VARCHAR END AS block,
        sum(ok) AS ok,
        sum(down_count) AS down_count,
        sum(limited_count) AS limited_count,
        sum(offered_attempts) AS offered_attempts,
        sum(good_count) AS good_count
    FROM reliability_seen
    WHERE attempts > 0
    GROUP BY ALL
    ORDER BY target_id, block
"""
_ERRORS = """
    SELECT target_id, error_class, sum(failures)::BIGINT AS failures
    FROM (
        SELECT
            target_id,
            unnest(map_keys(errors)) AS error_class,
            unnest(map_values(errors)) AS failures
        FROM reliability_seen
    )
    GROUP BY ALL
    ORDER BY target_id, failures DESC, error_class
"""
# Of the probes of a target only those at which its state changes, and those beside: nothing else moves an outage.
_STATES = """
    WITH probes AS (
        SELECT target_id, started_at, ok >= $down_below * (ok + down_count) AS up
        FROM reliability_seen
        WHERE ok + down_count > 0
    ),

    beside AS (
        SELECT
            *,
            lag(up) OVER (PARTITION BY target_id ORDER BY started_at) AS before,
            lead(up) OVER (PARTITION BY target_id ORDER BY started_at) AS after
        FROM probes
    )

    SELECT target_id, started_at, up
    FROM beside
    WHERE up IS DISTINCT FROM before OR up IS DISTINCT FROM after
    ORDER BY target_id, started_at
"""
_DAYS = """
    SELECT
        target_id,
        CASE
            WHEN $by_week THEN date_trunc('week', started_at AT TIME ZONE 'UTC')::DATE
            ELSE (started_at AT TIME ZONE 'UTC')::DATE
        END AS day_on,
        count(*) AS trials,
        sum(attempts)::BIGINT AS attempts,
        sum(ok)::BIGINT AS ok,
        sum(down_count)::BIGINT AS down_count,
        sum(limited_count)::BIGINT AS limited_count,
        sum(own_count)::BIGINT AS own_count
    FROM reliability_seen
    WHERE attempts > 0
    GROUP BY ALL
    ORDER BY target_id, day_on
"""
# What was planned in the window and never sent an attempt in it, with the newest reason that is known.
_ABSENT = """
    WITH planned AS (
        SELECT p.target_id, p.skip_reason, r.started_at, 'skipped' AS outcome
        FROM planned_trials AS p
        INNER JOIN runs AS r USING (run_id)
        WHERE p.workload_id = $workload_id AND p.skip_reason IS NOT NULL
        UNION ALL
        SELECT target_id, coalesce(status_reason, status), started_at, 'failed'
        FROM reliability_seen
        WHERE attempts = 0
    )

    SELECT
        target_id,
        arg_max(skip_reason, started_at) AS reason,
        arg_max(outcome, started_at) AS outcome,
        max(started_at) AS newest_at
    FROM planned
    ANTI JOIN (SELECT target_id FROM reliability_seen WHERE attempts > 0) USING (target_id)
    GROUP BY target_id
    ORDER BY target_id
"""
_PULSES = """
    SELECT count(*) AS pulses, count(*) FILTER (e.state = 'skipped') AS skipped, min(e.reason) AS reason
    FROM runs AS r
    LEFT JOIN (
        SELECT *
        FROM run_ends
        QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC) = 1
    ) AS e USING (run_id)
    WHERE r.run_kind = 'pulse' AND r.started_at >= (SELECT min(started_at) FROM reliability_seen)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """One target under one workload over a window.

    `uptime` is ok / (ok + failed by the provider); `served` counts refusals for the rate as failures too; `good` is the
    share that met the service level. Faults of this client are in none of the first two. `down_since_at` is the first
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

    `blocks` says over what the intervals are: days or runs; `day_length` is 1 or 7 days.
    """

    targets: Sequence[Reliability]
    days: Sequence[Mapping[str, Any]]
    absent: Sequence[Mapping[str, Any]]
    blocks: str
    day_length: int
    pulses: int
    pulses_skipped: int
    pulses_skipped_reason: str | None


def reliability(con: "duckdb.DuckDBPyConnection", workload_id: str, window: timedelta) -> ReliabilityReport:
    """How far each target of a workload could be depended on in the window that ends with its newest trial.

    Args:
        con: an open snapshot; counts of its trials are read, not their attempts.
        workload_id: the workload.
        window: how far back.
    """
    by_run, by_week = window <= _BY_RUN_UP_TO, window > timedelta(days=60)
    con.execute(_SEEN, {"workload_id": workload_id, "window": window}).fetchall()
    try:
        rows = dicts(con.execute(_TARGETS))
        blocks = _by_target(dicts(con.execute(_BLOCKS, {"by_run": by_run})))
        errors = _by_target(dicts(con.execute(_ERRORS)))
        states = _by_target(dicts(con.execute(_STATES, {"down_below": DOWN_BELOW_SHARE})))
        days = dicts(con.execute(_DAYS, {"by_week": by_week}))
        absent = dicts(con.execute(_ABSENT, {"workload_id": workload_id}))
        (pulses,) = dicts(con.execute(_PULSES))
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
