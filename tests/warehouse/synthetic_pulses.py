"""Invented pulses between the invented nights: a slow and crowded afternoon, an outage, a pulse that found no room."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.warehouse.builders import end_row, fact_row, grid_hour_row, planned_row, run_row
from warehouse.landing import land
from warehouse.rows import AttemptRow, LandingRow, TrialRow

PULSES_A_DAY = 8
ATTEMPTS = 3
_DOWN_PULSES = range(-42, -38)  # of together-llama-70b, counted from the end: five days before it, for half a day
_CLASSES = ("rate_limited", "rate_limited", "server_error", "timeout_first_token", "truncated")

MakeTrial = Callable[..., tuple[TrialRow, *tuple[LandingRow, ...]]]


def land_pulses(
    data_dir: Path, first_at: datetime, days: int, random: Random, targets: Sequence[Any], make_trial: MakeTrial
) -> None:
    """Eight pulses a day of three attempts at each hosted target under chat-1, and the hours of two grids."""
    midnight = first_at.replace(hour=0, minute=0)
    hosted = [target for target in targets if target.kind == "endpoint"]
    for number in range(PULSES_A_DAY * days):
        at = midnight + timedelta(hours=3 * number, seconds=random.randrange(3 * 3600))
        is_down = number - PULSES_A_DAY * days in _DOWN_PULSES
        _land_pulse(data_dir, at, random, hosted, make_trial, taken=number % 29 == 7, is_down=is_down)
    hours = [
        grid_hour_row(
            zone=zone,
            hour_at=midnight + timedelta(hours=hour),
            gco2e_per_kwh=mean * (1 + depth * math.cos((hour - 19) * math.pi / 12)),
            source="invented",
        )
        for zone, mean, depth in (("USA", 380.0, 0.2), ("FRA", 50.0, 0.4))
        for hour in range(24 * days)
    ]
    land(data_dir, batch_id="synthetic-grid-hours", host_id="host", rows=hours, landed_at=first_at)


def _land_pulse(
    data_dir: Path,
    at: datetime,
    random: Random,
    hosted: Sequence[Any],
    make_trial: MakeTrial,
    *,
    taken: bool,
    is_down: bool,
) -> None:
    run_id = f"synthetic-{at:%Y-%m-%dT%H%M%SZ}-pulse"
    busy = 0.5 + 0.5 * math.cos((at.hour - 16) * math.pi / 12)  # 1 in the afternoon, 0 before dawn
    skipped = "another run was measuring on this machine" if taken else None
    rows: list[LandingRow] = [
        run_row(run_id=run_id, started_at=at, config_name="synthetic", quote_usd_worst=0.01, run_kind="pulse")
    ]
    rows += [
        planned_row(
            run_id=run_id,
            target_id=target.id,
            workload_id="chat-1",
            planned_requests=ATTEMPTS,
            skip_reason=target.skip_reason or skipped,
        )
        for target in hosted
    ]
    started_at = at
    for target in hosted:
        if taken or target.skip_reason is not None:
            continue
        gone = is_down and target.id == "together-llama-70b"
        now = replace(
            target,
            ttft_s=target.ttft_s * (1 + 0.6 * busy),
            tpot_s=target.tpot_s * (1 + 0.35 * busy),
            failing_share=1.0 if gone else target.failing_share * (0.4 + busy),
        )
        trial, *others = make_trial(run_id, now, "chat-1", started_at, random, ATTEMPTS)
        rows += [trial, *(_failed(row, random, is_down=gone) for row in others)]
        if target.region is not None and target.j_per_token is None:
            grid = fact_row("grid_gco2e_per_kwh", 56.0, ledger="grid_intensity", ledger_key=target.region)
            rows.append(replace(grid, trial_id=trial.trial_id, source="invented"))
        started_at = trial.ended_at + timedelta(seconds=1)
    state = ("skipped", skipped) if taken else ("completed", None)
    rows.append(end_row(run_id=run_id, ended_at=started_at, state=state[0], reason=state[1]))
    land(data_dir, batch_id=run_id, host_id="host", rows=rows, landed_at=at)


def _failed(row: LandingRow, random: Random, *, is_down: bool) -> LandingRow:
    """A failure of a class of its own; what succeeded stays as it is."""
    if not isinstance(row, AttemptRow) or row.error_class is None:
        return row
    if is_down:
        return replace(row, error_class="connect_refused", http_status=None, error_message="connection refused")
    return replace(row, error_class=random.choice(_CLASSES), http_status=None)
