"""Accounts: joules, dollars and grams of every trial that has none yet, computed and stored.

An account is a row that names its method, the version of the method, the facts it used and where they came from. A
trial is accounted once under a version; a later accounting stands beside the earlier one and is what the views read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from warehouse.account_rows import (
    account_row,
    accounting_instant,
    energy_row,
    impact_row,
    insert_accounts,
    spread_row,
)
from warehouse.accounting import Account, Billed, Fact, Tokens, TrialFacts
from warehouse.accounting.cost import cost_accounts
from warehouse.accounting.emissions import emission_accounts
from warehouse.accounting.energy import endpoint_energy, total_energy
from warehouse.accounting.hourly import HOUR_NS, GridHour, Window, hourly_fact
from warehouse.accounting.impacts import impact_accounts
from warehouse.accounting.quantities import GRID, length_of
from warehouse.accounting.spread import figure_spreads
from warehouse.grid_hours import hours_of
from warehouse.meter_readings import meters_of
from warehouse.metering import Meter, energy_accounts
from warehouse.writer import LOCK_TIMEOUT_S, open_warehouse, transaction

if TYPE_CHECKING:
    import duckdb

# Change it with any change of a formula or rule of the accounting: every trial is then accounted anew.
METHOD_VERSION = "4"
# Trials whose power samples are held in memory together.
_TRIALS_AT_ONCE = 200

# What a fact of a ledger is today; the fact itself if nothing has changed, or if it was declared.
Refresh = Callable[[Fact], Fact]

_SUBJECTS = """
    SELECT trial_id, kind, started_at, window_start_ns, window_end_ns, clock_offset_start_ns FROM trials
    UNION ALL
    SELECT job_id, 'job', started_at, window_start_ns, window_end_ns, clock_offset_start_ns FROM jobs
"""
_TOKENS = """
    SELECT
        trial_id,
        coalesce(sum(prompt_tokens), 0)::BIGINT AS prompt_tokens,
        coalesce(sum(cached_tokens), 0)::BIGINT AS cached_tokens,
        coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens,
        coalesce(sum(cache_write_tokens), 0)::BIGINT AS cache_write_tokens,
        coalesce(
            sum(coalesce(search_units, 1)) FILTER (prompt_tokens IS NOT NULL OR search_units IS NOT NULL), 0
        )::BIGINT AS fees,
        count(*) FILTER (ok AND is_uncounted) AS uncounted_ok,
        count(*) FILTER (NOT ok AND is_uncounted) AS uncounted_failed,
        count(*) FILTER (ok AND is_uncounted AND search_units IS NOT NULL) AS searched_ok,
        count(*) FILTER (NOT ok AND is_uncounted AND search_units IS NOT NULL) AS searched_failed
    FROM (
        SELECT *, prompt_tokens IS NULL OR output_tokens IS NULL AS is_uncounted
        FROM attempt_metrics
        WHERE trial_id IN (SELECT unnest(?))
    )
    GROUP BY trial_id
"""
# of the trials whose price changes with the length of a prompt, and the lengths at which it does
_LONGER = """
    SELECT
        t.trial_id,
        t.above,
        sum(coalesce(search_units, 1))::BIGINT AS fees,
        sum(prompt_tokens)::BIGINT AS prompt_tokens,
        coalesce(sum(cached_tokens), 0)::BIGINT AS cached_tokens,
        coalesce(sum(cache_write_tokens), 0)::BIGINT AS cache_write_tokens,
        coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens
    FROM (SELECT unnest(?) AS trial_id, unnest(?::BIGINT[]) AS above) AS t
    INNER JOIN attempt_metrics AS a ON a.trial_id = t.trial_id AND a.prompt_tokens > t.above
    GROUP BY t.trial_id, t.above
"""


def account(
    data_dir: Path,
    *,
    recompute: bool = False,
    since: date | None = None,
    refresh: Refresh | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
) -> int:
    """Account every loaded trial and job that has no account under the current method; `load` does so for new ones.

    Args:
        data_dir: the data folder.
        recompute: account every trial anew; the earlier accounts stay beside.
        since: of them, those that began on that day (UTC) or later; all, if None.
        refresh: what to take for a fact in place of what landed; what landed, if None.
        lock_timeout_s: how long to wait for another writer, seconds.

    Returns:
        How many trials and jobs were accounted.

    Raises:
        WarehouseError: another process holds the warehouse for longer, or its file cannot be used.
    """
    with open_warehouse(data_dir, lock_timeout_s=lock_timeout_s) as con, transaction(con):
        return account_trials(con, recompute=recompute, since=since, refresh=refresh)


def account_trials(
    con: "duckdb.DuckDBPyConnection",
    *,
    recompute: bool = False,
    since: date | None = None,
    refresh: Refresh | None = None,
) -> int:
    """The same on an open connection, inside the caller's transaction."""
    from_at = None if since is None else datetime(since.year, since.month, since.day, tzinfo=UTC)
    pending = [
        trial_id
        for (trial_id,) in con.execute(
            f"""
            SELECT trial_id FROM ({_SUBJECTS})
            WHERE started_at >= coalesce($from_at::TIMESTAMPTZ, started_at)
                AND ($recompute OR trial_id NOT IN (
                    SELECT trial_id FROM energy_accounts WHERE method_version = $version
                ))
            ORDER BY started_at, trial_id
            """,
            {"recompute": recompute, "version": METHOD_VERSION, "from_at": from_at},
        ).fetchall()
    ]
    recorded_at = accounting_instant(con, "energy_accounts")
    for start in range(0, len(pending), _TRIALS_AT_ONCE):
        _account_some(con, pending[start : start + _TRIALS_AT_ONCE], recorded_at, refresh)
    return len(pending)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    trial_id: str
    kind: str
    window: Window | None
    facts: Mapping[str, Fact]
    meters: Sequence[Meter]


def _account_some(
    con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str], recorded_at: datetime, refresh: Refresh | None
) -> None:
    subjects = _subjects(con, trial_ids, refresh)
    tokens = _tokens(con, subjects)
    hours = _hours(con, subjects)
    of_now: _Stamp = {"method_version": METHOD_VERSION, "recorded_at": recorded_at}
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in _TABLES}
    for one in subjects:
        window = one.window
        window_s = None if window is None else (window.end_ns - window.start_ns) / 1e9
        facts, note = _with_hours(one, hours)
        trial = TrialFacts(
            kind="endpoint" if one.kind == "endpoint" else "local",
            window_s=window_s,
            tokens=tokens.get(one.trial_id, _NO_TOKENS),
            facts=facts,
        )
        if one.kind == "endpoint":
            energies = [endpoint_energy(trial)]
            metered_s = None  # joules per token were stated: dividing them by our window would be no power
        else:
            energies = energy_accounts(one.meters, *(window.start_ns, window.end_ns) if window else (None, None))
            metered_s = window_s
        total = total_energy(energies)
        costs, impacts = cost_accounts(trial, total), impact_accounts(trial, total)
        emissions = emission_accounts(trial, total, grid_note=note)
        rows["energy_accounts"] += [energy_row(one.trial_id, metered_s, each, **of_now) for each in energies]
        rows["cost_accounts"] += [account_row(one.trial_id, "cost_usd", each, **of_now) for each in costs]
        rows["emission_accounts"] += [
            account_row(one.trial_id, "emissions_gco2e", each, **of_now) for each in emissions
        ]
        rows["impact_accounts"] += [impact_row(one.trial_id, each, **of_now) for each in impacts]
        rows["uncertainty_accounts"] += [
            spread_row(one.trial_id, each, **of_now) for each in figure_spreads(total, costs, emissions, impacts)
        ]
    for table, new in rows.items():
        insert_accounts(con, table, new)


class _Stamp(TypedDict):
    method_version: str
    recorded_at: datetime


_TABLES = ("energy_accounts", "cost_accounts", "emission_accounts", "impact_accounts", "uncertainty_accounts")
_NO_TOKENS = Tokens(prompt_tokens=0, cached_tokens=0, output_tokens=0, uncounted_ok=0, uncounted_failed=0)


def _subjects(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str], refresh: Refresh | None) -> list[_Subject]:
    facts = _facts(con, trial_ids)
    if refresh is not None:
        facts = {name: {fact.quantity: refresh(fact) for fact in of.values()} for name, of in facts.items()}
    meters = meters_of(con, trial_ids)
    return [
        _Subject(
            trial_id=trial_id,
            kind=kind,
            window=None
            if start_ns is None or end_ns is None
            else Window(start_ns=start_ns, end_ns=end_ns, clock_offset_ns=offset_ns),
            facts=facts.get(trial_id, {}),
            meters=meters.get(trial_id, []),
        )
        for trial_id, kind, _, start_ns, end_ns, offset_ns in con.execute(
            f"SELECT * FROM ({_SUBJECTS}) WHERE trial_id IN (SELECT unnest(?)) ORDER BY trial_id", [list(trial_ids)]
        ).fetchall()
    ]


def _hours(con: "duckdb.DuckDBPyConnection", subjects: Sequence[_Subject]) -> dict[str, dict[int, GridHour]]:
    """What is known by the hour of the zones in which subjects stood, over the time in which they ran."""
    placed = [(window, zone) for one in subjects if (window := one.window) and (zone := _zone(one.facts))]
    spans = [
        (window.start_ns + window.clock_offset_ns, window.end_ns + window.clock_offset_ns)
        for window, _ in placed
        if window.clock_offset_ns is not None
    ]
    if not spans:
        return {}
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    return hours_of(con, {zone for _, zone in placed}, first // HOUR_NS, last // HOUR_NS)


def _zone(facts: Mapping[str, Fact]) -> str | None:
    """Zone of the grid; None where its intensity was declared, which then stands."""
    grid = facts.get(GRID)
    return grid.ledger_key if grid is not None and grid.basis != "declared" else None


def _with_hours(one: _Subject, hours: Mapping[str, Mapping[int, GridHour]]) -> tuple[Mapping[str, Fact], str | None]:
    """Facts with the intensity of the very hours where they are known, and what to know of it."""
    zone = _zone(one.facts)
    if zone is None or zone not in hours or one.window is None:
        return one.facts, None

    def between(start_ns: int, end_ns: int) -> Account | None:
        return total_energy(energy_accounts(one.meters, start_ns, end_ns)) if one.kind != "endpoint" else None

    found, note = hourly_fact(one.facts[GRID], hours[zone], one.window, between)
    return (one.facts if found is None else {**one.facts, GRID: found}), note


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


def _tokens(con: "duckdb.DuckDBPyConnection", subjects: Sequence[_Subject]) -> dict[str, Tokens]:
    longer = _longer(con, subjects)
    return {
        trial_id: Tokens(
            prompt_tokens=prompt,
            cached_tokens=cached,
            output_tokens=output,
            cache_write_tokens=written,
            fees=fees,
            uncounted_ok=ok,
            uncounted_failed=failed,
            searched_ok=searched_ok,
            searched_failed=searched_failed,
            longer=longer.get(trial_id, {}),
        )
        for trial_id, prompt, cached, output, written, fees, ok, failed, searched_ok, searched_failed in con.execute(
            _TOKENS, [[one.trial_id for one in subjects]]
        ).fetchall()
    }


def _longer(con: "duckdb.DuckDBPyConnection", subjects: Sequence[_Subject]) -> dict[str, dict[int, Billed]]:
    steps = [
        (one.trial_id, above)
        for one in subjects
        for above in sorted({length_of(quantity) or 0 for quantity in one.facts})
        if above
    ]
    if not steps:
        return {}
    found: dict[str, dict[int, Billed]] = {}
    for trial_id, above, fees, prompt, cached, written, output in con.execute(
        _LONGER, [[trial_id for trial_id, _ in steps], [above for _, above in steps]]
    ).fetchall():
        found.setdefault(trial_id, {})[above] = Billed(
            fees=fees,
            prompt_tokens=prompt,
            cached_tokens=cached,
            cache_write_tokens=written,
            output_tokens=output,
        )
    return found
