"""Paired differences: what attempts that were sent in one round say about two targets of a group, computed and stored.

A pair of trials is computed once under a version of the formulas; a pair waits until both its trials are loaded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse.formulas.statistics import METHOD_VERSION, paired_difference
from warehouse.intervals import columns, floats, insert_estimates

if TYPE_CHECKING:
    import duckdb

METRICS = ("ttft_s", "tpot_s", "e2e_s")

_PENDING = """
    SELECT a.group_id, a.trial_id AS trial_id_a, b.trial_id AS trial_id_b
    FROM trials AS a
    INNER JOIN trials AS b ON b.group_id = a.group_id AND b.trial_id > a.trial_id
    ANTI JOIN (SELECT * FROM paired_intervals WHERE method_version = ?) AS done
        ON done.trial_id_a = a.trial_id AND done.trial_id_b = b.trial_id
    ORDER BY ALL
"""
# a round is as old as its first send; a retry in a round is another attempt than the one that was paired
_ROUNDS = """
    SELECT
        trial_id,
        dense_rank() OVER (ORDER BY round_started_at, pair_id) - 1 AS round_number,
        ttft_s,
        tpot_s,
        e2e_s
    FROM (
        SELECT *, min(started_at) OVER (PARTITION BY pair_id) AS round_started_at
        FROM attempt_metrics
        WHERE group_id = ? AND pair_id IS NOT NULL AND ok AND retry_of IS NULL
    )
"""


def add_pairs(con: "duckdb.DuckDBPyConnection") -> int:
    """Store the differences of every pair of trials of a group that has none under the current version.

    Call it inside a transaction, on a connection whose views are written.

    Returns:
        How many pairs of trials were computed.
    """
    recorded_at = datetime.now(UTC)
    pending: dict[str, list[tuple[str, str]]] = {}
    for group_id, a, b in con.execute(_PENDING, [METHOD_VERSION]).fetchall():
        pending.setdefault(group_id, []).append((a, b))
    for group_id, pairs in pending.items():
        insert_estimates(con, "paired_intervals", list(_differences(con, group_id, pairs)), recorded_at)
    return sum(map(len, pending.values()))


def _differences(
    con: "duckdb.DuckDBPyConnection", group_id: str, pairs: Sequence[tuple[str, str]]
) -> Iterable[dict[str, Any]]:
    """A matrix a metric: a row a trial, a column a round, rounds in order of time."""
    served = columns(con.execute(_ROUNDS, [group_id]))
    trial_ids = sorted({trial_id for pair in pairs for trial_id in pair} | set(served["trial_id"]))
    row_of = {trial_id: number for number, trial_id in enumerate(trial_ids)}
    rows = np.array([row_of[trial_id] for trial_id in served["trial_id"]], dtype=np.int64)
    rounds = served["round_number"].astype(np.int64)
    for metric_id in METRICS:
        table = np.full((len(trial_ids), int(rounds.max(initial=-1)) + 1), np.nan)
        table[rows, rounds] = floats(served[metric_id])
        for a, b in pairs:
            key = {"group_id": group_id, "trial_id_a": a, "trial_id_b": b, "metric_id": metric_id}
            yield key | asdict(paired_difference(table[row_of[a]], table[row_of[b]]))
