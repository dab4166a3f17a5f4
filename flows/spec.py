"""One trial as the parent writes it down for the child process that runs it. Holds the name of a key, never a key."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from flows.config import EndpointTarget, LocalTarget, Range, Target, Timeouts, Workload
from warehouse.rows import FactRow


class WeightsRef(BaseModel):
    """The weights file that a local engine loads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    sha256: str
    quantisation: str
    note: str | None


class TrialSpec(BaseModel):
    """Everything that a trial needs to run and to be accounted for later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trial_id: str
    run_id: str
    try_number: int
    target: Target
    workload: Workload
    timeouts: Timeouts
    idle_baseline_s: float
    weights: WeightsRef | None
    cpu_tdp_w: Range | None
    facts: list[FactRow]
    duration_s: float | None = None  # an ad hoc bench may end by time rather than by count

    @property
    def local(self) -> LocalTarget | None:
        """The target if it is ours to start."""
        return self.target if isinstance(self.target, LocalTarget) else None

    @property
    def endpoint(self) -> EndpointTarget | None:
        """The target if someone else runs it."""
        return self.target if isinstance(self.target, EndpointTarget) else None


def trial_id(run_id: str, target_id: str, workload_id: str, try_number: int) -> str:
    """RUN.TARGET.WORKLOAD.TRY: readable, unique, and a file name."""
    return f"{run_id}.{target_id}.{workload_id}.{try_number}"
