"""One trial as the parent writes it down for the child process that runs it. Holds the name of a key, never a key."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.meterhook import MeterHook
from flows.site import Range
from flows.targets import EndpointTarget, LocalTarget, Target, Timeouts
from flows.tariff import TariffHour
from flows.workload import Workload
from warehouse.rows import FactRow

if TYPE_CHECKING:
    from pydantic import ConfigDict

_CONFIG: "Final[ConfigDict]" = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsRef:
    """The weights file that a local engine loads."""

    __pydantic_config__ = _CONFIG

    path: Path
    sha256: str
    quantisation: str
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """Everything that a trial needs to run and to be accounted for later."""

    __pydantic_config__ = _CONFIG

    trial_id: str
    run_id: str
    try_number: int
    target: Target
    workload: Workload
    timeouts: Timeouts
    idle_baseline_s: float
    idle_fresh_s: float = 0.0  # an idle baseline of the same target that is younger is used again
    weights: WeightsRef | None
    cpu_tdp_w: Range | None
    rapl_psys: bool = False
    meters: list[MeterHook] = field(default_factory=list)
    facts: list[FactRow]
    tariff: list[TariffHour] = field(default_factory=list)  # of the hours ahead; none: the flat one among the facts
    tariff_name: str = ""
    repeat_number: int = 1  # 1 for the first measurement of this target under this workload in the run
    group_id: str | None = None  # of the trials that are measured with this one, interleaved by one client
    search_id: str | None = None  # of the search that this trial is a point of
    search_point: int | None = None

    @property
    def duration_s(self) -> float | None:
        """How long to send for, if time ends it."""
        return self.workload.duration_s

    @property
    def local(self) -> LocalTarget | None:
        """The target if it is ours to start."""
        return self.target if isinstance(self.target, LocalTarget) else None

    @property
    def endpoint(self) -> EndpointTarget | None:
        """The target if someone else runs it."""
        return self.target if isinstance(self.target, EndpointTarget) else None


def spec_json(spec: TrialSpec) -> dict[str, Any]:
    """A spec as JSON holds it; `read_json` has it back."""
    return {key: _plain(value) for key, value in asdict(spec).items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a spec holds
    """Paths as text, at any depth."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def read_json(text: bytes) -> TrialSpec:
    """A spec that was written as JSON, also by an earlier version."""
    from pydantic import TypeAdapter

    return TypeAdapter(TrialSpec).validate_json(json.dumps(_up_to_date(json.loads(text))))


def _up_to_date(value: dict[str, Any]) -> dict[str, Any]:
    """A night of an earlier version may have left its folders: there the duration stood beside the workload."""
    if "duration_s" not in value:
        return value
    older = dict(value)
    duration_s, workload = older.pop("duration_s"), dict(older["workload"])
    if duration_s is not None:
        workload["duration_s"] = duration_s
    return older | {"workload": workload}


def plan_columns(spec: TrialSpec) -> dict[str, Any]:
    """What was planned, by the names of its columns in `trials`, as far as `spec.json` alone tells it."""
    workload = spec.workload
    file = workload.trace_file or workload.rates_file
    return {
        "group_id": spec.group_id,
        "search_id": spec.search_id,
        "search_point": spec.search_point,
        "repeat_number": spec.repeat_number,
        "burstiness": workload.burstiness,
        "rate_end_rps": workload.rate_end_rps,
        "trace_name": file.name if file else None,
        "client_processes": workload.client_processes,
        **_prompt_columns(spec),
    }


def _prompt_columns(spec: TrialSpec) -> dict[str, Any]:
    """What its prompts were to be made of, by the same names."""
    workload, images = spec.workload, spec.workload.images
    talks = workload.turns > 1
    return {
        "prompt_text": workload.text if workload.prompts_file is None else None,
        "prompt_nonce": workload.nonce,
        "shared_prefix_share": workload.shared_prefix_share,
        "prompt_lengths": workload.prompt_lengths.words() if workload.prompt_lengths else None,
        "output_lengths": workload.output_lengths.words() if workload.output_lengths else None,
        "prompt_tokens_asked_max": workload.most_prompt_tokens,
        "output_tokens_asked_max": workload.most_output_tokens,
        "tokenizer": Path(spec.target.tokenizer).name,
        "prompts_name": workload.prompts_file.name if workload.prompts_file else None,
        "conversation_turns": workload.turns if talks else None,
        "think_times": workload.think_s.words() if workload.think_s else None,
        "conversation_history": workload.history if talks else None,
        "prompt_images": images.count if images else 0,
        "image_size": f"{images.width_px}x{images.height_px}" if images else None,
        "prompt_documents": workload.documents,
        "document_tokens_asked": workload.document_tokens or None,
        "prompt_audio_s": workload.audio_s,
    }


def trial_id(run_id: str, target_id: str, workload_id: str, try_number: int) -> str:
    """RUN.TARGET.WORKLOAD.TRY: readable, unique, and a file name."""
    return f"{run_id}.{target_id}.{workload_id}.{try_number}"


def search_id(first_trial_id: str) -> str:
    """RUN.TARGET.WORKLOAD.TRY.search, with the try of its first point: unique, and the name of its batch."""
    return f"{first_trial_id}.search"


def searched_cells(run_id: str, batch_ids: Collection[str]) -> set[tuple[str, str]]:
    """(target_id, workload_id) of the searches of a run whose answers are among landed batches."""
    found = set()
    for batch_id in batch_ids:
        if batch_id.startswith(f"{run_id}.") and batch_id.endswith(".search"):
            target_id, workload_id, _, _ = batch_id.removeprefix(f"{run_id}.").split(".")
            found.add((target_id, workload_id))
    return found
