"""Our load client against a server that logs the truth: what it costs, and how wrong its clock is.

    python -m tests.benchmarks.load_accuracy PATH/TO/mockllm [--case b1] [--pin] [--processes 2]

One JSON line a case. Errors are ours minus the truth, request by request (X-Request-Id), in milliseconds. The truth of
TTFT is "wire": from the kernel's stamp of the request's arrival at the server's socket to the first content write.
Cases: aN = N streams, TTFT 200 ms, ITL 20 ms, 64 tokens; cN = the same with 200 tokens; b = as fast as it goes, 32
chunks a write; b1 = the same, one chunk a write; e = open loop, 200/s Poisson.
"""

import argparse
import csv
import dataclasses
import json
import math
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

_PACED = ("--ttft-ms", "200", "--itl-ms", "20")


def main() -> None:
    """Run the cases asked for; each in a fresh client process, so that its CPU and memory are its own."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("mockllm", type=Path)
    options.add_argument("--case", action="append", help="repeatable; default: a64 a1000 b b1 e")
    options.add_argument("--pin", action="store_true", help="client on CPU 0, server on CPU 1")
    options.add_argument("--processes", type=int, default=1, help="of the client; leave out --pin with more than one")
    options.add_argument("--client", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.client:
        print(json.dumps(_client(json.loads(asked.client))))
        return
    for name in asked.case or ("a64", "a1000", "b", "b1", "e"):
        figures = measure(asked.mockllm, name, pin=asked.pin, processes=asked.processes)
        print(json.dumps({"case": name} | figures), flush=True)


def case(name: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Server flags and the client's load of a case."""
    if name == "b":
        return (), {"concurrency": 64, "requests": 2000, "output_tokens": 128}
    if name == "b1":
        return ("--burst", "1"), {"concurrency": 64, "requests": 2000, "output_tokens": 128}
    if name == "e":
        load = {"arrivals": "poisson", "rate_rps": 200.0, "duration_s": 20.0, "output_tokens": 16, "warmup_requests": 4}
        return ("--ttft-ms", "50", "--itl-ms", "5"), load
    streams = int(name[1:])
    if name[0] == "a":
        return _PACED, {"concurrency": streams, "requests": max(256, 3 * streams), "output_tokens": 64}
    if name[0] == "c":
        return _PACED, {"concurrency": streams, "requests": 2 * streams, "output_tokens": 200}
    raise SystemExit(f"no case {name!r}; there are aN, cN, b, b1, e")


def measure(mockllm: Path, name: str, *, pin: bool, processes: int = 1) -> dict[str, Any]:
    """One case: our figures beside the truth."""
    flags, load = case(name)
    with tempfile.TemporaryDirectory() as folder:
        truth_path = Path(folder) / "truth.csv"
        with _server(mockllm, flags, truth_path, pin=pin) as port:
            load |= {"base_url": f"http://127.0.0.1:{port}/v1", "model": "mock", "attempt_prefix": name}
            load |= {"spool": str(Path(folder) / "spool"), "processes": processes}
            module = [sys.executable, "-m", "tests.benchmarks.load_accuracy", str(mockllm)]
            started_ns = time.monotonic_ns()
            done = subprocess.run(
                [*_pinned(0, pin), *module, "--client", json.dumps(load)], check=True, stdout=subprocess.PIPE, text=True
            )
            ended_ns = time.monotonic_ns()
        with truth_path.open(newline="") as file:  # written when the server ends
            truth = {row["request_id"]: row for row in csv.DictReader(file)}
    ours = json.loads(done.stdout)
    attempts = [dict(zip(_FIELDS, values, strict=True)) for values in ours.pop("attempts")]
    chunks = sum(int(row["n_sent"]) for row in truth.values())
    return {
        **ours,
        **_errors(attempts, truth),
        **_load_reached(attempts, load),
        "cpu_s_per_mchunk": ours["cpu_s"] / chunks * 1e6,
        "start_s": (min(int(row["recv_mono_ns"]) for row in truth.values()) - started_ns) / 1e9,
        "tail_s": (ended_ns - max(int(row["done_mono_ns"]) for row in truth.values())) / 1e9,
        "server_late_max_ms": max(int(row["max_late_ns"]) for row in truth.values()) / 1e6,
    }


_FIELDS = (
    "attempt_id",
    "phase",
    "error_class",
    "t_sched_ns",
    "t_start_ns",
    "t_first_ns",
    "t_last_ns",
    "t_end_ns",
    "streamed_tokens",
    "chunks",
    "coalesced_chunks",
)


def _client(load: dict[str, Any]) -> dict[str, Any]:
    # Imported here: only the client process pays, and its start-up is part of the measurement.
    from probes.load.client import LoadSpec, run_load

    spool = Path(load.pop("spool"))
    processes = load.pop("processes")
    result = run_load(LoadSpec(**load), spool_path=spool, processes=processes)
    ours, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "cpu_s": ours.ru_utime + ours.ru_stime + workers.ru_utime + workers.ru_stime,
        "peak_mb": ours.ru_maxrss / 1024,
        "evidence": dataclasses.asdict(result.evidence),
        "stamps": result.stamp_source,
        "stopped_reason": result.stopped_reason,
        "attempts": [[getattr(attempt, field) for field in _FIELDS] for attempt in result.attempts],
    }


def _errors(attempts: Sequence[dict[str, Any]], truth: dict[str, dict[str, str]]) -> dict[str, Any]:
    measured = [attempt for attempt in attempts if attempt["phase"] == "measured"]
    good = [attempt for attempt in measured if attempt["error_class"] is None]
    ttft, ttft_true, tpot, tpot_true = [], [], [], []
    for attempt in good:
        row = {key: int(value) for key, value in truth[attempt["attempt_id"]].items() if key.endswith("_ns")}
        waited_ns = row["recv_real_ns"] - row["recv_kern_real_ns"]  # in the server's socket, before it read
        ttft_true.append((row["first_mono_ns"] - row["recv_mono_ns"] + waited_ns) / 1e6)
        ttft.append((attempt["t_first_ns"] - attempt["t_start_ns"]) / 1e6)
        steps = attempt["streamed_tokens"] - 1
        tpot_true.append((row["last_mono_ns"] - row["first_mono_ns"]) / steps / 1e6)
        tpot.append((attempt["t_last_ns"] - attempt["t_first_ns"]) / steps / 1e6)
    ttft_error = [ours - true for ours, true in zip(ttft, ttft_true, strict=True)]
    tpot_error = [abs(ours - true) for ours, true in zip(tpot, tpot_true, strict=True)]
    return {
        "attempts": len(measured),
        "ok": len(good),
        "ttft_p50_ms": statistics.median(ttft),
        "ttft_p50_true_ms": statistics.median(ttft_true),
        "ttft_error_p50_ms": statistics.median(ttft_error),
        "ttft_error_p99_ms": _percentile(ttft_error, 99),
        "ttft_error_max_ms": max(ttft_error),
        "tpot_p50_ms": statistics.median(tpot),
        "tpot_p50_true_ms": statistics.median(tpot_true),
        "tpot_error_p99_ms": _percentile(tpot_error, 99),
        "coalesced_share": sum(a["coalesced_chunks"] for a in good) / sum(a["chunks"] for a in good),
    }


def _load_reached(attempts: Sequence[dict[str, Any]], load: dict[str, Any]) -> dict[str, float]:
    measured = [attempt for attempt in attempts if attempt["phase"] == "measured"]
    if "concurrency" in load:
        window_ns = max(a["t_end_ns"] for a in measured) - min(a["t_start_ns"] for a in measured)
        busy_ns = sum(a["t_end_ns"] - a["t_start_ns"] for a in measured)
        return {"concurrency_mean": busy_ns / window_ns}
    lateness = [(a["t_start_ns"] - a["t_sched_ns"]) / 1e6 for a in measured]
    starts = sorted(a["t_start_ns"] for a in measured)
    gaps = sorted(later - earlier for earlier, later in pairwise(starts))
    mean = statistics.fmean(gaps)
    distance = max(abs((n + 1) / len(gaps) - (1 - math.exp(-gap / mean))) for n, gap in enumerate(gaps))
    return {
        "late_p50_ms": statistics.median(lateness),
        "late_p99_ms": _percentile(lateness, 99),
        "late_max_ms": max(lateness),
        "ks_exponential": distance,
        "rate_rps": 1e9 / mean,
    }


def _percentile(values: Sequence[float], percent: int) -> float:
    """Nearest rank."""
    return sorted(values)[-(-percent * len(values) // 100) - 1]


@contextmanager
def _server(mockllm: Path, flags: Sequence[str], truth: Path, *, pin: bool) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [*_pinned(1, pin), str(mockllm), "--port", str(port), "--log", str(truth), *flags]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.02)
            yield port
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def _pinned(cpu: int, pin: bool) -> list[str]:
    return ["taskset", "-c", str(cpu)] if pin else []


if __name__ == "__main__":
    main()
