"""What `megatoken bench` was asked to do, checked: its target, its workload, and the specs of its trials."""

import argparse
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.benchprompts import prompt_keys
from flows.errors import ConfigError
from flows.spec import TrialSpec, trial_id
from flows.tables import AnyTable, plainly_right
from flows.targets import EndpointTarget, Timeouts
from flows.traces import completed, with_paths
from flows.workload import Workload
from probes.errors import ProbeError
from probes.load.protocols import protocol

DEADLINE_S = 24 * 3600.0
REQUESTS = 30
TOKENS = 64
RATE_MAX_RPS = 1000.0
# What has files to be read, or lengths that differ: where there is none of it, nothing is looked at before the trial.
_TO_COMPLETE = {
    "trace_file", "rates_file", "prompts_file", "prompt_lengths", "output_lengths", "turns", "images", "documents",
    "audio_s",
}  # fmt: skip


def new_bench_id() -> str:
    """Sortable, readable, unique."""
    return f"bench-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(2)}"


def bench_target(options: argparse.Namespace) -> EndpointTarget:
    """The endpoint named on the command line.

    Raises:
        ConfigError: one sentence per mistake.
    """
    table = {
        "kind": "endpoint",
        "id": "adhoc",
        "provider": "adhoc",
        "model": options.model,
        "base_url": options.url,
        "api": options.api,
        "api_key_env": options.api_key_env,
        "max_rps": options.max_rps,
        "max_tokens_per_minute": options.max_tokens_per_minute,
        "pace": options.pace,
        "tokenizer": _tokenizer(options),
    }
    target = _checked(EndpointTarget, table)
    try:
        protocol(target.api)
    except ProbeError as error:
        raise ConfigError([f"--api {target.api}: {error}"]) from None
    return target


def bench_workload(options: argparse.Namespace) -> Workload:
    """The load asked for on the command line.

    Raises:
        ConfigError: one sentence per mistake.
    """
    if options.duration is not None and options.duration <= 0:
        raise ConfigError([f"--duration {options.duration:g} must be > 0 seconds"])
    arrivals = _arrivals(options)
    searching = options.find_rate or options.sweep
    needs_rate = not searching and arrivals not in ("closed", "piecewise", "trace")
    if needs_rate and options.rate is None:
        raise ConfigError([f"--arrivals {arrivals} needs --rate R; a closed loop takes --concurrency N"])
    if arrivals.endswith("-ramp") and (options.rate_end is None or options.duration is None):
        raise ConfigError(
            [f"--arrivals {arrivals} goes from --rate R to --rate-end R2 in --duration S; give all three"]
        )
    table: dict[str, Any] = {
        "id": "adhoc",
        "arrivals": arrivals,
        "concurrency": _concurrency(options, arrivals),
        "rate_rps": options.rate,
        "rate_end_rps": options.rate_end,
        "burstiness": options.burstiness,
        "rates_file": options.rates,
        "trace_file": options.trace,
        "trace_speed": options.trace_speed if options.trace_speed is not None else 1.0,
        "connections": "cold" if options.cold else "warm",
        "requests": options.requests,
        "duration_s": options.duration,
        "warmup_requests": options.warmup,
        **prompt_keys(options),
        "slo_ttft_ms": options.slo_ttft_ms,
        "slo_tpot_ms": options.slo_tpot_ms,
        "seed": options.seed,
        "repeats": options.repeats,
        "client_processes": options.processes,
    }
    if searching:
        table["search"] = "slo" if options.find_rate else "sweep"
        limits = {
            "rate_min_rps": options.rate_min,
            "rate_max_rps": options.rate_max if options.rate_max is not None else RATE_MAX_RPS,
            "tolerance": options.tolerance,
        }
        table["search_limits"] = {key: value for key, value in limits.items() if value is not None}
    elif options.requests is None and options.duration is None and arrivals not in ("piecewise", "trace"):
        table["requests"] = REQUESTS
    table = {key: value for key, value in table.items() if value is not None}
    if "trace_file" not in table:
        own_prompts = "prompt_lengths" in table or "prompts_file" in table
        table = ({} if own_prompts else {"prompt_tokens": TOKENS}) | table
        table = ({} if "output_lengths" in table else {"output_tokens": TOKENS}) | table
    problems: list[str] = []
    table = with_paths(table, Path.cwd(), problems)
    if problems:
        raise ConfigError([f"bench: {problem}" for problem in problems])
    workload = _checked(Workload, table)
    if not table.keys() & _TO_COMPLETE:
        return workload
    try:
        return completed(workload)
    except ProbeError as error:
        raise ConfigError([f"bench: {error}"]) from None


def _checked(table: type[AnyTable], raw: dict[str, Any]) -> AnyTable:
    found = plainly_right(table, raw)
    if found is None:
        from flows.config import check_table  # pydantic knows what is wrong, if anything is

        found = check_table(table, raw, name="bench")
    return found


def _arrivals(options: argparse.Namespace) -> str:
    """The arrivals named, or those that the other options can only mean."""
    given: str | None = options.arrivals
    if given is not None:
        return given
    if options.trace is not None:
        return "trace"
    if options.rates is not None:
        return "piecewise"
    if options.burstiness is not None:
        return "gamma"
    if options.rate_end is not None:
        return "linear-ramp"
    return "poisson" if options.rate is not None or options.find_rate or options.sweep else "closed"


def _tokenizer(options: argparse.Namespace) -> str:
    """As a config has it: a word, or the path of a file."""
    given: str = options.tokenizer or "usage"
    return given if given in ("usage", "server") else str(Path(given).expanduser().resolve())


def _concurrency(options: argparse.Namespace, arrivals: str) -> int | None:
    given: int | None = options.concurrency
    return 1 if given is None and arrivals == "closed" else given


def bench_spec(
    run_id: str,
    target: EndpointTarget,
    workload: Workload,
    try_number: int,
    *,
    search_id: str | None = None,
    search_point: int | None = None,
    repeat_number: int = 1,
) -> TrialSpec:
    """The spec of one of a bench's trials."""
    return TrialSpec(
        trial_id=trial_id(run_id, target.id, workload.id, try_number),
        run_id=run_id,
        try_number=try_number,
        target=target,
        workload=workload,
        timeouts=Timeouts(trial_s=DEADLINE_S),
        idle_baseline_s=0.0,
        weights=None,
        cpu_tdp_w=None,
        facts=[],
        repeat_number=repeat_number,
        search_id=search_id,
        search_point=search_point,
    )
