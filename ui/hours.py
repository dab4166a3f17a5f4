"""The page on time in words and rows: what is shown by the hour, which hours stand out, and how sure that is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ui import words
from ui.markup import Badge, Cell, Column, Row
from warehouse.daytime import DayShape, DayWindow, How
from warehouse.metrics import UNKNOWN

MIDDLE = "\N{MIDDLE DOT}"
DASH = "\N{EN DASH}"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NO_DATA = "no data"
SURE_BELOW_P = 0.01  # five things are looked at together: 0.05 between them
BY_THE_HOUR = ("grid", "rate", "carbon")  # known of hours in which nothing was measured, too
LEAST_EFFECT_SHARE = 0.05  # a smaller difference is nobody's reason to wait
_LOAD = ("arrivals", "concurrency", "rate_rps", "prompt_tokens_asked", "output_tokens_asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Something that may depend on the hour; `best`, `worst` are what its ends are called."""

    id: str
    title: str
    unit: str
    direction: Literal["lower", "higher"]
    how: How
    scale: float
    best: str
    worst: str
    none: str  # why it may be missing altogether

    @property
    def named(self) -> str:
        """The title inside a sentence."""
        return self.title if self.title.split()[0].isupper() else self.title[0].lower() + self.title[1:]

    def shown(self, value: float | None) -> str:
        """A figure in the unit that people are shown, three significant digits."""
        return UNKNOWN if value is None else words.figure(value * self.scale)


MEASURES: Mapping[str, Measure] = {
    of.id: of
    for of in (
        Measure(
            id="ttft", title="TTFT p50", unit="ms", direction="lower", how="median", scale=1e3, best="quickest",
            worst="slowest", none="no first token was timed",
        ),
        Measure(
            id="speed", title="Speed of a stream", unit="tokens/s", direction="higher", how="median", scale=1.0,
            best="fastest", worst="slowest", none="no answer of two tokens or more was timed",
        ),
        Measure(
            id="failed", title="Failed or refused", unit="% of attempts", direction="lower", how="share", scale=100.0,
            best="most reliable", worst="least reliable", none="nothing was attempted",
        ),
        Measure(
            id="price", title="Cost", unit="USD/Mtok", direction="lower", how="ratio", scale=1.0, best="cheapest",
            worst="dearest", none="no price is known",
        ),
        Measure(
            id="grid", title="Grid", unit="gCO2e/kWh", direction="lower", how="mean", scale=1.0, best="cleanest",
            worst="dirtiest", none="no hourly intensity of its grid is stored; see megatoken grid import and fetch",
        ),
        Measure(
            id="rate", title="Cost at the tariff", unit="USD/Mtok", direction="lower", how="mean", scale=1.0,
            best="cheapest", worst="dearest",
            none="no tariff by the hour is stored of it; a machine of ours has one by tariff_file in [site]",
        ),
        Measure(
            id="carbon", title="Operational CO2e", unit="gCO2e/Mtok", direction="lower", how="mean", scale=1.0,
            best="cleanest", worst="dirtiest", none="its energy or the hours of its grid are not known",
        ),
    )
}  # fmt: skip


def under_one_load(trials: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], int]:
    """The trials under the load that was seen at the most hours of the week, and how many others there are.

    Of trials of several targets, the load that most of them were under goes first: their hours are to be compared. An
    hour at 64 requests in flight and one at a single request do not compare.
    """
    by_load: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in trials:
        by_load.setdefault(tuple(row[name] for name in _LOAD), []).append(row)
    if not by_load:
        return [], 0
    kept = max(
        by_load.values(),
        key=lambda rows: (len({row.get("target_id") for row in rows}), len(set(map(_hour_of_week, rows))), len(rows)),
    )
    return kept, len(trials) - len(kept)


def best_and_worst(of: Measure, shape: DayShape) -> tuple[DayWindow, DayWindow]:
    """The window that a reader wants, and the one to avoid."""
    return (shape.lowest, shape.highest) if of.direction == "lower" else (shape.highest, shape.lowest)


def hours_text(window: DayWindow) -> str:
    """14-17 h."""
    return f"{window.first_hour:02d}{DASH}{window.last_hour:02d} h"


def figure_text(of: Measure, window: DayWindow) -> str:
    """A figure with its interval."""
    estimate = window.estimate
    if estimate.low is None or estimate.high is None or of.id in BY_THE_HOUR:
        return of.shown(estimate.central)
    return f"{of.shown(estimate.central)} ({of.shown(estimate.low)}{DASH}{of.shown(estimate.high)})"


def is_sure(shape: DayShape) -> bool:
    """Whether the hour matters, by more than chance and by enough to matter."""
    return shape.p is not None and shape.p <= SURE_BELOW_P and not is_small(shape)


def is_small(shape: DayShape) -> bool:
    """Whether the best and the worst hours are so close that nobody would wait for them."""
    low, high = shape.lowest.estimate.central, shape.highest.estimate.central
    return low is not None and high is not None and abs(high - low) < LEAST_EFFECT_SHARE * max(abs(low), abs(high))


def finding(of: Measure, shape: DayShape | None, target_id: str) -> str:
    """What the heat map shows, in one sentence."""
    if shape is None:
        return f"{of.title} of {target_id}: too few hours of the day were seen to compare them"
    best, worst = best_and_worst(of, shape)
    if shape.flat:
        return f"{of.title} of {target_id} was {of.shown(best.estimate.central)} {of.unit} at every hour"
    if is_small(shape):
        return f"{target_id}: the hour hardly changes {of.named}, by less than {words.share(LEAST_EFFECT_SHARE)}"
    if not is_sure(shape):
        return f"{target_id}: no hour is surely the {of.best} or the {of.worst} by {of.named}"
    return (
        f"{target_id} is {of.worst} at {hours_text(worst)}: {of.named} {figure_text(of, worst)} {of.unit},"
        f" and {of.best} at {hours_text(best)}: {figure_text(of, best)}"
    )


def verdict_table(
    shapes: Mapping[str, DayShape | None], *, shown: str, seen: Collection[str] = ()
) -> tuple[list[Column], list[Row]]:
    """A row a measure: best and worst hours, their figures, and whether chance would do.

    Args:
        shapes: by measure.
        shown: the measure that the page shows.
        seen: measures with a sample at least; one without a shape was seen at a single hour of the day.
    """
    columns = [
        Column(title="By"),
        Column(title="Best hours"),
        Column(title="Figure", right=True, hint="With its 95 % interval over days"),
        Column(title="Worst hours"),
        Column(title="Figure", right=True, hint="With its 95 % interval over days"),
        Column(title="Does the hour matter?", hint="How often shuffled hours of each day differ as much: p"),
        Column(title="n", right=True, hint="Trials, or hours of the tariff or the grid"),
    ]
    return columns, [
        _verdict_row(of, shapes.get(of.id), strong=of.id == shown, was_seen=of.id in seen) for of in MEASURES.values()
    ]


def _verdict_row(of: Measure, shape: DayShape | None, *, strong: bool, was_seen: bool) -> Row:
    name = Cell(main=of.title, beneath=of.unit, strong=strong, wide=True)
    if shape is None and was_seen:
        why = "a single hour of the day was seen: nothing to compare it with"
        return Row(cells=[name, Cell(main="one hour", beneath=why, span=6, tone="quiet", wide=True)], quiet=True)
    if shape is None:
        return Row(cells=[name, Cell(main=NO_DATA, beneath=of.none, span=6, tone="quiet", wide=True)], quiet=True)
    if shape.flat:
        same = Cell(main=f"{of.shown(shape.lowest.estimate.central)} at every hour that was seen", span=5, wide=True)
        return Row(cells=[name, same, Cell(main=f"{shape.n:,}")])
    best, worst = best_and_worst(of, shape)
    return Row(
        cells=[
            name,
            Cell(main=hours_text(best)),
            _figure_cell(of, best),
            Cell(main=hours_text(worst)),
            _figure_cell(of, worst),
            _chance_cell(shape),
            Cell(main=f"{shape.n:,}", beneath=f"{shape.hours_seen} of 24 h seen" if shape.hours_seen < 24 else ""),
        ]
    )


def _figure_cell(of: Measure, window: DayWindow) -> Cell:
    estimate = window.estimate
    beneath = f"n = {estimate.n}"
    if estimate.low is not None and estimate.high is not None and of.id not in BY_THE_HOUR:
        beneath = f"{of.shown(estimate.low)} {DASH} {of.shown(estimate.high)}, {beneath}"
    return Cell(main=of.shown(estimate.central), beneath=beneath, hint=estimate.reason or "")


def _chance_cell(shape: DayShape) -> Cell:
    if shape.p is None:
        return Cell(main="", badges=(Badge(text="unknown"),), beneath="one measurement a day: pulses would tell")
    p = "p \N{LESS-THAN OR EQUAL TO} 0.001" if shape.p <= 0.001 else f"p = {words.figure(shape.p, 2)}"
    if is_sure(shape):
        return Cell(main="", badges=(Badge(text="yes", tone="good"),), beneath=p)
    return Cell(main="", badges=(Badge(text="too little" if is_small(shape) else "not for sure"),), beneath=p)


def _hour_of_week(row: Mapping[str, Any]) -> tuple[int, int]:
    return row["started_at"].weekday(), row["started_at"].hour


def load_words(row: Mapping[str, Any]) -> str:
    """The load of a trial."""
    if row["arrivals"] == "closed":
        flight = "one request at a time" if row["concurrency"] == 1 else f"{row['concurrency']} requests in flight"
    else:
        flight = f"{words.figure(row['rate_rps'])} requests/s ({row['arrivals']})"
    return f"{flight}, {row['prompt_tokens_asked']:,} tokens in, {row['output_tokens_asked']:,} out"


def tariff_sentence(tariffs: Sequence[Mapping[str, Any]]) -> str | None:
    """Prices that rule at some hours only."""
    said = [
        f"{row['hours_utc']} UTC: {words.usd(row['usd_per_output_mtok'])} per million output tokens ({row['source']})"
        for row in tariffs
        if row["usd_per_output_mtok"] is not None
    ]
    return f"Listed at some hours only: {'; '.join(said)}." if said else None
