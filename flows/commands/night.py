"""`megatoken night`: run a config, under Prefect or plain, and print the leaderboard."""

import argparse
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.config import load_config
from flows.driftwords import drift_line
from flows.errors import NightError
from flows.leaderboard import print_leaderboard
from flows.night import NightReport, Observer, night
from flows.paths import data_dir, to_write
from flows.plan import Plan, PlannedTrial, total_usd
from flows.prepare import NightRequest, check_request, plan_night, resolve_all_weights
from flows.progress import TerminalObserver
from flows.terminal import board_console
from flows.watchtable import recent_sentences
from flows.words import arrivals_words, plan_sentences, usd
from probes.errors import ProbeError
from warehouse.errors import WarehouseError
from warehouse.query import DEFAULT_METRIC

SERVER_START_S = 90


def run(options: argparse.Namespace) -> int:
    """Measure, account, publish, print. 0, or 1 if a target failed or nothing could be measured."""
    request = NightRequest(
        loaded=load_config(Path(options.config)),
        data_dir=data_dir(options.data),
        only=tuple(options.only),
        max_usd=options.max_usd,
        run_id=options.run_id,
    )
    check_request(request)
    console = board_console()
    if options.dry_run:
        _print_plan(console, request, plan_night(request))
        return 0
    to_write(request.data_dir)
    try:
        with TerminalObserver(console) as observer:
            report = (_plain if options.no_prefect else _under_prefect)(request, observer)
        _print_report(console, request, report)
    except (WarehouseError, ProbeError) as error:
        raise NightError(str(error)) from error
    nothing = not report.results and report.skipped and len(report.skipped) == _cells(request)
    return 1 if report.state != "completed" or nothing else 0


def _plain(request: NightRequest, observer: Observer) -> NightReport:
    return night(request, step=lambda _name, run: run(), observer=observer)


def _under_prefect(request: NightRequest, observer: Observer) -> NightReport:
    """The flow that prefect.yaml deploys, here in this process; its server starts while the weights are made ready."""
    quiet_prefect()
    starting = threading.Thread(target=_start_server, name="prefect-server", daemon=True)
    starting.start()
    resolve_all_weights(request, plan_night(request), observer.note)
    starting.join()
    from flows.nightly import nightly, telling

    loaded = request.loaded
    with telling(observer) as told:
        state = nightly(
            config=str(loaded.path),
            data=str(request.data_dir),
            only=list(request.only),
            max_usd=request.max_usd,
            run_id=request.run_id,
            return_state=True,
        )
    if told.report is None:
        state.result(raise_on_failure=True)
        raise NightError(f"Prefect ended the night before it was done: {state.message}; try --no-prefect")
    return told.report


def quiet_prefect() -> None:
    """Keep Prefect's own log, telemetry and impatience out of a person's terminal, unless the person set them."""
    for name, value in {
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(SERVER_START_S),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_COLORS": "false",
        "DO_NOT_TRACK": "1",
    }.items():
        os.environ.setdefault(name, value)


def _start_server() -> None:
    """Start the server that the flow will find running. A failure shows itself when the flow looks for it."""
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value() is None:
        SubprocessASGIServer().start(timeout=SERVER_START_S)


def _cells(request: NightRequest) -> int:
    return len(request.loaded.config.targets) * len(request.loaded.config.workloads)


def _print_plan(console: Console, request: NightRequest, plan: Plan) -> None:
    for sentence in plan_sentences(request, plan):
        console.print(Text(sentence))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("target", "workload", "arrivals", "requests", "worst case", "what happens"):
        table.add_column(name)
    cells: dict[tuple[str, str], list[PlannedTrial]] = {}
    for trial in plan.trials:
        cells.setdefault((trial.target.id, trial.workload.id), []).append(trial)
    for repeats in cells.values():
        table.add_row(*_plan_row(repeats))
    console.print(table)


def _plan_row(repeats: Sequence[PlannedTrial]) -> tuple[str | Text, ...]:
    """One cell of the plan, its repeats together."""
    trial, load = repeats[0], repeats[0].workload
    requests = "until time is up" if trial.requests is None else f"{trial.requests}"
    if load.search is not None:
        requests = f"up to {requests}"
    elif load.repeats > 1:
        up_to = "up to " if load.stop_at_relative_half_width is not None else ""
        requests = f"{up_to}{load.repeats} times {requests}"
    landed = sum(t.landed for t in repeats)
    fate = "has landed" if landed == len(repeats) else f"measured ({landed} landed)" if landed else "measured"
    if trial.skip_reason:
        fate = f"skipped: {trial.skip_reason}"
    worst = total_usd(t.quote_usd_worst for t in repeats)
    return trial.target.id, load.id, arrivals_words(load), requests, usd(worst), Text(fate)


def _print_report(console: Console, request: NightRequest, report: NightReport) -> None:
    from warehouse.decision import banded_rows

    rows = banded_rows(request.data_dir)
    console.print()
    print_leaderboard(console, rows, DEFAULT_METRIC)
    console.print()
    if report.state != "completed":
        console.print(Text(f"{report.state.replace('_', ' ')}: {report.reason}", style="bold yellow"))
    console.print(Text(f"run {report.run_id}: {len(report.results)} trials measured, {usd(report.spent_usd)}"))
    for said in recent_sentences(request.data_dir):
        console.print(Text(said))
    drift = drift_line(request.data_dir, report.run_id)
    if drift is not None:
        console.print(Text(drift, style="yellow"))
    console.print(Text(f"published {_relative(report.snapshot)}"))
    console.print(
        Text('  megatoken sql "SELECT target_id, workload_id, ttft_p50_s, j_per_output_token FROM leaderboard"')
    )


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
