"""A capability check: whom a person names is asked what it can do, and what it answers lands.

order (flows.checkorder) -> probes.capability -> landing
"""

import contextlib
import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows.checked import new_check_id
from flows.checkorder import Order
from flows.loadspec import load_spec
from flows.lock import host_lock
from flows.spec import TrialSpec, WeightsRef
from flows.stop import Stop
from flows.targets import EndpointTarget, LocalTarget
from flows.version import VERSION
from flows.workload import Workload
from probes.capability.probe import CheckReport, check_endpoint
from probes.host import host_facts
from probes.load.spec import LoadSpec
from warehouse.landing import land
from warehouse.rows import CheckFindingRow, EndpointCheckRow, LandingRow

if TYPE_CHECKING:
    from probes.engines.process import Engine

DEADLINE_S: Final = 600.0
# One call that hangs must not cost minutes, twenty times over.
_MOST_WAIT_S: Final = 60.0
_MOST_TOTAL_S: Final = 120.0
_WORKLOAD: Final = Workload(
    id="check", arrivals="closed", concurrency=1, requests=1, prompt_tokens=1, output_tokens=1, warmup_requests=0
)


def run_check(
    order: Order, data_dir: Path, *, on_call: Callable[[str], None], note: Callable[[str], None]
) -> tuple[CheckReport, str | None]:
    """Ask the target; an engine of ours is started for it. Returns the report and the engine's version.

    Raises:
        ProbeError: the engine did not start, weights are missing, or the connection was lost for good.
        NightError: this machine is measuring, and the target is one of its engines.
    """
    if isinstance(order.target, EndpointTarget):
        return check_endpoint(_load_spec(order, None, None), on_call=on_call), None
    with (
        host_lock(),
        tempfile.TemporaryDirectory(prefix="megatoken-check-") as folder,
        _engine(order, order.target, data_dir, Path(folder), note) as (engine, weights),
    ):
        return check_endpoint(_load_spec(order, engine, weights), on_call=on_call), engine.version


@contextlib.contextmanager
def _engine(
    order: Order, target: LocalTarget, data_dir: Path, folder: Path, note: Callable[[str], None]
) -> Iterator[tuple["Engine", WeightsRef]]:
    from flows.local import engine_of  # engines and meters, which no endpoint needs
    from probes.engines.folder import resolve_folder
    from probes.engines.weights import resolve_weights

    resolve = resolve_folder if target.engine == "transformers" else resolve_weights
    found = resolve(target.model, target.quantisation, data_dir / "weights", on_progress=note)
    weights = WeightsRef(path=found.path, sha256=found.sha256, quantisation=found.quantisation, note=found.note)
    with engine_of(_trial(order, weights), folder, Stop(DEADLINE_S), lambda _event, _values: None) as engine:
        yield engine, weights


def _trial(order: Order, weights: WeightsRef | None) -> TrialSpec:
    """A trial's order, of which the target, its weights and the timeouts are used."""
    return TrialSpec(
        trial_id="check",
        run_id="check",
        try_number=1,
        target=order.target,
        workload=_WORKLOAD,
        timeouts=order.timeouts,
        idle_baseline_s=0.0,
        weights=weights,
        cpu_tdp_w=None,
        facts=[],
    )


def _load_spec(order: Order, engine: "Engine | None", weights: WeightsRef | None) -> LoadSpec:
    """The load client's orders; an answer may end where the model ends it."""
    orders = load_spec(_trial(order, weights), engine)
    body = dict(orders.extra_body)
    if isinstance(order.target, LocalTarget):
        transformers = order.target.engine == "transformers"
        body = {"generation_config": json.dumps({"do_sample": False})} if transformers else {}
    limits = orders.timeouts
    return dataclasses.replace(
        orders,
        extra_body=body,
        timeouts=dataclasses.replace(
            limits,
            first_token_s=min(limits.first_token_s, _MOST_WAIT_S),
            stall_s=min(limits.stall_s, _MOST_WAIT_S),
            total_s=min(limits.total_s, _MOST_TOTAL_S),
        ),
    )


def land_check(order: Order, report: CheckReport, engine_version: str | None, data_dir: Path) -> str:
    """Write down what was found; returns the check's id.

    Raises:
        WarehouseError: the disk would not take it.
    """
    check_id = new_check_id(order.target.id, report.started_at)
    rows: list[LandingRow] = [check_row(order, report, engine_version, check_id), *finding_rows(report, check_id)]
    land(data_dir, batch_id=check_id, host_id=host_facts().host_id, rows=rows)
    return check_id


def check_row(order: Order, report: CheckReport, engine_version: str | None, check_id: str) -> EndpointCheckRow:
    """What lands of the check as a whole."""
    target, score, tls = order.target, report.score, report.tls
    return EndpointCheckRow(
        check_id=check_id,
        target_id=target.id,
        target_kind=target.kind,
        provider=target.provider,
        model=target.model,
        api=report.api,
        base_url=target.base_url if isinstance(target, EndpointTarget) else None,
        started_at=report.started_at,
        ended_at=report.ended_at,
        is_answered=report.answered,
        advice=report.advice,
        required_findings=score.required,
        conforming_findings=score.conforming,
        calls=report.calls,
        prompt_tokens=report.prompt_tokens,
        output_tokens=report.output_tokens,
        quote_usd_worst=order.quote_usd_worst,
        connect_p50_s=report.connect_p50_s,
        tls_version=tls.version if tls else None,
        tls_cipher=tls.cipher if tls else None,
        certificate_issuer=tls.issuer if tls else None,
        certificate_expires_at=tls.expires_at if tls else None,
        http_version=report.http_version,
        engine_version=engine_version,
        host_id=host_facts().host_id,
        megatoken_version=VERSION,
    )


def finding_rows(report: CheckReport, check_id: str) -> list[CheckFindingRow]:
    """What lands of each question."""
    return [
        CheckFindingRow(
            check_id=check_id,
            finding_id=each.finding_id,
            finding_number=number,
            finding_group=each.group,
            question=each.question,
            verdict=each.verdict,
            evidence=each.evidence,
            is_required=each.required,
            took_s=each.took_s,
        )
        for number, each in enumerate(report.findings, start=1)
    ]
