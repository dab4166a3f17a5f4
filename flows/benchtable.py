"""The result of an ad hoc trial, for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from flows.points import Point, PointResult
from warehouse.metrics import MIN_ATTEMPTS, TASK_METRICS, Metric, metric

LATENCIES = (("TTFT", "ttft"), ("TPOT", "tpot"), ("E2E", "e2e"))


def bench_table(row: dict[str, Any]) -> Table:
    """Latency percentiles in milliseconds, then throughput and the client's own evidence."""
    table = Table(title=row["trial_id"], title_justify="left", box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    for name in ("p50", "p95", "p99"):
        table.add_column(f"{name}, ms", justify="right")
    for title, key in LATENCIES:
        table.add_row(title, *(_percentile(row, key, p) for p in (50, 95, 99)))
    table.add_section()
    errors = ", ".join(f"{count} {name}" for name, count in (row["errors"] or {}).items())
    for title, value in (
        ("attempts ok", f"{row['ok']}/{row['attempts']}" + (f" ({errors})" if errors else "")),
        ("output tokens/s", _number(row["output_tokens_per_s"])),
        *((f"{of.title}, {of.shown_unit}", _number(row[of.id])) for of in _of_the_task(row)),
        ("requests/s", _number(row["requests_per_s"])),
        ("concurrency, mean", _number(row["concurrency_mean"])),
        ("send lateness p99, ms", _percentile(row, "lag", 99) if row["sends_planned"] else ""),
        ("client CPU, s", _number(row["client_cpu_s"])),
        ("prompt length", prompt_words(row)),
        ("answer length", answer_words(row)),
    ):
        if value:
            table.add_row(title, Text(value, overflow="fold"))
    return table


def prompt_words(row: Mapping[str, Any]) -> str:
    """How close prompts came to the length asked for; nothing where they were not counted, or are somebody else's."""
    if not row.get("n_prompts"):
        return ""
    if row["prompt_exact_share"] == 1:
        return "all as asked"
    off = f"{row['prompt_error_p50_share']:.1%} off (p50), {row['prompt_error_max_share']:.1%} at most"
    return f"{off}; {row['prompt_exact_share']:.0%} exact"


def answer_words(row: Mapping[str, Any]) -> str:
    """How much of the length asked for answers reached; nothing where they reached it, or nobody counted."""
    if row.get("length_band") in (None, "as asked"):
        return ""
    reached = f"{row['output_length_reached_share']:.0%} of what was asked for (p50)"
    return f"{reached}: compare with answers as long only"


def _of_the_task(row: dict[str, Any]) -> list[Metric]:
    """What a task that is no chat does a second; of a chat, nothing."""
    own = [of for of in TASK_METRICS if of.id != "input_tokens_per_s" and row[of.id] is not None]
    read = metric("input_tokens_per_s")
    return [*own, read] if own and row[read.id] is not None else own


def _percentile(row: dict[str, Any], key: str, percent: int) -> str:
    """A percentile in milliseconds, or how many attempts it would need."""
    value: float | None = row.get(f"{key}_p{percent}_s")
    needs = MIN_ATTEMPTS[percent]
    return f"needs {needs}" if value is None and row["ok"] < needs else _ms(value)


def _ms(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{seconds * 1000:.2f}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def certificate_text(row: dict[str, Any]) -> Text:
    """How far the client can be trusted: a quiet line for an A, else the grade with its reasons."""
    grade = row["certificate_grade"]
    if grade == "A":
        return Text("client certified A: it kept time at this load", style="dim")
    style = "yellow" if grade == "B" else "red"
    fit = "" if grade == "B" else ", not fit to be ranked"
    text = Text.assemble((f"client certified {grade or 'nothing'}{fit}", f"bold {style}"))
    for reason in row["certificate_reasons"] or ():
        text.append(f"\n  {reason}", style=style)
    return text


def repeats_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The medians of repeated trials beside each other, with the interval that they leave."""
    from warehouse.formulas.statistics import over_trials, relative_half_width

    table = Table(title=f"{len(rows)} repeats", title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in ("", "mean", "95 % interval", "+-", "each"):
        table.add_column(name, justify="right" if name != "each" else "left")
    for title, key in (("TTFT p50, ms", "ttft_p50_s"), ("TPOT p50, ms", "tpot_p50_s")):
        known = [row[key] for row in rows if row[key] is not None]
        estimate = over_trials(known)
        width = relative_half_width(estimate)
        interval = estimate.reason or f"{_ms(estimate.low)} to {_ms(estimate.high)}"
        table.add_row(
            title,
            _ms(estimate.central),
            interval,
            "" if width is None else f"{width:.1%}",
            Text(", ".join(map(_ms, known)), overflow="fold"),
        )
    return table


def points_header() -> str:
    """Above a search's points."""
    return f"{'offered/s':>10} {'answered/s':>11} {'p95 TTFT, ms':>13} {'p95 TPOT, ms':>13} {'ok':>7} {'client':>7}"


def point_line(point: Point, result: PointResult, grade: str | None, said: str) -> str:
    """One point of a search, with the grade of the client's certificate."""
    rates = f"{point.rate_rps:>10.4g} {result.achieved_rps:>11.4g}"
    latencies = f"{_ms(result.ttft_p95_s):>13} {_ms(result.tpot_p95_s):>13}"
    return f"{rates} {latencies} {result.ok_share:>7.1%} {grade or '-':>7}  {said}"
