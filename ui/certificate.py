"""The certificate of a trial's load client as a page shows it: a grade, the reasons, and the evidence behind them."""

from collections.abc import Mapping
from typing import Any

from ui import words
from ui.markup import Badge, Cell, Column, Row, Tone
from warehouse.metrics import UNKNOWN

Record = Mapping[str, Any]
_TONES: dict[str, Tone] = {"A": "good", "B": "good", "C": "warn", "D": "bad"}

# What a person reads, the column of the view `certificate`, how it is shown, and what it says.
_EVIDENCE = (
    ("Sends late, p99", "send_lag_p99_s", "ms", "planned send to the send call; open loops only"),
    ("Rate reached", "rate_share", "%", "of the rate asked for; open loops only"),
    ("Sends missed", "missed_share", "%", "not made, or over 50 ms late; open loops only"),
    ("Concurrency reached", "concurrency_share", "%", "requests in flight, while all slots could be busy"),
    ("Rounds taken part in", "rounds_share", "%", "of its group's; paired trials only"),
    ("Answers read late, p99", "receive_lag_p99_s", "ms", "the kernel's stamp to our read; the stamp is what counts"),
    ("Events that shared a read", "coalesced_share", "%", "their time is that of the last of them"),
    ("Prompt tokens from a cache", "cached_token_share", "%", "as the server counted them"),
    ("CPU taken by others", "cpu_share_others", "%", "of the client's machine, in the window"),
    ("Client busy", "loop_busy_share", "%", "of the time; the busiest process"),
    ("Client kept from running, at most", "suspended_s", "ms", "stopped, or without a CPU though it wanted one"),
    ("Wall clock set by", "clock_step_s", "ms", "durations do not use it"),
    ("Self-test: TTFT error, p99", "selftest_ttft_error_p99_s", "ms", "against an endpoint here that logs the truth"),
    ("Self-test: TPOT error, p99", "selftest_tpot_error_p99_s", "ms", "the same, of the mean of each answer"),
    ("Self-test: load reached", "selftest_concurrency_share", "%", "of the concurrency asked for"),
    ("CPU time of the client", "client_cpu_s", "s", "the whole trial"),
    ("Memory of the client", "client_rss_bytes", "MB", "its peak"),
)  # fmt: skip
_SCALE = {"ms": 1e3, "%": 100.0, "s": 1.0, "MB": 1e-6}


def grade_badge(grade: str | None, reasons: list[str] | None) -> Badge:
    """A grade as a word in its colour, its reasons on hovering."""
    if grade is None:
        return Badge(text="no grade", tone="quiet")
    return Badge(text=f"grade {grade}", tone=_TONES[grade], hint="; ".join(reasons or ()))


def verdict(certificate: Record) -> tuple[Badge, str]:
    """The grade and one sentence."""
    badge = grade_badge(certificate["grade"], certificate["reasons"])
    if certificate["grade"] == "A":
        return badge, "The load client kept time at this load, by its own evidence and by its self-test."
    return badge, words.sentence("; ".join(certificate["reasons"] or ["it has not been certified"])) + "."


def evidence_table(certificate: Record) -> tuple[list[Column], list[Row]]:
    """What the client recorded of itself; what does not apply to the trial is left out."""
    columns = [Column(title="Evidence"), Column(title="Value", right=True), Column(title="What it is")]
    rows = []
    for title, column, unit, meaning in _EVIDENCE:
        value = certificate[column]
        if value is None and not _applies(column, certificate):
            continue
        shown = UNKNOWN if value is None else f"{words.figure(value * _SCALE[unit])} {unit}"
        rows.append(
            Row(
                cells=[
                    Cell(main=title, strong=True),
                    Cell(main=shown, tone="quiet" if value is None else "plain"),
                    Cell(main=meaning, wide=True),
                ]
            )
        )
    return columns, rows


def _applies(column: str, certificate: Record) -> bool:
    if column in ("send_lag_p99_s", "rate_share", "missed_share"):
        return certificate["arrivals"] != "closed" and not certificate["in_group"]
    if column == "concurrency_share":
        return certificate["arrivals"] == "closed" and not certificate["in_group"]
    return column != "rounds_share" or bool(certificate["in_group"])
