"""How fast are rank bands, and do the intervals behind them hold what they say?

    python -m tests.benchmarks.ranking_speed              # 50 endpoints, 10 nights of 24 attempts; 4,000 simulations
    python -m tests.benchmarks.ranking_speed --smoke      # 6 endpoints, 3 nights; 200 simulations

Speed: a real warehouse of invented endpoints, the bands of each metric read from it, and the formula alone; aim 0.1 s,
floor 0.5 s. Coverage: how often the 95 % interval of the difference of two endpoints holds the true one, when attempts
of a night share the night and endpoints differ in how much they vary; and in how many boards a true rank lies outside
its band. Beside ours stand the two bootstraps of whole runs that one would think of first.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import duckdb
import numpy as np
import polars as pl

from tests.warehouse.bands import workload_bands
from tests.warehouse.builders import BOOT_NS, SECOND_NS, STARTED_AT, fact_row, trial_row
from warehouse import schema
from warehouse.formulas.paired_runs import paired_runs
from warehouse.formulas.ranking import rank_bands
from warehouse.loader import derive
from warehouse.tables import insert_rows

FLOOR_S = 0.5
RUNS = (3, 5, 7, 10, 28)
METRICS = (
    "ttft_p50_s",
    "output_tokens_per_s",
    "goodput_share",
    "failed_share",
    "usd_per_output_mtok",
    "operational_gco2e_per_output_mtok",
)
_DRAWS = 1000


def main(arguments: list[str]) -> int:
    """Print seconds and coverage as JSON; 1 if a figure misses its floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, default=50)
    parser.add_argument("--nights", type=int, default=10)
    parser.add_argument("--attempts", type=int, default=24, help="of each endpoint and night")
    parser.add_argument("--simulations", type=int, default=4000)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args(arguments)
    size = (6, 3, 24) if options.smoke else (options.endpoints, options.nights, options.attempts)
    simulations = 200 if options.smoke else options.simulations
    report = {"speed_s": speed(*size), "coverage": coverage(simulations), "boards_wrong": boards(simulations // 8)}
    print(json.dumps(report, indent=2))
    slow = max(report["speed_s"].values()) > FLOOR_S
    off = any(not 0.93 <= of["student-t"] <= 0.97 for of in report["coverage"].values())
    return 1 if slow or off else 0


def speed(endpoints: int, nights: int, attempts: int) -> dict[str, float]:
    """Median seconds of five readings of each metric, after one that warms up, and of the formula alone."""
    con = filled(endpoints, nights, attempts)
    targets = [f"e{number:02}" for number in range(endpoints)]
    times = {}
    for metric_id in METRICS:
        times[metric_id] = _median_s(lambda by=metric_id: workload_bands(con, "load", targets, by=by, any_grade=True))
    con.close()
    random = np.random.default_rng(1)
    figures = np.exp(random.normal(size=(endpoints, nights)))
    unknown = np.full(figures.shape, np.nan)
    times["formula"] = _median_s(
        lambda: rank_bands(figures, direction="lower", within_low=unknown, within_high=unknown)
    )
    return times


def _median_s(work: Any) -> float:
    work()
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return round(sorted(taken)[2], 4)


def filled(endpoints: int, nights: int, attempts: int) -> duckdb.DuckDBPyConnection:
    """A warehouse as a load leaves it; everything follows from a seed."""
    random = np.random.default_rng(20261124)
    con = duckdb.connect()
    schema.create_for_one_use(con)
    trials, facts, frames = [], [], []
    for night in range(nights):
        bad = random.normal()
        for number in range(endpoints):
            trial_id = f"night-{night}.e{number:02}.load.1"
            ttft_s = np.exp(-1.5 + 0.02 * number + 0.2 * bad + 0.1 * random.normal() + random.normal(0, 0.3, attempts))
            frames.append(_attempts(trial_id, ttft_s))
            facts += [
                replace(fact_row(quantity, central, low=low, high=high), trial_id=trial_id)
                for quantity, low, central, high in (
                    ("price_usd_per_input_mtok", None, 1.0, None),
                    ("price_usd_per_output_mtok", None, 1.0 + 0.1 * number, None),
                    ("endpoint_j_per_output_token", 0.9 + 0.05 * number, 1.0 + 0.05 * number, 1.2 + 0.05 * number),
                    ("pue", 1.1, 1.2, 1.5),
                    ("grid_gco2e_per_kwh", 200.0, 400.0, 600.0),
                )
            ]
            trials.append(
                trial_row(
                    trial_id=trial_id, run_id=f"night-{night}", target_id=f"e{number:02}", workload_id="load",
                    kind="endpoint",
                    started_at=STARTED_AT + timedelta(days=night, seconds=60 * number),
                    window_end_ns=BOOT_NS + attempts * 2 * SECOND_NS,
                )
            )  # fmt: skip
    insert_rows(con, "trials", trials)
    insert_rows(con, "trial_facts", facts)
    con.register("new_rows", pl.concat(frames))
    con.execute("INSERT INTO attempts BY NAME SELECT * FROM new_rows").fetchall()
    derive(con)
    return con


def _attempts(trial_id: str, ttft_s: np.ndarray) -> pl.DataFrame:
    seq = np.arange(len(ttft_s))
    start_ns = BOOT_NS + seq * 2 * SECOND_NS
    first_ns = start_ns + np.rint(ttft_s * SECOND_NS).astype(np.int64)
    last_ns = first_ns + SECOND_NS
    return pl.DataFrame({
        "attempt_id": [f"{trial_id}.{n}" for n in seq],
        "trial_id": pl.repeat(trial_id, len(seq), eager=True),
        "seq": seq,
        "phase": pl.repeat("measured", len(seq), eager=True),
        "t_start_ns": start_ns,
        "t_first_ns": first_ns,
        "t_last_ns": last_ns,
        "t_end_ns": last_ns,
        "prompt_tokens": pl.repeat(100, len(seq), eager=True),
        "output_tokens": pl.repeat(64, len(seq), eager=True),
        "streamed_tokens": pl.repeat(64, len(seq), eager=True),
    })  # fmt: skip


def coverage(simulations: int, attempts: int = 24) -> dict[str, dict[str, float]]:
    """By number of nights: the share of intervals that hold the true difference of two endpoints' medians."""
    random = np.random.default_rng(20261124)
    found = {}
    for runs in RUNS:
        medians = _nightly_medians(random, simulations, 2, runs, attempts)
        differences = medians[:, 0] - medians[:, 1]
        found[f"{runs} nights"] = {
            "student-t": round(float(np.mean([_p(of) > 0.05 for of in medians])), 4),
            **{name: round(float(held), 4) for name, held in _bootstraps(random, differences).items()},
        }
    return found


def _nightly_medians(
    random: np.random.Generator, simulations: int, endpoints: int, runs: int, attempts: int
) -> np.ndarray:
    """Logarithms of medians, all with the same truth of 0; shape (simulations, endpoints, runs)."""
    night = 0.3 * random.normal(size=(simulations, 1, runs))
    own = 0.1 * np.exp(0.5 * random.normal(size=(simulations, endpoints, 1)))
    level = night + own * random.normal(size=(simulations, endpoints, runs))
    noise = random.normal(0, 0.3, size=(simulations, endpoints, runs, attempts))
    return np.asarray(np.median(level[..., None] + noise, axis=-1))


def _p(scores: np.ndarray) -> float:
    return float(paired_runs(scores, np.zeros(2)).p[0, 1])


def _bootstraps(random: np.random.Generator, differences: np.ndarray) -> dict[str, float]:
    """Whole runs drawn again: percentiles of the means, and percentiles of the studentised means."""
    runs = differences.shape[1]
    percentile, studentised = [], []
    for one in differences:
        drawn = one[random.integers(runs, size=(_DRAWS, runs))]
        means = drawn.mean(axis=1)
        low, high = np.quantile(means, (0.025, 0.975))
        percentile.append(low <= 0 <= high)
        error, errors = one.std(ddof=1) / np.sqrt(runs), drawn.std(axis=1, ddof=1) / np.sqrt(runs)
        varied = errors > 1e-12  # the same run drawn each time says nothing of how runs vary
        low, high = np.quantile((means[varied] - one.mean()) / errors[varied], (0.025, 0.975))
        studentised.append(one.mean() - high * error <= 0 <= one.mean() - low * error)
    return {"percentile-bootstrap": float(np.mean(percentile)), "studentised-bootstrap": float(np.mean(studentised))}


def boards(simulations: int, sizes: Sequence[int] = (3, 12, 50)) -> dict[str, float]:
    """The share of boards in which a band does not hold a true rank, at most 0.05: ties of three, five nights."""
    random = np.random.default_rng(20261125)
    wrong = {}
    for endpoints in sizes:
        group = np.arange(endpoints) // 3
        best = 1 + group * 3
        worst = np.minimum(best + 2, endpoints)
        missed = 0
        for medians in _nightly_medians(random, simulations, endpoints, 5, 8):
            figures = np.exp(medians + 0.3 * group[:, None])
            unknown = np.full(figures.shape, np.nan)
            found = rank_bands(figures, direction="lower", within_low=unknown, within_high=unknown)
            low, high = np.array([(of.rank_low, of.rank_high) for of in found]).T
            missed += bool((low > best).any() or (high < worst).any())
        wrong[f"{endpoints} endpoints"] = round(missed / simulations, 4)
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
