"""Accounts: joules, dollars and grams of every trial that has none yet, computed and stored.

An account is a row that names its method, the version of the method, the facts it used and where they came from. A
trial is accounted once under a version; a later accounting stands beside the earlier one and is what the views read.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from warehouse.account_rows import account_row, energy_row, insert_accounts
from warehouse.accounting import (
    Fact,
    Tokens,
    TrialFacts,
    cost_accounts,
    emission_accounts,
    endpoint_energy,
    total_energy,
)
from warehouse.meter_readings import meters_of
from warehouse.metering import energy_accounts
from warehouse.writer import LOCK_TIMEOUT_S, open_warehouse, transaction

if TYPE_CHECKING:
    import duckdb

# Change it with any change of a formula or rule of the accounting: every trial is then accounted anew.
METHOD_VERSION = "1"
# Trials whose power samples are held in memory together.
_TRIALS_AT_ONCE = 200

_TOKENS = """
    SELECT
        trial_id,
        coalesce(sum(prompt_tokens), 0)::BIGINT AS prompt_tokens,
        coalesce(sum(cached_tokens), 0)::BIGINT AS cached_tokens,
        coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens,
        count(*) FILTER (ok AND (prompt_tokens IS NULL OR output_tokens IS NULL)) AS uncounted_ok,
        count(*) FILTER (NOT ok AND (prompt_tokens IS NULL OR output_tokens IS NULL)) AS uncounted_failed
    FROM attempt_metrics
    WHERE trial_id IN (SELECT unnest(?))
    GROUP BY trial_id
"""


def account(data_dir: Path, *, recompute: bool = False, lock_timeout_s: float = LOCK_TIMEOUT_S) -> int:
    """Account every loaded trial that has no account under the current method version; `load` does so for new ones.

    Args:
        data_dir: the data folder.
        recompute: account every trial anew; the earlier accounts stay beside.
        lock_timeout_s: how long to wait for another writer, seconds.

    Returns:
        How many trials were accounted.

    Raises:
        WarehouseError: another process holds the warehouse for longer, or its file cannot be used.
    """
    with open_warehouse(data_dir, lock_timeout_s=lock_timeout_s) as con, transaction(con):
        return account_trials(con, recompute=recompute)


def account_trials(con: "duckdb.DuckDBPyConnection", *, recompute: bool = False) -> int:
    """The same on an open connection, inside the caller's transaction."""
    pending = [
        trial_id
        for (trial_id,) in con.execute(
            "SELECT trial_id FROM trials WHERE ? OR trial_id NOT IN"
            " (SELECT trial_id FROM energy_accounts WHERE method_version = ?) ORDER BY started_at, trial_id",
            [recompute, METHOD_VERSION],
        ).fetchall()
    ]
    recorded_at = datetime.now(UTC)
    for start in range(0, len(pending), _TRIALS_AT_ONCE):
        _account_some(con, pending[start : start + _TRIALS_AT_ONCE], recorded_at)
    return len(pending)


def _account_some(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str], recorded_at: datetime) -> None:
    facts = _facts(con, trial_ids)
    tokens = _tokens(con, trial_ids)
    meters = meters_of(con, trial_ids)
    of_now: _Stamp = {"method_version": METHOD_VERSION, "recorded_at": recorded_at}
    energy_rows: list[dict[str, Any]] = []
    cost_rows: list[dict[str, Any]] = []
    emission_rows: list[dict[str, Any]] = []
    for trial_id, kind, start_ns, end_ns in con.execute(
        "SELECT trial_id, kind, window_start_ns, window_end_ns FROM trials WHERE trial_id IN (SELECT unnest(?))"
        " ORDER BY trial_id",
        [list(trial_ids)],
    ).fetchall():
        has_window = start_ns is not None and end_ns is not None
        trial = TrialFacts(
            kind=kind,
            window_s=(end_ns - start_ns) / 1e9 if has_window else None,
            tokens=tokens.get(trial_id, _NO_TOKENS),
            facts=facts.get(trial_id, {}),
        )
        if kind == "endpoint":
            energies = [endpoint_energy(trial)]
            metered_s = None  # joules per token were stated: dividing them by our window would be no power
        else:
            energies = energy_accounts(meters.get(trial_id, []), start_ns, end_ns)
            metered_s = trial.window_s
        total = total_energy(energies)
        energy_rows += [energy_row(trial_id, metered_s, each, **of_now) for each in energies]
        cost_rows += [account_row(trial_id, "cost_usd", each, **of_now) for each in cost_accounts(trial, total)]
        emission_rows += [
            account_row(trial_id, "emissions_gco2e", each, **of_now) for each in emission_accounts(trial, total)
        ]
    insert_accounts(con, "energy_accounts", energy_rows)
    insert_accounts(con, "cost_accounts", cost_rows)
    insert_accounts(con, "emission_accounts", emission_rows)


class _Stamp(TypedDict):
    method_version: str
    recorded_at: datetime


_NO_TOKENS = Tokens(prompt_tokens=0, cached_tokens=0, output_tokens=0, uncounted_ok=0, uncounted_failed=0)


def _facts(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str]) -> dict[str, dict[str, Fact]]:
    found: dict[str, dict[str, Fact]] = {}
    for trial_id, quantity, low, central, high, basis, valid_from, source, ledger, ledger_key, version in con.execute(
        "SELECT trial_id, quantity, low, central, high, basis, valid_from, source, ledger, ledger_key, factor_version"
        " FROM trial_facts"
        " WHERE trial_id IN (SELECT unnest(?))",
        [list(trial_ids)],
    ).fetchall():
        found.setdefault(trial_id, {})[quantity] = Fact(
            quantity=quantity,
            low=low,
            central=central,
            high=high,
            basis=basis,
            valid_from=valid_from,
            source=source,
            ledger=ledger,
            ledger_key=ledger_key,
            factor_version=version,
        )
    return found


def _tokens(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str]) -> dict[str, Tokens]:
    return {
        trial_id: Tokens(
            prompt_tokens=prompt, cached_tokens=cached, output_tokens=output, uncounted_ok=ok, uncounted_failed=failed
        )
        for trial_id, prompt, cached, output, ok, failed in con.execute(_TOKENS, [list(trial_ids)]).fetchall()
    }
