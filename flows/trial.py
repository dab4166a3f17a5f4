"""One trial in its own process: `python -m flows.trial SPOOL_FOLDER DATA_DIR` (started by flows.measure).

Engine up, idle baseline, warm-up, load under meters, landing. Says what it is doing as JSON lines on standard output.
Ends by itself at its deadline, on SIGTERM, and when its parent's end of standard input closes. Whatever the reason,
what was measured lands.
"""

import contextlib
import dataclasses
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.config import api_key
from flows.spec import TrialSpec
from flows.spool import TrialEnd, TrialStart, land_spool, read_spec, write_json
from probes.engines.llamacpp import start_llamacpp
from probes.engines.process import Engine, EngineSpec
from probes.engines.transformers_serve import start_transformers
from probes.errors import ProbeError
from probes.host import CpuWatch, host_facts, load_average_1m
from probes.load.client import LoadResult, Progress, run_load
from probes.load.spec import LoadSpec
from probes.load.spec import Timeouts as LoadTimeouts
from probes.power.readings import PowerOverrides, PowerRange
from probes.power.sampler import PowerSampler
from warehouse.errors import WarehouseError
from warehouse.rows import TrialStatus

Report = Callable[[str, dict[str, Any]], None]
DEADLINE = "deadline"


class Stop:
    """Why a trial has to end now, if it has to: its deadline, a signal, or a parent that is gone."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline = time.monotonic() + deadline_s
        self._deadline_s = deadline_s
        self._signal: str | None = None
        self._parent: int | None = None

    def listen(self, *, parent_fd: int | None) -> None:
        """Take SIGTERM and SIGINT as a wish to stop; a closed `parent_fd` likewise."""
        self._parent = parent_fd
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        self._signal = f"stopped by {signal.Signals(number).name}"

    def reason(self) -> str | None:
        """One sentence, or None as long as the trial may go on."""
        if self._signal:
            return self._signal
        if self._parent is not None and select.select([self._parent], [], [], 0)[0]:
            return "the night that started this trial is gone"
        if time.monotonic() > self._deadline:
            return f"{DEADLINE}: the trial was not done after {self._deadline_s:g} s (night.timeouts.trial_s)"
        return None

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than there is reason to go on."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.reason() is None:
            time.sleep(min(0.05, max(0.0, end - time.monotonic())))


def measure_trial(spec: TrialSpec, folder: Path, *, stop: Stop, report: Report) -> tuple[TrialStatus, str | None]:
    """Run one trial; everything measured is in `folder` when this returns.

    Returns:
        The status and, unless it is `completed` without a remark, the reason.
    """
    started_at = datetime.now(UTC).isoformat()
    host = dataclasses.asdict(host_facts())
    with contextlib.ExitStack() as stack:
        # What this machine draws while it loads someone else's endpoint is the client's, not the target's.
        sampler = (
            stack.enter_context(PowerSampler(folder / "power.jsonl", hz=10, overrides=_overrides(spec)))
            if spec.local
            else None
        )
        try:
            engine = stack.enter_context(_engine(spec, folder, stop, report))
        except ProbeError as error:
            write_json(folder / "start.json", dataclasses.asdict(TrialStart(started_at=started_at, host=host)))
            return _setup_failed(error, stop)
        start = TrialStart(
            started_at=started_at,
            host=host,
            engine_version=engine.version if engine else None,
            engine_ready_s=engine.ready_s if engine else None,
            base_url=engine.base_url if engine else None,
        )
        write_json(folder / "start.json", dataclasses.asdict(start))
        if sampler:
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
            spool_path=folder / "attempts.spool",
            on_progress=on_progress,
            on_window_start=on_window_start,
            stop=stop.reason,
        )
        if sampler:
            sampler.stop()  # before the engine ends: its shutting down is neither load nor idle
        engine_cpu_s, engine_died = _engine_cpu_s(engine, engine_cpu_before_s)
        others = watch.stop()
        write_json(folder / "end.json", dataclasses.asdict(_end(result, engine_cpu_s, others)))
    if engine_died is not None and stop.reason() is None:
        return "crashed", engine_died
    return _status(result, stop)


def _engine_cpu_s(engine: Engine | None, before_s: float | None) -> tuple[float | None, str | None]:
    """CPU seconds of the engine since `before_s`, or the sentence that says it died under the load."""
    if engine is None or before_s is None:
        return None, None
    try:
        return engine.cpu_s() - before_s, None
    except ProbeError as error:
        return None, str(error)


def _end(result: LoadResult, engine_cpu_s: float | None, cpu_share_others: float | None) -> TrialEnd:
    return TrialEnd(
        window_start_ns=result.window_start_ns,
        window_end_ns=result.window_end_ns,
        clock_offset_start_ns=result.clock_offset_start_ns,
        clock_offset_end_ns=result.clock_offset_end_ns,
        stamp_source=result.stamp_source,
        client_cpu_s=result.client_cpu_s,
        engine_cpu_s=engine_cpu_s,
        cpu_share_others=cpu_share_others,
        load_average_1m=load_average_1m(),
    )


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


@contextlib.contextmanager
def _engine(spec: TrialSpec, folder: Path, stop: Stop, report: Report) -> Iterator[Engine | None]:
    if spec.local is None or spec.weights is None:
        yield None
        return
    report("phase", {"phase": "engine start"})
    engine_spec = EngineSpec(
        model_path=spec.weights.path,
        threads=spec.local.threads,
        slots=spec.local.slots,
        context_tokens_per_slot=spec.local.context_tokens,
        port=spec.local.port,
        device=spec.local.device,
    )
    start_engine = start_transformers if spec.local.engine == "transformers" else start_llamacpp
    with start_engine(
        engine_spec,
        log_path=folder / "engine.log",
        ready_timeout_s=spec.timeouts.engine_ready_s,
        should_stop=lambda: stop.reason() is not None,
    ) as engine:
        yield engine


def load_spec(spec: TrialSpec, engine: Engine | None) -> LoadSpec:
    """The load client's orders for a trial."""
    target, workload, timeouts = spec.endpoint, spec.workload, spec.timeouts
    if target is not None:
        base_url, api, key = target.base_url, target.api, api_key(target)
        extra_body, max_tokens_field = dict(target.extra_body), target.max_tokens_field
    else:
        assert engine is not None  # a local trial has started its engine
        base_url, api, key, max_tokens_field = engine.base_url, "openai-chat", None, "max_tokens"
        extra_body = _engine_body(spec)
    return LoadSpec(
        base_url=base_url,
        api=api,
        model=_model_name(spec),
        api_key=key,
        extra_body=extra_body,
        max_tokens_field=max_tokens_field,
        arrivals=workload.arrivals,
        concurrency=workload.concurrency,
        rate_rps=workload.rate_rps,
        requests=workload.requests if spec.duration_s is None else None,
        duration_s=spec.duration_s,
        warmup_requests=workload.warmup_requests,
        prompt_tokens=workload.prompt_tokens,
        output_tokens=workload.output_tokens,
        seed=workload.seed,
        attempt_prefix=spec.trial_id,
        timeouts=LoadTimeouts(
            connect_s=timeouts.connect_s,
            first_token_s=timeouts.first_token_s,
            stall_s=timeouts.stall_s,
            total_s=timeouts.total_s,
        ),
    )


def _model_name(spec: TrialSpec) -> str:
    """What to call the model in a request."""
    if spec.local is not None and spec.local.engine == "transformers" and spec.weights is not None:
        return str(spec.weights.path)  # its server answers for the folder that it loaded, and for no other name
    return spec.target.model


def _engine_body(spec: TrialSpec) -> dict[str, Any]:
    """What keeps an engine's answers comparable: a short one would flatter it, a cached one is not the model's."""
    if spec.local is not None and spec.local.engine == "transformers":
        # It refuses fields that it does not know, these two among them. Its cache shares whole blocks of 256 tokens
        # that begin alike: our prompts never do.
        return {"generation_config": json.dumps({"eos_token_id": -1, "do_sample": False})}
    return {"ignore_eos": True, "cache_prompt": False}


def _overrides(spec: TrialSpec) -> PowerOverrides:
    tdp = spec.cpu_tdp_w
    if tdp is None:
        return PowerOverrides()
    low, high = (tdp.central if bound is None else bound for bound in (tdp.low, tdp.high))
    return PowerOverrides(cpu_tdp_w=PowerRange(low=low, central=tdp.central, high=high))


def _say(event: str, values: dict[str, Any]) -> None:
    # A parent that died must not keep the trial from landing: its pipe is then gone, and nobody listens.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
        sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Run the trial whose spool folder is named, and land it."""
    folder, data_dir = Path(arguments[0]), Path(arguments[1])
    spec = read_spec(folder)
    stop = Stop(spec.timeouts.trial_s)
    stop.listen(parent_fd=sys.stdin.fileno())
    try:
        status, reason = measure_trial(spec, folder, stop=stop, report=_say)
    except ProbeError as error:
        status, reason = "setup_failed", str(error)
    _say("phase", {"phase": "landing"})
    try:
        land_spool(data_dir, folder, status=status, reason=reason)
    except WarehouseError as error:
        _say("not_landed", {"reason": str(error)})
        return 1
    _say("landed", {"status": status, "reason": reason})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
