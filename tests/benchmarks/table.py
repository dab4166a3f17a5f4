"""The README's table out of the lines of `against_peers`: medians, beside what we must and what we want to reach."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

TOOLS = {
    "megatoken": "megatoken",
    "megatoken-tls": "megatoken, TLS",
    "aiperf": "AIPerf",
    "guidellm": "GuideLLM",
    "inference-perf": "inference-perf",
}
# What is measured, in which case, which field, how it is written, the floor and the aim.
ROWS: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("CPU s per million chunks, one write a chunk", "b1", "cpu_s_per_mchunk", "{:.1f}", "15", "7"),
    ("the same, 32 chunks a write", "b", "cpu_s_per_mchunk", "{:.1f}", "6", "3"),
    ("TTFT p99 error, 64 streams at 50 tokens/s, ms", "a64", "ttft_error_p99_ms", "{:.3g}", "1", "0.1"),
    ("the same, 256 streams", "a256", "ttft_error_p99_ms", "{:.3g}", "", ""),
    ("the same, 1000 streams", "a1000", "ttft_error_p99_ms", "{:.3g}", "2", "0.1"),
    ("the same, 2000 streams", "a2000", "ttft_error_p99_ms", "{:.3g}", "3", "0.1"),
    ("the same, 4000 streams", "a4000", "ttft_error_p99_ms", "{:.3g}", "5", "0.1"),
    ("ITL (mean of a request) p99 error, 1000 streams, ms", "a1000", "tpot_error_p99_ms", "{:.2g}", "0.1", "0.01"),
    ("mean concurrency reached / asked, 1000 streams, %", "a1000", "concurrency_share", "{:.1%}", "98", "99.5"),
    ("200 requests/s, Poisson: distance of the gaps to it", "e", "ks_exponential", "{:.3f}", "0.03", "0.02"),
    ("the same: sends late, p99, ms", "e", "send_lag_p99_ms", "{:.2f}", "1", "0.3"),
    ("start of process to first request, s", "d", "start_s", "{:.2f}", "1.0", "0.4"),
    ("last byte to result, 256,000 chunks, s", "b1", "tail_s", "{:.2f}", "2", "1"),
    ("peak memory, 256,000 chunks, MB", "b1", "peak_anon_mb", "{:.0f}", "200", "120"),
)


def write_table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Markdown. A cell is the median of the runs that ended well, or "-" without one, or if the tool does not tell."""
    tools = [tool for tool in TOOLS if any(line["tool"] == tool for line in lines)]
    cases = {line["case"] for line in lines}
    written = [
        f"| measure | floor | aim | {' | '.join(TOOLS[tool] for tool in tools)} |",
        f"| --- | --- | --- |{' --- |' * len(tools)}",
    ]
    for title, case, name, form, floor, aim in ROWS:
        if case in cases:
            cells = (_cell(lines, tool, case, name, form) for tool in tools)
            written.append(f"| {title} | {floor} | {aim} | {' | '.join(cells)} |")
    return "\n".join(written)


def _cell(lines: Sequence[Mapping[str, Any]], tool: str, case: str, name: str, form: str) -> str:
    values = [
        line[name] for line in lines if line["tool"] == tool and line["case"] == case and line.get(name) is not None
    ]
    return form.format(statistics.median(values)).removesuffix("%") if values else "-"
