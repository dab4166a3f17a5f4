"""What the page on time reads from a snapshot: stored figures of trials, never their attempts."""

import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from ui.hours import MEASURES, under_one_load
from ui.snapshot import Row, rows_of
from warehouse.daytime import DayShape, Sample, day_shape, trial_samples, zone_named
from warehouse.hour_work import Work, carbon_samples, cost_samples, work_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a target in a window of time: `trials` under one load, and how many `others` are left out."""

    trials: Sequence[Mapping[str, Any]]
    others: int
    grid: Sequence[Mapping[str, Any]]
    tariff: Sequence[Mapping[str, Any]]
    work: Work | None  # electricity and hardware of its tokens; None where that is not known
    samples: Mapping[str, Sequence[Sample]]  # by measure


@st.cache_data(max_entries=16, show_spinner=False)
def targets(path: str, workload_id: str) -> list[Row]:
    """Targets that nights or pulses measured under a workload: those seen at the most hours first."""
    return rows_of(
        path,
        """
        SELECT
            target_id,
            arg_max(provider, started_at) AS provider,
            arg_max(model, started_at) AS model,
            arg_max(region, started_at) AS region,
            count(*) AS trials,
            max(started_at) AS newest_at,
            count(DISTINCT hour(started_at)) AS hours_seen
        FROM reliability_trials
        WHERE workload_id = ? AND attempts > 0
        GROUP BY target_id
        ORDER BY hours_seen DESC, trials DESC, target_id
        """,
        [workload_id],
    )


@st.cache_data(max_entries=32, show_spinner=False)
def trials(path: str, workload_id: str, target_ids: tuple[str, ...], since: datetime) -> list[Row]:
    """Trials of some targets with the figures that the hours of the week are made of, the oldest first.

    By hand what `trial_figures` and `cost` say: they would work out all trials of a year for those of a few targets.
    """
    return rows_of(
        path,
        """
        WITH chosen AS (
            SELECT *
            FROM reliability_trials
            WHERE
                workload_id = $workload_id
                AND target_id IN (SELECT unnest($target_ids))
                AND attempts > 0
                AND started_at > $since
        ),

        figures AS (
            SELECT
                trial_id,
                max(central) FILTER (metric_id = 'ttft_p50_s') AS ttft_p50_s,
                max(central) FILTER (metric_id = 'tpot_p50_s') AS tpot_p50_s
            FROM (
                SELECT *
                FROM trial_intervals
                SEMI JOIN chosen USING (trial_id)
                QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
            )
            GROUP BY trial_id
        ),

        paid AS (
            SELECT
                trial_id,
                CASE WHEN count(*) = count(cost_usd) THEN sum(cost_usd) END AS usd,
                sum(cost_usd) FILTER (component = 'hardware') AS hardware_usd,
                bool_or(component = 'electricity') AS pays_power
            FROM (
                SELECT *
                FROM cost_accounts
                SEMI JOIN chosen USING (trial_id)
                QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
            )
            GROUP BY trial_id
        ),

        drawn AS (
            SELECT
                trial_id,
                CASE WHEN count(*) = count(energy_j) THEN sum(energy_j_low) END AS energy_j_low,
                CASE WHEN count(*) = count(energy_j) THEN sum(energy_j) END AS energy_j,
                CASE WHEN count(*) = count(energy_j) THEN sum(energy_j_high) END AS energy_j_high
            FROM (
                SELECT *
                FROM energy_accounts
                SEMI JOIN chosen USING (trial_id)
                QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
            )
            WHERE in_total
            GROUP BY trial_id
        ),

        overhead AS (
            SELECT trial_id, max(central) AS pue
            FROM trial_facts
            SEMI JOIN chosen USING (trial_id)
            WHERE quantity = 'pue'
            GROUP BY trial_id
        )

        SELECT
            r.trial_id, r.target_id, r.run_kind, r.started_at, r.attempts, r.ok,
            r.down_count, r.limited_count, r.own_count,
            t.arrivals, t.concurrency, t.rate_rps, t.prompt_tokens_asked, t.output_tokens_asked,
            f.ttft_p50_s, f.tpot_p50_s, p.usd, c.output_tokens,
            p.hardware_usd, p.pays_power, d.energy_j_low, d.energy_j, d.energy_j_high, o.pue
        FROM chosen AS r
        INNER JOIN trials AS t USING (trial_id)
        INNER JOIN trial_outcomes AS c USING (trial_id)
        LEFT JOIN figures AS f USING (trial_id)
        LEFT JOIN paid AS p USING (trial_id)
        LEFT JOIN drawn AS d USING (trial_id)
        LEFT JOIN overhead AS o USING (trial_id)
        ORDER BY r.started_at, r.trial_id
        """,
        {"workload_id": workload_id, "target_ids": list(target_ids), "since": since},
    )


@st.cache_data(max_entries=16, show_spinner=False)
def grid_hours(path: str, target_id: str, newest_at: datetime, window: timedelta) -> list[Row]:
    """Hours of the grid on which a target stands, as its newest facts name it: zone, hour_at, gco2e_per_kwh."""
    return rows_of(
        path,
        """
        WITH zone AS (
            SELECT arg_max(f.ledger_key, t.started_at) AS zone
            FROM trial_facts AS f
            INNER JOIN trials AS t USING (trial_id)
            WHERE t.target_id = $target_id AND f.quantity = 'grid_gco2e_per_kwh' AND f.ledger_key IS NOT NULL
        )

        SELECT zone, hour_at, gco2e_per_kwh
        FROM grid_hours_latest
        SEMI JOIN zone USING (zone)
        WHERE signal = 'average' AND hour_at > $newest_at::TIMESTAMPTZ - $window AND hour_at <= $newest_at
        ORDER BY hour_at
        """,
        {"target_id": target_id, "newest_at": newest_at, "window": window},
    )


@st.cache_data(max_entries=16, show_spinner=False)
def tariff_hours(path: str, target_id: str, newest_at: datetime, window: timedelta) -> list[Row]:
    """What a kWh costs a target of ours by the hour, in a window and in the week after it, as the latest run says."""
    return rows_of(
        path,
        """
        SELECT hour_at, usd_per_kwh, tariff_name
        FROM tariff_hours_latest
        WHERE target_id = $target_id AND hour_at > $newest_at::TIMESTAMPTZ - $window
        ORDER BY hour_at
        """,
        {"target_id": target_id, "newest_at": newest_at, "window": window},
    )


@st.cache_data(max_entries=16, show_spinner=False)
def tariffs(path: str, target_id: str) -> list[Row]:
    """Prices of a target that rule today at some hours only."""
    return rows_of(
        path,
        """
        SELECT hours_utc, usd_per_input_mtok, usd_per_output_mtok, origin, source
        FROM prices_now
        WHERE target_id = ? AND hours_utc IS NOT NULL AND above_prompt_tokens = 0 AND service_tier = 'standard'
        ORDER BY hours_utc
        """,
        [target_id],
    )


@st.cache_data(max_entries=32, show_spinner=False)
def seen(path: str, workload_id: str, target_id: str, newest_at: datetime, window: timedelta) -> Seen:
    """Samples of every measure, out of the trials and the hours of the grid in a window that ends at `newest_at`."""
    kept, others = under_one_load(trials(path, workload_id, (target_id,), newest_at - window))
    grid = grid_hours(path, target_id, newest_at, window)
    tariff = tariff_hours(path, target_id, newest_at, window)
    work = work_of(kept)
    at_tariff = [(row["hour_at"].astimezone(UTC), row["usd_per_kwh"]) for row in tariff]
    by_hour = {
        "grid": grid_samples(grid),
        "rate": cost_samples(work, at_tariff),
        "carbon": carbon_samples(work, [(row["hour_at"].astimezone(UTC), row["gco2e_per_kwh"]) for row in grid]),
    }
    samples = {name: by_hour[name] if name in by_hour else trial_samples(name, kept) for name in MEASURES}
    return Seen(trials=kept, others=others, grid=grid, tariff=tariff, work=work, samples=samples)


def zones() -> list[str]:
    """UTC, the viewer's own zone, then every place that this machine knows."""
    places = sorted(
        name
        for name in zoneinfo.available_timezones()
        if "/" in name and not name.startswith(("Etc/", "posix/", "right/", "SystemV/", "US/"))
    )
    own = st.context.timezone
    return list(dict.fromkeys(["UTC", *([own] if own in places else []), *places]))


def grid_samples(rows: Sequence[Mapping[str, Any]]) -> list[Sample]:
    """Intensities of a grid, one an hour."""
    return [Sample(at=row["hour_at"].astimezone(UTC), above=row["gco2e_per_kwh"]) for row in rows]


@st.cache_data(max_entries=32, show_spinner=False)
def shapes(
    path: str, workload_id: str, target_id: str, newest_at: datetime, window: timedelta, zone_name: str
) -> dict[str, DayShape | None]:
    """The best and the worst hours of the day by every measure."""
    zone = zone_named(zone_name)
    found = seen(path, workload_id, target_id, newest_at, window).samples
    return {name: day_shape(samples, zone, MEASURES[name].how) for name, samples in found.items()}
