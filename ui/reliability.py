"""The page on reliability in words and rows: who is up, who serves, what failed, and how much of that is known."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ui import words
from ui.markup import Badge, Cell, Column, Row
from ui.reliability_budget import budget_cell, budget_words
from ui.runs import ERROR_CLASSES
from warehouse.formulas.availability import BetweenFailures, Repairs
from warehouse.formulas.statistics import Estimate
from warehouse.metrics import UNKNOWN
from warehouse.reliability import Reliability, ReliabilityReport

DASH = "\N{EN DASH}"
OBJECTIVES: Mapping[str, float] = {"99": 0.99, "99.5": 0.995, "99.9": 0.999, "95": 0.95, "90": 0.90}
_CLASSES_SHOWN = 3


def percent(value: float | None) -> str:
    """A share near 1 in per cent, with as many digits as tell it from 1: never 100 where something failed."""
    if value is None:
        return UNKNOWN
    if value == 1.0:
        return "100 %"
    missing = 100 * (1 - value)
    digits = 1 if missing >= 1 else 2 if missing >= 0.1 else 3
    text = f"{100 * value:.{digits}f}"
    return f"{min(text, f'{100 - 10.0**-digits:.{digits}f}', key=float)} %"


def lasting(seconds: float) -> str:
    """A length of time of which only the size matters: minutes, hours or days, in two or three digits."""
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit_s:
            return f"{words.figure(seconds / unit_s, 2 if seconds < 10 * unit_s else 3)} {unit}"
    return f"{words.figure(seconds, 2)} s"


def worst_first(found: Sequence[Reliability]) -> list[Reliability]:
    """Targets that are down now first, then by what they served."""
    return sorted(
        found, key=lambda of: (of.down_since_at is None, _central(of.served), _central(of.uptime), of.target_id)
    )


def finding(found: Sequence[Reliability]) -> str:
    """The answer in one sentence."""
    down = [of.target_id for of in found if of.down_since_at is not None]
    if down:
        return f"Down when last asked: {words.listed(down)}"
    faultless = [of for of in found if of.down_count + of.limited_count == 0]
    if len(faultless) == len(found):
        return f"Every attempt at {words.count(len(found), 'target')} was served"
    worst = worst_first(found)[0]
    return (
        f"{len(faultless)} of {words.count(len(found), 'target')} served every attempt; {worst.target_id} served least:"
        f" {percent(worst.served.central)}"
    )


def columns(objective: str) -> list[Column]:
    """Heads of the table."""
    return [
        Column(title="Target"),
        Column(title="Uptime", unit="95 % interval", right=True, hint="ok / (ok + failed by the provider)"),
        Column(
            title="Served", unit="95 % interval", right=True,
            hint="ok / (ok + failed by the provider + refused for rate): who is refused is not served",
        ),
        Column(
            title="Budget used", unit=f"of {objective} % good: failed, slow", right=True,
            hint="Attempts that failed, or were too slow / those that the objective allows; 1 is all of it",
        ),
        Column(title="What failed", unit="attempts"),
        Column(title="Outages", unit="time to repair", hint="Consecutive runs in which fewer than half were served"),
        Column(title="Between failures", unit="95 % interval", right=True),
        Column(title="Last failure", right=True),
        Column(title="Tokens", unit="per chunk", right=True, hint="Several tokens in one event of the stream"),
        Column(title="n", unit="attempts", right=True),
    ]  # fmt: skip


def table_rows(
    found: Sequence[Reliability], absent: Sequence[Mapping[str, Any]], objective: str, now: datetime
) -> list[Row]:
    """A row a target, the worst first; then those that were never asked, with the reason."""
    return [_row(of, OBJECTIVES[objective], now) for of in worst_first(found)] + [_absent_row(row) for row in absent]


def _row(of: Reliability, objective_share: float, now: datetime) -> Row:
    return Row(
        cells=[
            Cell(
                main=of.target_id, beneath=of.provider, strong=True, wide=True,
                badges=() if of.down_since_at is None else (Badge(text="down", tone="bad"),),
            ),
            _share_cell(of.uptime),
            _share_cell(of.served),
            budget_cell(of, objective_share),
            _failures_cell(of),
            _outages_cell(of, now),
            _between_cell(of.between),
            Cell(main="none" if of.last_failure_at is None else words.age(of.last_failure_at, now)),
            Cell(main=UNKNOWN if of.tokens_per_chunk_ratio is None else words.figure(of.tokens_per_chunk_ratio)),
            Cell(main=f"{of.attempts:,}", beneath=_of_what(of)),
        ]
    )  # fmt: skip


def _absent_row(row: Mapping[str, Any]) -> Row:
    badge = words.state_badge(row["outcome"])
    reason = Cell(main=words.sentence(row["reason"]), badges=(badge,), span=9, wide=True)
    return Row(cells=[Cell(main=row["target_id"], strong=True, wide=True), reason], quiet=True)


def _of_what(of: Reliability) -> str:
    nights = of.trials - of.pulses
    parts = [words.count(of.pulses, "pulse")] if of.pulses else []
    parts += [words.count(nights, "trial")] if nights else []
    return ", ".join(parts)


def _share_cell(estimate: Estimate) -> Cell:
    if estimate.central is None:
        return Cell(main=UNKNOWN, hint=estimate.reason or "")
    if estimate.low is None or estimate.high is None:
        return Cell(main=percent(estimate.central), beneath="no interval", hint=estimate.reason or "")
    return Cell(main=percent(estimate.central), beneath=f"{percent(estimate.low)} {DASH} {percent(estimate.high)}")


def _failures_cell(of: Reliability) -> Cell:
    if not of.errors:
        return Cell(main="none", wide=True)
    said = [f"{n:,} {ERROR_CLASSES.get(name, name)}" for name, n in list(of.errors.items())[:_CLASSES_SHOWN]]
    others = sum(list(of.errors.values())[_CLASSES_SHOWN:])
    parts = said + ([f"{others:,} other"] if others else [])
    own = f"{words.count(of.own_count, 'fault')} of this client left out" if of.own_count else ""
    return Cell(main=", ".join(parts), beneath=own, wide=True)


def _outages_cell(of: Reliability, now: datetime) -> Cell:
    found = of.repairs
    if found.outages == 0:
        return Cell(main="none seen")
    beneath = repair_words(found)
    if of.down_since_at is not None:
        beneath = f"down since {words.instant(of.down_since_at)}, {words.age(of.down_since_at, now)}"
    return Cell(main=words.count(found.outages, "outage"), beneath=beneath)


def repair_words(found: Repairs) -> str:
    """Median time to repair with what the distance of runs leaves open."""
    low, middle, high = found.median_low_s, found.median_s, found.median_high_s
    if middle is None:
        lasted = f"median over {lasting(low)}" if low else "median not known"
    else:
        ends = f"{lasting(low or 0)} {DASH} {lasting(high)}" if high is not None else f"over {lasting(low or 0)}"
        lasted = f"median {lasting(middle)} ({ends})"
    return lasted + (f"; of {found.unfinished} an end was not seen" if found.unfinished else "")


def _between_cell(found: BetweenFailures) -> Cell:
    if found.low_s is None:
        return Cell(main=UNKNOWN, beneath="never up at two runs")
    if found.mean_s is None or found.high_s is None:
        return Cell(main=f"over {lasting(found.low_s)}", beneath="none failed")
    return Cell(
        main=lasting(found.mean_s),
        beneath=f"{lasting(found.low_s)} {DASH} {lasting(found.high_s)}",
    )


def notes(report: ReliabilityReport) -> list[str]:
    """Small print: what is counted, what is censored, what is missing."""
    lines = [
        f"Intervals: Wilson's, over whole {report.blocks}, because attempts of one {report.blocks[:-1]} fail together."
        " Uptime leaves refusals for the rate out, served does not; a key, a quota or a request that this client got"
        " wrong is in neither.",
        "An outage is seen only by runs: it began between the last run that was served and the first that was not, so"
        " its length has bounds. The median is the likeliest (Turnbull's estimate) and lies between the lengths in"
        " brackets for sure; an outage without a seen end lasted longer than was seen. What began and ended between two"
        " runs was never seen: the median is of outages long enough to be met. A run fails if fewer than half of its"
        " attempts are served; with the three of a pulse, two bad ones do. Time in service counts to the last run.",
    ]
    lines.insert(1, budget_words(report.limits))
    if report.pulses_skipped:
        lines.append(
            f"{report.pulses_skipped} of {words.count(report.pulses, 'pulse')} skipped: {report.pulses_skipped_reason}."
        )
    if report.pulses == 0:
        lines.append("No pulse was run in the window: once a night says little of an outage; see megatoken pulse.")
    return lines


def _central(estimate: Estimate) -> float:
    return 2.0 if estimate.central is None else estimate.central
