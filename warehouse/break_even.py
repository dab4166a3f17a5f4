"""Break-even of a local target against each API on the board of the same workload that meets the service level."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warehouse.errors import WarehouseError
from warehouse.formulas.breakeven import (
    BreakEven,
    break_even,
    capacity_mtok_per_month,
    owned_usd_per_month,
    rented_usd_per_month,
)
from warehouse.formulas.interval import Interval, between
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

# Part of the offered requests that must have met the service level for an API to be an alternative.
MIN_GOODPUT_SHARE = 0.95

# of the latest trial of each target under each workload, and of its facts
_BOARD = """
    SELECT
        b.trial_id,
        b.target_id,
        b.workload_id,
        b.kind,
        b.model,
        b.goodput_share,
        b.output_tokens_per_s_low,
        b.output_tokens_per_s,
        b.output_tokens_per_s_high,
        b.usd_per_output_mtok_low,
        b.usd_per_output_mtok,
        b.usd_per_output_mtok_high,
        c.hardware_usd IS NULL AS is_by_token,
        c.reason AS cost_reason,
        o.output_tokens
    FROM leaderboard AS b
    LEFT JOIN cost AS c USING (trial_id)
    LEFT JOIN trial_outcomes AS o USING (trial_id)
    WHERE $workload IS NULL OR b.workload_id = $workload
    ORDER BY b.workload_id, b.target_id
"""
_ELECTRICITY = """
    SELECT cost_usd_low, cost_usd, cost_usd_high, missing
    FROM cost_accounts
    WHERE trial_id = ? AND component = 'electricity'
    QUALIFY rank() OVER (ORDER BY recorded_at DESC) = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMachine:
    """What a local target costs and makes under a workload; `missing` says what is not known of it."""

    target_id: str
    workload_id: str
    model: str
    goodput_share: float | None
    fixed_usd_per_month: Interval | None
    usd_per_output_mtok: Interval | None  # what a million output tokens add: electricity
    capacity_mtok: Interval | None  # output tokens a month
    missing: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One API beside it; `result` is None where they cannot be compared, and `reason` says why."""

    target_id: str
    model: str
    goodput_share: float | None
    usd_per_output_mtok: Interval | None
    result: BreakEven | None
    reason: str | None


def break_evens(
    con: "duckdb.DuckDBPyConnection",
    target_id: str,
    *,
    workload_id: str | None = None,
    min_goodput_share: float = MIN_GOODPUT_SHARE,
) -> list[tuple[OwnMachine, list[Comparison]]]:
    """The break-even volumes of a target, for each workload under which it was measured.

    Args:
        con: a published snapshot.
        target_id: a target whose hardware is declared.
        workload_id: only this workload.
        min_goodput_share: part of an API's requests that must have met the service level, 0 to 1.

    Raises:
        WarehouseError: there is no such target on the board, or it is bought by the token: says which are there.
    """
    board = dicts(con.execute(_BOARD, {"workload": workload_id}))
    own = [row for row in board if row["target_id"] == target_id]
    if not own:
        there = sorted({row["target_id"] for row in board if not _is_api(row)})
        raise WarehouseError(
            f"no target {target_id!r} is on the board{f' of {workload_id}' if workload_id else ''};"
            f" machines of your own there: {', '.join(there) or 'none'}"
        )
    if _is_api(own[0]):
        raise WarehouseError(
            f"{target_id} is bought by the token, so it has no break-even of its own; name a target that you serve"
        )
    found = []
    for row in own:
        machine = _machine(con, row)
        others = [each for each in board if each["workload_id"] == row["workload_id"] and _is_api(each)]
        found.append((machine, [_compare(machine, each, min_goodput_share) for each in others]))
    return found


def _is_api(row: dict[str, Any]) -> bool:
    return bool(row["kind"] == "endpoint" and row["is_by_token"])


def _machine(con: "duckdb.DuckDBPyConnection", row: dict[str, Any]) -> OwnMachine:
    facts = {
        quantity: between(low, central, high)
        for quantity, low, central, high in con.execute(
            "SELECT quantity, low, central, high FROM trial_facts WHERE trial_id = ?", [row["trial_id"]]
        ).fetchall()
    }
    missing: list[str] = []
    fixed = _fixed(facts, missing)
    electricity = _electricity(con, row, missing)
    capacity = None
    if row["output_tokens_per_s"] is None:
        missing.append("its speed is not known")
    elif "hardware_utilisation_share" not in facts:
        missing.append("no utilisation_share is declared in [site.hardware]")
    else:
        speed = between(row["output_tokens_per_s_low"], row["output_tokens_per_s"], row["output_tokens_per_s_high"])
        capacity = capacity_mtok_per_month(speed, facts["hardware_utilisation_share"])
    return OwnMachine(
        target_id=row["target_id"],
        workload_id=row["workload_id"],
        model=row["model"],
        goodput_share=row["goodput_share"],
        fixed_usd_per_month=fixed,
        usd_per_output_mtok=electricity,
        capacity_mtok=capacity,
        missing="; ".join(missing) or None,
    )


def _fixed(facts: dict[str, Interval], missing: list[str]) -> Interval | None:
    share = facts.get("hardware_share")
    if share is not None and "hardware_rent_usd_per_h" in facts:
        return rented_usd_per_month(facts["hardware_rent_usd_per_h"], share)
    if share is None or "hardware_usd" not in facts or "hardware_lifetime_s" not in facts:
        missing.append("its hardware is not declared in [site.hardware]")
        return None
    return owned_usd_per_month(facts["hardware_usd"], facts["hardware_lifetime_s"], share)


def _electricity(con: "duckdb.DuckDBPyConnection", row: dict[str, Any], missing: list[str]) -> Interval | None:
    found = con.execute(_ELECTRICITY, [row["trial_id"]]).fetchall()
    low, central, high, why = found[0] if found else (None, None, None, "it is not accounted yet")
    if central is None or not row["output_tokens"]:
        missing.append(f"the electricity of a token is not known: {why or 'it made no output tokens'}")
        return None
    output_mtok: float = row["output_tokens"] / 1e6
    return between(low, central, high) / output_mtok


def _compare(machine: OwnMachine, row: dict[str, Any], min_goodput_share: float) -> Comparison:
    price = None
    if row["usd_per_output_mtok"] is not None:
        price = between(row["usd_per_output_mtok_low"], row["usd_per_output_mtok"], row["usd_per_output_mtok_high"])
    result = None
    reason = machine.missing
    if row["goodput_share"] is None or row["goodput_share"] < min_goodput_share:
        met = "it is not known how many" if row["goodput_share"] is None else f"{row['goodput_share']:.0%}"
        reason = f"does not meet the service level: {met} of its requests did, {min_goodput_share:.0%} are asked"
    elif price is None:
        reason = f"price unknown: {row['cost_reason'] or 'no output tokens'}"
    elif machine.fixed_usd_per_month and machine.usd_per_output_mtok and machine.capacity_mtok:
        result = break_even(
            fixed_usd_per_month=machine.fixed_usd_per_month,
            own_usd_per_mtok=machine.usd_per_output_mtok,
            api_usd_per_mtok=price,
            capacity_mtok=machine.capacity_mtok,
        )
        reason = result.reason
    return Comparison(
        target_id=row["target_id"],
        model=row["model"],
        goodput_share=row["goodput_share"],
        usd_per_output_mtok=price,
        result=result,
        reason=reason,
    )
