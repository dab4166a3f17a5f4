"""What metering costs: our sampler's share of a core at 10 Hz, and starting and stopping it, beside codecarbon.

    python -m tests.benchmarks.power_overhead [--seconds 20] [--reps 5] [--smoke]

One JSON object. Each start and stop is the first of a fresh Python, as a person meets it, its modules compiled before.
`import_ms` is apart. Wall and CPU are the caller's own, `child_cpu_ms` is our sampler's process, from its start to its
end. Medians of `reps`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from probes.power.readings import HookSpec

HZ = 10.0
SETTLE_S = 0.5  # between start and first mark, and before the stop: an engine's start is longer


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=20.0, help="of sampling, for the share of a core")
    options.add_argument("--reps", type=int, default=5)
    options.add_argument("--smoke", action="store_true", help="under 5 s: 1 s of sampling, one start, no codecarbon")
    options.add_argument("--once", choices=("ours", "ours-at-once", "codecarbon"), help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.once:
        print(json.dumps(_codecarbon() if asked.once == "codecarbon" else _ours(at_once=asked.once == "ours-at-once")))
        return
    with tempfile.TemporaryDirectory(prefix="megatoken-bytecode-") as bytecode:
        print(json.dumps(_figures(asked, bytecode), indent=1))


def _figures(asked: argparse.Namespace, bytecode: str) -> dict[str, Any]:
    reps = 1 if asked.smoke else asked.reps
    return {
        "hz": HZ,
        "sampler": sampling_share(1.0 if asked.smoke else asked.seconds),
        "sampler_with_http_hook": _share_with_hook(1.0 if asked.smoke else asked.seconds),
        "ours": _median_of("ours", reps, bytecode),
        "ours_marked_at_once": _median_of("ours-at-once", reps, bytecode),
        "codecarbon": None if asked.smoke else _median_of("codecarbon", reps, bytecode),
    }


def _share_with_hook(seconds: float) -> dict[str, float]:
    """The same with a smart plug, a server in a process of its own, that is asked once a second."""
    from probes.power.readings import HookSpec

    command = [sys.executable, "-m", "tests.probes.power.plug"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None  # opened as a pipe above
        url = served.stdout.readline().strip()
        hook = HookSpec(id="wall", component="machine", value="power", unit="W", url=url, json_path="apower")
        share = sampling_share(seconds, (hook,))
        served.communicate()
    return share


def sampling_share(seconds: float, hooks: "tuple[HookSpec, ...]" = ()) -> dict[str, float]:
    """CPU of the sampler's process while it samples, as a share of one core."""
    from probes.power.readings import PowerOverrides
    from probes.power.sampler import PowerSampler, read_power_log

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "power.jsonl"
        with PowerSampler(path, hz=HZ, overrides=PowerOverrides(hooks=hooks)) as sampler:
            sampler.mark("load")
            begun_s, before_s = time.monotonic(), _cpu_s(sampler.pid)
            time.sleep(seconds)
            cpu_s, wall_s = _cpu_s(sampler.pid) - before_s, time.monotonic() - begun_s
        meters, samples = read_power_log(path)
    return {
        "core_share_percent": 100 * cpu_s / wall_s,
        "cpu_ms": 1e3 * cpu_s,
        "seconds": wall_s,
        "meters": len(meters),
        "readings": len(samples),
    }


def _cpu_s(pid: int) -> float:
    """On-CPU time of all threads of a process, by the scheduler's own nanoseconds: ticks of 10 ms are too coarse."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _median_of(what: str, reps: int, bytecode: str) -> dict[str, float]:
    runs = []
    # Compiled once, as an installed program is, whatever this machine's environment says; the first run compiles.
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
    for _ in range(reps + 1):
        command = [sys.executable, "-m", "tests.benchmarks.power_overhead", "--once", what]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | compiled)
        runs.append(json.loads(done.stdout))
    return {key: round(statistics.median(run[key] for run in runs[1:]), 2) for key in runs[0]}


class _Watch:
    """Wall and CPU of stretches of this process, milliseconds."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self._begin()

    def _begin(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()

    def lap(self, name: str) -> None:
        """The stretch since the last lap, under a name."""
        self.found[f"{name}_ms"] = 1e3 * (time.perf_counter() - self._wall_s)
        self.found[f"{name}_cpu_ms"] = 1e3 * (time.process_time() - self._cpu_s)
        self._begin()


def _ours(*, at_once: bool) -> dict[str, float]:
    watch = _Watch()
    from probes.power.sampler import PowerSampler

    watch.lap("import")
    with tempfile.TemporaryDirectory() as folder:
        sampler = PowerSampler(Path(folder) / "power.jsonl", hz=HZ)
        watch.lap("tidy")
        sampler.__enter__()
        watch.lap("start")
        if not at_once:
            time.sleep(SETTLE_S)
            watch.lap("tidy")
        sampler.mark("load")
        watch.lap("first_mark")
        time.sleep(SETTLE_S)
        watch.lap("tidy")
        sampler.stop()
        watch.lap("stop")
    return _summed(watch.found) | {"child_cpu_ms": 1e3 * sum(os.times()[2:4])}


def _codecarbon() -> dict[str, float]:
    watch = _Watch()
    import codecarbon

    watch.lap("import")
    tracker: Any = codecarbon.OfflineEmissionsTracker(
        country_iso_code="FRA", save_to_file=False, allow_multiple_runs=True, log_level="critical"
    )
    tracker.start()
    watch.lap("start")
    time.sleep(SETTLE_S)
    watch.lap("tidy")
    tracker.stop()
    watch.lap("stop")
    return _summed(watch.found)


def _summed(found: dict[str, float]) -> dict[str, float]:
    found = {name: value for name, value in found.items() if not name.startswith("tidy")}
    steps = ("start", "first_mark", "stop")
    return found | {
        "start_and_stop_ms": sum(found.get(f"{step}_ms", 0.0) for step in steps),
        "start_and_stop_cpu_ms": sum(found.get(f"{step}_cpu_ms", 0.0) for step in steps),
    }


if __name__ == "__main__":
    main()
