"""What Prefect says of the flow run in which we are."""

from datetime import UTC, datetime
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.runtime import deployment, flow_run
from prefect.settings import PREFECT_API_URL
from prefect.utilities.urls import url_for

from flows.orchestrated import Orchestrated


def orchestrated() -> Orchestrated:
    """This flow run: its page only where the server outlives it, the next one only where a deployment schedules it."""
    kept = flow_run.id is not None and PREFECT_API_URL.value() is not None
    url = url_for("flow-run", obj_id=flow_run.id) if kept else None
    return Orchestrated(flow_run_id=flow_run.id, flow_run_url=url, next_run_at=_next_run_at(deployment.id))


def _next_run_at(deployment_id: str | None) -> datetime | None:
    if deployment_id is None:
        return None
    with get_client(sync_client=True) as client:
        due = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                deployment_id=FlowRunFilterDeploymentId(any_=[UUID(deployment_id)]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
                expected_start_time=FlowRunFilterExpectedStartTime.model_validate({"after_": datetime.now(UTC)}),
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=1,
        )
    at = due[0].expected_start_time if due else None
    return None if at is None else datetime.fromtimestamp(at.timestamp(), UTC)
