"""Invented nights, marked as such in the data (`config_name` is "synthetic"), with many shapes of result.

Everything follows from a seed. Run it for a folder to look at:  python -m tests.warehouse.synthetic FOLDER [NIGHTS]
"""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np

from tests.once import made_once
from tests.warehouse.begun import begun
from tests.warehouse.builders import (
    BOOT_NS,
    SECOND_NS,
    attempt_row,
    end_row,
    fact_row,
    failed_row,
    grid_hour_row,
    job_row,
    local_facts,
    meter_row,
    planned_row,
    run_row,
    sample_row,
    search_row,
    tariff_hour_row,
    trial_row,
)
from tests.warehouse.synthetic_canaries import land_canaries
from tests.warehouse.synthetic_changes import FEW, on_night
from tests.warehouse.synthetic_checks import land_checks
from tests.warehouse.synthetic_pulses import land_pulses
from warehouse.formulas.steady import closed_loop_window
from warehouse.landing import land
from warehouse.loader import LoadReport, load
from warehouse.publish import publish
from warehouse.rows import AttemptRow, FactRow, LandingRow, MeterRow, PowerSampleRow, TrialRow
from warehouse.watch import record_changes

FIRST_NIGHT_AT = datetime(2026, 11, 1, 2, 15, tzinfo=UTC)
CONFIG_NAME = "synthetic"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One invented target: how fast it answers and what is known of it."""

    id: str
    provider: str
    model: str
    ttft_s: float
    tpot_s: float
    kind: str = "endpoint"
    device: str | None = None
    quantisation: str | None = None
    region: str | None = None
    usd_per_mtok: tuple[float, float] | None = None  # input, output
    usd_per_cached_mtok: float | None = None  # of a contract that the list does not know
    j_per_token: tuple[float, float, float] | None = None  # what is stated of an endpoint
    power_w: float | None = None  # what a meter of ours reads under load
    failing_share: float = 0.0
    skip_reason: str | None = None
    crashes: bool = False
    engine_version: str = "b1"  # of an engine of ours


TARGETS = (
    Target(
        id="groq-llama-70b", provider="groq", model="llama-3.3-70b-versatile", ttft_s=0.22, tpot_s=0.004, region="USA",
        usd_per_mtok=(0.59, 0.79), j_per_token=(0.4, 1.0, 3.0),
    ),
    Target(
        id="openai-mini", provider="openai", model="gpt-4o-mini", ttft_s=0.41, tpot_s=0.011, region="USA",
        usd_per_mtok=(0.15, 0.60), usd_per_cached_mtok=0.05, failing_share=0.04,
    ),
    Target(
        id="together-llama-70b", provider="together", model="llama-3.3-70b-instruct", ttft_s=0.52, tpot_s=0.013,
        region="USA", usd_per_mtok=(0.88, 0.88), j_per_token=(0.8, 2.0, 5.0), failing_share=0.10,
    ),
    Target(id="vllm-own", provider="vllm", model="llama-3.1-8b", ttft_s=0.09, tpot_s=0.008, region="FRA"),
    Target(
        id="smollm2-q8", provider="llama.cpp", model="SmolLM2-135M-Instruct", ttft_s=0.14, tpot_s=0.016, kind="local",
        device="cpu", quantisation="Q8_0", power_w=38.0,
    ),
    Target(
        id="smollm2-q4", provider="llama.cpp", model="SmolLM2-135M-Instruct", ttft_s=0.12, tpot_s=0.012, kind="local",
        device="cpu", quantisation="Q4_0", power_w=36.0,
    ),
    Target(
        id="llama-8b-h100", provider="llama.cpp", model="llama-3.1-8b", ttft_s=0.05, tpot_s=0.006, kind="local",
        device="cuda", quantisation="F16", power_w=420.0,
    ),
    Target(
        id="mistral-small", provider="mistral", model="mistral-small-latest", ttft_s=0.3, tpot_s=0.01,
        skip_reason="MISTRAL_API_KEY is not set",
    ),
    Target(
        id="broken", provider="llama.cpp", model="missing", ttft_s=1.0, tpot_s=0.1, kind="local", device="cpu",
        crashes=True,
    ),
)  # fmt: skip
WORKLOADS = {"chat-1": (1, 100, 64), "rag-4": (4, 1200, 48)}  # concurrency, prompt tokens, output tokens


def write_synthetic(
    data_dir: Path,
    nights: int = 3,
    seed: int = 0,
    *,
    attempts: int = 30,
    with_bench: bool = True,
    with_studies: bool = False,
    with_pulses: bool = False,
) -> LoadReport:
    """Land, load, account and publish some nights; one ad hoc bench beside them unless told otherwise.

    With studies, there is also an ad hoc run with repeats, a paired group and a search, a job, an hour of a grid and
    the last night's tariff by the hour; with pulses, eight of them a day, see `synthetic_pulses`. Targets answer the
    canary, see `synthetic_canaries`. In more than ten nights something changes, see `synthetic_changes`.
    """
    random = Random(seed)
    begun(data_dir)
    for night in range(nights):
        targets = on_night(TARGETS, night) if nights > FEW else TARGETS
        land_night(data_dir, FIRST_NIGHT_AT + timedelta(days=night), random, attempts, targets=targets)
    land_canaries(data_dir, FIRST_NIGHT_AT, nights, TARGETS)
    land_checks(data_dir, FIRST_NIGHT_AT, nights)
    if with_bench:
        _land_bench(data_dir, FIRST_NIGHT_AT + timedelta(days=nights - 1, hours=8), random, attempts)
    if with_studies:
        _land_studies(data_dir, FIRST_NIGHT_AT + timedelta(days=nights - 1, hours=8, minutes=30), random, attempts)
    if with_pulses:
        land_pulses(data_dir, FIRST_NIGHT_AT, nights, Random(seed + 1), TARGETS, _trial)
    report = load(data_dir)
    if nights > FEW:
        record_changes(data_dir)
    publish(data_dir, now=FIRST_NIGHT_AT + timedelta(days=nights - 1, hours=9))
    return report


def copy_synthetic(data_dir: Path, **asked: int | bool) -> None:
    """`write_synthetic`, which is done once a test run for the same arguments: a copy of what that wrote."""
    name = "-".join(["synthetic", *(f"{key}={value}" for key, value in sorted(asked.items()))])
    made = made_once(name, lambda folder: write_synthetic(folder, **asked))
    shutil.copytree(made, data_dir, symlinks=True, dirs_exist_ok=True)


def land_night(
    data_dir: Path, at: datetime, random: Random, attempts: int, *, targets: Sequence[Target] = TARGETS
) -> None:
    """Land one night of every target under every workload, and the run's plan and end with it."""
    run_id = f"synthetic-{at:%Y-%m-%d}"
    cells = [(target, workload_id) for workload_id in WORKLOADS for target in targets]
    plan: list[LandingRow] = [
        run_row(run_id=run_id, started_at=at, config_name=CONFIG_NAME, quote_usd_worst=0.42, max_usd=1.0)
    ]
    plan += [
        planned_row(
            run_id=run_id,
            target_id=target.id,
            workload_id=workload_id,
            planned_requests=attempts,
            quote_usd_worst=0.05 if target.usd_per_mtok else None,
            skip_reason=target.skip_reason,
        )
        for target, workload_id in cells
    ]
    land(data_dir, batch_id=f"{run_id}.plan", host_id="host", rows=plan, landed_at=at)
    started_at = at
    for target, workload_id in cells:
        if target.skip_reason is None:
            trial = _trial(run_id, target, workload_id, started_at, random, attempts)
            land(data_dir, batch_id=trial[0].trial_id, host_id="host", rows=trial, landed_at=trial[0].ended_at)
            started_at = trial[0].ended_at + timedelta(seconds=5)
    end = end_row(run_id=run_id, ended_at=started_at, state="failed_targets", reason="failed: broken")
    land(data_dir, batch_id=f"{run_id}.end", host_id="host", rows=[end], landed_at=started_at)


def _land_bench(data_dir: Path, at: datetime, random: Random, attempts: int) -> None:
    run_id = f"bench-{at:%Y%m%dT%H%M%S}"
    trial = _trial(run_id, TARGETS[0], "chat-1", at, random, attempts)
    run = run_row(run_id=run_id, started_at=at, config_name=CONFIG_NAME, quote_usd_worst=None, max_usd=None)
    land(data_dir, batch_id=f"{run_id}.plan", host_id="host", rows=[run, *trial], landed_at=at)


def _land_studies(data_dir: Path, at: datetime, random: Random, attempts: int) -> None:
    run_id = f"bench-{at:%Y%m%dT%H%M%S}"
    rows: list[LandingRow] = [
        run_row(run_id=run_id, started_at=at, config_name=CONFIG_NAME, quote_usd_worst=None, max_usd=None)
    ]
    for number in (1, 2, 3):
        for target in TARGETS[:2]:
            trial, *others = _trial(run_id, target, "chat-1", at, random, attempts, try_number=number)
            rows.append(replace(trial, repeat_number=number, group_id=f"{run_id}.group-{number}"))
            rows += [
                replace(row, pair_id=f"{number}.{row.seq}") if isinstance(row, AttemptRow) else row for row in others
            ]
    search = search_row(
        search_id=f"{run_id}.vllm-own.chat-1.slo", run_id=run_id, target_id="vllm-own", workload_id="chat-1", points=3
    )
    rows.append(search)
    for point in range(3):
        trial, *others = _trial(run_id, TARGETS[3], "chat-1", at, random, attempts, try_number=point + 1)
        rows.append(replace(trial, search_id=search.search_id, search_point=point, rate_rps=2.0**point))
        rows += others
    rows += _conversations(run_id, at, random, attempts)
    job = job_row(job_id=f"job-{at:%Y%m%dT%H%M%S}", started_at=at, ended_at=at + timedelta(seconds=10))
    rows += [job, grid_hour_row(hour_at=at.replace(minute=0), source="invented")]
    hours = [at.replace(minute=0) + timedelta(hours=hour) for hour in range(24)]
    rows += [
        tariff_hour_row(
            run_id=f"synthetic-{at:%Y-%m-%d}", hour_at=hour, usd_per_kwh=0.1 if hour.hour < 6 else 0.3,
            tariff_name="invented.csv",
        )
        for hour in hours
    ]  # fmt: skip
    land(data_dir, batch_id=f"{run_id}.plan", host_id="host", rows=rows, landed_at=at)


def _conversations(run_id: str, at: datetime, random: Random, attempts: int) -> list[LandingRow]:
    """A trial of conversations of three turns, whose prompts grow and come from a cache more and more."""
    trial, *others = _trial(run_id, TARGETS[1], "chat-1", at, random, attempts, try_number=4)
    rows: list[LandingRow] = [
        replace(
            trial, conversation_turns=3, conversation_history="answers", think_times="fixed(mean=2)", prompt_nonce=True
        )
    ]
    for row in others:
        if not isinstance(row, AttemptRow):
            rows.append(row)
            continue
        talk, turn = divmod(row.seq, 3)
        tokens = 100 + turn * 164
        rows.append(
            replace(
                row,
                conversation_id=f"{trial.trial_id}.c{talk:05d}",
                turn_number=turn + 1,
                prompt_tokens=None if row.error_class else tokens,
                cached_tokens=None if row.error_class else max(0, tokens - 164),
                prompt_tokens_asked=100 if turn == 0 else None,
                output_tokens_asked=64,
            )
        )
    return rows


def _trial(
    run_id: str,
    target: Target,
    workload_id: str,
    started_at: datetime,
    random: Random,
    attempts: int,
    *,
    try_number: int = 1,
) -> tuple[TrialRow, *tuple[LandingRow, ...]]:
    trial_id = f"{run_id}.{target.id}.{workload_id}.{try_number}"
    concurrency, prompt_tokens, output_tokens = WORKLOADS[workload_id]
    rows = [] if target.crashes else _attempts(trial_id, target, started_at, random, attempts, concurrency, workload_id)
    last_ns = max((row.t_end_ns or BOOT_NS for row in rows), default=None)
    is_local = target.kind == "local"
    seconds = 3.0 if last_ns is None else (last_ns - BOOT_NS) / SECOND_NS
    trial = trial_row(
        trial_id=trial_id,
        run_id=run_id,
        target_id=target.id,
        workload_id=workload_id,
        try_number=try_number,
        status="setup_failed" if target.crashes else "completed",
        status_reason="no weights at missing.gguf" if target.crashes else None,
        started_at=started_at,
        ended_at=started_at + timedelta(seconds=seconds),
        window_start_ns=None if target.crashes else BOOT_NS,
        window_end_ns=last_ns,
        kind=target.kind,
        provider=target.provider,
        model=target.model,
        quantisation=target.quantisation,
        base_url=None if is_local else f"https://{target.provider}.example/v1",
        region=target.region,
        engine="llama.cpp" if is_local else None,
        engine_version=target.engine_version if is_local else None,
        device=target.device,
        threads=2 if is_local else None,
        slots=concurrency if is_local else None,
        engine_ready_s=1.2 if is_local else None,
        concurrency=concurrency,
        requests_planned=attempts,
        prompt_tokens_asked=prompt_tokens,
        output_tokens_asked=output_tokens,
        engine_cpu_s=seconds * 1.9 if is_local else None,
        cpu_share_others=0.17 if target.id == "smollm2-q4" else 0.02,
        gpu_models="NVIDIA H100" if target.device == "cuda" else None,
        **_steady(rows, concurrency),
    )
    facts = _facts(trial_id, target)
    return (trial, *rows, *facts, *_metering(trial, target))


def _steady(rows: list[AttemptRow], concurrency: int) -> dict[str, int | float | None]:
    window = closed_loop_window(
        np.array([row.t_start_ns for row in rows], dtype=np.int64),
        np.array([row.t_end_ns for row in rows], dtype=np.int64),
        concurrency=concurrency,
    )
    if window.start_ns is None or window.end_ns is None:
        return {}
    # each answer's tokens come evenly from its first to its last
    tokens = 0.0
    for row in rows:
        if row.output_tokens:
            inside_ns = min(row.t_last_ns, window.end_ns) - max(row.t_first_ns, window.start_ns)
            tokens += row.output_tokens * max(inside_ns, 0) / (row.t_last_ns - row.t_first_ns)
    return {"steady_start_ns": window.start_ns, "steady_end_ns": window.end_ns, "steady_output_tokens": tokens}


def _attempts(
    trial_id: str,
    target: Target,
    started_at: datetime,
    random: Random,
    attempts: int,
    concurrency: int,
    workload_id: str,
) -> list[AttemptRow]:
    _, prompt_tokens, output_tokens = WORKLOADS[workload_id]
    free_at_s = [0.0] * concurrency
    rows = []
    for seq in range(attempts):
        slot = free_at_s.index(min(free_at_s))
        start_s = free_at_s[slot]
        if random.random() < target.failing_share:
            row = replace(failed_row(seq, start_s=start_s), trial_id=trial_id, attempt_id=f"{trial_id}.{seq}")
        else:
            tokens = output_tokens - random.randrange(8)
            ttft_s = target.ttft_s * (1 + prompt_tokens / 2000) * random.lognormvariate(0, 0.2)
            tpot_s = target.tpot_s * concurrency**0.4 * random.lognormvariate(0, 0.1)
            base = attempt_row(seq, trial_id=trial_id, start_s=start_s)
            first_ns = base.t_start_ns + round(ttft_s * SECOND_NS)
            last_ns = first_ns + round(tpot_s * (tokens - 1) * SECOND_NS)
            row = replace(
                base,
                t_byte_ns=first_ns - 1_000_000,
                t_first_ns=first_ns,
                t_visible_ns=first_ns,
                t_last_ns=last_ns,
                t_end_ns=last_ns + 2_000_000,
                chunks=tokens,
                reads=tokens - 1,
                prompt_tokens=prompt_tokens,
                output_tokens=tokens,
                streamed_tokens=tokens,
                chunk_gap_p50_ns=round(tpot_s * SECOND_NS),
                chunk_gap_p95_ns=round(1.3 * tpot_s * SECOND_NS),
                chunk_gap_p99_ns=round(1.6 * tpot_s * SECOND_NS),
                chunk_gap_max_ns=round(2.0 * tpot_s * SECOND_NS),
                qoe_share=1.0 if ttft_s < 1.0 else 1.0 / ttft_s,
            )
        rows.append(replace(row, started_at=started_at + timedelta(seconds=start_s)))
        free_at_s[slot] = (row.t_end_ns - BOOT_NS) / SECOND_NS + 0.001
    return rows


def _facts(trial_id: str, target: Target) -> list[FactRow]:
    if target.kind == "local":
        return local_facts(trial_id)
    facts = []
    if target.usd_per_mtok is not None:
        usd_in, usd_out = target.usd_per_mtok
        facts += [fact_row("price_usd_per_input_mtok", usd_in), fact_row("price_usd_per_output_mtok", usd_out)]
    if target.usd_per_cached_mtok is not None:
        facts.append(fact_row("price_usd_per_cached_input_mtok", target.usd_per_cached_mtok))
    if target.j_per_token is not None:
        low, central, high = target.j_per_token
        facts += [
            fact_row("endpoint_j_per_output_token", central, low=low, high=high, basis="estimated"),
            fact_row("endpoint_embodied_gco2e_per_output_mtok", 40.0, low=10.0, high=90.0, basis="estimated"),
            fact_row("pue", 1.14, low=1.08, high=1.2),
            fact_row("grid_gco2e_per_kwh", 369.5, low=369.5, high=384.4, basis="estimated"),
        ]
    return [replace(fact, trial_id=trial_id, source="invented") for fact in facts]


def _metering(trial: TrialRow, target: Target) -> list[MeterRow | PowerSampleRow]:
    if target.power_w is None or trial.window_end_ns is None:
        return []
    meters = [("modelled:cpu", "cpu", "modelled", 30.0), ("modelled:ram", "ram", "modelled", 10.0)]
    if target.device == "cuda":
        meters.append(("nvml:0", "gpu", "measured", target.power_w))
    rows: list[MeterRow | PowerSampleRow] = []
    for meter, component, basis, load_w in meters:
        method = "nvml-power" if component == "gpu" else "tdp-load-curve"
        row = meter_row(
            trial_id=trial.trial_id, meter=meter, component=component, basis=basis, method=method, device=meter
        )
        rows.append(replace(row, source="invented"))
        is_modelled = basis == "modelled"
        steps = (trial.window_end_ns - BOOT_NS) // (SECOND_NS // 2) + 4
        for step in (*range(-24, -4), *range(-2, steps)):
            watts = load_w * 0.2 if step < -4 else load_w
            sample = sample_row(
                meter=meter,
                phase="idle" if step < -4 else "load",
                second=step / 2,
                power_w=watts,
                power_w_low=watts * 0.6 if is_modelled else None,
                power_w_high=watts * 1.5 if is_modelled else None,
            )
            rows.append(replace(sample, trial_id=trial.trial_id))
    return rows


if __name__ == "__main__":
    days = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    report = write_synthetic(Path(sys.argv[1]), days, with_pulses=True)
    print(
        f"{len(report.loaded_batches)} batches, {report.loaded_rows} rows, {report.accounted_trials} trials accounted"
    )
