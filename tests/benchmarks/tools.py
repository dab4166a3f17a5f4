"""The load generators: the command that puts a case on a server, and what the tool itself reported afterwards.

The peers are installed apart from us, each in a virtual environment of its own under one folder: `aiperf`, `guidellm`,
`infperf` (AIPerf 0.13, GuideLLM 0.8, inference-perf 0.7). Everything that is not in the command is their default.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from tests.benchmarks.cases import Case

_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What a tool says. By request where it keeps requests apart and names them as it sent them, else by percentile."""

    ttft_ms: Mapping[str, float] = field(default_factory=dict)  # by X-Request-Id
    tpot_ms: Mapping[str, float] = field(default_factory=dict)
    ttft_p99_ms: float | None = None  # only where requests have no names
    tpot_p99_ms: float | None = None
    send_lag_p99_ms: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)  # what else goes into its JSON line


class Megatoken:
    """`megatoken bench`, as a user runs it: landed, accounted and published. Its data folder stays from run to run."""

    def __init__(self, data: Path, *, certificate: Path | None = None) -> None:
        self.name = "megatoken" if certificate is None else "megatoken-tls"
        self._data = data
        # Compiled once, as an installed program is, and as the peers are: not at each start, whatever this machine's
        # environment says.
        self.env = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(data / "bytecode")}
        if certificate is not None:
            # Its own trust is the system's: the certificate joins that by OpenSSL's own variable.
            self.env["SSL_CERT_FILE"] = str(certificate)

    def command(self, case: Case, base_url: str, folder: Path) -> list[str]:
        """One bench; `folder` is not used."""
        when = ["--concurrency", str(case.concurrency), "--requests", str(case.requests)]
        if case.rate_rps is not None:
            when = ["--rate", str(case.rate_rps), "--duration", str(case.duration_s)]
        what = ["--prompt-tokens", "32", "--output-tokens", str(case.tokens)]
        bench = [sys.executable, "-m", "flows.cli", "bench", base_url, "--model", "mock"]
        return [*bench, *when, *what, "--json", "--data", str(self._data)]

    def read(self, stdout: str, folder: Path) -> Reported:
        """The landed attempts of the trial that the bench named."""
        summary = json.loads(stdout.splitlines()[-1])
        [landed] = (self._data / "landing").glob(f"date=*/*{summary['trial_id']}/attempts.parquet")
        attempts = pl.read_parquet(landed).filter(pl.col("phase") == "measured", pl.col("error_class").is_null())
        ttft, tpot, lags = {}, {}, []
        for row in attempts.to_dicts():
            ttft[row["attempt_id"]] = (row["t_first_ns"] - row["t_start_ns"]) / 1e6
            if row["streamed_tokens"] > 1:
                steps = row["streamed_tokens"] - 1
                tpot[row["attempt_id"]] = (row["t_last_ns"] - row["t_first_ns"]) / steps / 1e6
            if row["t_sched_ns"] is not None:
                lags.append((row["t_start_ns"] - row["t_sched_ns"]) / 1e6)
        told = ("trial_id", "certificate_grade", "certificate_reasons", "coalesced_share", "ok", "attempts")
        return Reported(
            ttft_ms=ttft,
            tpot_ms=tpot,
            send_lag_p99_ms=nearest_rank(lags, 99),
            more={name: summary[name] for name in told if name in summary},
        )


class Aiperf:
    """NVIDIA AIPerf."""

    name = "aiperf"
    env = _OFFLINE | {"HF_HUB_OFFLINE": "", "TRANSFORMERS_OFFLINE": ""}  # offline, it refuses a tokenizer in a folder

    def __init__(self, program: Path, tokenizer: Path) -> None:
        self._program, self._tokenizer = program, tokenizer

    def command(self, case: Case, base_url: str, folder: Path) -> list[str]:
        """One profile run whose artifacts go to `folder`."""
        when = ["--concurrency", str(case.concurrency), "--request-count", str(case.requests)]
        if case.rate_rps is not None:
            when = ["--request-rate", str(case.rate_rps), "--arrival-pattern", "poisson"]
            when += ["--benchmark-duration", str(case.duration_s)]
        what = ["--isl", "32", "--isl-stddev", "0", "--osl", str(case.tokens), "--osl-stddev", "0"]
        what += ["--num-dataset-entries", "100", "--random-seed", "7", "--tokenizer", str(self._tokenizer)]
        quiet = ["--ui", "none", "--no-gpu-telemetry", "--no-server-metrics", "--output-artifact-dir", str(folder)]
        profile = [str(self._program), "profile", "-m", "mock", "--url", base_url.removesuffix("/v1")]
        return [*profile, "--endpoint-type", "chat", "--streaming", *when, *what, *quiet]

    def read(self, stdout: str, folder: Path) -> Reported:
        """Its records, one a request, by the id that it sent."""
        [records] = folder.rglob("profile_export.jsonl")
        ttft, tpot = {}, {}
        for line in records.read_text().splitlines():
            record = json.loads(line)
            name, metrics = record["metadata"]["x_request_id"], record["metrics"]
            if "time_to_first_token" in metrics:
                ttft[name] = metrics["time_to_first_token"]["value"]
            if "inter_token_latency" in metrics:
                tpot[name] = metrics["inter_token_latency"]["value"]
        return Reported(ttft_ms=ttft, tpot_ms=tpot)


class Guidellm:
    """GuideLLM."""

    name = "guidellm"
    env = _OFFLINE | {"GUIDELLM__LOGGING__DISABLED": "true"}

    def __init__(self, program: Path, tokenizer: Path) -> None:
        self._program, self._tokenizer = program, tokenizer

    def command(self, case: Case, base_url: str, folder: Path) -> list[str]:
        """One benchmark whose report goes to `folder`."""
        profile, end = f"kind=concurrent,streams={case.concurrency}", f"kind=max_requests,count={case.requests}"
        if case.rate_rps is not None:
            profile, end = f"kind=poisson,rate={case.rate_rps:g}", f"kind=max_duration,seconds={case.duration_s:g}"
        target = f"kind=openai_http,target={base_url.removesuffix('/v1')},model=mock"
        data = f"kind=synthetic_text,prompt_tokens=32,output_tokens={case.tokens}"
        run = [str(self._program), "run", "--backend", target, "--profile", profile, "--constraint", end]
        run += ["--tokenizer", f"kind=hf_auto,model={self._tokenizer}", "--data", data]
        return [*run, "--output", f"kind=json,path={folder / 'benchmarks.json'}", "--disable-console-interactive"]

    def read(self, stdout: str, folder: Path) -> Reported:
        """Its percentiles: it keeps requests apart, but does not send the ids that it gives them."""
        [benchmark] = json.loads((folder / "benchmarks.json").read_text())["benchmarks"]
        ttft, tpot = (
            benchmark["metrics"][name]["successful"]["percentiles"]["p99"]
            for name in ("time_to_first_token_ms", "inter_token_latency_ms")
        )
        return Reported(ttft_p99_ms=ttft, tpot_p99_ms=tpot)


class InferencePerf:
    """Kubernetes' inference-perf."""

    name = "inference-perf"
    env = _OFFLINE

    def __init__(self, program: Path, tokenizer: Path) -> None:
        self._program, self._tokenizer = program, tokenizer

    def command(self, case: Case, base_url: str, folder: Path) -> list[str]:
        """One run of a config that is written to `folder`, as is its report."""
        load: dict[str, Any] = {
            "type": "concurrent",
            "stages": [{"num_requests": case.requests, "concurrency_level": case.concurrency}],
        }
        if case.rate_rps is not None:
            load = {"type": "poisson", "stages": [{"rate": case.rate_rps, "duration": int(case.duration_s or 1)}]}
        prefixes = {"num_groups": 10, "num_prompts_per_group": 10, "system_prompt_len": 8, "question_len": 24}
        config = {
            "api": {"type": "chat", "streaming": True},
            "server": {
                **{"type": "vllm", "model_name": "mock", "ignore_eos": True},
                "base_url": base_url.removesuffix("/v1"),
            },
            "tokenizer": {"pretrained_model_name_or_path": str(self._tokenizer)},
            "load": load | {"worker_max_concurrency": 10_000, "worker_max_tcp_connections": 10_000},
            "data": {"type": "shared_prefix", "shared_prefix": prefixes | {"output_len": case.tokens}},
            "report": {"request_lifecycle": {"summary": True, "per_stage": False, "percentiles": [50, 90, 99]}},
            "storage": {"local_storage": {"path": str(folder)}},
        }
        file = folder / "config.yml"  # JSON is YAML
        file.write_text(json.dumps(config))
        return [str(self._program), "-c", str(file)]

    def read(self, stdout: str, folder: Path) -> Reported:
        """Its summary. What it calls inter-token latency are single gaps, which are not compared with means."""
        [summary] = folder.rglob("summary_lifecycle_metrics.json")
        latency = json.loads(summary.read_text())["successes"]["latency"]
        return Reported(ttft_p99_ms=latency["time_to_first_token"]["p99"] * 1e3)


Tool = Megatoken | Aiperf | Guidellm | InferencePerf


def installed_peers(folder: Path, tokenizer: Path) -> list[Tool]:
    """Those of the three that are installed in `folder`."""
    found: list[Tool] = []
    for kind, program in (
        (Aiperf, folder / "aiperf" / "bin" / "aiperf"),
        (Guidellm, folder / "guidellm" / "bin" / "guidellm"),
        (InferencePerf, folder / "infperf" / "bin" / "inference-perf"),
    ):
        if program.exists():
            found.append(kind(program, tokenizer))
    return found


def nearest_rank(values: Sequence[float], percent: int) -> float | None:
    """The smallest value with at least `percent` of all at or below it; None of none."""
    return sorted(values)[-(-percent * len(values) // 100) - 1] if values else None
