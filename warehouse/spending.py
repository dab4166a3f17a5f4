"""What the pulses of a day have cost, counted from what landed: the limit of a day outlives any process."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from warehouse.writer import LOCK_TIMEOUT_S, open_warehouse

_SPENT = """
    WITH paid AS (
        SELECT
            trial_id,
            CASE WHEN count(*) = count(cost_usd) THEN sum(cost_usd) END AS usd
        FROM (
            SELECT *
            FROM cost_accounts
            QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
        )
        GROUP BY trial_id
    ),

    sent AS (
        SELECT
            trial_id,
            count(*) FILTER (a.phase = 'measured') AS measured,
            count(*) FILTER (a.phase = 'warmup') AS warmups
        FROM trials AS t
        INNER JOIN attempts AS a USING (trial_id)
        WHERE t.started_at >= $from_at AND t.started_at < $until_at
        GROUP BY trial_id
    )

    SELECT
        -- a warm-up is billed like a measured request
        p.usd * (1 + s.warmups / greatest(s.measured, 1)) AS usd,
        q.quote_usd_worst
    FROM trials AS t
    INNER JOIN runs AS r USING (run_id)
    INNER JOIN sent AS s USING (trial_id)
    LEFT JOIN paid AS p USING (trial_id)
    LEFT JOIN planned_trials AS q USING (run_id, target_id, workload_id)
    WHERE
        r.run_kind = 'pulse'
        AND r.config_name = $config_name
        AND r.run_id IS DISTINCT FROM $but_run_id
        AND t.started_at >= $from_at AND t.started_at < $until_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseSpending:
    """What trials of pulses came to on one UTC day: of `trials`, `unpriced` are counted with their worst case."""

    usd: float
    trials: int
    unpriced: int


def pulse_spending(
    data_dir: Path,
    day: date,
    *,
    config_name: str,
    but_run_id: str | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
) -> PulseSpending:
    """Cost of the pulses of one config on a UTC day, as far as they are loaded; rather too much than too little.

    Args:
        data_dir: the data folder.
        day: the UTC day in which their trials began.
        config_name: `[night] name` of the config: each has a limit of its own.
        but_run_id: a run that is left out, because it counts for itself.
        lock_timeout_s: how long to wait for a writer, seconds.

    Raises:
        WarehouseError: another process holds the warehouse for longer, or its file cannot be used.
    """
    from_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    asked = {
        "from_at": from_at,
        "until_at": from_at + timedelta(days=1),
        "config_name": config_name,
        "but_run_id": but_run_id,
    }
    with open_warehouse(data_dir, lock_timeout_s=lock_timeout_s) as con:
        found = con.execute(_SPENT, asked).fetchall()
    return PulseSpending(
        usd=sum((worst or 0.0) if usd is None else usd for usd, worst in found),
        trials=len(found),
        unpriced=sum(usd is None for usd, _ in found),
    )
