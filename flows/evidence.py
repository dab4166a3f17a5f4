"""What a trial's load client says of itself, as columns of `trials`."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from flows.spec import TrialSpec
from probes.load.client import LoadResult


def evidence_of(spec: TrialSpec, result: LoadResult) -> dict[str, Any]:
    """Columns of `trials` that only the trial's process knows, by name; the plan's own are in its spec."""
    file = spec.workload.trace_file or spec.workload.rates_file
    prompts = spec.workload.prompts_file
    return {
        **dataclasses.asdict(result.evidence),
        "trace_sha256": _sha256(file) if file else None,
        "prompts_sha256": _sha256(prompts) if prompts else None,
    }


def _sha256(path: Path) -> str | None:
    """Of a file that was replayed; None if it has gone since."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
