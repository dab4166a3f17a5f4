"""Hours of grids, from the warehouse."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from warehouse.accounting.hourly import GridHour
from warehouse.formulas.interval import Interval

if TYPE_CHECKING:
    import duckdb

# Of every source its latest retrieval of an hour; the latest of them all is the central figure, the sources its range.
# Average, not marginal: an account of what was emitted, not of what another kWh would have added.
_HOURS = """
    WITH newest AS (
        SELECT zone, hour_at, source, gco2e_per_kwh, retrieved_at
        FROM grid_hours
        WHERE signal = 'average' AND zone IN (SELECT unnest(?::VARCHAR[]))
            AND hour_at BETWEEN to_timestamp(? * 3600) AND to_timestamp(? * 3600)
        QUALIFY row_number() OVER (PARTITION BY zone, hour_at, source ORDER BY retrieved_at DESC) = 1
    )

    SELECT
        zone,
        epoch(hour_at)::BIGINT // 3600,
        min(gco2e_per_kwh),
        arg_max(gco2e_per_kwh, (retrieved_at, source)),
        max(gco2e_per_kwh),
        string_agg(DISTINCT source, ' and ' ORDER BY source)
    FROM newest
    GROUP BY zone, hour_at
"""


def hours_of(
    con: "duckdb.DuckDBPyConnection", zones: Collection[str], first_hour: int, last_hour: int
) -> dict[str, dict[int, GridHour]]:
    """What is known of some zones by hour (hours since 1970 UTC); zones of which nothing is known are left out."""
    found: dict[str, dict[int, GridHour]] = {}
    for zone, hour, low, central, high, source in con.execute(
        _HOURS, [sorted(zones), first_hour, last_hour]
    ).fetchall():
        value = Interval(low=low, central=central, high=high)
        found.setdefault(zone, {})[hour] = GridHour(gco2e_per_kwh=value, source=source)
    return found
