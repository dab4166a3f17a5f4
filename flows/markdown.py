"""The leaderboard as a Markdown table, for a README or an issue."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flows.leaderboard import order_words, plain_cell, shown_metrics
from flows.rankwords import rank_words, tie_sentences
from warehouse.certificates import is_fit, why_unfit


def board_markdown(rows: Sequence[Mapping[str, Any]], by: str) -> str:
    """One table a workload, what is tied beneath it.

    Args:
        rows: rows of `warehouse.decision.banded_rows`.
        by: the metric that they are ranked by.
    """
    parts = []
    for workload_id in dict.fromkeys(row["workload_id"] for row in rows):
        parts.append(_table(workload_id, [row for row in rows if row["workload_id"] == workload_id], by))
    return "\n\n".join(parts)


def _table(workload_id: str, rows: Sequence[Mapping[str, Any]], by: str) -> str:
    shown = shown_metrics(rows, by)
    heads = ["#", "target", *(f"{item.title} ({item.shown_unit})" for item in shown), "n", "grade"]
    aligned = ["---:", ":---", *("---:" for _ in shown), "---:", ":---:"]
    lines = [
        f"**{_escaped(workload_id)}**: {order_words(rows, by)}",
        "",
        _row(heads),
        _row(aligned),
    ]
    for row in rows:
        cells = [rank_words(row), _escaped(row["target_id"]), *(plain_cell(item, row, by) for item in shown)]
        lines.append(_row([*cells, str(row["n"]), row["client_grade"] or "?"]))
    remarks = [
        *tie_sentences(rows),
        *(f"{row['target_id']}: {why_unfit(row)}" for row in rows if not is_fit(row)),
    ]
    return "\n".join([*lines, *([""] if remarks else []), *(f"- {_escaped(remark)}" for remark in remarks)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """What came from a config or a provider, as text: no markup, one line."""
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", " ".join(text.split()))
