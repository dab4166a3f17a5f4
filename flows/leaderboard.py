"""The leaderboard as people read it in a terminal, a flow's artifact and a README."""

from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text
from warehouse.metrics import METRICS, Metric, format_value, metric
from warehouse.query import leaderboard_rows

DEFAULT_BY = "usd_per_output_mtok"
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


def leaderboard_table(data_dir: Path, by: str = DEFAULT_BY) -> list[dict[str, Any]]:
    """Rows with formatted values, ranked within each workload: what an artifact shows."""
    table = []
    for row in leaderboard_rows(data_dir, by=by):
        shown = {"rank": row["rank"], "workload": row["workload_id"], "target": row["target_id"]}
        shown |= {f"{metric(i).title} ({metric(i).shown_unit})": format_value(metric(i), row[i]) for i in SHOWN}
        table.append(shown | {"n": row["n"], "measured at": f"{row['measured_at']:%Y-%m-%d %H:%M} UTC"})
    return table


def leaderboard_text(rows: list[dict[str, Any]], by: str) -> list[Table]:
    """One table a workload, for a terminal."""
    tables = []
    for workload in dict.fromkeys(row["workload_id"] for row in rows):
        mine = [row for row in rows if row["workload_id"] == workload]
        tables.append(_table(workload, mine, by))
    return tables


def _table(workload: str, rows: list[dict[str, Any]], by: str) -> Table:
    ranked_by = metric(by)
    shown = [metric(i) for i in (SHOWN if by in SHOWN else (by, *SHOWN))]
    title = f"{workload}: ranked by {ranked_by.title.lower()} ({ranked_by.direction} is better)"
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("target", no_wrap=True)
    for item in shown:
        table.add_column(f"{item.title}\n{item.shown_unit}", justify="right", style="bold" if item.id == by else "")
    table.add_column("n", justify="right")
    for row in rows:
        table.add_row(
            str(row["rank"]) if row["rank"] is not None else "-",
            Text(row["target_id"], style="yellow" if row["contended"] else ""),
            *(_cell(item, row) for item in shown),
            str(row["n"]),
        )
    return table


def _cell(item: Metric, row: dict[str, Any]) -> Text:
    text = Text(format_value(item, row[item.id]))
    low, high = row.get(f"{item.id}_low"), row.get(f"{item.id}_high")
    if low is not None and high is not None:
        text.append(f"\n{format_value(item, low)}-{format_value(item, high)}", style="dim")
    return text


def known_metrics() -> list[str]:
    """Ids that a leaderboard can be ranked by."""
    return [m.id for m in METRICS]
