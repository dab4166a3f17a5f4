"""What an accounting changed: each trial's latest figures beside those of the accounting before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.query import dicts, open_published

if TYPE_CHECKING:
    import duckdb

# Each figure with the table it is a sum over, and which rows of it count.
_FIGURES = (
    ("energy_j", "energy_accounts", "energy_j", "in_total"),
    ("usd", "cost_accounts", "cost_usd", "TRUE"),
    ("operational_gco2e", "emission_accounts", "emissions_gco2e", "component = 'operational'"),
    ("operational_market_gco2e", "emission_accounts", "emissions_gco2e", "component = 'operational_market'"),
    ("embodied_gco2e", "emission_accounts", "emissions_gco2e", "component = 'embodied'"),
    ("water_l", "impact_accounts", "impact_value", "impact = 'water_l'"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorChange:
    """A factor that an account rests on, before and now; None where it was not used."""

    quantity: str
    old: float | None
    new: float | None
    old_version: str | None
    new_version: str | None
    source: str  # of the new one, or of the old one where none is used now


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureChange:
    """A figure of a trial or job before and now, in the unit it is named with; `because` names what changed in it."""

    trial_id: str
    target_id: str | None  # None of a job
    figure: str
    old: float | None
    new: float | None
    old_method_version: str
    new_method_version: str
    because: tuple[FactorChange, ...]


def account_changes(data_dir: Path, *, since: datetime) -> list[FigureChange]:
    """Figures whose value or factors differ between a trial's latest account and the one before.

    Args:
        data_dir: the data folder.
        since: only accounts that were made at this instant or later.

    Raises:
        WarehouseError: nothing is published.
    """
    found = []
    with open_published(data_dir) as con:
        for figure, table, column, counted in _FIGURES:
            found += _changes(con, figure, table, column, counted, since)
    return sorted(found, key=lambda change: change.trial_id)


def _changes(
    con: "duckdb.DuckDBPyConnection", figure: str, table: str, column: str, counted: str, since: datetime
) -> list[FigureChange]:
    rows = dicts(
        con.execute(
            f"""
            SELECT
                a.trial_id,
                any_value(t.target_id) AS target_id,
                recorded_at,
                any_value(method_version) AS method_version,
                CASE WHEN count(*) = count({column}) THEN sum({column}) END AS amount,
                flatten(list(factors)) AS factors,
                dense_rank() OVER (PARTITION BY a.trial_id ORDER BY recorded_at DESC) AS nth
            FROM {table} AS a
            LEFT JOIN trials AS t USING (trial_id)
            WHERE {counted}
                AND a.trial_id IN (SELECT trial_id FROM {table} WHERE recorded_at >= ?)
            GROUP BY a.trial_id, recorded_at
            QUALIFY nth <= 2
            """,
            [since],
        )
    )
    latest = {row["trial_id"]: row for row in rows if row["nth"] == 1}
    return [
        change
        for row in rows
        if row["nth"] == 2 and (change := _change(figure, row, latest[row["trial_id"]])) is not None
    ]


def _change(figure: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> FigureChange | None:
    because = _factor_changes(before, now)
    if before["amount"] == now["amount"] and not because:
        return None
    return FigureChange(
        trial_id=now["trial_id"],
        target_id=now["target_id"],
        figure=figure,
        old=before["amount"],
        new=now["amount"],
        old_method_version=before["method_version"],
        new_method_version=now["method_version"],
        because=because,
    )


def _factor_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[FactorChange, ...]:
    old = {factor["quantity"]: factor for factor in before["factors"]}
    new = {factor["quantity"]: factor for factor in now["factors"]}
    differing = [
        name for name in dict.fromkeys((*new, *old)) if _figures_of(old.get(name)) != _figures_of(new.get(name))
    ]
    return tuple(
        FactorChange(
            quantity=name,
            old=None if name not in old else old[name]["central"],
            new=None if name not in new else new[name]["central"],
            old_version=None if name not in old else old[name]["factor_version"],
            new_version=None if name not in new else new[name]["factor_version"],
            source=(new.get(name) or old[name])["source"],
        )
        for name in differing
    )


def _figures_of(factor: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    return None if factor is None else (factor["low"], factor["central"], factor["high"], factor["factor_version"])
