"""One run as a page shows it: the verdict, the figures, the matrix of what was planned, and what failed."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui import words
from ui.markup import Badge, Cell, Column, Row, Tile

Record = Mapping[str, Any]
MIDDLE = "\N{MIDDLE DOT}"

# The error classes of an attempt, said to somebody who has not read the taxonomy; an unknown one is shown as it is.
ERROR_CLASSES = {
    "dns": "host name not found",
    "connect_refused": "connection refused",
    "connect_timeout": "no connection in time",
    "tls": "no secure connection",
    "auth": "key missing or refused (401, 403)",
    "bad_request": "request refused (400, 422)",
    "context_length": "prompt too long for the model",
    "model_not_found": "no such model (404)",
    "rate_limited": "rate limited (429)",
    "quota_or_spend": "quota or credit used up",
    "overloaded": "server overloaded (503, 529)",
    "server_error": "server error (5xx)",
    "timeout_first_token": "no first token in time",
    "timeout_total": "answer not complete in time",
    "stall": "stream stood still",
    "stream_error": "error inside the stream",
    "truncated": "stream ended early",
    "parse_error": "answer not understood",
    "empty": "answer without content",
    "filtered": "answer withheld by a filter",
    "stale_connection": "sent on a connection that was closed, and again",
    "aborted": "stopped by us",
}


def option(run: Record) -> str:
    """A run in the picker: when, what, how it went."""
    name: str = run["config_name"]
    kind = {"bench": "ad hoc bench", "pulse": f"pulse of {name}"}.get(run["run_kind"], name)
    state = words.state_badge(run["state"]).text
    return f"{run['started_at']:%Y-%m-%d %H:%M} {MIDDLE} {kind} {MIDDLE} {state}"


def answer_badge(run: Record) -> Badge:
    """The answer to the page's question, in a word."""
    if run["state"] == "unfinished":
        return Badge(text="Not finished", tone="warn")
    if run["state"] == "skipped":
        return Badge(text="Gave way", tone="quiet", hint="Another run was measuring on the machine")
    if run["trials_planned"] and run["trials_done"] == run["trials_planned"]:
        return Badge(text="Yes", tone="good")
    if not run["trials_done"]:
        return Badge(text="No", tone="bad")
    if not run["trials_failed"] and not run["trials_waiting"]:
        return Badge(text="Yes, as far as planned", tone="good")
    return Badge(text="In part", tone="warn")


def verdict(run: Record) -> tuple[Badge, str]:
    """The answer to the page's question: a word, and a sentence with the counts."""
    planned, done = run["trials_planned"], run["trials_done"]
    parts = [f"{done} of {words.count(planned, 'trial')} done"]
    parts += [f"{run[f'trials_{what}']} {what}" for what in ("failed", "skipped", "waiting") if run[f"trials_{what}"]]
    sentence = ", ".join(parts)
    if run["state_reason"]:
        sentence += f". {words.sentence(run['state_reason'])}"
    return answer_badge(run), f"{sentence.rstrip('.')}."


def tiles(run: Record) -> list[Tile]:
    """State, trials by outcome, and money beside what it was quoted and allowed."""
    state = words.state_badge(run["state"])
    took = None if run["ended_at"] is None else (run["ended_at"] - run["started_at"]).total_seconds()
    planned, failed = run["trials_planned"], run["trials_failed"]
    left_out = run["trials_skipped"] + run["trials_waiting"]
    limit = f"of at most {words.usd(run['max_usd'])}" if run["max_usd"] is not None else "no limit was set"
    unpriced = (
        f" {MIDDLE} {words.count(run['unpriced_trials'], 'trial')} without a known cost"
        if run["unpriced_trials"]
        else ""
    )
    spent_share = None
    if run["spent_usd"] is not None and run["max_usd"]:
        spent_share = run["spent_usd"] / run["max_usd"]
    return [
        Tile(
            label="State",
            value=words.sentence(state.text),
            beneath=f"took {words.duration(took)}" if took is not None else "has not ended, or was killed",
            tone=state.tone,
        ),
        Tile(
            label="Done",
            value=f"{run['trials_done']} of {planned}",
            share=run["trials_done"] / planned if planned else None,
        ),
        Tile(
            label="Failed",
            value=str(failed),
            tone="bad" if failed else "plain",
            beneath="trials" if failed != 1 else "trial",
        ),
        Tile(
            label="Skipped or waiting",
            value=str(left_out),
            beneath=f"{run['trials_skipped']} skipped, {run['trials_waiting']} waiting",
        ),
        Tile(label="Spent", value=words.usd(run["spent_usd"]), beneath=limit + unpriced, share=spent_share),
        Tile(label="Quoted before, at worst", value=words.usd(run["quote_usd_worst"]), beneath=_quote_note(run)),
    ]


def coverage(cells: Sequence[Record]) -> tuple[list[Column], list[Row]]:
    """The matrix target x workload: what became of each cell, and why in words."""
    workloads = sorted({cell["workload_id"] for cell in cells})
    at = {(cell["target_id"], cell["workload_id"]): cell for cell in cells}
    columns = [Column(title="Target"), *(Column(title=workload) for workload in workloads)]
    rows = []
    for target in sorted({cell["target_id"] for cell in cells}):
        mine = [at.get((target, workload)) for workload in workloads]
        rows.append(Row(cells=[Cell(main=target, strong=True, wide=True), *(_coverage_cell(cell) for cell in mine)]))
    return columns, rows


def failure_table(failures: Sequence[Record]) -> tuple[list[Column], list[Row]]:
    """Failed attempts by class, the most frequent first."""
    columns = [Column(title="Attempts", right=True), Column(title="What happened"), Column(title="Where")]
    rows = [
        Row(
            cells=[
                Cell(main=f"{row['failed_attempts']:,}", strong=True),
                Cell(main=ERROR_CLASSES.get(str(row["error_class"]), str(row["error_class"])), beneath=_example(row)),
                Cell(main=row["targets"], beneath=f"megatoken replay {row['kept_id']}" if row["kept_id"] else ""),
            ]
        )
        for row in failures
    ]
    return columns, rows


def _quote_note(run: Record) -> str:
    if run["quote_usd_worst"] is None:
        return "a price is not known"
    if run["spent_usd"] is None or not run["quote_usd_worst"]:
        return ""
    return f"{words.share(run['spent_usd'] / run['quote_usd_worst'])} of it was spent"


def _coverage_cell(cell: Record | None) -> Cell:
    if cell is None:
        return Cell(main="not planned", tone="quiet")
    state = words.state_badge(cell["outcome"] if cell["outcome"] != "failed" else _failed_status(cell))
    counts = f"{cell['ok']} of {cell['attempts']} ok" if cell["trial_id"] is not None and cell["attempts"] else ""
    tries = f"try {cell['try_number']}" if (cell["try_number"] or 1) > 1 else ""
    beneath = f" {MIDDLE} ".join(part for part in (counts, tries, cell["reason"] or "") if part)
    return Cell(main="", badges=(state,), beneath=beneath)


def _failed_status(cell: Record) -> str:
    return "failed" if cell["status"] == "completed" else str(cell["status"])


def _example(row: Record) -> str:
    return f"{row['error_class']}: {row['example']}" if row["example"] else str(row["error_class"])
