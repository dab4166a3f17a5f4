"""How wrong is `megatoken bench`? The whole path a user runs, against our scripted endpoint, which logs the truth.

    python -m tests.benchmarks.run [--concurrency 16] [--requests 64]

Errors are ours minus the truth, request by request (X-Request-Id). The truth of TTFT begins when the endpoint has read
the request, so on a busy machine the endpoint's own lateness counts as ours: the figures are upper bounds. The
endpoint is honest, not fast; for hundreds of streams use `tests.benchmarks.load_accuracy` with a faster server.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

OUTPUT_TOKENS = 32


def main() -> int:
    """Run once and print a table. 0 if every request was answered and is in the truth log, else 1."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--concurrency", type=int, default=16)
    options.add_argument("--requests", type=int, default=64)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="megatoken-bench-") as folder:
        summary, errors = measure(Path(folder), asked.concurrency, asked.requests)
    ttft_ms = sorted(1e3 * e["ttft_s"] for e in errors)
    tpot_ms = sorted(1e3 * e["tpot_s"] for e in errors)
    print(f"{summary['ok']}/{asked.requests} ok at {asked.concurrency} streams, {len(errors)} paired with the truth")
    for name, values in (("TTFT", ttft_ms), ("TPOT", tpot_ms)):
        print(f"{name} error, ms: median {statistics.median(values):+.3f}, largest {max(values, key=abs):+.3f}")
    per_chunk = summary["client_cpu_s"] / (summary["output_tokens"] or 1) * 1e6
    print(f"concurrency reached {summary['concurrency_mean']:.1f}; client CPU {per_chunk:.0f} s per million chunks")
    return 0 if summary["ok"] == asked.requests == len(errors) else 1


def measure(folder: Path, concurrency: int, requests: int) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """The bench's own summary, and the error of each request's TTFT and TPOT, seconds."""
    log = folder / "truth.jsonl"
    pace = ("--port", "0", "--ttft-ms", "50", "--itl-ms", "10", "--log", str(log))
    server = subprocess.Popen([sys.executable, "-m", "probes.fake_endpoint", *pace], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        command = [
            *(sys.executable, "-m", "flows.cli", "bench", url, "--model", "fake", "--json"),
            *("--concurrency", str(concurrency), "--requests", str(requests), "--output-tokens", str(OUTPUT_TOKENS)),
        ]
        env = os.environ | {"MEGATOKEN_DATA": str(folder / "data")}
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=300, env=env)
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)
    truth = {row["request_id"]: row for row in map(json.loads, log.read_text().splitlines())}
    summary: dict[str, Any] = json.loads(done.stdout)
    (landed,) = (folder / "data" / "landing").glob("date=*/*/attempts.parquet")
    attempts = pl.read_parquet(landed).filter(pl.col("phase") == "measured").to_dicts()
    return summary, [_error(a, truth[a["attempt_id"]]) for a in attempts if a["attempt_id"] in truth]


def _error(ours: dict[str, Any], truth: dict[str, Any]) -> dict[str, float]:
    ttft_ns = (ours["t_first_ns"] - ours["t_start_ns"]) - (truth["first_ns"] - truth["recv_ns"])
    tpot_ns = (ours["t_last_ns"] - ours["t_first_ns"]) - (truth["last_ns"] - truth["first_ns"])
    return {"ttft_s": ttft_ns / 1e9, "tpot_s": tpot_ns / (OUTPUT_TOKENS - 1) / 1e9}


if __name__ == "__main__":
    raise SystemExit(main())
