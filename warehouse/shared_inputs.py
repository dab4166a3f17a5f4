"""Random draws of the figures of trials whose inputs have ranges, with one draw for an input that trials share.

Two targets on one grid do not tie because the grid is uncertain: whatever it is, it is so for both. An input is shared
if both took it from the same row of a ledger, or declared the same range with the same source; the energy that a meter
models, if it is the same model of the same part of the same host. The range of a measured energy is what reading a
meter at instants can miss, which is another in each trial. What is said of an endpoint itself is its own.

A part of a figure is its inputs multiplied, so a draw of it is its central value times how far each input is drawn from
its own. A part whose stored range does not follow from its inputs that way is drawn as one input of its own.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from warehouse.accounting.quantities import DIVISORS
from warehouse.formulas.uncertainty import DRAWS, SEED, Floats, split_triangle
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

_ENERGY = ("energy_accounts", "energy_j", "in_total")
# metric -> table, column and condition of its parts
_PARTS = {
    "j_per_output_token": _ENERGY,
    "usd_per_output_mtok": ("cost_accounts", "cost_usd", "TRUE"),
    "operational_gco2e_per_output_mtok": ("emission_accounts", "emissions_gco2e", "component = 'operational'"),
    "embodied_gco2e_per_output_mtok": ("emission_accounts", "emissions_gco2e", "component = 'embodied'"),
}
_UPON_ENERGY = ("electricity", "operational")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Input:
    key: str
    low: float
    central: float
    high: float
    divides: bool = False

    def ratios(self) -> Floats:
        """Draws over the central value, or that over them."""
        drawn = split_triangle(_uniform(self.key), self.low, self.central, self.high) / self.central
        return np.asarray(1 / drawn if self.divides else drawn, dtype=np.float64)

    def ends(self) -> tuple[float, float]:
        """The least and the most that it multiplies a figure by."""
        low, high = self.low / self.central, self.high / self.central
        return (1 / high, 1 / low) if self.divides else (low, high)


def drawn_figures(con: "duckdb.DuckDBPyConnection", metric_id: str, trial_ids: Sequence[str]) -> Floats:
    """Draws of a figure of each trial, as a multiple of its central value.

    Args:
        con: a snapshot.
        metric_id: a metric of `warehouse.metrics` with a range of inputs.
        trial_ids: trials, each with a known figure.

    Returns:
        Shape (trials, `DRAWS`), in their order.
    """
    parts = _parts(con, _PARTS[metric_id], trial_ids)
    needs_energy = any(part["component"] in _UPON_ENERGY for of_trial in parts.values() for part in of_trial)
    energies = _parts(con, _ENERGY, trial_ids) if needs_energy else {}
    return np.stack([_drawn(parts[trial_id], energies.get(trial_id, [])) for trial_id in trial_ids])


def _parts(
    con: "duckdb.DuckDBPyConnection", of: tuple[str, str, str], trial_ids: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Parts of the latest account of each trial."""
    table, column, condition = of
    found = dicts(
        con.execute(
            f"""
            WITH latest AS (
                SELECT *
                FROM {table}
                WHERE trial_id IN (SELECT unnest(?))
                QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
            ),

            ledgers AS (
                SELECT trial_id, map(list(quantity), list(ledger || '/' || ledger_key)) AS ledger_keys
                FROM trial_facts
                WHERE ledger_key IS NOT NULL AND trial_id IN (SELECT unnest(?))
                GROUP BY trial_id
            )

            SELECT
                a.trial_id,
                t.target_id,
                t.host_id,
                t.kind,
                a.component,
                a.method,
                a.basis::VARCHAR AS basis,
                a.{column}_low AS low,
                a.{column} AS central,
                a.{column}_high AS high,
                a.factors,
                l.ledger_keys
            FROM latest AS a
            INNER JOIN trials AS t USING (trial_id)
            LEFT JOIN ledgers AS l USING (trial_id)
            WHERE {condition}
            ORDER BY ALL
            """,
            [list(trial_ids), list(trial_ids)],
        )
    )
    parts: dict[str, list[dict[str, Any]]] = {trial_id: [] for trial_id in trial_ids}
    for part in found:
        parts[part["trial_id"]].append(part)
    return parts


def _drawn(parts: Sequence[dict[str, Any]], energy: Sequence[dict[str, Any]]) -> Floats:
    total: float = sum(part["central"] for part in parts)
    if total == 0:
        return np.ones(DRAWS)
    summed = np.zeros(DRAWS)
    for part in parts:
        upon = energy if part["component"] in _UPON_ENERGY else ()
        summed += part["central"] * _part_ratios(part, upon)
    return summed / total


def _part_ratios(part: dict[str, Any], upon: Sequence[dict[str, Any]]) -> Floats:
    low, central, high = part["low"], part["central"], part["high"]
    if low == high or not central:
        return np.ones(DRAWS)
    inputs = [_input(part, factor) for factor in part["factors"] if factor["low"] is not None and factor["central"]]
    ends = [one.ends() for one in inputs if one.low < one.high]
    if upon:
        joules = sum(one["central"] for one in upon)
        ends.append((sum(one["low"] for one in upon) / joules, sum(one["high"] for one in upon) / joules))
    explained = math.prod(end[0] for end in ends), math.prod(end[1] for end in ends)
    if not np.allclose(explained, (low / central, high / central), rtol=1e-6):
        return _own(part).ratios()
    ratios = _drawn(upon, ()) if upon else np.ones(DRAWS)
    for one in inputs:
        if one.low < one.high:
            ratios = ratios * one.ratios()
    return ratios


def _input(part: dict[str, Any], factor: dict[str, Any]) -> _Input:
    quantity = factor["quantity"]
    low, central, high = factor["low"], factor["central"], factor["high"]
    ledger_key = (part["ledger_keys"] or {}).get(quantity)
    if quantity.startswith("energy_j of "):
        key = f"{quantity} by {part['method']} of {_owner(part)}"
    else:
        key = input_key(
            quantity,
            low=low,
            central=central,
            high=high,
            source=factor["source"],
            ledger_key=ledger_key,
            target_id=part["target_id"],
        )
    return _Input(key=key, low=low, central=central, high=high, divides=quantity in DIVISORS)


def input_key(
    quantity: str,
    *,
    low: float | None,
    central: float,
    high: float | None,
    source: str,
    ledger_key: str | None,
    target_id: str,
) -> str:
    """What makes a fact the same input in the figures of two targets: its row of a ledger, else all that it says."""
    if quantity.startswith("endpoint_"):
        return f"{quantity} of {target_id}"
    return f"{quantity} of {ledger_key}" if ledger_key is not None else f"{quantity} {low} {central} {high} {source}"


def _own(part: dict[str, Any]) -> _Input:
    """A part as one input."""
    key = f"{part['component']} by {part['method']} of {_owner(part)}"
    return _Input(key=key, low=part["low"], central=part["central"], high=part["high"])


def _owner(part: dict[str, Any]) -> str:
    """Whose figure it is: what is not measured, wrong in the same way for all that a host's method gave it of."""
    if part["basis"] == "measured":
        return str(part["trial_id"])
    return str(part["host_id"] if part["kind"] == "local" else part["target_id"])


@lru_cache(maxsize=256)
def _uniform(key: str) -> Floats:
    """Draws of an input, one in each of `DRAWS` equal parts of 0 to 1; the same for the same key."""
    random = np.random.default_rng([SEED, zlib.crc32(key.encode())])
    return np.asarray((random.permutation(DRAWS) + random.random(DRAWS)) / DRAWS, dtype=np.float64)
