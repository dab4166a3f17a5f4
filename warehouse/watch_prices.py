"""Prices that changed between nights: what each night was priced by, which needs no statistics."""

from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from warehouse.changes import Change
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

_PRICES = """
    SELECT
        t.target_id,
        f.quantity,
        coalesce(r.started_at, t.started_at)::DATE AS night,
        arg_max(f.central, t.started_at) AS price,
        arg_max(f.source, t.started_at) AS source
    FROM trial_facts AS f
    INNER JOIN trials AS t USING (trial_id)
    SEMI JOIN cell_trials USING (trial_id)
    ANTI JOIN ad_hoc_runs USING (run_id)
    LEFT JOIN runs AS r USING (run_id)
    WHERE starts_with(f.quantity, 'price_usd_per_')
    GROUP BY ALL
    ORDER BY t.target_id, f.quantity, night
"""


def price_changes(con: "duckdb.DuckDBPyConnection") -> list[Change]:
    """Every night on which a target was priced by another amount than the night before."""
    found = dicts(con.execute(_PRICES))
    return [
        change
        for _, nights in groupby(found, key=lambda row: (row["target_id"], row["quantity"]))
        for change in _of_one(list(nights))
    ]


def _of_one(nights: list[dict[str, Any]]) -> Iterator[Change]:
    stretches = [list(stretch) for _, stretch in groupby(nights, key=lambda row: row["price"])]
    for before, after in pairwise(stretches):
        first = after[0]
        yield Change(
            target_id=first["target_id"],
            workload_id=None,
            metric_id=first["quantity"],
            change_kind="price",
            changed_on=first["night"],
            earliest_on=first["night"],
            latest_on=first["night"],
            value_before=before[0]["price"],
            value_after=first["price"],
            before_nights=len(before),
            after_nights=len(after),
            is_better=first["price"] < before[0]["price"],
            hints=(f"source: {first['source']}",),
        )
