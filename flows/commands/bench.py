"""`megatoken bench`: one ad hoc trial against one endpoint, in this process, without Prefect or a config."""

import argparse
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.config import EndpointTarget, Timeouts, Workload, check_table
from flows.errors import ConfigError, NightError
from flows.paths import data_dir
from flows.spec import TrialSpec, trial_id
from flows.spool import create_spool, land_spool, rows_of
from flows.trial import Stop, measure_trial
from flows.version import VERSION
from probes.errors import ProbeError
from probes.load.protocols import protocol
from warehouse.rows import FactRow, LandingRow, RunRow, TrialRow, TrialStatus

# The keys of `--json` that scripts rely on; the rest of the trial's metrics follow them.
PROMISED = (
    "trial_id", "attempts", "ok", "errors", "concurrency_mean", "ttft_p50_s", "ttft_p95_s", "ttft_p99_s", "tpot_p50_s",
    "tpot_p99_s", "e2e_p50_s", "e2e_p99_s", "output_tokens_per_s", "requests_per_s", "lag_p99_s", "client_cpu_s",
)  # fmt: skip
DEADLINE_S = 24 * 3600.0
REQUESTS = 30


def run(options: argparse.Namespace) -> int:
    """Load the endpoint, print the metrics, land. 0 if anybody was served, else 1."""
    spec = _spec(options)
    stop = Stop(DEADLINE_S)
    stop.listen(parent_fd=None)
    root = Path(tempfile.mkdtemp(prefix="megatoken-")) if options.no_land else data_dir(options.data)
    try:
        folder = create_spool(root, spec)
        teller = _Teller(quiet=options.json or not sys.stderr.isatty())
        status, reason = measure_trial(spec, folder, stop=stop, report=teller)
        teller.clear()
        rows = rows_of(folder, status=status, reason=reason)
        row = _metrics(rows)
        _print(options, row, reason)
        if not options.no_land:
            _land(root, folder, spec, status=status, reason=reason)
    except ProbeError as error:
        raise ConfigError([str(error)]) from error
    except OSError as error:
        raise NightError(f"{error.filename or root}: {error.strerror or error}; the trial could not be kept") from error
    finally:
        if options.no_land:
            shutil.rmtree(root)
    return 0 if row["ok"] else 1


def _spec(options: argparse.Namespace) -> TrialSpec:
    run_id = f"bench-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(2)}"
    target, workload = _target(options), _workload(options)
    try:
        protocol(target.api)
    except ProbeError as error:
        raise ConfigError([f"--api {target.api}: {error}"]) from None
    facts: list[FactRow] = []
    return TrialSpec(
        trial_id=trial_id(run_id, target.id, workload.id, 1),
        run_id=run_id,
        try_number=1,
        target=target,
        workload=workload,
        timeouts=Timeouts(trial_s=DEADLINE_S),
        idle_baseline_s=0.0,
        weights=None,
        cpu_tdp_w=None,
        facts=facts,
        duration_s=options.duration,
    )


def _target(options: argparse.Namespace) -> EndpointTarget:
    table = {
        "kind": "endpoint",
        "id": "adhoc",
        "provider": "adhoc",
        "model": options.model,
        "base_url": options.url,
        "api": options.api,
        "api_key_env": options.api_key_env,
    }
    return check_table(EndpointTarget, table, name="bench")


def _workload(options: argparse.Namespace) -> Workload:
    if options.arrivals and options.rate is None:
        raise ConfigError([f"--arrivals {options.arrivals} needs --rate R; a closed loop takes --concurrency N"])
    if options.duration is not None and options.duration <= 0:
        raise ConfigError([f"--duration {options.duration:g} must be > 0 seconds"])
    open_loop = options.rate is not None
    table = {
        "id": "adhoc",
        "arrivals": (options.arrivals or "poisson") if open_loop else "closed",
        "concurrency": None if open_loop else (options.concurrency if options.concurrency is not None else 1),
        "rate_rps": options.rate,
        "requests": options.requests if options.requests is not None else REQUESTS,
        "warmup_requests": options.warmup,
        "prompt_tokens": options.prompt_tokens,
        "output_tokens": options.output_tokens,
        "seed": options.seed,
    }
    return check_table(Workload, table, name="bench")


def _metrics(rows: Sequence[LandingRow]) -> dict[str, Any]:
    from warehouse.query import summarise_batch

    row = summarise_batch(rows)
    return {key: row[key] for key in PROMISED} | {k: v for k, v in row.items() if k not in PROMISED}


def _print(options: argparse.Namespace, row: dict[str, Any], reason: str | None) -> None:
    if options.json:
        import orjson

        print(orjson.dumps(row).decode(), flush=True)
        return
    from rich.console import Console

    from flows.benchtable import bench_table

    console = Console()
    console.print(bench_table(row))
    if reason:
        console.print(f"{row['status']}: {reason}", style="yellow", highlight=False, markup=False)


def _land(root: Path, folder: Path, spec: TrialSpec, *, status: TrialStatus, reason: str | None) -> None:
    from warehouse.errors import WarehouseError
    from warehouse.landing import land
    from warehouse.loader import load
    from warehouse.publish import publish

    try:
        rows = land_spool(root, folder, status=status, reason=reason)
        trial = next(row for row in rows if isinstance(row, TrialRow))
        land(root, batch_id=f"{spec.run_id}.plan", host_id=trial.host_id, rows=[_run_row(spec, trial)])
        load(root)
        publish(root)
    except WarehouseError as error:
        raise NightError(str(error)) from error


def _run_row(spec: TrialSpec, trial: TrialRow) -> RunRow:
    import hashlib

    text = spec.model_dump_json(include={"target", "workload", "timeouts"})
    return RunRow(
        run_id=spec.run_id,
        started_at=trial.started_at,
        config_name="bench",
        config_sha256=hashlib.sha256(text.encode()).hexdigest(),
        config_toml=None,
        host_id=trial.host_id,
        megatoken_version=VERSION,
        quote_usd_worst=None,
        max_usd=None,
    )


class _Teller:
    """One line on standard error that says how far the trial is."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def __call__(self, event: str, values: dict[str, Any]) -> None:
        if not self._quiet and event == "progress":
            total = f"/{values['total']}" if values["total"] is not None else ""
            tokens = f", {values['output_tokens']} tokens" if values["output_tokens"] is not None else ""
            line = f"{values['phase']}: {values['done']}{total} done, {values['in_flight']} in flight{tokens}"
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Remove the line."""
        if not self._quiet:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
