"""Accounts as rows of their tables."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from warehouse.accounting import Account, EnergyAccount
from warehouse.accounting.impacts import Impact
from warehouse.accounting.spread import FigureSpread
from warehouse.formulas.uncertainty import DRAWS, SEED
from warehouse.tables import insert_dicts

if TYPE_CHECKING:
    import duckdb

# What an account keeps of a fact.
_FACTOR = ("quantity", "low", "central", "high", "basis", "valid_from", "source", "factor_version")


def accounting_instant(con: "duckdb.DuckDBPyConnection", table: str) -> datetime:
    """Now; just after the latest rows of an account table, if the clock was set back since: the latest is what counts.

    Args:
        con: a connection to the warehouse.
        table: a table with `recorded_at`.
    """
    ((latest_us,),) = con.execute(f"SELECT epoch_us(max(recorded_at)) FROM {table}").fetchall()
    now = datetime.now(UTC)
    if latest_us is None:
        return now
    return max(now, datetime.fromtimestamp(0, UTC) + timedelta(microseconds=latest_us + 1))


def energy_row(
    trial_id: str, window_s: float | None, of: EnergyAccount, *, method_version: str, recorded_at: datetime
) -> dict[str, Any]:
    """A row of `energy_accounts`; `window_s` is None where energy was not metered."""
    return account_row(trial_id, "energy_j", of, method_version=method_version, recorded_at=recorded_at) | {
        "in_total": of.in_total,
        "idle_j": of.idle_j,
        "active_j": of.active_j,
        "others_active_j": of.others_active_j,
        "idle_window_s": of.idle_window_s,
        "error_bound_j": of.error_bound_j,
        "window_s": window_s,
    }


def account_row(trial_id: str, unit: str, of: Account, *, method_version: str, recorded_at: datetime) -> dict[str, Any]:
    """A row of an account table whose figure is named `unit`."""
    return {
        "trial_id": trial_id,
        "component": of.component,
        f"{unit}_low": None if of.value is None else of.value.low,
        unit: None if of.value is None else of.value.central,
        f"{unit}_high": None if of.value is None else of.value.high,
        "basis": of.basis,
        "method": of.method,
        "method_version": method_version,
        "missing": of.missing,
        "note": of.note,
        "factors": [{name: getattr(fact, name) for name in _FACTOR} for fact in of.factors],
        "recorded_at": recorded_at,
    }


def impact_row(trial_id: str, of: Impact, *, method_version: str, recorded_at: datetime) -> dict[str, Any]:
    """A row of `impact_accounts`."""
    row = account_row(trial_id, "impact_value", of.account, method_version=method_version, recorded_at=recorded_at)
    return row | {"impact": of.impact}


def spread_row(trial_id: str, of: FigureSpread, *, method_version: str, recorded_at: datetime) -> dict[str, Any]:
    """A row of `uncertainty_accounts`."""
    known = of.spread
    return {
        "trial_id": trial_id,
        "figure": of.figure,
        "figure_p05": None if known is None else known.p05,
        "figure_p50": None if known is None else known.p50,
        "figure_p95": None if known is None else known.p95,
        "draws": None if known is None else DRAWS,
        "seed": None if known is None else SEED,
        "variance_shares": None
        if known is None
        else [{"quantity": quantity, "share": share} for quantity, share in known.variance_shares],
        "missing": of.missing,
        "method_version": method_version,
        "recorded_at": recorded_at,
    }


def insert_accounts(con: "duckdb.DuckDBPyConnection", table: str, account_rows: Sequence[Mapping[str, Any]]) -> None:
    """Store rows of one account table, all with the same columns."""
    insert_dicts(con, table, account_rows)
