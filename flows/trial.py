"""One trial, or one group, in its own process: `python -m flows.trial SPOOL_FOLDER... DATA_DIR` (see flows.measure).

Engine up, idle baseline, warm-up, load under meters, self-test of the client, landing. A group has no engine: it is
several endpoints, loaded by one client that interleaves their requests; each of its trials lands by itself. Says what
it is doing as JSON lines on standard output.
Ends by itself at its deadline, on SIGTERM, and when its parent's end of standard input closes. Whatever the reason,
what was measured lands.
"""

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.evidence import evidence_of
from flows.loadspec import load_spec
from flows.spec import TrialSpec
from flows.spool import TrialEnd, TrialStart, land_spool, read_spec, rows_of, write_json
from flows.stop import DEADLINE, Stop
from probes.errors import ProbeError
from probes.host import CpuWatch, host_facts, load_average_1m
from probes.load.client import LoadResult, Progress, run_load
from warehouse.errors import WarehouseError
from warehouse.rows import TrialStatus

if TYPE_CHECKING:
    from probes.engines.process import Engine
    from probes.power.sampler import PowerSampler

Report = Callable[[str, dict[str, Any]], None]


def measure_trial(
    spec: TrialSpec, folder: Path, *, stop: Stop, report: Report, data_dir: Path | None = None
) -> tuple[TrialStatus, str | None]:
    """Run one trial; everything measured is in `folder` when this returns.

    Args:
        spec: the trial.
        folder: of the trial.
        stop: why it must end, once it must.
        report: told of phases and progress.
        data_dir: where an idle baseline to use again is looked for; nowhere, if None.

    Returns:
        The status and, unless it is `completed` without a remark, the reason.
    """
    started_at = datetime.now(UTC).isoformat()
    host = dataclasses.asdict(host_facts())
    engine: Engine | None = None
    sampler: PowerSampler | None = None
    with contextlib.ExitStack() as stack:
        try:
            # What this machine draws while it loads someone else's endpoint is the client's, not the target's.
            if spec.local is not None:
                from flows.local import engine_of, power_sampler  # engines and meters: nothing a bench should wait for

                sampler = stack.enter_context(power_sampler(spec, folder))
                engine = stack.enter_context(engine_of(spec, folder, stop, report))
        except ProbeError as error:
            write_json(folder / "start.json", dataclasses.asdict(TrialStart(started_at=started_at, host=host)))
            return _setup_failed(error, stop)
        start = TrialStart(
            started_at=started_at,
            host=host,
            engine_version=engine.version if engine else None,
            engine_ready_s=engine.ready_s if engine else None,
            base_url=engine.base_url if engine else None,
            idle_trial_id=_idle_trial_id(spec, engine, host["host_id"], data_dir),
        )
        write_json(folder / "start.json", dataclasses.asdict(start))
        if sampler:
            if start.idle_trial_id is None:
                report("phase", {"phase": "idle baseline"})
                sampler.mark("idle")
                stop.sleep(spec.idle_baseline_s)
            sampler.mark("warmup")
        watch = CpuWatch([os.getpid()])
        report("phase", {"phase": "warm-up"})

        def on_window_start() -> None:
            if sampler:
                sampler.mark("load")
            watch.start()
            report("phase", {"phase": "load"})

        def on_progress(progress: Progress) -> None:
            report(
                "progress", {**dataclasses.asdict(progress), "power_w": sampler.latest_power_w() if sampler else None}
            )

        engine_cpu_before_s = engine.cpu_s() if engine else None
        result = run_load(
            load_spec(spec, engine),
            processes=spec.workload.client_processes,
            spool_path=folder / "attempts.spool",
            on_progress=on_progress,
            on_window_start=on_window_start,
            stop=stop.reason,
        )
        if sampler:
            sampler.stop()  # before the engine ends: its shutting down is neither load nor idle
        engine_cpu_s, engine_died = _engine_cpu_s(engine, engine_cpu_before_s)
        others = watch.stop()
        write_json(folder / "end.json", dataclasses.asdict(_end(spec, result, engine_cpu_s, others)))
    if engine_died is not None and stop.reason() is None:
        return "crashed", engine_died
    return _status(result, stop)


def _idle_trial_id(spec: TrialSpec, engine: "Engine | None", host_id: str, data_dir: Path | None) -> str | None:
    """The trial whose idle baseline this one need not take again; None if it takes its own, or none."""
    if engine is None or data_dir is None:
        return None
    from flows.idle import fresh_baseline

    return fresh_baseline(data_dir, spec, host_id=host_id, engine_version=engine.version, now=datetime.now(UTC))


def _engine_cpu_s(engine: "Engine | None", before_s: float | None) -> tuple[float | None, str | None]:
    """CPU seconds of the engine since `before_s`, or the sentence that says it died under the load."""
    if engine is None or before_s is None:
        return None, None
    try:
        return engine.cpu_s() - before_s, None
    except ProbeError as error:
        return None, str(error)


def _end(spec: TrialSpec, result: LoadResult, engine_cpu_s: float | None, cpu_share_others: float | None) -> TrialEnd:
    return TrialEnd(
        clock_offset_start_ns=result.clock_offset_start_ns,
        clock_offset_end_ns=result.clock_offset_end_ns,
        client_cpu_s=result.client_cpu_s,
        engine_cpu_s=engine_cpu_s,
        cpu_share_others=cpu_share_others,
        load_average_1m=load_average_1m(),
        evidence=evidence_of(spec, result),
    )


def measure_group(
    specs: Sequence[TrialSpec], folders: Sequence[Path], *, stop: Stop, teller: Callable[[str], Report]
) -> list[tuple[TrialStatus, str | None]]:
    """Run the trials of endpoints that are measured together; everything measured is in `folders` when this returns.

    Returns:
        Status and reason of each, as `measure_trial`.
    """
    from probes.load.group import GroupMember, run_load_group

    start = TrialStart(started_at=datetime.now(UTC).isoformat(), host=dataclasses.asdict(host_facts()))
    reports = [teller(spec.trial_id) for spec in specs]
    for folder, report in zip(folders, reports, strict=True):
        write_json(folder / "start.json", dataclasses.asdict(start))
        report("phase", {"phase": "warm-up"})
    watch = CpuWatch([os.getpid()])

    def on_window_start() -> None:
        watch.start()
        for report in reports:
            report("phase", {"phase": "load"})

    def on_progress(member: int, progress: Progress) -> None:
        reports[member]("progress", {**dataclasses.asdict(progress), "power_w": None})

    members = [
        GroupMember(spec=load_spec(spec, None), spool_path=folder / "attempts.spool")
        for spec, folder in zip(specs, folders, strict=True)
    ]
    results = run_load_group(members, on_progress=on_progress, stop=stop.reason, on_window_start=on_window_start)
    others = watch.stop()
    for spec, folder, result in zip(specs, folders, results, strict=True):
        write_json(folder / "end.json", dataclasses.asdict(_end(spec, result, None, others)))
    return [_status(result, stop) for result in results]


def _status(result: LoadResult, stop: Stop) -> tuple[TrialStatus, str | None]:
    if result.stopped_reason is None:
        return "completed", None
    stopped = stop.reason()
    if stopped is None:
        return "completed", result.stopped_reason  # the client itself gave up on a target that refuses everybody
    return ("timed_out" if stopped.startswith(DEADLINE) else "aborted"), stopped


def _setup_failed(error: ProbeError, stop: Stop) -> tuple[TrialStatus, str | None]:
    stopped = stop.reason()
    if stopped is not None:
        return ("timed_out" if stopped.startswith(DEADLINE) else "aborted"), stopped
    return "setup_failed", str(error)


def main(arguments: list[str]) -> int:
    """Run the trial, or the group of trials, whose spool folders are named, and land each."""
    *folders, data_dir = map(Path, arguments)
    specs = [read_spec(folder) for folder in folders]
    stop = Stop(max(spec.timeouts.trial_s for spec in specs))
    stop.listen(parent_fd=sys.stdin.fileno())
    outcomes = _measure(specs, folders, data_dir, stop)
    try:
        _land(specs, folders, outcomes, data_dir, stop)
    except WarehouseError as error:
        _teller(specs[-1].trial_id)("not_landed", {"reason": str(error)})
        return 1
    return 0


def _land(
    specs: list[TrialSpec],
    folders: list[Path],
    outcomes: list[tuple[TrialStatus, str | None]],
    data_dir: Path,
    stop: Stop,
) -> None:
    tellers = [_teller(spec.trial_id) for spec in specs]
    for say in tellers:
        say("phase", {"phase": "landing"})
    rows = [
        rows_of(folder, status=status, reason=reason, keep_events=True)
        for folder, (status, reason) in zip(folders, outcomes, strict=True)
    ]
    if stop.reason() is None:
        from flows.selftests import certified

        rows, untested = certified(specs, rows, data_dir)
        if untested is not None:
            tellers[0]("note", {"sentence": untested})
    for spec, folder, each, (status, reason), say in zip(specs, folders, rows, outcomes, tellers, strict=True):
        land_spool(data_dir, folder, status=status, reason=reason, rows=each)
        if spec.local is not None and spec.weights is not None:
            from flows.idle import remember_baseline

            remember_baseline(data_dir, spec, each)
        point = None
        if spec.search_id is not None and status == "completed":
            from flows.points import point_result
            from warehouse.query import summarise_batch

            point = dataclasses.asdict(point_result(spec, each, summarise_batch(each)))
        say("landed", {"status": status, "reason": reason, "point": point})


def _measure(
    specs: list[TrialSpec], folders: list[Path], data_dir: Path, stop: Stop
) -> list[tuple[TrialStatus, str | None]]:
    try:
        if len(specs) == 1:
            say = _teller(specs[0].trial_id)
            return [measure_trial(specs[0], folders[0], stop=stop, report=say, data_dir=data_dir)]
        return measure_group(specs, folders, stop=stop, teller=_teller)
    except ProbeError as error:
        return [("setup_failed", str(error)) for _ in specs]


def _teller(trial_id: str) -> Report:
    def say(event: str, values: dict[str, Any]) -> None:
        # A parent that died must not keep the trial from landing: its pipe is then gone, and nobody listens.
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write(json.dumps({"trial_id": trial_id, "event": event, **values}) + "\n")
            sys.stdout.flush()

    return say


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
