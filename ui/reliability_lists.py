"""Failures by class, as a table, and the figures of every target, as a file."""

import csv
import io
from collections.abc import Sequence

from ui import words
from ui.markup import Cell, Column, Row
from ui.reliability import worst_first
from ui.runs import ERROR_CLASSES
from warehouse.reliability import Reliability


def class_table(found: Sequence[Reliability]) -> tuple[list[Column], list[Row]] | None:
    """The split by class of error: a row a class, the commonest first; None if nothing failed."""
    by_class: dict[str, dict[str, int]] = {}
    for of in found:
        for name, n in of.errors.items():
            by_class.setdefault(name, {})[of.target_id] = n
    if not by_class:
        return None
    heads = [
        Column(title="Failure"),
        Column(title="Attempts", right=True),
        Column(title="Share of failures", right=True),
        Column(title="Where"),
    ]
    all_failed = sum(sum(targets.values()) for targets in by_class.values())
    rows = []
    for name, targets in sorted(by_class.items(), key=lambda item: (-sum(item[1].values()), item[0])):
        n = sum(targets.values())
        most = [f"{target} {count:,}" for target, count in sorted(targets.items(), key=lambda item: -item[1])]
        rows.append(
            Row(
                cells=[
                    Cell(main=ERROR_CLASSES.get(name, name), beneath=name, strong=True, wide=True),
                    Cell(main=f"{n:,}"),
                    Cell(main=words.share(n / all_failed)),
                    Cell(main=words.listed(most), wide=True),
                ]
            )
        )
    return heads, rows


def to_csv(found: Sequence[Reliability]) -> str:
    """Every target with its counts and intervals, in base units."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            "target_id", "provider", "model", "region", "attempts", "ok", "down_count", "limited_count", "own_count",
            "offered_attempts", "slow_count",
            "uptime_share_low", "uptime_share", "uptime_share_high", "served_share_low", "served_share",
            "served_share_high", "good_share_low", "good_share", "good_share_high", "outages",
            "repair_median_s_low", "repair_median_s", "repair_median_s_high", "repair_s_low", "repair_s",
            "repair_s_high", "between_failures_s_low", "between_failures_s", "between_failures_s_high",
            "tokens_per_chunk", "errors",
        ]
    )  # fmt: skip
    for of in worst_first(found):
        values: list[object] = [
            of.target_id, of.provider, of.model, of.region, of.attempts, of.ok, of.down_count, of.limited_count,
            of.own_count, of.offered_attempts, of.slow_count,
        ]  # fmt: skip
        for estimate in (of.uptime, of.served, of.good):
            values += [estimate.low, estimate.central, estimate.high]
        values += [of.repairs.outages, of.repairs.median_low_s, of.repairs.median_s]
        values += [of.repairs.median_high_s]
        values += [of.repairs.low_s, of.repairs.mean_s, of.repairs.high_s]
        values += [of.between.low_s, of.between.mean_s, of.between.high_s, of.tokens_per_chunk_ratio]
        values.append(" ".join(f"{name}={n}" for name, n in of.errors.items()))
        writer.writerow(["" if value is None else value for value in values])
    return out.getvalue()
