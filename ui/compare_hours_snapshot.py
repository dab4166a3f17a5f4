"""What heat maps side by side read from a snapshot: samples of one measure of several targets, under one load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import streamlit as st

from ui import hours_snapshot
from ui.hours import under_one_load
from warehouse.daytime import Sample, trial_samples


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """Samples of one measure by target, all under one load, out of a window that ends with the newest of them."""

    samples: Mapping[str, Sequence[Sample]]
    load: Mapping[str, Any] | None  # a trial under that load; None if there is none
    others: int  # trials under another one, left out


@st.cache_data(max_entries=16, show_spinner=False)
def side_by_side(
    path: str, workload_id: str, target_ids: tuple[str, ...], window: timedelta, measure_id: str
) -> SideBySide:
    """Samples of one measure of two targets or more, over the same time."""
    newest = [row["newest_at"] for row in hours_snapshot.targets(path, workload_id) if row["target_id"] in target_ids]
    if not newest:
        return SideBySide(samples={one: [] for one in target_ids}, load=None, others=0)
    newest_at = max(newest)
    if measure_id == "grid":
        grids = {one: hours_snapshot.grid_hours(path, one, newest_at, window) for one in target_ids}
        return SideBySide(
            samples={one: hours_snapshot.grid_samples(rows) for one, rows in grids.items()}, load=None, others=0
        )
    kept, others = under_one_load(hours_snapshot.trials(path, workload_id, target_ids, newest_at - window))
    return SideBySide(
        samples={
            one: trial_samples(measure_id, [row for row in kept if row["target_id"] == one]) for one in target_ids
        },
        load=kept[0] if kept else None,
        others=others,
    )
