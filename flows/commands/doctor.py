"""`megatoken doctor`: what is usable on this machine, and what to do about what is not."""

import argparse
import importlib.metadata
import os
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from flows.config import EndpointTarget, Target, api_key, load_config
from flows.local import power_overrides
from flows.terminal import board_console
from probes.check import Check
from probes.doctor import checks


def run(options: argparse.Namespace) -> int:
    """Print one line a check. Always 0: a meter that a machine does not have is no mistake."""
    loaded = load_config(Path(options.config))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for check in [*checks(overrides=power_overrides(loaded.config.site)), *_keys(loaded.config.targets), *_prefect()]:
        table.add_row(
            Text("✓" if check.ok else "-", style="green" if check.ok else "yellow"),
            Text(check.name, style="bold"),
            Text(check.detail) if check.ok or not check.remedy else Text(f"{check.detail}\n→ {check.remedy}"),
        )
    board_console().print(table)
    return 0


def _keys(targets: Sequence[Target]) -> list[Check]:
    found = []
    for target in targets:
        if isinstance(target, EndpointTarget) and target.api_key_env is not None:
            there = api_key(target) is not None
            found.append(
                Check(
                    name=f"key {target.api_key_env}",
                    ok=there,
                    detail=f"set, for {target.id}" if there else f"not set: {target.id} is skipped",
                    remedy=None if there else f"export {target.api_key_env}=...",
                )
            )
    return found


def _prefect() -> list[Check]:
    server = os.environ.get("PREFECT_API_URL")
    detail = f"{importlib.metadata.version('prefect')}, server {server or 'started for each night'}"
    return [Check(name="prefect", ok=True, detail=detail, remedy=None)]
