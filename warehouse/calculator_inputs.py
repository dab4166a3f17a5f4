"""What a month is reckoned from: the newest measurement of each target under a workload, its facts and its prices.

Reads the attempts of those trials only, however long the history is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from warehouse.accounting.account import Fact
from warehouse.accounting.quantities import HARDWARE_PRICE, INPUT_PRICE, OUTPUT_PRICE, RENT
from warehouse.formulas.interval import Interval, between
from warehouse.pricebook.entry import STANDARD, PriceEntry
from warehouse.pricebook.recorded import recorded_sources
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

_TRIALS = """
    WITH newest AS (
        SELECT *
        FROM trials AS t
        ANTI JOIN ad_hoc_runs USING (run_id)
        WHERE t.workload_id = $workload AND t.status IN ('completed', 'timed_out') AND t.search_id IS NULL
        QUALIFY row_number() OVER (
            PARTITION BY t.target_id ORDER BY t.started_at DESC, t.try_number DESC, t.trial_id DESC
        ) = 1
    ),

    -- not the view certificate, which reads every attempt for its evidence
    grades AS (
        SELECT trial_id, grade
        FROM certificates
        WHERE trial_id IN (SELECT trial_id FROM newest)
        QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC, method_version DESC) = 1
    ),

    counted AS (
        SELECT
            trial_id,
            count(*) FILTER (error_class IS NULL) AS served,
            -- one success with an unknown count makes the sum unknown, not smaller
            CASE WHEN count(*) FILTER (error_class IS NULL AND prompt_tokens IS NULL) = 0
                THEN sum(prompt_tokens) FILTER (error_class IS NULL) END AS prompt_tokens,
            coalesce(sum(cached_tokens) FILTER (error_class IS NULL), 0) AS cached_tokens,
            CASE WHEN count(*) FILTER (error_class IS NULL AND output_tokens IS NULL) = 0
                THEN sum(output_tokens) FILTER (error_class IS NULL) END AS output_tokens
        FROM attempts
        WHERE phase = 'measured' AND trial_id IN (SELECT trial_id FROM newest)
        GROUP BY trial_id
    ),

    found AS (
        SELECT target_id, found_rate_rps_low, found_rate_rps, found_rate_rps_high
        FROM searches
        WHERE workload_id = $workload AND kind = 'slo' AND found_rate_rps IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY target_id ORDER BY ended_at DESC) = 1
    ),

    weights AS (
        SELECT trial_id, prefill_weight_ratio, weight_source
        FROM attribution_accounts
        WHERE trial_id IN (SELECT trial_id FROM newest)
        QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
    )

    SELECT
        t.trial_id, t.target_id, t.provider, t.model, t.kind, t.host_id, t.region,
        t.started_at AS measured_at, g.grade, c.* EXCLUDE (trial_id), f.* EXCLUDE (target_id), w.* EXCLUDE (trial_id)
    FROM newest AS t
    LEFT JOIN grades AS g USING (trial_id)
    LEFT JOIN counted AS c USING (trial_id)
    LEFT JOIN found AS f ON f.target_id = t.target_id
    LEFT JOIN weights AS w ON w.trial_id = t.trial_id
    ORDER BY t.target_id
"""
_INTERVALS = """
    SELECT trial_id, metric_id, low, central, high
    FROM trial_intervals
    WHERE trial_id IN (SELECT unnest(?))
    QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
"""
_ENERGY = """
    SELECT
        trial_id, component, method, energy_j_low, energy_j, energy_j_high, idle_j, active_j, window_s, missing, basis
    FROM energy_accounts
    WHERE trial_id IN (SELECT unnest(?)) AND in_total
    QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
    ORDER BY trial_id, component
"""
_FACTS = """
    SELECT trial_id, quantity, low, central, high, basis, valid_from, source, ledger, ledger_key, factor_version
    FROM trial_facts
    WHERE trial_id IN (SELECT unnest(?))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyPart:
    """Energy of one component in the measured window; idle and active are None without an idle baseline."""

    key: str  # the same for trials whose readings are wrong in the same way
    energy_j: Interval
    idle_j: float | None
    active_j: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The newest trial of a target under a workload, and what was known then and is asked now."""

    trial_id: str
    target_id: str
    workload_id: str
    provider: str
    model: str
    kind: str
    host_id: str
    region: str | None = None
    measured_at: datetime
    grade: str | None
    requests: int  # that succeeded; the tokens are theirs, None where one of them was not counted
    prompt_tokens: float | None
    cached_tokens: float
    output_tokens: float | None
    facts: Mapping[str, Fact]
    sources: Sequence[Sequence[PriceEntry]]  # of prices, the one that rules first
    service_tier: str = STANDARD  # in which it was measured
    energy: Sequence[EnergyPart] = ()
    energy_missing: str | None = None
    energy_basis: str | None = None
    window_s: float | None = None
    figures: Mapping[str, Interval] = field(default_factory=dict)  # stored intervals by metric
    found_rate_rps: Interval | None = None  # the largest at which a search found its service level met
    prefill_ratio: float | None = None  # what a prompt token weighs beside an output token
    prefill_source: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether it costs electricity and hardware, as the account of a trial has it, and not tokens."""
        if INPUT_PRICE in self.facts or OUTPUT_PRICE in self.facts:
            return False
        return self.kind == "local" or RENT in self.facts or HARDWARE_PRICE in self.facts


def measured_targets(con: "duckdb.DuckDBPyConnection", workload_id: str) -> list[Measured]:
    """What is known of every target that was measured under a workload, by name.

    Args:
        con: a published snapshot.
        workload_id: the workload.
    """
    trials = dicts(con.execute(_TRIALS, {"workload": workload_id}))
    names = [trial["trial_id"] for trial in trials]
    figures: dict[str, dict[str, Interval]] = {}
    for trial_id, metric_id, low, central, high in con.execute(_INTERVALS, [names]).fetchall():
        if central is not None:
            figures.setdefault(trial_id, {})[metric_id] = between(low, central, high)
    energies: dict[str, list[dict[str, Any]]] = {}
    for row in dicts(con.execute(_ENERGY, [names])):
        energies.setdefault(row["trial_id"], []).append(row)
    facts: dict[str, dict[str, Fact]] = {}
    for row in dicts(con.execute(_FACTS, [names])):
        of_trial = facts.setdefault(row.pop("trial_id"), {})
        of_trial[row["quantity"]] = Fact(**row)
    prices = recorded_sources(con)
    return [
        _measured(
            trial,
            workload_id,
            facts.get(trial["trial_id"], {}),
            energies.get(trial["trial_id"], []),
            figures.get(trial["trial_id"], {}),
            prices.get((trial["target_id"], trial["provider"], trial["model"]), ()),
        )
        for trial in trials
    ]


def _measured(
    row: Mapping[str, Any],
    workload_id: str,
    facts: Mapping[str, Fact],
    energies: Sequence[Mapping[str, Any]],
    figures: Mapping[str, Interval],
    sources: Sequence[Sequence[PriceEntry]],
) -> Measured:
    unknown = [f"{each['component']} energy: {each['missing']}" for each in energies if each["energy_j"] is None]
    owner = row["host_id"] if row["kind"] == "local" else row["target_id"]
    output_price = facts.get(OUTPUT_PRICE)
    _, _, tier = ((output_price.ledger_key if output_price else None) or "").partition("#")
    rate = row["found_rate_rps"]
    return Measured(
        trial_id=row["trial_id"],
        target_id=row["target_id"],
        workload_id=workload_id,
        provider=row["provider"],
        model=row["model"],
        kind=row["kind"],
        host_id=row["host_id"],
        region=row["region"],
        measured_at=row["measured_at"],
        grade=row["grade"],
        requests=row["served"] or 0,
        prompt_tokens=_number(row["prompt_tokens"]),
        cached_tokens=_number(row["cached_tokens"]) or 0.0,
        output_tokens=_number(row["output_tokens"]),
        facts=facts,
        sources=sources,
        service_tier=tier or STANDARD,
        energy=()
        if unknown
        else [
            EnergyPart(
                key=f"energy of {each['component']} by {each['method']} of {owner}",
                energy_j=between(each["energy_j_low"], each["energy_j"], each["energy_j_high"]),
                idle_j=each["idle_j"],
                active_j=each["active_j"],
            )
            for each in energies
        ],
        energy_missing="; ".join(unknown) or (None if energies else "no meter watched it"),
        energy_basis=max((str(each["basis"]) for each in energies if each["basis"]), default=None),
        window_s=next((each["window_s"] for each in energies if each["window_s"]), None),
        figures=figures,
        found_rate_rps=None if rate is None else between(row["found_rate_rps_low"], rate, row["found_rate_rps_high"]),
        prefill_ratio=row["prefill_weight_ratio"],
        prefill_source=row["weight_source"],
    )


def _number(value: Any) -> float | None:  # noqa: ANN401 - a sum of a query: an integer, a decimal or nothing
    return None if value is None else float(value)
