"""The leaderboard as people read it in a terminal, a flow's artifact and a README."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.rankwords import rank_words, tie_sentences
from warehouse.certificates import is_fit, why_unfit
from warehouse.energy_words import basis_sentences
from warehouse.metrics import METRICS, TASK_METRICS, UTILITY, Metric, format_value, is_sufficient, metric
from warehouse.query import DEFAULT_METRIC
from warehouse.range_words import range_words

# What a platform engineer and a sustainability officer both look for, in seconds, dollars and grams.
SHOWN = (
    "ttft_p50_s",
    "ttft_p95_s",
    "tpot_p50_s",
    "output_tokens_per_s",
    "goodput_share",
    "usd_per_output_mtok",
    "j_per_output_token",
    "operational_gco2e_per_output_mtok",
    "embodied_gco2e_per_output_mtok",
)


def leaderboard_table(data_dir: Path, by: str = DEFAULT_METRIC) -> list[dict[str, Any]]:
    """Rows with formatted values, ranked within each workload, with bands: what an artifact shows."""
    from warehouse.decision import banded_rows

    table = []
    for row in banded_rows(data_dir, by=by):
        shown = {"rank": rank_words(row), "workload": row["workload_id"], "target": row["target_id"]}
        shown |= {f"{metric(i).title} ({metric(i).shown_unit})": plain_cell(metric(i), row, by) for i in SHOWN}
        shown |= {"n": row["n"], "client": row["client_grade"], "remark": "" if is_fit(row) else why_unfit(row)}
        table.append(shown | {"measured at": f"{row['measured_at']:%Y-%m-%d %H:%M} UTC"})
    return table


def plain_cell(item: Metric, row: Mapping[str, Any], by: str) -> str:
    """A figure with its range, as text; of the typical night where it is what ranks are by."""
    value, low, high = _figures(item, row, by)
    if _too_few(item, row, value):
        return f"n<{item.min_attempts}"
    bounds = "" if low is None or high is None or low == high else f" ({_ends(item, low, high)})"
    return format_value(item, value) + bounds


def _ends(item: Metric, low: float, high: float) -> str:
    return range_words(low, high, (format_value(item, low), format_value(item, high)))


def ranked_by(by: str) -> Metric:
    """What orders a board: a metric of the registry, or the utility of weights."""
    return UTILITY if by == UTILITY.id else metric(by)


def _figures(item: Metric, row: Mapping[str, Any], by: str) -> tuple[float | None, float | None, float | None]:
    """A figure and its ends: what ranks are by of the typical night, all others of the last measurement."""
    if item.id == UTILITY.id or (item.id == by and _is_typical(row)):
        return row["band_figure"], row["band_low"], row["band_high"]
    return row[item.id], row.get(f"{item.id}_low"), row.get(f"{item.id}_high")


def _is_typical(row: Mapping[str, Any]) -> bool:
    return row["rank"] is not None and row["n_runs"] > 1


# Column heads for a terminal, where the registry's titles are too wide.
HEADS = {
    "utility": "utility\n% of\nbest",
    "ttft_p50_s": "TTFT\np50\nms",
    "ttft_p95_s": "TTFT\np95\nms",
    "tpot_p50_s": "TPOT\np50\nms",
    "output_tokens_per_s": "output\ntokens\n/s",
    "goodput_share": "good-\nput\n%",
    "usd_per_output_mtok": "\nUSD\n/Mtok",
    "j_per_output_token": "\nJ\n/token",
    "operational_gco2e_per_output_mtok": "operat.\ngCO2e\n/Mtok",
    "embodied_gco2e_per_output_mtok": "embod.\ngCO2e\n/Mtok",
    "tpot_p95_s": "TPOT\np95\nms",
    "e2e_p50_s": "E2E\np50\nms",
    "e2e_p95_s": "E2E\np95\nms",
    "items_per_s": "\ntexts\n/s",
    "input_tokens_per_s": "input\ntokens\n/s",
    "audio_p50_s_per_s": "RTFx\np50\ns/s",
    "images_per_s": "\nimages\n/s",
}
OF_STREAMS = ("ttft_p50_s", "ttft_p95_s", "tpot_p50_s", "output_tokens_per_s")
WIDE_ONLY = ("ttft_p95_s", "output_tokens_per_s")
WINDOW_DAYS = 28.0
WIDE_COLUMNS = 108  # what a table with its ranges needs


def print_leaderboard(
    console: Console, rows: Sequence[Mapping[str, Any]], by: str, *, days: float = WINDOW_DAYS
) -> None:
    """One table a workload, what is tied beneath it; on a narrow terminal without the ranges.

    Args:
        console: where to.
        rows: rows of `warehouse.decision.banded_rows`.
        by: the metric that they are ranked by, or `utility`.
        days: of which nights the ranks are.
    """
    wide = console.width >= WIDE_COLUMNS
    for workload in dict.fromkeys(row["workload_id"] for row in rows):
        members = [row for row in rows if row["workload_id"] == workload]
        console.print(_table(workload, members, by, wide=wide))
        for sentence in tie_sentences(members):
            console.print(Text(sentence, style="dim"))
        console.print()
    for row in rows:
        if not is_fit(row):
            said = f"{row['target_id']} under {row['workload_id']}: {why_unfit(row)}"
            console.print(Text(f"{said}{' (not ranked)' if row['rank'] is None else ''}", style="yellow"))
    if any(row["rank"] is None and not is_fit(row) for row in rows):
        console.print(Text("--any-grade ranks what such a client measured all the same", style="dim"))
    for item in (metric(i) for i in SHOWN):
        if any(_too_few(item, row, row[item.id]) for row in rows):
            said = f"{item.title} is not shown for fewer than {item.min_attempts} attempts"
            console.print(Text(f"{said} (n<{item.min_attempts}): it would be close to their maximum", style="dim"))
    if rows:
        said = "grade: how far the load client that measured it can be trusted; A and B are ranked"
        console.print(Text(f"{said} (evidence: view certificate)", style="dim"))
    if any(row["rank_low"] != row["rank_high"] for row in rows):
        said = f"1-2: the places that 95 % confidence leaves, by the nights of the last {days:g} days"
        console.print(Text(said, style="dim"))
    if any(_is_typical(row) for row in rows):
        said = f"{ranked_by(by).title}, and ranks: of the typical night; the other columns: of the last measurement"
        console.print(Text(said, style="dim"))
    for said in basis_sentences(rows):
        console.print(Text(said, style="dim"))
    if wide and rows:
        console.print(
            Text("low-high below a figure: the range of its inputs, see `megatoken sql` and the README", style="dim")
        )


def order_words(rows: Sequence[Mapping[str, Any]], by: str) -> str:
    """By what a board is ranked, or that nobody on it can be."""
    of = ranked_by(by)
    figure = f"{of.title.lower()} emissions" if "gCO2e" in of.shown_unit else of.title.lower()
    if all(row["rank"] is None for row in rows):
        return f"nobody can be ranked by {figure}, the reasons stand below"
    return f"ranked by {figure}, {of.direction} is better"


def shown_metrics(rows: Sequence[Mapping[str, Any]], by: str) -> list[Metric]:
    """What a board has columns for: the usual, that which it is ranked by, and nothing that has too few attempts."""
    usual = _usual(rows)
    shown = [ranked_by(i) for i in (usual if by in usual else (by, *usual))]
    return [item for item in shown if item.id == by or not all(_too_few(item, row, row[item.id]) for row in rows)]


def _usual(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The columns of a workload: of a task that is no chat its own too; of documents none that only streams have."""
    own = [of.id for of in TASK_METRICS if of.id != "input_tokens_per_s" and _is_known(of.id, rows)]
    if any(row.get("n_ttft") for row in rows) or not any(row.get("n_e2e") for row in rows):
        return (*own, *SHOWN)
    kept = [i for i in SHOWN if i not in OF_STREAMS or _is_known(i, rows)]
    return ("e2e_p50_s", *own, *kept)


def _is_known(metric_id: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(row.get(metric_id) is not None for row in rows)


def _table(workload: str, rows: Sequence[Mapping[str, Any]], by: str, *, wide: bool) -> Table:
    judged = any(row.get("service_level") for row in rows)
    shown = [item for item in shown_metrics(rows, by) if wide or item.id == by or item.id not in WIDE_ONLY]
    table = Table(
        title=f"{workload}: {order_words(rows, by)}",
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
        padding=(0, 1),
        collapse_padding=True,
    )
    table.add_column("\n\n#", justify="right", min_width=2)
    table.add_column("\n\ntarget", no_wrap=True, overflow="ellipsis", min_width=10)
    for item in shown:
        head = HEADS.get(item.id, f"{item.title}\n{item.shown_unit}")
        table.add_column(head, justify="right", style="bold" if item.id == by else "", no_wrap=True)
    if judged:
        table.add_column("in\nlimits\n%", justify="right", no_wrap=True)
    table.add_column("\n\nn", justify="right", min_width=2)
    table.add_column("\n\ngrade", justify="center", min_width=5)
    for row in rows:
        table.add_row(
            rank_words(row),
            row["target_id"],
            *(_cell(item, row, by, wide=wide) for item in shown),
            *([_judged_cell(row["service_level"], wide=wide)] if judged else []),
            str(row["n"]),
            Text(row["client_grade"] or "?", style="" if is_fit(row) else "bold yellow"),
        )
    return table


def _cell(item: Metric, row: Mapping[str, Any], by: str, *, wide: bool) -> Text:
    value, low, high = _figures(item, row, by)
    if _too_few(item, row, value):
        return Text(f"n<{item.min_attempts}", style="dim")
    text = Text(format_value(item, value), style="dim" if value is None else "")
    typical = item.id == by and _is_typical(row)
    if item.range_of != "inputs" and not typical:
        return text
    if wide and low is not None and high is not None and low != high:  # a list price is exact
        text.append(f"\n{_ends(item, low, high)}", style="dim")
    return text


def _judged_cell(verdict: Mapping[str, Any] | None, *, wide: bool) -> Text:
    """The share of attempts that kept the service level, coloured by what that says."""
    if verdict is None or verdict["share"] is None:
        return Text("unknown", style="dim")
    of = metric("goodput_share")
    style = {"passes": "green", "fails": "red"}.get(verdict["standing"], "yellow")
    text = Text(format_value(of, verdict["share"]), style=style)
    if wide and verdict["low"] is not None:
        text.append(f"\n{format_value(of, verdict['low'])}-{format_value(of, verdict['high'])}", style="dim")
    return text


def _too_few(item: Metric, row: Mapping[str, Any], value: float | None) -> bool:
    """Whether a percentile is blank because there are some attempts, but fewer than it needs."""
    attempts = row.get(item.sample_column) if item.sample_column else None
    return value is None and bool(attempts) and not is_sufficient(item, attempts)


def known_metrics() -> list[str]:
    """Ids that a leaderboard can be ranked by."""
    return [m.id for m in (*METRICS, *TASK_METRICS)]
