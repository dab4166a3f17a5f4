"""The load client beside its peers: what each costs, and how wrong each is about a server that logs the truth.

    python -m tests.benchmarks.against_peers --reps 3 --lines lines.jsonl --table table.md
    python -m tests.benchmarks.against_peers --rig PATH/TO/mockllm --peers PATH/TO/VENVS --reps 3
    python -m tests.benchmarks.against_peers --smoke

`megatoken` goes the whole way that a user goes, `megatoken bench` with landing, accounts and publishing, in a process
of its own; `megatoken-tls` the same over TLS. Peers that are installed under --peers (or $MEGATOKEN_PEERS) are run in
turn with it. The client has core 0, the server core 1. One JSON line a run; at the end the table of the README out of
the medians. `--read lines.jsonl` makes the table alone.

The truth of a time to first token begins when the request reached the server's socket, by the kernel's stamp. CPU
seconds are of the whole process tree, start and report included. Each load is first put on once without being counted:
that opens the warehouse and tests the client against itself, which both happen once and not at every bench.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import exp
from pathlib import Path
from typing import Any

from probes.endpoint.truth import Truth
from tests.benchmarks.cases import Case, case, small
from tests.benchmarks.processes import Finished, run
from tests.benchmarks.server import serving
from tests.benchmarks.table import write_table
from tests.benchmarks.tokenizer import write_tokenizer
from tests.benchmarks.tools import Megatoken, Reported, Tool, installed_peers, nearest_rank
from tests.certificate import make_certificate

CASES = ("b1", "b", "a64", "a256", "a1000", "a2000", "a4000", "d", "e")
SMOKE = ("b1", "e")
# Past 256 streams the peers' errors are seconds, and each run costs minutes of both cores.
PEERS_SKIP = ("a2000", "a4000")


def main() -> int:
    """Measure and print. 0 if every run of ours was answered and paired with the truth, else 1."""
    asked = _options()
    if asked.read:
        lines = [json.loads(line) for line in asked.read.read_text().splitlines()]
    else:
        with tempfile.TemporaryDirectory(prefix="megatoken-bench-") as folder:
            lines = _measure(asked, Path(folder))
    table = write_table(lines)
    print(table)
    if asked.table:
        asked.table.write_text(table + "\n", encoding="utf-8")
    ours = [line for line in lines if line["tool"].startswith("megatoken")]
    return 0 if ours and all(line["exit_code"] == 0 and line["paired"] == line["answered"] for line in ours) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", help=f"repeatable; default: {' '.join(CASES)}")
    parser.add_argument("--tool", action="append", help="repeatable; default: all that there are")
    parser.add_argument("--rig", type=Path, help="a server with the options and the log of probes.fast_endpoint")
    parser.add_argument("--peers", type=Path, help="folder of their venvs")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--no-pin", action="store_true", help="leave client and server on any core")
    parser.add_argument("--lines", type=Path, help="append the JSON lines here too")
    parser.add_argument("--table", type=Path, help="write the table here too")
    parser.add_argument("--read", type=Path, help="measure nothing, read these JSON lines")
    parser.add_argument("--smoke", action="store_true", help="a few requests a case: does it all work?")
    asked = parser.parse_args()
    if asked.smoke:
        asked.case, asked.reps = asked.case or SMOKE, 1
    elif asked.peers is None and "MEGATOKEN_PEERS" in os.environ:
        asked.peers = Path(os.environ["MEGATOKEN_PEERS"])
    return asked


def _measure(asked: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    cases = [case(name) for name in asked.case or CASES]
    if asked.smoke:
        cases = [small(each) for each in cases]
    certificate, key = make_certificate(folder)
    tools: list[Tool] = [Megatoken(folder / "data")]
    if not asked.rig:
        tools.append(Megatoken(folder / "data", certificate=certificate))
    if asked.peers:
        tools += installed_peers(asked.peers, write_tokenizer(folder / "tokenizer"))
    if asked.tool:
        tools = [tool for tool in tools if tool.name in asked.tool]
    pins = (0, 1) if not asked.no_pin and (os.cpu_count() or 1) > 1 else (None, None)
    lines = []
    for rep in range(asked.reps):
        for load in cases:
            for tool in tools:
                ours = isinstance(tool, Megatoken)
                if load.name in PEERS_SKIP and not ours:
                    continue
                tls = (certificate, key) if tool.name.endswith("-tls") else None
                if ours and not rep and not asked.smoke:
                    _one(tool, small(load), asked.rig, tls, pins, folder)
                line = {"case": load.name, "tool": tool.name, "rep": rep, "rig": asked.rig is not None}
                line |= _one(tool, load, asked.rig, tls, pins, folder)
                lines.append(line)
                print(json.dumps(line), file=sys.stderr, flush=True)
                if asked.lines:
                    with asked.lines.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(line) + "\n")
    return lines


def _one(
    tool: Tool,
    load: Case,
    rig: Path | None,
    tls: tuple[Path, Path] | None,
    pins: tuple[int | None, int | None],
    folder: Path,
) -> dict[str, Any]:
    """One run, as a line: cost, errors, load reached."""
    with serving(load.pace, rig=rig, tls=tls, cpu=pins[1]) as server, tempfile.TemporaryDirectory(dir=folder) as out:
        server_cpu_s = server.cpu_s()
        command = tool.command(load, server.base_url, Path(out))
        done = run(command, env=tool.env, folder=Path(out), cpu=pins[0])
        server_cpu_s = server.cpu_s() - server_cpu_s
        truth = [each for each in server.truth() if each.status == 200]
        try:
            reported = tool.read(done.stdout, Path(out)) if truth and not done.exit_code else None
        except (ValueError, KeyError, OSError):
            reported = None  # it ended without its report, whatever its exit code says
        if reported is None:
            said = (Path(out) / "stderr.log").read_text(errors="replace") + done.stdout
            failed = {"exit_code": done.exit_code or 1, "answered": len(truth), "paired": 0}
            return failed | {"said": said.strip().splitlines()[-3:]}
    return {
        "exit_code": 0,
        "answered": len(reported.ttft_ms) or len(truth),
        **_cost(done, truth, server_cpu_s),
        **_errors(reported, truth),
        **_reached(load, [each for each in truth if not reported.ttft_ms or each.request_id in reported.ttft_ms]),
        "send_lag_p99_ms": reported.send_lag_p99_ms,
        **reported.more,
    }


def _cost(done: Finished, truth: Sequence[Truth], server_cpu_s: float) -> dict[str, Any]:
    chunks = sum(each.n_sent for each in truth)
    wall_s = (done.ended_ns - done.started_ns) / 1e9
    return {
        "chunks": chunks,
        "wall_s": wall_s,
        "cpu_s": done.cpu_s,
        "cpu_s_per_mchunk": done.cpu_s / chunks * 1e6,
        "peak_anon_mb": done.peak_anon_mb,
        "start_s": (min(each.recv_mono_ns for each in truth) - done.started_ns) / 1e9,
        "tail_s": (done.ended_ns - max(each.done_mono_ns for each in truth)) / 1e9,
        "server_cpu_s": server_cpu_s,
        "server_late_max_ms": max(each.max_late_ns for each in truth) / 1e6,
        "others_cores": (done.machine_busy_s - done.cpu_s - server_cpu_s) / wall_s,
    }


def _errors(reported: Reported, truth: Sequence[Truth]) -> dict[str, Any]:
    """Request by request where the tool names them, else the difference of the percentiles."""
    ttft = {each.request_id: each.ttft_ns / 1e6 for each in truth}
    tpot = {each.request_id: each.tpot_ns / 1e6 for each in truth if each.tpot_ns is not None}
    return {
        "paired": len(reported.ttft_ms.keys() & ttft.keys()),
        "ttft_error_p50_ms": _pairs(reported.ttft_ms, ttft, 50),
        "ttft_error_p99_ms": _difference(reported.ttft_ms, reported.ttft_p99_ms, ttft),
        "tpot_error_p99_ms": _difference(reported.tpot_ms, reported.tpot_p99_ms, tpot),
    }


def _difference(by_request: Mapping[str, float], p99: float | None, true: Mapping[str, float]) -> float | None:
    if by_request:
        return _pairs(by_request, true, 99)
    true_p99 = nearest_rank(list(true.values()), 99)
    return None if p99 is None or true_p99 is None else abs(p99 - true_p99)


def _pairs(ours: Mapping[str, float], true: Mapping[str, float], percent: int) -> float | None:
    return nearest_rank([abs(ours[name] - true[name]) for name in ours.keys() & true.keys()], percent)


def _reached(load: Case, truth: Sequence[Truth]) -> dict[str, Any]:
    """The load as the server saw it: mean in flight over the whole run, or how Poisson the arrivals were."""
    if load.rate_rps is None:
        first, last = min(each.recv_mono_ns for each in truth), max(each.done_mono_ns for each in truth)
        busy = sum(each.done_mono_ns - each.recv_mono_ns for each in truth)
        return {"concurrency_share": busy / (last - first) / (load.concurrency or 1)}
    arrived = sorted(each.recv_kern_real_ns for each in truth)
    gaps = sorted(later - earlier for earlier, later in pairwise(arrived))
    mean = statistics.fmean(gaps)
    distance = max(
        max(abs((n + 1) / len(gaps) - at), abs(n / len(gaps) - at))
        for n, at in enumerate(1 - exp(-gap / mean) for gap in gaps)
    )
    return {"rate_rps": 1e9 / mean, "ks_exponential": distance}


if __name__ == "__main__":
    raise SystemExit(main())
