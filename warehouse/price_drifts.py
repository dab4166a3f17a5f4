"""Where sources disagree about a price that a run was billed at: endpoints in use, in the tier in which they serve."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.query import open_published

if TYPE_CHECKING:
    import duckdb

# Sources that differ by more disagree; less is rounding.
DRIFT_SHARE = 0.05
_IN_USE = """
    WITH used AS (
        SELECT DISTINCT
            t.target_id,
            t.provider,
            t.model,
            coalesce(nullif(split_part(f.ledger_key, '#', 2), ''), 'standard') AS service_tier
        FROM trials AS t
        LEFT JOIN trial_facts AS f ON f.trial_id = t.trial_id AND f.quantity = 'price_usd_per_output_mtok'
        WHERE t.run_id = $run_id AND t.kind = 'endpoint'
    )

    SELECT target_id, amount, ruling_origin, ruling_usd, other_origin, other_usd, difference_share
    FROM price_drift
    INNER JOIN used USING (target_id, provider, model, service_tier)
    WHERE coalesce(abs(difference_share) > $share, TRUE)
    ORDER BY abs(difference_share) DESC NULLS FIRST, target_id, amount
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedDrift:
    """One price in use about which two sources disagree; `difference_share` is None where the other's is 0."""

    target_id: str
    amount: str
    ruling_origin: str
    ruling_usd: float
    other_origin: str
    other_usd: float
    difference_share: float | None


def drifts_in_use(con: "duckdb.DuckDBPyConnection", run_id: str, *, share: float = DRIFT_SHARE) -> list[UsedDrift]:
    """The disagreements about prices of a run's targets today, the largest first.

    Args:
        con: a snapshot.
        run_id: the run.
        share: smaller differences, of the other price, are none.
    """
    found = con.execute(_IN_USE, {"run_id": run_id, "share": share}).fetchall()
    names = UsedDrift.__slots__
    return [UsedDrift(**dict(zip(names, row, strict=True))) for row in found]


def published_drifts(data_dir: Path, run_id: str) -> list[UsedDrift]:
    """The same of the published snapshot.

    Raises:
        WarehouseError: nothing is published.
    """
    with open_published(data_dir) as con:
        return drifts_in_use(con, run_id)
