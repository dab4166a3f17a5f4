"""Runs of one kind side by side: how each went, what it took of its budget, and whether the next one is due."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ui import words
from ui.markup import Badge, Cell, Column, Row
from ui.runs import answer_badge

Record = Mapping[str, Any]
LISTED = 30
KINDS: Mapping[str, tuple[str, str]] = {
    "night": ("night", "nights"),
    "pulse": ("pulse", "pulses"),
    "bench": ("ad hoc bench", "ad hoc benches"),
}
_GRACE = timedelta(hours=1)  # a night is published when it is over, not when it begins
OUTCOMES = ("done", "failed", "skipped", "waiting")
_CSV = (
    "run_id", "run_kind", "config_name", "started_at", "ended_at", "state", "state_reason", "trials_planned",
    "trials_done", "trials_failed", "trials_skipped", "trials_waiting", "quote_usd_worst", "max_usd", "spent_usd",
    "unpriced_trials", "host_id", "megatoken_version", "flow_run_id", "flow_run_url", "next_run_at",
)  # fmt: skip


def of_kind(runs: Sequence[Record], kind: str) -> list[Record]:
    """The newest runs of a kind, as many as are listed, the newest first."""
    return [run for run in runs if run["run_kind"] == kind][:LISTED]


def finding(listed: Sequence[Record], kind: str) -> str:
    """How many of the listed runs measured what they had planned."""
    one, many = KINDS[kind]
    good = sum(answer_badge(run).tone == "good" for run in listed)
    if len(listed) == 1:
        return f"The one {one} here {'measured' if good else 'did not measure'} all that it had planned"
    if good == len(listed):
        return f"Each of the last {len(listed)} {many} measured all that it had planned"
    return f"{good or 'None'} of the last {len(listed)} {many} measured all that was planned"


def next_run(runs: Sequence[Record], now: datetime) -> tuple[Badge, str] | None:
    """When the next night is due by the orchestrator's schedule, or that it has not come; None if nobody knows."""
    nights = of_kind(runs, "night")
    known = [run for run in nights[:1] if run["next_run_at"] is not None]
    if not known:
        return None
    due = known[0]["next_run_at"]
    if due + _GRACE > now:
        return Badge(text="Scheduled", tone="quiet"), f"The next night is due at {words.instant(due)}."
    if nights[0]["ended_at"] is None or nights[0]["ended_at"] + _GRACE > now:
        return None  # the night before is still at it
    return (
        Badge(text="Overdue", tone="warn"),
        f"A night was due at {words.instant(due)} ({words.age(due, now)}), and nothing of it has been published:"
        " it runs still, or the orchestrator or its worker is down.",
    )


def list_table(listed: Sequence[Record], chosen: str) -> tuple[list[Column], list[Row]]:
    """A row a run, the newest first; the one that the page shows is marked."""
    columns = [
        Column(title="Began", unit="UTC"),
        Column(title="Worked?"),
        Column(title="State"),
        Column(title="Trials done", unit="of planned", right=True),
        Column(title="Failed", right=True),
        Column(title="Skipped, waiting", right=True),
        Column(title="Took", right=True),
        Column(title="Spent", unit="USD, known part", right=True),
        Column(title="Of its budget", unit="%", right=True),
    ]
    return columns, [_row(run, run["run_id"] == chosen) for run in listed]


def budget_share(run: Record) -> float | None:
    """Spent / allowed, 1 = all of it; None if either is not known or nothing was allowed."""
    if run["spent_usd"] is None or not run["max_usd"]:
        return None
    return float(run["spent_usd"] / run["max_usd"])


def took_s(run: Record) -> float | None:
    """Begin to end, seconds; None while it has not ended."""
    return None if run["ended_at"] is None else float((run["ended_at"] - run["started_at"]).total_seconds())


def to_csv(runs: Sequence[Record]) -> str:
    """Every run with what the view runs_overview knows of it, in base units; empty for unknown."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV)
    writer.writerows([_csv_cell(run[column]) for column in _CSV] for run in runs)
    return text.getvalue()


def _csv_cell(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _row(run: Record, is_chosen: bool) -> Row:
    began = f"{run['started_at']:%Y-%m-%d %H:%M}"
    shown = (Badge(text="shown", tone="quiet"),) if is_chosen else ()
    left_out = [str(run[f"trials_{what}"]) for what in ("skipped", "waiting")]
    share = budget_share(run)
    spent = run["spent_usd"]
    unpriced = f"{run['unpriced_trials']} not known" if run["unpriced_trials"] else ""
    return Row(
        cells=[
            Cell(main=began, beneath=run["run_id"], badges=shown, strong=True, wide=True),
            Cell(main="", badges=(answer_badge(run),)),
            Cell(main="", badges=(words.state_badge(run["state"]),), beneath=run["state_reason"] or "", wide=True),
            Cell(main=f"{run['trials_done']} of {run['trials_planned']}"),
            Cell(main=str(run["trials_failed"]), tone="plain" if run["trials_failed"] else "quiet"),
            Cell(main=", ".join(left_out)),
            Cell(main=words.duration(took_s(run)) if run["ended_at"] else "not ended"),
            Cell(main=words.figure(spent, 2), tone="quiet" if spent is None else "plain", beneath=unpriced),
            Cell(
                main="no limit" if not run["max_usd"] else words.figure(None if share is None else 100 * share, 2),
                tone="quiet" if share is None else "plain",
                beneath=f"of {words.usd(run['max_usd'])}" if run["max_usd"] else "",
            ),
        ],
    )
