"""Files that a workload names, and lengths that are drawn: found and read before the first request."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.workload import Workload
from probes.errors import ProbeError

_LENGTHS = ("prompt_tokens", "output_tokens")
_FILES = ("rates_file", "trace_file", "prompts_file")
_SPREADS = ("prompt_lengths", "output_lengths", "think_s")


def with_paths(table: Mapping[str, Any], folder: Path, problems: list[str]) -> dict[str, Any]:
    """A workload's table with the paths of its files absolute.

    Args:
        table: the workload as it stands in TOML, not checked yet.
        folder: where relative paths start.
        problems: gets a sentence if lengths are given beside a trace, which brings its own.
    """
    filled = dict(table)
    for key in _FILES:
        given = table.get(key)
        if isinstance(given, str):
            filled[key] = str((folder / Path(given).expanduser()).resolve())
    for key in _SPREADS:
        spread = table.get(key)
        if isinstance(spread, Mapping) and isinstance(spread.get("file"), str):
            filled[key] = {**spread, "file": str((folder / Path(spread["file"]).expanduser()).resolve())}
    if "trace_file" in table:
        given_lengths = [key for key in _LENGTHS if key in table]
        if given_lengths:
            problems.append(f"trace_file: a trace brings its own lengths; leave {' and '.join(given_lengths)} out")
        filled |= dict.fromkeys(_LENGTHS, 1)  # until the trace is read
    for key, sources in zip(_LENGTHS, (("prompt_lengths", "prompts_file"), ("output_lengths",)), strict=True):
        given_sources = [source for source in sources if source in table]
        if given_sources and key in table:
            problems.append(f"{given_sources[0]} says how long; leave {key} out")
        elif given_sources:
            filled[key] = 1  # until it is known what comes
        if f"{key}_max" in table:
            problems.append(f"{key}_max is worked out; leave it out, and set {sources[0]} with its max")
    return filled


def completed(workload: Workload) -> Workload:
    """A workload with what its plan says: how many requests an open loop sends, mean and largest lengths.

    Raises:
        ProbeError: a file cannot be read or has a bad row, which it names; or nothing would be sent.
    """
    from probes.load.plan import Plan

    changes = {} if workload.trace_file is not None else _lengths(workload)
    if workload.search is None and workload.arrivals != "closed":
        plan = Plan(workload)
        facts = plan.facts
        changes["requests"] = facts.sends
        if workload.trace_file is not None:
            if facts.sends is None or facts.prompt_tokens is None or facts.output_tokens is None:
                raise ProbeError(f"trace_file {workload.trace_file} has no rows to replay")
            changes["prompt_tokens"] = math.ceil(facts.prompt_tokens / facts.sends)
            changes["output_tokens"] = math.ceil(facts.output_tokens / facts.sends)
            changes["prompt_tokens_max"], changes["output_tokens_max"] = plan.most_tokens
    return replace(workload, **changes) if changes else workload


def _lengths(workload: Workload) -> dict[str, Any]:
    """Mean lengths of requests that differ, and the most that any of them can be."""
    from probes.load.attached import SOUND_TOKENS_PER_S, picture_tokens
    from probes.load.sends import FileRows, Lengths, mean_tokens, most_tokens

    rows = FileRows(workload) if workload.prompts_file is not None else None
    lengths = Lengths(workload)
    images = workload.images
    beside = workload.documents * workload.document_tokens + math.ceil(workload.audio_s * SOUND_TOKENS_PER_S)
    if images is not None:
        beside += images.count * picture_tokens(images.width_px, images.height_px)
    prompt, output = most_tokens(rows, lengths, workload.turns)
    changes: dict[str, Any] = {}
    if (prompt + beside, output) != (workload.prompt_tokens, workload.output_tokens):
        changes = {"prompt_tokens_max": prompt + beside, "output_tokens_max": output}
    mean_prompt, mean_output = mean_tokens(rows, lengths)
    if rows is not None or workload.prompt_lengths is not None:
        changes["prompt_tokens"] = max(1, math.ceil(mean_prompt))
    if workload.output_lengths is not None:
        changes["output_tokens"] = max(1, math.ceil(mean_output))
    return changes
