"""What is known of grids by the hour: for who brings more of it, and for who wants to see it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warehouse.query import dicts, open_published
from warehouse.writer import LOCK_TIMEOUT_S, open_warehouse


def known_hours(
    data_dir: Path, *, zone: str, signal: str, source: str, lock_timeout_s: float = LOCK_TIMEOUT_S
) -> dict[datetime, float]:
    """The latest figure of each hour (its start, UTC) that one source has brought, gCO2e/kWh; loaded ones only.

    Raises:
        WarehouseError: another process holds the warehouse for longer, or its file cannot be used.
    """
    with open_warehouse(data_dir, lock_timeout_s=lock_timeout_s) as con:
        return {
            datetime.fromtimestamp(hour_s, UTC): intensity
            for hour_s, intensity in con.execute(
                "SELECT epoch(hour_at)::BIGINT, arg_max(gco2e_per_kwh, retrieved_at) FROM grid_hours"
                " WHERE zone = ? AND signal = ? AND source = ? GROUP BY hour_at",
                [zone, signal, source],
            ).fetchall()
        }


def coverage(data_dir: Path) -> list[dict[str, Any]]:
    """Rows of the published view `grid_coverage`, by zone.

    Raises:
        WarehouseError: nothing is published.
    """
    with open_published(data_dir) as con:
        return dicts(con.execute("SELECT * FROM grid_coverage ORDER BY zone, signal, source"))
