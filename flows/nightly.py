"""The night as a Prefect flow: `flows/nightly.py:nightly` is what prefect.yaml deploys and what `make night` runs.

A Prefect state is never the truth about data: what has landed is done, and a re-run with the same run_id skips it.
"""

import contextlib
import contextvars
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows.config import load_config
from flows.driftwords import drift_line
from flows.flow_run import orchestrated
from flows.leaderboard import leaderboard_table
from flows.logged import LogObserver
from flows.night import NightReport, Observer, night
from flows.paths import data_dir
from flows.prepare import NightRequest
from flows.watchtable import changes_table


@dataclasses.dataclass(slots=True)
class Told:
    """Who is told how the night goes, and what it came to."""

    observer: Observer
    report: NightReport | None = None


# A flow's parameters travel as JSON; a terminal to draw on does not. The command line hands its own over by this.
_TOLD: contextvars.ContextVar[Told | None] = contextvars.ContextVar("told", default=None)


@contextlib.contextmanager
def telling(observer: Observer) -> Iterator[Told]:
    """Within the block, a flow called in this process tells `observer` and leaves its report."""
    told = Told(observer)
    token = _TOLD.set(told)
    try:
        yield told
    finally:
        _TOLD.reset(token)


def as_task(name: str, run: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the step returns
    """Run a step as a Prefect task. Never cached and never retried: a repeated measurement is another measurement."""
    return task(name=name, persist_result=False, cache_policy=NO_CACHE, retries=0)(run)()


@flow(name="nightly", persist_result=False, retries=0)
def nightly(
    config: str = "flows/configs/first-night.toml",
    data: str | None = None,
    only: list[str] | None = None,
    max_usd: float | None = None,
    run_id: str | None = None,
) -> dict[str, Any] | State[Any]:
    """Measure every target of a config under every workload, and publish the leaderboard.

    Args:
        config: path of the config, from the checkout's root.
        data: where data lives; MEGATOKEN_DATA, else ./data.
        only: target ids to measure; all if empty.
        max_usd: overrides the config's limit.
        run_id: goes on with that run; what has landed is not measured again.

    Returns:
        run_id, state, measured, failed, skipped, snapshot, spent_usd; a Failed state if a target failed or the night
        was cut short (what had landed is published all the same).
    """
    request = NightRequest(
        loaded=load_config(Path(config)),
        data_dir=data_dir(data),
        only=tuple(only or ()),
        max_usd=max_usd,
        run_id=run_id,
        orchestrated=orchestrated(),
    )
    told = _TOLD.get() or Told(LogObserver(get_run_logger()))
    told.report = report = night(request, step=as_task, observer=told.observer)
    table = leaderboard_table(request.data_dir)
    drift = drift_line(request.data_dir, report.run_id)
    about = f"Leaderboard after run {report.run_id}{f'; {drift}' if drift else ''}"
    create_table_artifact(key="leaderboard", table=table, description=about)
    said = f"What changed in the last 28 nights, after run {report.run_id}"
    create_table_artifact(key="changes", table=changes_table(request.data_dir), description=said)
    if report.state != "completed":
        return Failed(message=f"{report.state}: {report.reason}")
    return _summary(report)


def _summary(report: NightReport) -> dict[str, Any]:
    return {
        "run_id": report.run_id,
        "state": report.state,
        "measured": len(report.results),
        "failed": [r.target_id for r in report.results if r.failed],
        "skipped": report.skipped,
        "snapshot": report.snapshot.name,
        "spent_usd": report.spent_usd,
    }
