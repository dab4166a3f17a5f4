"""The pulse as a Prefect flow: `flows/pulse_flow.py:pulse` is what prefect.yaml deploys beside the night.

Prefect's schedules (3.8: cron, interval, RRULE) have no random part. A run that its schedule started therefore measures
nothing: it draws an instant in the three hours to come and has its deployment run once then. Waiting here for the
instant instead would keep a worker's only place from a night for hours.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import get_run_context
from prefect.deployments import run_deployment
from prefect.states import Failed

from flows.config import load_config
from flows.flow_run import orchestrated
from flows.logged import LogObserver
from flows.nightly import as_task
from flows.paths import data_dir
from flows.prepare import NightRequest
from flows.pulse import EVERY, drawn_start, pulse_request, run_id_at
from flows.pulse import pulse as measure_pulse


@flow(name="pulse", persist_result=False, retries=0)
def pulse(
    config: str = "flows/configs/providers.example.toml",
    data: str | None = None,
    only: list[str] | None = None,
    run_id: str | None = None,
) -> dict[str, Any] | State[Any]:
    """Send a few attempts to every hosted target of a config; a run that the schedule started draws when.

    Args:
        config: path of a config with a `[pulse]` table, from the checkout's root.
        data: where data lives; MEGATOKEN_DATA, else ./data.
        only: target ids to measure; all if empty.
        run_id: goes on with that run; what has landed is not measured again.

    Returns:
        `due_at` of what was drawn; or run_id, state, measured, failed, spent_usd and max_usd_per_day of what was
        measured; or a Failed state if a target failed or the day's limit was reached (what had landed is published).
    """
    loaded = load_config(Path(config))
    asked = NightRequest(
        loaded=loaded,
        data_dir=data_dir(data),
        only=tuple(only or ()),
        run_id=run_id,
        orchestrated=orchestrated(),
    )
    now = datetime.now(UTC)
    request = pulse_request(asked, now)  # a mistake in the config shows itself at once, not hours later
    started_by = get_run_context().flow_run  # type: ignore[union-attr]  # within a flow there is one
    if started_by is not None and started_by.auto_scheduled and run_id is None:
        return _draw(started_by, loaded.config.night.name, config, data, only, now)
    report = measure_pulse(request, step=as_task, observer=LogObserver(get_run_logger()))
    if report.night is None:
        return {"run_id": report.run_id, "state": "skipped", "reason": report.skipped}
    if report.night.state != "completed":
        return Failed(message=f"{report.night.state}: {report.night.reason}")
    return {
        "run_id": report.run_id,
        "state": report.night.state,
        "measured": len(report.night.results),
        "failed": [r.target_id for r in report.night.results if r.failed],
        "skipped": report.night.skipped,
        "spent_usd": report.night.spent_usd,
        "max_usd_per_day": report.max_usd_per_day,
    }


def _draw(
    tick: FlowRun, name: str, config: str, data: str | None, only: list[str] | None, now: datetime
) -> dict[str, Any]:
    """Have the deployment of a scheduled run measure once, at the instant that its tick draws."""
    at = tick.expected_start_time or now
    due = drawn_start(at, name)
    if now > at + EVERY:  # the worker was away: what it missed is no reason for several at once
        get_run_logger().info("the pulse of %s is left out: its three hours are over", at.isoformat())
        return {"due_at": None}
    run_id = run_id_at(due, name)
    # the key: a tick that is run again asks for the same run, not for another
    run_deployment(
        str(tick.deployment_id),
        parameters={"config": config, "data": data, "only": only, "run_id": run_id},
        scheduled_time=due,
        idempotency_key=run_id,
        flow_run_name=run_id,
        timeout=0,
        as_subflow=False,
    )
    get_run_logger().info("the next pulse begins at %s", due.isoformat())
    return {"due_at": due.isoformat()}
