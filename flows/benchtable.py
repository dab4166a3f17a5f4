"""The result of an ad hoc trial, for a terminal."""

from typing import Any

from rich.table import Table
from rich.text import Text

LATENCIES = (("TTFT", "ttft"), ("TPOT", "tpot"), ("E2E", "e2e"))


def bench_table(row: dict[str, Any]) -> Table:
    """Latency percentiles in milliseconds, then throughput and the client's own evidence."""
    table = Table(title=row["trial_id"], title_justify="left", box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    for name in ("p50", "p95", "p99"):
        table.add_column(f"{name}, ms", justify="right")
    for title, key in LATENCIES:
        table.add_row(title, *(_ms(row.get(f"{key}_{p}_s")) for p in ("p50", "p95", "p99")))
    table.add_section()
    errors = ", ".join(f"{count} {name}" for name, count in (row["errors"] or {}).items())
    for title, value in (
        ("attempts ok", f"{row['ok']}/{row['attempts']}" + (f" ({errors})" if errors else "")),
        ("output tokens/s", _number(row["output_tokens_per_s"])),
        ("requests/s", _number(row["requests_per_s"])),
        ("concurrency, mean", _number(row["concurrency_mean"])),
        ("send lateness p99, ms", _ms(row["lag_p99_s"])),
        ("client CPU, s", _number(row["client_cpu_s"])),
    ):
        table.add_row(title, Text(value, overflow="fold"))
    return table


def _ms(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{seconds * 1000:.2f}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
