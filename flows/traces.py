"""Files that a workload names: found beside its config, read before the first request."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.workload import Workload
from probes.errors import ProbeError

_LENGTHS = ("prompt_tokens", "output_tokens")


def with_paths(table: Mapping[str, Any], folder: Path, problems: list[str]) -> dict[str, Any]:
    """A workload's table with the paths of its files absolute.

    Args:
        table: the workload as it stands in TOML, not checked yet.
        folder: where relative paths start.
        problems: gets a sentence if lengths are given beside a trace, which brings its own.
    """
    filled = dict(table)
    for key in ("rates_file", "trace_file"):
        given = table.get(key)
        if isinstance(given, str):
            filled[key] = str((folder / Path(given).expanduser()).resolve())
    if "trace_file" in table:
        given_lengths = [key for key in _LENGTHS if key in table]
        if given_lengths:
            problems.append(f"trace_file: a trace brings its own lengths; leave {' and '.join(given_lengths)} out")
        filled |= dict.fromkeys(_LENGTHS, 1)  # until the trace is read
    return filled


def completed(workload: Workload) -> Workload:
    """A workload with what its plan says: how many requests an open loop sends, and the mean lengths of a trace.

    Raises:
        ProbeError: a file cannot be read or has a bad row, which it names; or nothing would be sent.
    """
    from probes.load.plan import Plan

    if workload.search is not None or workload.arrivals == "closed":
        return workload
    facts = Plan(workload).facts
    changes: dict[str, Any] = {"requests": facts.sends}
    if workload.trace_file is not None:
        if facts.sends is None or facts.prompt_tokens is None or facts.output_tokens is None:
            raise ProbeError(f"trace_file {workload.trace_file} has no rows to replay")
        changes["prompt_tokens"] = math.ceil(facts.prompt_tokens / facts.sends)
        changes["output_tokens"] = math.ceil(facts.output_tokens / facts.sends)
    return replace(workload, **changes)
