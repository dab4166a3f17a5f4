"""The ranking as a page shows it: who is listed, who only seems to lead, and one sentence that says what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ui import words
from warehouse.metrics import Metric, format_value, is_sufficient


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One target of a ranking.

    `row` is its row of the view leaderboard. `value`, `low` and `high` are of the metric ranked by, as stored; None is
    unknown. `overlaps` says that its range meets that of a neighbour, so that their order is not sure. `failed_since`
    is why a later night got nothing from it.
    """

    rank: int | None
    target_id: str
    row: Mapping[str, Any]
    value: float | None
    low: float | None
    high: float | None
    overlaps: bool
    failed_since: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A target that was planned but has no figures to rank."""

    target_id: str
    outcome: str
    reason: str


def entries(rows: Sequence[Mapping[str, Any]], outcomes: Sequence[Mapping[str, Any]], by: Metric) -> list[Entry]:
    """Leaderboard rows of one workload, in their order, with ties marked and later failures noted."""
    later = {o["target_id"]: o for o in outcomes if o["outcome"] == "failed"}
    ranges = [value_range(by, row) for row in rows]
    # A row that is kept out of the ranking ties with nobody.
    rival = [found if row["rank"] is not None else (None, None, None) for row, found in zip(rows, ranges, strict=True)]
    found = []
    for at, row in enumerate(rows):
        value, low, high = ranges[at]
        neighbours = [rival[i] for i in (at - 1, at + 1) if 0 <= i < len(rows)]
        failure = later.get(row["target_id"])
        since = None
        if failure is not None and failure["run_id"] != row["run_id"]:
            since = failure["reason"] or "no reason was given"
        found.append(
            Entry(
                rank=row["rank"],
                target_id=row["target_id"],
                row=row,
                value=value,
                low=low,
                high=high,
                overlaps=any(_meet(rival[at], other) for other in neighbours),
                failed_since=since,
            )
        )
    return found


def absent(rows: Sequence[Mapping[str, Any]], outcomes: Sequence[Mapping[str, Any]]) -> list[Absent]:
    """Targets that were planned under the workload and are not in its leaderboard: failed first, then by name."""
    ranked = {row["target_id"] for row in rows}
    missing = [o for o in outcomes if o["target_id"] not in ranked]
    missing.sort(key=lambda o: (o["outcome"] != "failed", o["target_id"]))
    return [
        Absent(target_id=o["target_id"], outcome=o["outcome"], reason=o["reason"] or _no_reason(o["outcome"]))
        for o in missing
    ]


def value_range(of: Metric, row: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """(value, low, high) of a metric in a row of the leaderboard, as stored."""
    if not of.has_range:
        return row[of.column], None, None
    return row[of.column], row[f"{of.column}_low"], row[f"{of.column}_high"]


def range_text(of: Metric, row: Mapping[str, Any]) -> str:
    """`0.11 - 0.19`, or nothing where the range is not known or has no width."""
    _, low, high = value_range(of, row)
    if low is None or high is None:
        return ""
    ends = format_value(of, low), format_value(of, high)
    return "exact" if ends[0] == ends[1] else f"{ends[0]} \N{EN DASH} {ends[1]}"


def too_few(of: Metric, row: Mapping[str, Any]) -> bool:
    """Whether a percentile is left blank because there are fewer attempts than it needs."""
    if of.sample_column is None or row[of.column] is not None or not row.get(of.sample_column):
        return False
    return not is_sufficient(of, row[of.sample_column])


def finding(found: Sequence[Entry], by: Metric) -> str:
    """What the chart shows, in one sentence; a lead that may be none is called that."""
    known = [entry for entry in found if entry.value is not None and entry.rank is not None]
    what = named(by)
    if not known:
        if any(entry.value is not None for entry in found):
            return f"No target can be ranked by {what}: every load client was graded C or D"
        return f"No target has a known value for {what}"
    first = known[0]
    figure = f"{format_value(by, first.value)} {by.shown_unit}"
    if len(known) == 1:
        return f"{first.target_id}: {figure}, the only target that can be ranked by {what}"
    sharing = [entry for entry in known if entry.rank == first.rank]
    if len(sharing) > 1:
        return f"{words.listed([entry.target_id for entry in sharing])} share first place at {figure}"
    second = known[1]
    if _meet((first.value, first.low, first.high), (second.value, second.low, second.high)):
        return f"{first.target_id} comes first at {figure}, not for sure: its range overlaps with {second.target_id}'s"
    return f"{first.target_id} comes first at {figure}{_lead(first, second, by)}"


def named(of: Metric) -> str:
    """The metric's title inside a sentence: `Output speed` becomes `output speed`, `TTFT p50` stays."""
    head = of.title.split()[0]
    return of.title if head.isupper() else of.title[0].lower() + of.title[1:]


def _lead(first: Entry, second: Entry, by: Metric) -> str:
    if first.value is None or second.value is None or first.value <= 0 or second.value <= 0:
        return f", before {second.target_id}"
    ratio = second.value / first.value if by.direction == "lower" else first.value / second.value
    if ratio >= 2:
        return f", {words.figure(ratio, 2)} times better than {second.target_id}"
    if by.direction == "lower":
        return f", {words.figure(100 * (1 - 1 / ratio), 2)} % less than {second.target_id}"
    return f", {words.figure(100 * (ratio - 1), 2)} % more than {second.target_id}"


def _meet(
    one: tuple[float | None, float | None, float | None], other: tuple[float | None, float | None, float | None]
) -> bool:
    _, low, high = one
    _, other_low, other_high = other
    if low is None or high is None or other_low is None or other_high is None:
        return False
    return low <= other_high and other_low <= high


def _no_reason(outcome: str) -> str:
    return "nothing has landed yet" if outcome == "waiting" else "no reason was given"
