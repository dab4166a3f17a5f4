"""`megatoken bench`: ad hoc trials against one endpoint, in this process, without Prefect or a config."""

import argparse
import dataclasses
import gc
import json
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.benchplan import DEADLINE_S, bench_spec, bench_target, bench_workload, new_bench_id
from flows.benchtold import Measured, Points, Teller, print_json, show_measured
from flows.errors import ConfigError, NightError
from flows.pacing import limit_problem
from flows.paths import data_dir
from flows.spec import TrialSpec, spec_json
from flows.spool import held_spool, land_spool, rows_of
from flows.stop import Stop
from flows.targets import EndpointTarget
from flows.trial import measure_trial
from flows.version import VERSION
from flows.workload import Workload, point_of
from probes.errors import ProbeError
from warehouse.rows import LandingRow, RunRow, TrialRow, TrialStatus

# The keys of `--json` that scripts rely on; the rest of the trial's metrics follow them.
PROMISED = (
    "trial_id", "attempts", "ok", "errors", "concurrency_mean", "ttft_p50_s", "ttft_p95_s", "ttft_p99_s", "tpot_p50_s",
    "tpot_p99_s", "e2e_p50_s", "e2e_p99_s", "output_tokens_per_s", "requests_per_s", "lag_p99_s", "client_cpu_s",
)  # fmt: skip

_GARBAGE_OBJECTS = 100_000  # new ones, between two looks


def run(options: argparse.Namespace) -> int:
    """Load the endpoint, print the metrics, land. 0 if anybody was served, else 1."""
    _collect_seldom()
    target, workload = bench_target(options), bench_workload(options)
    problem = limit_problem(target, workload)
    if problem is not None:
        raise ConfigError([f"bench: {problem}"])
    root = Path(tempfile.mkdtemp(prefix="megatoken-")) if options.no_land else data_dir(options.data)
    try:
        bench = _Bench(options, root, target)
        served = bench.search(workload) if workload.search is not None else bench.repeat(workload)
        if not options.no_land:
            bench.publish()
    except ProbeError as error:
        raise ConfigError([str(error)]) from error
    except OSError as error:
        raise NightError(f"{error.filename or root}: {error.strerror or error}; the trial could not be kept") from error
    finally:
        if options.no_land:
            shutil.rmtree(root)
    return 0 if served else 1


def _collect_seldom() -> None:
    """Look for garbage in cycles now and then only: modules are none, and what a trial leaves is hardly ever in cycles.

    By default Python looks at every 700 new objects, a tenth of the time that it takes to load and to read a trial.
    """
    gc.freeze()
    gc.set_threshold(_GARBAGE_OBJECTS, 10, 10)


class _Bench:
    """A bench under way."""

    def __init__(self, options: argparse.Namespace, root: Path, target: EndpointTarget) -> None:
        self.options = options
        self.root = root
        self.target = target
        self.run_id = new_bench_id()
        self.stop = Stop(DEADLINE_S)
        self.stop.listen(parent_fd=None)
        self.teller = Teller(quiet=options.json or not sys.stderr.isatty())
        kept = data_dir(options.data)
        self.selftests = kept if kept.is_dir() else root
        self.host_id: str | None = None  # known once the run has landed
        self.not_kept: str | None = None
        self.landed_search = False

    def trial(self, spec: TrialSpec) -> Measured:
        """Measure one trial and keep it, unless nothing is to be kept; publishing comes at the end."""
        with held_spool(self.root, spec) as folder:
            return self._measured(spec, folder)

    def _measured(self, spec: TrialSpec, folder: Path) -> Measured:
        status, reason = measure_trial(spec, folder, stop=self.stop, report=self.teller)
        self.teller.clear()
        rows = rows_of(folder, status=status, reason=reason, keep_events=not self.options.no_land, spec=spec)
        untested = None
        if self.stop.reason() is None:
            from flows.selftests import certified

            (rows,), untested = certified([spec], [rows], self.selftests)
        metrics = self._kept(spec, folder, rows, status, reason or untested)
        return Measured(
            spec=spec,
            base_url=self.target.base_url,
            rows=rows,
            metrics=metrics,
            status=status,
            ended_by=reason,
            untested=untested,
        )

    def _kept(
        self, spec: TrialSpec, folder: Path, rows: list[LandingRow], status: TrialStatus, reason: str | None
    ) -> dict[str, Any]:
        """Land a trial; its figures, which a disk that refuses to keep them does not take from the person."""
        from warehouse.errors import WarehouseError
        from warehouse.query import summarise_batch

        if self.options.no_land:
            return _ordered(summarise_batch(rows))
        from warehouse.landing import land
        from warehouse.loader import load_and_summarise

        trial = next(row for row in rows if isinstance(row, TrialRow))
        try:
            land_spool(self.root, folder, status=status, reason=reason, rows=rows)
            if self.host_id is None:
                land(self.root, batch_id=f"{self.run_id}.plan", host_id=trial.host_id, rows=[_run_row(spec, trial)])
            self.host_id = trial.host_id
            return _ordered(load_and_summarise(self.root, spec.trial_id))
        except WarehouseError as error:
            self.not_kept = str(error)
            return _ordered(summarise_batch(rows))

    def check_kept(self) -> None:
        """To be called once a trial's figures are shown.

        Raises:
            NightError: they could not be kept.
        """
        if self.not_kept is not None:
            raise NightError(self.not_kept)

    def repeat(self, workload: Workload) -> int:
        """Measure as often as asked; returns how many requests were served."""
        served = 0
        done: list[dict[str, Any]] = []
        for number in range(1, workload.repeats + 1):
            spec = bench_spec(self.run_id, self.target, workload, number, repeat_number=number)
            measured = self.trial(spec)
            served += measured.metrics["ok"]
            done.append(measured.metrics)
            show_measured(measured, landed=not self.options.no_land, as_json=self.options.json)
            self.check_kept()
            if self.stop.reason() is not None or measured.unanswered is not None:
                break
        if len(done) > 1 and not self.options.json:
            from flows.benchtable import repeats_table
            from flows.terminal import plain_console

            plain_console().print(repeats_table(done))
        return served

    def search(self, workload: Workload) -> int:
        """Search for a rate; returns how many requests were served."""
        from flows.points import Point, PointResult, point_requests, point_result
        from flows.search import answer, run_search, start_search, verdict
        from flows.spec import search_id

        started_at = datetime.now(UTC)
        identity = search_id(bench_spec(self.run_id, self.target, workload, 1).trial_id)
        shown = Points(quiet=self.options.json)
        served = 0

        def measure(point: Point) -> PointResult | str:
            nonlocal served
            stopped = self.stop.reason()
            if stopped is not None:
                return stopped
            at_rate = point_of(workload, rate_rps=point.rate_rps, requests=point_requests(workload, point.rate_rps))
            spec = bench_spec(
                self.run_id, self.target, at_rate, point.number + 1,
                repeat_number=point.repeat, search_id=identity, search_point=point.number,
            )  # fmt: skip
            measured = self.trial(spec)
            served += measured.metrics["ok"]
            if self.options.json:
                print_json(measured.metrics | {"ended_by": measured.ended_by})
            self.check_kept()
            if measured.unanswered is not None:
                return measured.unanswered
            if measured.status != "completed":
                return f"the point at {point.rate_rps:.4g}/s was not measured to its end: {measured.ended_by}"
            result = point_result(spec, measured.rows, measured.metrics)
            shown.add(point, result, measured.metrics["certificate_grade"], verdict(workload, result))
            return result

        found = run_search(start_search(workload), measure)
        if self.options.json:
            print_json({"search_id": identity, **dataclasses.asdict(found)})
        else:
            print(answer(workload, found), flush=True)
        if not self.options.no_land and self.host_id is not None:
            from flows.seek import search_row
            from warehouse.landing import land

            row = search_row(workload, found, self.target.id, self.run_id, identity, started_at)
            land(self.root, batch_id=identity, host_id=self.host_id, rows=[row])
            self.landed_search = True
        return served

    def publish(self) -> None:
        """Bring what has landed since the last trial into the warehouse, and publish a snapshot."""
        from warehouse.errors import WarehouseError
        from warehouse.loader import load
        from warehouse.publish import publish

        try:
            if self.landed_search:
                load(self.root)
            publish(self.root)
        except WarehouseError as error:
            raise NightError(str(error)) from error


def _ordered(row: dict[str, Any]) -> dict[str, Any]:
    """The promised keys first."""
    return {key: row[key] for key in PROMISED} | {k: v for k, v in row.items() if k not in PROMISED}


def _run_row(spec: TrialSpec, trial: TrialRow) -> RunRow:
    import hashlib

    asked = spec_json(spec)
    text = json.dumps(
        {part: asked[part] for part in ("target", "workload", "timeouts")}, separators=(",", ":"), ensure_ascii=False
    )
    return RunRow(
        run_id=spec.run_id,
        started_at=trial.started_at,
        config_name="bench",
        config_sha256=hashlib.sha256(text.encode()).hexdigest(),
        config_toml=None,
        host_id=trial.host_id,
        megatoken_version=VERSION,
        quote_usd_worst=None,
        max_usd=None,
        run_kind="bench",
    )
