"""Meters of trials and jobs with what they read, from the warehouse."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from warehouse.meter_energy import Meter, Readings

if TYPE_CHECKING:
    import duckdb

# Readings of one meter in one phase are a group; groups are numbered, so that names are compared once.
_SAMPLES = """
    SELECT number, t_ns, energy_j, power_w_low, power_w, power_w_high, load_share
    FROM (
        SELECT
            unnest(range(len($trials)))::USMALLINT AS number,
            unnest($trials) AS trial_id,
            unnest($meters) AS meter,
            unnest($phases) AS phase
    )
    INNER JOIN power_samples USING (trial_id, meter, phase)
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
        j.busy_s / nullif(j.capacity_s, 0) AS busy_cpu_share,
        coalesce(i.trial_id, m.trial_id) AS idle_trial_id
    FROM meters AS m
    LEFT JOIN trials AS t ON t.trial_id = m.trial_id
    LEFT JOIN meters AS i ON i.trial_id = t.idle_trial_id AND i.meter = m.meter AND i.valid
    LEFT JOIN (
        -- the kernel counts its busy time in ticks: a short job can have more of its own
        SELECT
            job_id AS trial_id,
            cpu_threads * (window_end_ns - window_start_ns) / 1e9 AS capacity_s,
            CASE WHEN cpu_busy_s > cpu_s THEN cpu_busy_s - cpu_s WHEN cpu_busy_s <= cpu_s THEN 0 END AS others_s,
            CASE WHEN cpu_busy_s > capacity_s THEN capacity_s ELSE cpu_busy_s END AS busy_s
        FROM jobs
    ) AS j ON j.trial_id = m.trial_id
    WHERE m.trial_id IN (SELECT unnest(?))
    ORDER BY m.trial_id, m.meter
"""


def meters_of(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str]) -> dict[str, list[Meter]]:
    """The meters of each trial (or job), with their idle and load readings.

    Idle readings are those of the trial that a trial names in `idle_trial_id`, where it does and that trial's meter of
    the same name held; else its own.
    """
    metered = con.execute(_METERS, [list(trial_ids)]).fetchall()
    loads = [(row[0], row[1], "load") for row in metered]
    idles = [(row[-1], row[1], "idle") for row in metered]
    # trials that share a baseline read it once
    groups = list(dict.fromkeys(loads + idles))
    read = dict(zip(groups, _read(con, groups), strict=True))
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
        idle_trial_id,
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
                idle=read[idle_trial_id, meter, "idle"],
                load=read[trial_id, meter, "load"],
            )
        )
    return found


def _read(con: "duckdb.DuckDBPyConnection", groups: Sequence[tuple[str, str, str]]) -> list[Readings]:
    """What the meters of (trial, meter, phase) read, in order of time."""
    trials, meters, phases = (list(column) for column in zip(*groups, strict=True)) if groups else ([], [], [])
    columns = con.execute(_SAMPLES, {"trials": trials, "meters": meters, "phases": phases}).fetchnumpy()
    number = columns.pop("number")
    # stable: samples come as they were loaded, in order of time, and then nothing is left to sort
    order = np.argsort(number, kind="stable")
    ends = np.searchsorted(number[order], np.arange(len(groups) + 1))
    t_ns = columns.pop("t_ns")[order]
    values = {name: np.ma.filled(column, np.nan)[order] for name, column in columns.items()}
    found = []
    for first, last in pairwise(ends.tolist()):
        part: slice | NDArray[np.int64] = slice(first, last)
        if (np.diff(t_ns[part]) < 0).any():
            part = first + np.argsort(t_ns[part], kind="stable")
        found.append(Readings(t_ns=t_ns[part], **{name: column[part] for name, column in values.items()}))
    return found
