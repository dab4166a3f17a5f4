"""Meters of trials with what they read, from the warehouse."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from warehouse.metering import Meter, Readings

if TYPE_CHECKING:
    import duckdb
    import polars as pl

_SAMPLES = """
    SELECT trial_id, meter, phase, t_ns, energy_j, power_w_low, power_w, power_w_high
    FROM power_samples
    WHERE trial_id IN (SELECT unnest(?))
    ORDER BY trial_id, meter, phase, t_ns
"""


def meters_of(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str]) -> dict[str, list[Meter]]:
    """The meters of each trial, with their idle and load readings."""
    samples = con.sql(_SAMPLES, params=[list(trial_ids)]).pl()
    parts = samples.partition_by("trial_id", "meter", "phase", as_dict=True)
    nothing = samples.clear()
    found: dict[str, list[Meter]] = {}
    for trial_id, meter, component, basis, method, source, valid, invalid_reason in con.execute(
        "SELECT trial_id, meter, component, basis, method, source, valid, invalid_reason FROM meters"
        " WHERE trial_id IN (SELECT unnest(?)) ORDER BY trial_id, meter",
        [list(trial_ids)],
    ).fetchall():
        found.setdefault(trial_id, []).append(
            Meter(
                meter=meter,
                component=component,
                basis=basis,
                method=method,
                source=source,
                invalid_reason=None if valid else invalid_reason or "the meter was marked invalid without a reason",
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
    )
