"""One run as a page shows it: the verdict, the figures, the matrix of what was planned, failures, trials, facts."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui import words
from ui.certificate import grade_badge
from ui.markup import Badge, Cell, Column, Row, Tile, Tone
from ui.quantities import quantity
from warehouse.metrics import UNKNOWN

Record = Mapping[str, Any]
MIDDLE = "\N{MIDDLE DOT}"
DASH = "\N{EN DASH}"

# The error classes of an attempt, said to somebody who has not read the taxonomy; an unknown one is shown as it is.
_CLASSES = {
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
    "aborted": "stopped by us",
}


def option(run: Record) -> str:
    """A run in the picker: when, what, how it went."""
    name: str = run["config_name"]
    kind = {"bench": "ad hoc bench", "pulse": f"pulse of {name}"}.get(run["run_kind"], name)
    state = words.state_badge(run["state"]).text
    return f"{run['started_at']:%Y-%m-%d %H:%M} {MIDDLE} {kind} {MIDDLE} {state}"


def verdict(run: Record) -> tuple[Badge, str]:
    """The answer to the page's question: a word, and a sentence with the counts."""
    planned, done = run["trials_planned"], run["trials_done"]
    parts = [f"{done} of {words.count(planned, 'trial')} done"]
    parts += [f"{run[f'trials_{what}']} {what}" for what in ("failed", "skipped", "waiting") if run[f"trials_{what}"]]
    sentence = ", ".join(parts)
    if run["state_reason"]:
        sentence += f". {words.sentence(run['state_reason'])}"
    return _word(run), f"{sentence.rstrip('.')}."


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
                Cell(main=_CLASSES.get(str(row["error_class"]), str(row["error_class"])), beneath=_example(row)),
                Cell(main=row["targets"]),
            ]
        )
        for row in failures
    ]
    return columns, rows


def trial_table(trials: Sequence[Record]) -> tuple[list[Column], list[Row]]:
    """Every trial of the run, in the order of the night."""
    columns = [
        Column(title="Trial", unit="workload, target"),
        Column(title="Status"),
        Column(title="Ok", unit="of n", right=True),
        Column(title="Window", unit="s", right=True, hint="First measured send to last byte"),
        Column(title="Power", unit="W, mean", right=True),
        Column(title="Energy", unit="J", right=True),
        Column(title="Cost", unit="USD", right=True),
        Column(title="CPU of others", unit="%", right=True, hint="CPU taken by processes that are not ours"),
        Column(
            title="Client",
            unit="grade, stamps",
            hint="How far the load client can be trusted, and where arrival times were taken",
        ),
    ]
    return columns, [_trial_row(trial) for trial in trials]


def weights_notes(trials: Sequence[Record]) -> list[str]:
    """What to know about the weights of this run's targets, each said once."""
    said: dict[str, list[str]] = {}
    for trial in trials:
        if trial["weights_note"]:
            said.setdefault(trial["weights_note"], []).append(trial["target_id"])
    return [f"{words.listed(sorted(set(targets)))}: {note}" for note, targets in said.items()]


def fact_table(facts: Sequence[Record]) -> tuple[list[Column], list[Row]]:
    """The dated facts behind a trial's accounts, each with its source."""
    columns = [
        Column(title="Fact"),
        Column(title="Value", right=True),
        Column(title="Low to high", right=True),
        Column(title="Basis"),
        Column(title="Valid from"),
        Column(title="Source"),
    ]
    rows = []
    for fact in facts:
        of = quantity(fact["quantity"])
        ranged = fact["low"] is not None and fact["high"] is not None
        ends = [words.figure(fact[end] * of.scale) for end in ("low", "high")] if ranged else []
        rows.append(
            Row(
                cells=[
                    Cell(main=of.name, beneath=of.unit, strong=True),
                    Cell(main=words.figure(fact["central"] * of.scale)),
                    Cell(main=f" {DASH} ".join(ends) if ranged else "not given", tone="plain" if ranged else "quiet"),
                    Cell(main=fact["basis"]),
                    Cell(main=fact["valid_from"] or "not dated", tone="plain" if fact["valid_from"] else "quiet"),
                    Cell(main=fact["source"], wide=True),
                ]
            )
        )
    return columns, rows


def meter_table(meters: Sequence[Record]) -> tuple[list[Column], list[Row]]:
    """The meters that watched a trial."""
    columns = [Column(title="Meter"), Column(title="Basis"), Column(title="Method"), Column(title="Source")]
    rows = []
    for meter in meters:
        bad = () if meter["valid"] else (Badge(text="not usable", tone="bad"),)
        rows.append(
            Row(
                cells=[
                    Cell(main=meter["meter"], beneath=meter["device"], badges=bad, strong=True),
                    Cell(main=meter["basis"]),
                    Cell(main=meter["method"], beneath=meter["invalid_reason"] or ""),
                    Cell(main=meter["source"], wide=True),
                ]
            )
        )
    return columns, rows


def attempts_twin(attempts: Sequence[Record]) -> list[dict[str, object]]:
    """The points of the timeline as a table; times in milliseconds, as on the axis."""
    return [
        {
            "attempt": row["seq"],
            "sent at (UTC)": f"{row['started_at']:%H:%M:%S.%f}"[:-3] if row["started_at"] is not None else None,
            "TTFT, ms": _ms(row["ttft_s"]),
            "whole answer, ms": _ms(row["e2e_s"]),
            "output tokens": row["output_tokens"],
            "outcome": "ok" if row["ok"] else _CLASSES.get(str(row["error_class"]), str(row["error_class"])),
        }
        for row in attempts
    ]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else float(f"{1e3 * seconds:.4g}")


def attempts_finding(attempts: Sequence[Record]) -> str:
    """What the timeline of a trial shows, in one sentence."""
    total = len(attempts)
    if not total:
        return "No attempt was measured in this trial"
    failed = sum(not row["ok"] for row in attempts)
    late = sum(bool(row["ok"]) and not row["slo_met"] for row in attempts)
    if not failed and not late:
        return (
            f"All {words.count(total, 'attempt')} kept the service level (SLO)"
            if total > 1
            else "The one attempt kept the service level (SLO)"
        )
    said = [f"{failed} failed"] if failed else []
    if late:
        said.append(f"{late} missed the service level")
    return f"{' and '.join(said)} of {words.count(total, 'attempt')}"


def _word(run: Record) -> Badge:
    if run["state"] == "unfinished":
        return Badge(text="Not finished", tone="warn")
    if run["trials_planned"] and run["trials_done"] == run["trials_planned"]:
        return Badge(text="Yes", tone="good")
    if not run["trials_done"]:
        return Badge(text="No", tone="bad")
    if not run["trials_failed"] and not run["trials_waiting"]:
        return Badge(text="Yes, as far as planned", tone="good")
    return Badge(text="In part", tone="warn")


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


def _trial_row(trial: Record) -> Row:
    tone: Tone = "plain" if trial["attempts"] else "quiet"
    retry = f" {MIDDLE} try {trial['try_number']}" if trial["try_number"] > 1 else ""
    contended = (trial["cpu_share_others"] or 0.0) > 0.10
    energy = trial["energy_j"]
    ends = (
        f"{words.figure(trial['energy_j_low'])} {DASH} {words.figure(trial['energy_j_high'])}"
        if energy is not None and trial["energy_j_low"] != trial["energy_j_high"]
        else ""
    )
    return Row(
        cells=[
            Cell(main=trial["target_id"], beneath=f"{trial['workload_id']}{retry}", strong=True, wide=True),
            Cell(
                main="", badges=(words.state_badge(trial["status"]),), beneath=trial["status_reason"] or "", wide=True
            ),
            Cell(main=f"{trial['ok']} of {trial['attempts']}", tone=tone),
            _number(trial["window_s"]),
            _number(trial["power_w_mean"], beneath=trial["energy_basis"] or "", hint=trial["energy_reason"]),
            _number(energy, beneath=ends, hint=trial["energy_reason"]),
            _number(trial["usd"], 2, beneath=trial["usd_basis"] or "", hint=trial["usd_reason"]),
            _number(
                None if trial["cpu_share_others"] is None else 100 * trial["cpu_share_others"],
                2,
                beneath="contended" if contended else "",
            ),
            Cell(
                main="",
                badges=(grade_badge(trial["client_grade"], trial["client_reasons"]),),
                beneath=trial["stamp_source"] or f"stamps {UNKNOWN}",
            ),
        ]
    )


def _number(value: float | None, digits: int = 3, *, beneath: str = "", hint: str | None = None) -> Cell:
    return Cell(
        main=words.figure(value, digits),
        beneath=beneath if value is not None else "",
        tone="plain" if value is not None else "quiet",
        hint=hint or "",
    )
