"""The trials of a run as a page shows them, and one of them down to its attempts, its facts and its meters."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui import words
from ui.certificate import grade_badge
from ui.markup import Badge, Cell, Column, Row, Tone
from ui.quantities import quantity
from ui.runs import ERROR_CLASSES, MIDDLE
from warehouse.metrics import UNKNOWN

Record = Mapping[str, Any]
DASH = "\N{EN DASH}"


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
            "outcome": "ok" if row["ok"] else ERROR_CLASSES.get(str(row["error_class"]), str(row["error_class"])),
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
