"""Meters of trials and jobs with what they read, from the warehouse."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from warehouse.metering import Meter, Readings

if TYPE_CHECKING:
    import duckdb
    import polars as pl

_SAMPLES = """
    SELECT trial_id, meter, phase, t_ns, energy_j, power_w_low, power_w, power_w_high, load_share
    FROM power_samples
    WHERE trial_id IN (SELECT unnest(?)) AND phase IN ('idle', 'load')
    ORDER BY trial_id, meter, phase, t_ns
"""
# Of trials that took no idle baseline: the readings of the one that they share, by the name of the meter.
_IDLE_ELSEWHERE = """
    SELECT t.trial_id, s.* EXCLUDE (trial_id)
    FROM (
        SELECT trial_id, meter, phase, t_ns, energy_j, power_w_low, power_w, power_w_high, load_share
        FROM power_samples
        WHERE phase = 'idle' AND trial_id IN (SELECT idle_trial_id FROM trials WHERE trial_id IN (SELECT unnest($1)))
    ) AS s
    INNER JOIN trials AS t ON t.idle_trial_id = s.trial_id
    INNER JOIN meters AS m ON m.trial_id = s.trial_id AND m.meter = s.meter AND m.valid
    WHERE t.trial_id IN (SELECT unnest($1))
    ORDER BY t.trial_id, s.meter, s.t_ns
"""
_METERS = """
    SELECT
        m.trial_id,
        m.meter,
        m.component,
        m.basis,
        m.method,
        m.source,
        m.valid,
        m.invalid_reason,
        m.resolution_s,
        m.power_w_max,
        coalesce(t.cpu_share_others, j.others_s / nullif(j.capacity_s, 0)) AS others_cpu_share,
        j.busy_s / nullif(j.capacity_s, 0) AS busy_cpu_share
    FROM meters AS m
    LEFT JOIN trials AS t USING (trial_id)
    LEFT JOIN (
        -- the kernel counts its busy time in ticks: a short job can have more of its own
        SELECT
            job_id AS trial_id,
            cpu_threads * (window_end_ns - window_start_ns) / 1e9 AS capacity_s,
            CASE WHEN cpu_busy_s > cpu_s THEN cpu_busy_s - cpu_s WHEN cpu_busy_s <= cpu_s THEN 0 END AS others_s,
            CASE WHEN cpu_busy_s > capacity_s THEN capacity_s ELSE cpu_busy_s END AS busy_s
        FROM jobs
    ) AS j USING (trial_id)
    WHERE m.trial_id IN (SELECT unnest(?))
    ORDER BY m.trial_id, m.meter
"""


def meters_of(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str]) -> dict[str, list[Meter]]:
    """The meters of each trial (or job), with their idle and load readings.

    Idle readings are those of the trial that a trial names in `idle_trial_id`, where it does and that trial's meter of
    the same name held; else its own.
    """
    metered = con.execute(_METERS, [list(trial_ids)]).fetchall()
    if not metered:  # a trial of somebody else's server: frames need not be loaded
        return {}
    samples = con.sql(_SAMPLES, params=[list(trial_ids)]).pl()
    parts = samples.partition_by("trial_id", "meter", "phase", as_dict=True)
    parts |= con.sql(_IDLE_ELSEWHERE, params=[list(trial_ids)]).pl().partition_by(
        "trial_id", "meter", "phase", as_dict=True
    )  # fmt: skip
    nothing = samples.clear()
    found: dict[str, list[Meter]] = {}
    for (
        trial_id,
        meter,
        component,
        basis,
        method,
        source,
        valid,
        invalid_reason,
        resolution_s,
        power_w_max,
        others_cpu_share,
        busy_cpu_share,
    ) in metered:
        found.setdefault(trial_id, []).append(
            Meter(
                meter=meter,
                component=component,
                basis=basis,
                method=method,
                source=source,
                invalid_reason=None if valid else invalid_reason or "the meter was marked invalid without a reason",
                resolution_s=resolution_s,
                power_w_max=power_w_max,
                others_cpu_share=others_cpu_share if component == "cpu" else None,
                busy_cpu_share=busy_cpu_share if component == "cpu" else None,
                idle=_readings(parts.get((trial_id, meter, "idle"), nothing)),
                load=_readings(parts.get((trial_id, meter, "load"), nothing)),
            )
        )
    return found


def _readings(frame: "pl.DataFrame") -> Readings:
    def floats(name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        return frame[name].fill_null(float("nan")).to_numpy().astype(np.float64)

    return Readings(
        t_ns=frame["t_ns"].to_numpy().astype(np.int64),
        energy_j=floats("energy_j"),
        power_w_low=floats("power_w_low"),
        power_w=floats("power_w"),
        power_w_high=floats("power_w_high"),
        load_share=floats("load_share"),
    )
