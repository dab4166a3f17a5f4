"""Idle baselines and who may use them again: one for each host and target, as long as it is fresh.

What a machine draws with a model loaded and no requests does not change from one workload to the next. So one trial of
a target meters it, and later ones, of the same night or another, name that trial in `idle_trial_id` and go straight to
their warm-up. Which trial it was stands in `data/idle/KEY.json`, a small file for each host and target, written whole
after the trial has landed. The readings themselves are in landing; a file here that is lost, damaged, or of a trial
that is gone means no more than that the baseline is metered again.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean

from flows.spec import TrialSpec
from warehouse.formulas.client_limits import CPU_SHARE_OTHERS_LOCAL
from warehouse.landing import has_landed
from warehouse.rows import LandingRow, MeterRow, PowerSampleRow, TrialRow

# Readings begin and end a step inside of the time that was slept.
_EDGE_S = 0.5
# Busier than this, a machine is not idle: the limit up to which a local trial is ranked.
QUIET_CPU_SHARE = CPU_SHARE_OTHERS_LOCAL.b


def fresh_baseline(
    data_dir: Path, spec: TrialSpec, *, host_id: str, engine_version: str | None, now: datetime
) -> str | None:
    """The trial whose idle baseline stands for this one's; None if this one has to take its own.

    Args:
        data_dir: the data folder.
        spec: of a local trial.
        host_id: this machine.
        engine_version: of the engine that is up.
        now: UTC; a baseline is fresh for `spec.idle_fresh_s` from the start of its trial.
    """
    path = _file(data_dir, spec, host_id, engine_version)
    try:
        kept = json.loads(path.read_bytes())
        trial_id, seconds = str(kept["trial_id"]), float(kept["seconds"])
        age = now - datetime.fromisoformat(kept["started_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not there, or not what we wrote: metering again is always right
    if not timedelta(0) <= age < timedelta(seconds=spec.idle_fresh_s) or seconds < spec.idle_baseline_s - _EDGE_S:
        return None
    return trial_id if has_landed(data_dir, batch_id=trial_id, host_id=host_id) else None


def remember_baseline(data_dir: Path, spec: TrialSpec, rows: Sequence[LandingRow]) -> bool:
    """Write down that a trial which has landed holds a whole idle baseline; False if it holds none, or it could not be.

    Whole: every meter that held was read in the idle phase from its start to its end. One that was taken while other
    processes kept the CPU busy is its trial's alone: the next trial may meet a quieter machine.
    """
    trial = next(row for row in rows if isinstance(row, TrialRow))
    seconds = _idle_seconds(rows)
    loads = [row.load_share for row in _idle_samples(rows) if row.load_share is not None]
    if loads and fmean(loads) > QUIET_CPU_SHARE:
        return False
    if spec.local is None or seconds is None or seconds < spec.idle_baseline_s - _EDGE_S:
        return False
    path = _file(data_dir, spec, trial.host_id, trial.engine_version)
    kept = {"trial_id": trial.trial_id, "started_at": trial.started_at.isoformat(), "seconds": seconds}
    partial = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(kept), encoding="utf-8")
        partial.replace(path)
    except OSError:
        return False  # the trial has landed and is whole; a later one meters its own
    return True


def _idle_seconds(rows: Sequence[LandingRow]) -> float | None:
    """The shortest idle phase among the meters that held; None if there was none, or one of them did not see it."""
    instants: dict[str, list[int]] = {row.meter: [] for row in rows if isinstance(row, MeterRow) and row.valid}
    for row in _idle_samples(rows):
        if row.meter in instants:
            instants[row.meter].append(row.t_ns)
    if not instants or not all(instants.values()):
        return None
    return min((max(t_ns) - min(t_ns)) / 1e9 for t_ns in instants.values())


def _idle_samples(rows: Sequence[LandingRow]) -> list[PowerSampleRow]:
    return [row for row in rows if isinstance(row, PowerSampleRow) and row.phase == "idle"]


def _file(data_dir: Path, spec: TrialSpec, host_id: str, engine_version: str | None) -> Path:
    """Named after all that idle power depends on: machine, engine, weights, how it is started, and what meters it."""
    local, weights = spec.local, spec.weights
    assert local is not None and weights is not None  # a trial without them meters nothing
    basis = {
        "host_id": host_id,
        "engine": local.engine,
        "engine_version": engine_version,
        "weights_sha256": weights.sha256,
        "device": local.device,
        "threads": local.threads,
        "slots": local.slots,
        "context_tokens": local.context_tokens,
        "cpu_tdp_w": None if spec.cpu_tdp_w is None else dataclasses.asdict(spec.cpu_tdp_w),
        "rapl_psys": spec.rapl_psys,
        "meters": [dataclasses.asdict(meter) for meter in spec.meters],
    }
    digest = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()
    return data_dir / "idle" / f"{digest[:24]}.json"
