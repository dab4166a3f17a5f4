"""Nights over scripted endpoints: real processes, real sockets, a real warehouse, no engine."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from tests.flows import prepared
from tests.warehouse.begun import begun
from tests.warehouse.snapshots import run_query

ROOT = Path(__file__).parents[2]


def endpoint(target_id: str, base_url: str, **more: Any) -> dict[str, Any]:
    """A priced endpoint target."""
    return {
        "kind": "endpoint",
        "id": target_id,
        "provider": "fake",
        "model": "fake",
        "base_url": base_url,
        "api": "openai-chat",
        "price": {"usd_per_input_mtok": 1.0, "usd_per_output_mtok": 2.0},
        **more,
    }


def write_config(folder: Path, targets: Sequence[dict[str, Any]], **changes: Any) -> Path:
    """A config with one workload; `changes` are of `settings`; `workload` has more keys of it, None takes one out."""
    settings = {
        "requests": 6,
        "output_tokens": 8,
        "max_usd": 1.0,
        "trial_s": 60.0,
        "timeouts": {},
        "concurrency": 2,
        "warmup_requests": 1,
        "paired": False,
        "night": {},
        "workload": {},
    } | changes
    lines = [
        "[night]",
        'name = "test"',
        f"max_usd = {settings['max_usd']}",
        f"paired = {_toml(settings['paired'])}",
        # test_canary_night asks; elsewhere its requests would only stand among those that are counted
        *(f"{key} = {_toml(value)}" for key, value in ({"canary": False} | settings["night"]).items()),
        f"timeouts = {_toml({'trial_s': settings['trial_s'], 'connect_s': 2.0} | settings['timeouts'])}",
    ]
    for target in targets:
        lines += ["[[targets]]", *(f"{key} = {_toml(value)}" for key, value in target.items())]
    workload = {
        "id": "w",
        "arrivals": "closed",
        "concurrency": settings["concurrency"],
        "requests": settings["requests"],
        "warmup_requests": settings["warmup_requests"],
        "prompt_tokens": 20,
        "output_tokens": settings["output_tokens"],
    } | settings["workload"]
    lines += ["[[workloads]]", *(f"{key} = {_toml(value)}" for key, value in workload.items() if value is not None)]
    path = folder / "night.toml"
    path.write_text("\n".join(lines))
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def command(*arguments: str) -> list[str]:
    """The command line as a person's shell would start it."""
    return [sys.executable, "-m", "flows.cli", *arguments]


def environment(data: Path, **more: str) -> dict[str, str]:
    """An environment of its own: nobody else's data, lock or keys."""
    keep = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    return keep | {"MEGATOKEN_DATA": str(data), "MEGATOKEN_HOST_LOCK": str(data.parent / "host.lock")} | more


def megatoken(data: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a process of its own that was not started anew (see tests.flows.prepared)."""
    return prepared.run(arguments, cwd=ROOT, env=environment(data, **more), limit_s=300)


def night(data: Path, config: Path, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a night to its end, without Prefect; its tables are there already."""
    if not data.exists():
        begun(data)
    return megatoken(data, "night", str(config), "--no-prefect", *more, **env)


def sql(data: Path, query: str) -> list[dict[str, Any]]:
    """Rows of the published snapshot, as JSON has them; test_cli asks by the command, in a process of its own."""
    names, found = run_query(data, query)
    rows: list[dict[str, Any]] = orjson.loads(orjson.dumps([dict(zip(names, row, strict=True)) for row in found]))
    return rows


def landed_attempts(data: Path) -> pl.DataFrame:
    """Every attempt in landing, read straight from the Parquet files."""
    files = sorted((data / "landing").glob("date=*/*/attempts.parquet"))
    return pl.concat([pl.read_parquet(f) for f in files]) if files else pl.DataFrame({"attempt_id": []})
