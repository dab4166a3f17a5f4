"""Which run of the orchestrator a night or a pulse is; without Prefect itself, which only the flows import."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestrated:
    """A flow run, where its page is, and when the next one of its deployment is due; None where nobody knows."""

    flow_run_id: str | None = None
    flow_run_url: str | None = None
    next_run_at: datetime | None = None
