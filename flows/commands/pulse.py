"""`megatoken pulse`: a few attempts at each hosted target now, without Prefect, and what they came to."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.config import load_config
from flows.errors import NightError
from flows.paths import data_dir, to_write
from flows.prepare import NightRequest, plan_night
from flows.progress import TerminalObserver
from flows.pulse import PulseReport, pulse, pulse_request
from flows.terminal import board_console, plain_console
from flows.words import plan_sentences, usd
from probes.errors import ProbeError
from warehouse.errors import WarehouseError
from warehouse.loader import TrialResult, trial_results


def run(options: argparse.Namespace) -> int:
    """Measure, account, publish, print. 0 if all went well or it was skipped for another run, 1 if a target failed."""
    asked = NightRequest(
        loaded=load_config(Path(options.config)),
        data_dir=data_dir(options.data),
        only=tuple(options.only),
        max_usd=options.max_usd,
        run_id=options.run_id,
    )
    request = pulse_request(asked, datetime.now(UTC))
    console = board_console()
    if options.dry_run:
        for sentence in plan_sentences(request, plan_night(request)):
            console.print(Text(sentence))
        return 0
    to_write(request.data_dir)
    told = plain_console(stderr=True) if options.json else console
    try:
        with TerminalObserver(told) as observer:
            report = pulse(request, step=lambda _name, step: step(), observer=observer)
        # the warehouse itself, which another run holds if the pulse was skipped
        results = trial_results(request.data_dir, report.run_id) if report.night else []
    except (WarehouseError, ProbeError) as error:
        raise NightError(str(error)) from error
    if options.json:
        print(json.dumps(_as_json(report, results)))
    else:
        _print(console, report, results)
    return 1 if report.night is not None and report.night.state != "completed" else 0


def _print(console: Console, report: PulseReport, results: list[TrialResult]) -> None:
    console.print()
    if report.night is None:
        console.print(Text(f"run {report.run_id}: skipped, {report.skipped}; this has been written down"))
        return
    if results:
        console.print(_table(results))
    night = report.night
    if night.state != "completed":
        console.print(Text(f"{night.state.replace('_', ' ')}: {night.reason}", style="bold yellow"))
    console.print(
        Text(
            f"run {report.run_id}: {usd(night.spent_usd)}; pulses of today"
            f" {usd(report.spent_before_usd + night.spent_usd)} of {usd(report.max_usd_per_day)}"
        )
    )


def _table(results: list[TrialResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("target", "left"), ("answered", "right"), ("TTFT p50, ms", "right"), ("cost", "right")):
        table.add_column(name, justify="left" if justify == "left" else "right")
    for result in results:
        answered = f"{result.ok} of {result.attempts}"
        table.add_row(result.target_id, answered, _first_token(result), usd(result.usd))
    return table


def _first_token(result: TrialResult) -> str:
    if result.ttft_p50_s is None:
        return "none came" if result.e2e_p50_s is None else "not streamed"
    return f"{1e3 * result.ttft_p50_s:,.3g}"


def _as_json(report: PulseReport, results: list[TrialResult]) -> dict[str, object]:
    night = report.night
    return {
        "run_id": report.run_id,
        "state": "skipped" if night is None else night.state,
        "reason": report.skipped if night is None else night.reason,
        "spent_usd": None if night is None else night.spent_usd,
        "spent_before_usd": None if night is None else report.spent_before_usd,
        "max_usd_per_day": report.max_usd_per_day,
        "skipped_targets": {} if night is None else night.skipped,
        "trials": [
            {
                "target_id": result.target_id,
                "workload_id": result.workload_id,
                "status": result.status,
                "attempts": result.attempts,
                "ok": result.ok,
                "ttft_p50_s": result.ttft_p50_s,
                "e2e_p50_s": result.e2e_p50_s,
                "usd": result.usd,
            }
            for result in results
        ],
    }
