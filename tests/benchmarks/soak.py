"""Does the load client stay the same for hours? `megatoken bench` for some minutes, memory and lateness over time.

    python -m tests.benchmarks.soak --minutes 30 --streams 500 --out soak/

An open loop at the rate that keeps so many streams in flight, a token every 20 ms each, against our own endpoint. Every
10 s: memory and CPU of the bench; of the requests sent in them, how late they were sent and how wrong their times to
first token are. Writes `soak.csv` and `soak.svg`, and says whether anything rises: the slope is the median of the
slopes between all pairs of points (Theil and Sen), which single bad moments do not move.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import combinations, pairwise
from pathlib import Path

import polars as pl

from probes.endpoint.spec import EndpointSpec
from probes.endpoint.truth import Truth
from tests.benchmarks.processes import anon_kb, cpu_s
from tests.benchmarks.server import serving
from tests.benchmarks.svg import Panel, line_chart
from tests.benchmarks.tools import nearest_rank

_RAMP_SHARE = 0.1  # of the run, left out of the verdict: streams and buffers fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One interval of a soak. A figure without a request behind it is None."""

    t_s: float  # its end, since the first send
    anon_mb: float
    cpu_share: float  # of one core
    sends: int
    send_lag_p99_ms: float | None
    ttft_error_p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Whether a series rises."""

    name: str
    unit: str
    median: float
    rise: float  # slope times the length of the run
    allowed: float

    @property
    def flat(self) -> bool:
        """Whether it rises by no more than is allowed; what falls is fine."""
        return self.rise <= self.allowed

    def __str__(self) -> str:
        verdict = "flat" if self.flat else "RISES"
        change = f"{self.rise:+.3g} {self.unit} over the run, {self.allowed:.3g} allowed"
        return f"{verdict}: {self.name}, median {self.median:.3g} {self.unit}, {change}"


def main() -> int:
    """0 if everything is flat, 1 if something rises or the bench failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--itl-ms", type=float, default=1e3 * EndpointSpec().itl_s, help="default: %(default)g")
    parser.add_argument("--every", type=float, default=10.0, metavar="S")
    parser.add_argument("--out", type=Path, required=True, help="a folder for soak.csv and soak.svg")
    parser.add_argument("--no-pin", action="store_true", help="leave client and server on any core")
    asked = parser.parse_args()
    pins = (0, 1) if not asked.no_pin and (os.cpu_count() or 1) > 1 else (None, None)
    with tempfile.TemporaryDirectory(prefix="megatoken-soak-") as folder:
        points = soak(
            Path(folder),
            duration_s=asked.minutes * 60,
            streams=asked.streams,
            tokens=asked.tokens,
            pace=EndpointSpec(itl_s=asked.itl_ms / 1e3),
            every_s=asked.every,
            pins=pins,
        )
    asked.out.mkdir(parents=True, exist_ok=True)
    with (asked.out / "soak.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Point)])
        writer.writeheader()
        writer.writerows(map(asdict, points))
    (asked.out / "soak.svg").write_text(_chart(points, asked.streams, 1e3 / asked.itl_ms), encoding="utf-8")
    verdicts = trends(points)
    for verdict in verdicts:
        print(verdict)
    return 0 if len(verdicts) == 3 and all(verdict.flat for verdict in verdicts) else 1


def soak(
    folder: Path,
    *,
    duration_s: float,
    streams: int,
    tokens: int,
    pace: EndpointSpec,
    every_s: float,
    pins: tuple[int | None, int | None],
) -> list[Point]:
    """Run it; the points in order of time."""
    answer_s = pace.ttft_s + (tokens - 1) * pace.itl_s
    with serving(pace, rig=None, tls=None, cpu=pins[1]) as server:
        command = [
            *(["taskset", "-c", str(pins[0])] if pins[0] is not None else []),
            *(sys.executable, "-m", "flows.cli", "bench", server.base_url, "--model", "fast", "--json"),
            *("--rate", f"{streams / answer_s:.3f}", "--duration", f"{duration_s:g}"),
            *("--output-tokens", str(tokens), "--prompt-tokens", "32", "--data", str(folder / "data")),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bench:
            samples = _watch(bench, every_s)
            assert bench.stdout is not None  # opened as a pipe above
            said = bench.stdout.read()
        truth = {each.request_id: each for each in server.truth()}
    if bench.returncode:
        raise SystemExit(f"the bench ended with {bench.returncode}")
    [landed] = (folder / "data" / "landing").glob(f"date=*/*{json.loads(said)['trial_id']}/attempts.parquet")
    attempts = pl.read_parquet(landed).filter(pl.col("phase") == "measured", pl.col("error_class").is_null())
    return _points(samples, attempts, truth, every_s)


def _watch(bench: "subprocess.Popen[str]", every_s: float) -> list[tuple[int, float, float]]:
    """(CLOCK_MONOTONIC, MB of anonymous memory, CPU seconds so far) until it ends."""
    samples = []
    while bench.poll() is None:
        samples.append((time.monotonic_ns(), anon_kb(bench.pid) / 1024, cpu_s(bench.pid)))
        due_ns = samples[0][0] + round(len(samples) * every_s * 1e9)
        try:
            bench.wait(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
        except subprocess.TimeoutExpired:
            continue
    return samples


def _points(
    samples: Sequence[tuple[int, float, float]], attempts: pl.DataFrame, truth: dict[str, Truth], every_s: float
) -> list[Point]:
    """The intervals that lie between the first send and the last: before and after, the bench does other work."""
    first_ns, last_ns = int(attempts["t_start_ns"].min()), int(attempts["t_start_ns"].max())  # type: ignore[arg-type]  # a column of integers
    rows = attempts.select("attempt_id", "t_sched_ns", "t_start_ns", "t_first_ns").rows()
    found = []
    for (from_ns, _, cpu_before_s), (to_ns, anon_mb, cpu_after_s) in pairwise(samples):
        if from_ns < first_ns or to_ns > last_ns:
            continue
        sent = [row for row in rows if from_ns <= row[2] < to_ns]
        errors = [abs(first - start - truth[name].ttft_ns) / 1e6 for name, _, start, first in sent]
        found.append(
            Point(
                t_s=(to_ns - first_ns) / 1e9,
                anon_mb=anon_mb,
                cpu_share=(cpu_after_s - cpu_before_s) / ((to_ns - from_ns) / 1e9),
                sends=len(sent),
                send_lag_p99_ms=nearest_rank([(start - due) / 1e6 for _, due, start, _ in sent], 99),
                ttft_error_p99_ms=nearest_rank(errors, 99),
            )
        )
    return found


def trends(points: Sequence[Point]) -> list[Trend]:
    """How memory, send lateness and error go on, the ramp left out; none of fewer than four points."""
    steady = points[round(len(points) * _RAMP_SHARE) :]
    if len(steady) < 4:
        return []
    # A tenth of what there is, and never less than what a page more or one bad interval makes.
    return [
        _trend(steady, "anon_mb", "memory", "MB", 8.0),
        _trend(steady, "send_lag_p99_ms", "send lateness p99", "ms", 0.5),
        _trend(steady, "ttft_error_p99_ms", "TTFT error p99", "ms", 0.1),
    ]


def _trend(points: Sequence[Point], field: str, name: str, unit: str, floor: float) -> Trend:
    known = [(point.t_s, float(getattr(point, field))) for point in points if getattr(point, field) is not None]
    slope = statistics.median((b - a) / (t_b - t_a) for (t_a, a), (t_b, b) in combinations(known, 2))
    median = statistics.median(value for _, value in known)
    rise = slope * (known[-1][0] - known[0][0])
    return Trend(name=name, unit=unit, median=median, rise=rise, allowed=max(floor, 0.1 * median))


def _chart(points: Sequence[Point], streams: int, tokens_per_s: float) -> str:
    def series(field: str) -> list[tuple[float, float]]:
        return [(point.t_s / 60, float(getattr(point, field))) for point in points if getattr(point, field) is not None]

    return line_chart(
        f"megatoken bench, {streams} streams at {tokens_per_s:g} tokens/s",
        "minutes since the first send",
        [
            Panel(title="memory of the client, MB", points=series("anon_mb")),
            Panel(title="CPU, share of one core", points=series("cpu_share")),
            Panel(title="sends late, p99, ms", points=series("send_lag_p99_ms")),
            Panel(title="error of the time to first token, p99, ms", points=series("ttft_error_p99_ms")),
        ],
    )


if __name__ == "__main__":
    raise SystemExit(main())
