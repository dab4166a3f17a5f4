"""The ranking as a page shows it: who is listed, how sure its place is, and one sentence that says what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ui import words
from warehouse.decision import Board, Place
from warehouse.metrics import UTILITY, Metric, format_value, is_sufficient
from warehouse.range_words import range_words
from warehouse.rank_bands import RankBand
from warehouse.service_level import Verdict
from warehouse.weighed import Weighed


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One target of a ranking.

    `row` is its last measurement, of the view leaderboard. `value`, `low` and `high` are of what is ranked by, as
    stored: the typical night of the window, or the last measurement of a target that is not ranked; None is unknown.
    `failed_since` is why a later night got nothing from it.
    """

    rank: int | None
    target_id: str
    row: Mapping[str, Any]
    value: float | None
    low: float | None
    high: float | None
    band: RankBand
    verdict: Verdict | None = None
    weighed: Weighed | None = None
    failed_since: str | None = None

    @property
    def places(self) -> str:
        """Its band: 1-2, or 3 where it is sure; nothing where it is not ranked."""
        low, high = self.band.rank_low, self.band.rank_high
        if low is None or high is None:
            return ""
        return str(low) if low == high else f"{low}\N{EN DASH}{high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A target that was planned but has no figures to rank."""

    target_id: str
    outcome: str
    reason: str


def entries(board: Board, outcomes: Sequence[Mapping[str, Any]], by: Metric) -> list[Entry]:
    """The places of a board, in their order, with later failures noted."""
    later = {o["target_id"]: o for o in outcomes if o["outcome"] == "failed"}
    return [_entry(place, later.get(place.target_id), by) for place in board.places]


def absent(rows: Sequence[Mapping[str, Any]], outcomes: Sequence[Mapping[str, Any]]) -> list[Absent]:
    """Targets that were planned under the workload and are not in its leaderboard: failed first, then by name."""
    ranked = {row["target_id"] for row in rows}
    missing = [o for o in outcomes if o["target_id"] not in ranked]
    missing.sort(key=lambda o: (o["outcome"] != "failed", o["target_id"]))
    return [
        Absent(target_id=o["target_id"], outcome=o["outcome"], reason=o["reason"] or _no_reason(o["outcome"]))
        for o in missing
    ]


def range_text(of: Metric, row: Mapping[str, Any]) -> str:
    """`0.11 - 0.19`, or nothing where the range is not known or has no width."""
    return ends_text(of, *_last_range(of, row))


def ends_text(of: Metric, low: float | None, high: float | None) -> str:
    """The same of two ends."""
    if low is None or high is None:
        return ""
    ends = format_value(of, low), format_value(of, high)
    return range_words(low, high, ends, between=" \N{EN DASH} ")


def too_few(of: Metric, row: Mapping[str, Any]) -> bool:
    """Whether a percentile is left blank because there are fewer attempts than it needs."""
    if of.sample_column is None or row[of.column] is not None or not row.get(of.sample_column):
        return False
    return not is_sufficient(of, row[of.sample_column])


def finding(found: Sequence[Entry], by: Metric) -> str:
    """What the chart shows, in one sentence; a lead that may be none is called that."""
    ranked = [entry for entry in found if entry.rank is not None]
    what = named(by)
    if not ranked:
        return _nobody(found, what)
    first = ranked[0]
    figure = f"{format_value(by, first.value)} {by.shown_unit}"
    if len(ranked) == 1:
        return f"{first.target_id}: {figure}, the only target that can be ranked by {what}"
    sharing = [entry for entry in ranked if entry.rank == first.rank]
    if len(sharing) > 1:
        return f"{words.listed([entry.target_id for entry in sharing])} share first place at {figure}"
    rivals = [entry.target_id for entry in ranked[1:] if entry.band.rank_low == 1]
    if rivals:
        chance = "" if first.band.p_first is None else f" (chance {words.chance(first.band.p_first)})"
        return f"{first.target_id} comes first at {figure}, not for sure{chance}: {words.listed(rivals)} may be as good"
    return f"{first.target_id} comes first at {figure}, {_apart(first, ranked[1], by)}"


def _nobody(found: Sequence[Entry], what: str) -> str:
    if any(entry.verdict is not None and entry.verdict.standing == "fails" for entry in found):
        return f"No target that can be ranked by {what} keeps the service level"
    if any(entry.value is not None for entry in found):
        return f"No target can be ranked by {what}: the table says why"
    return f"No target has a known value for {what}"


def explained(found: Sequence[Entry], target_id: str, by: Metric) -> str:
    """Why a target stands where it does, whether that is sure, and what would change it."""
    ranked = [entry for entry in found if entry.rank is not None]
    (entry,) = [entry for entry in found if entry.target_id == target_id]
    if entry.rank is None:
        return f"{target_id} is not ranked: {entry.band.reason}."
    if len(ranked) == 1:
        return f"{target_id} is the only target that is ranked, so nothing can be said of its place."
    place = ranked.index(entry)
    above, below = (ranked[place - 1] if place else None), (ranked[place + 1] if place + 1 < len(ranked) else None)
    said = []
    if above is None and below is not None:
        said.append(f"{target_id} stands before {below.target_id}, {_apart(entry, below, by)}: {_sureness(below)}")
    elif above is not None:
        said.append(f"{target_id} stands behind {above.target_id}, {_apart(entry, above, by)}: {_sureness(entry)}")
        said += [_to_first(entry, ranked[0], by)]
    if entry.weighed is not None and entry.weighed.dominated_by:
        better = words.listed(list(entry.weighed.dominated_by))
        said.append(f"no weights of these metrics put it first, {better} being no worse in any of them")
    if entry.band.p_first is not None:
        said.append(f"its chance of being first is {words.chance(entry.band.p_first)}")
    return "; ".join(part for part in said if part) + "."


def named(of: Metric) -> str:
    """The metric's title inside a sentence: `Output speed` becomes `output speed`, `TTFT p50` stays."""
    head = of.title.split()[0]
    return of.title if head.isupper() else of.title[0].lower() + of.title[1:]


def _entry(place: Place, failure: Mapping[str, Any] | None, by: Metric) -> Entry:
    row, band = place.row, place.band
    since = None
    if failure is not None and failure["run_id"] != row["run_id"]:
        since = failure["reason"] or "no reason was given"
    if band.place is not None:
        value, low, high = band.figure, band.low, band.high
    elif by.id == UTILITY.id:
        value = low = high = None
    else:
        value, (low, high) = row[by.column], _last_range(by, row)
    return Entry(
        rank=band.place,
        target_id=place.target_id,
        row=row,
        value=value,
        low=low,
        high=high,
        band=band,
        verdict=place.verdict,
        weighed=place.weighed,
        failed_since=since,
    )


def _last_range(of: Metric, row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return (row[f"{of.column}_low"], row[f"{of.column}_high"]) if of.has_range else (None, None)


def _apart(one: Entry, other: Entry, by: Metric) -> str:
    """How far one is from another, seen from the first."""
    if one.value == other.value:
        return f"equal to {other.target_id}"
    if one.value is None or other.value is None or one.value <= 0 or other.value <= 0:
        return f"{'before' if _is_better(one, other, by) else 'after'} {other.target_id}"
    ratio = other.value / one.value if by.direction == "lower" else one.value / other.value
    if ratio >= 2:
        return f"{words.figure(ratio, 2)} times better than {other.target_id}"
    if ratio <= 0.5:
        return f"{words.figure(1 / ratio, 2)} times worse than {other.target_id}"
    change = one.value / other.value - 1
    return f"{words.figure(100 * abs(change), 2)} % {'more' if change > 0 else 'less'} than {other.target_id}"


def _is_better(one: Entry, other: Entry, by: Metric) -> bool:
    a, b = one.value or 0.0, other.value or 0.0
    return a < b if by.direction == "lower" else a > b


def _sureness(lower: Entry) -> str:
    """Whether the order of an entry and the one above it is sure, and what would make it so."""
    band = lower.band
    if band.tied_by is None:
        return "told apart with 95 % confidence"
    if band.tied_by == "inputs":
        return "a tie, as the ranges of their inputs allow either order"
    if band.tied_by == "few-runs":
        return "a tie, until there are 3 nights in which both were measured"
    if band.nights_to_separate is None:
        return "a tie, which not even a year of such nights would break"
    return f"a tie, which about {words.count(band.nights_to_separate, 'more night')} would break"


def _to_first(entry: Entry, first: Entry, by: Metric) -> str:
    if entry.value is None or first.value is None or entry.value <= 0 or entry.value == first.value:
        return ""
    change = 100 * (first.value / entry.value - 1)
    how = "rise" if change > 0 else "fall"
    return f"to reach first place its {named(by)} would have to {how} by {words.figure(abs(change), 2)} %"


def _no_reason(outcome: str) -> str:
    return "nothing has landed yet" if outcome == "waiting" else "no reason was given"
