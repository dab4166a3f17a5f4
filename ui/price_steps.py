"""How a price moved, as the page `prices` shows it: steps by source, as a chart and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import altair as alt

from ui import words
from ui.charts import bare, ink, inline
from ui.markup import Cell, Column, Row
from ui.prices import HEADS
from warehouse.price_shelf import Shelf
from warehouse.pricebook import Product

_DRAWN = {
    "usd_per_input_mtok": ("#0072B2", "#56B4E9"),
    "usd_per_cached_input_mtok": ("#009E73", "#2BBF94"),
    "usd_per_cache_write_mtok": ("#CC79A7", "#CC79A7"),
    "usd_per_output_mtok": ("#D55E00", "#E8743B"),
}
_BEFORE = timedelta(days=90)  # how far a chart goes back beyond the first dated price
_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A price of one kind by one source, from a day on."""

    origin: str
    amount: str
    day: date
    usd: float


def steps(shelf: Shelf, product: Product, tier: str, until: date) -> list[Step]:
    """How the prices of a product in a tier moved, for the shortest prompts at any hour, by source and kind."""
    found = []
    for entries in shelf.of(product):
        kept = [each for each in entries if each.service_tier == tier and not each.above_prompt_tokens]
        kept = [each for each in kept if each.hours_utc is None]
        dated = [date.fromisoformat(each.valid_from) for each in kept if each.valid_from]
        start = min([*dated, until]) - _BEFORE
        for entry in kept:
            day = date.fromisoformat(entry.valid_from) if entry.valid_from else start
            found += [
                Step(origin=entry.origin, amount=name, day=day, usd=float(getattr(entry, name)))
                for name in _DRAWN
                if getattr(entry, name) is not None
            ]
    return sorted(found, key=lambda step: (step.origin, step.amount, step.day))


def step_finding(found: Sequence[Step], product: Product, tier: str) -> str:
    """The last change of the price of output tokens by the source that rules."""
    name = product.target_id or product.name
    first = min((step.origin for step in found), default=None)
    line = [step for step in found if step.origin == first and step.amount == "usd_per_output_mtok"]
    if not line:
        return f"{name}: no price of {tier} output tokens is dated"
    last = line[-1]
    if len(line) == 1 or line[-2].usd == last.usd:
        return f"{name}: {words.figure(last.usd)} USD per million output tokens, {first} price, no change on record"
    before = line[-2].usd
    change = f", {abs(last.usd / before - 1):.0%} {'less' if last.usd < before else 'more'}" if before else ""
    return (
        f"{name}: from {words.figure(before)} to {words.figure(last.usd)} USD per million output tokens on {last.day}"
        f"{change}"
    )


def step_chart(found: Sequence[Step], day: date, *, dark: bool = False) -> alt.LayerChart | None:
    """Prices over time, a step where one changed; sources told apart by their dash. None without a price."""
    if not found:
        return None
    inks = ink(dark)
    last = max([step.day for step in found] + [day]) + _AFTER
    drawn: list[dict[str, Any]] = []
    for step in found:
        drawn.append(_mark(step, step.day))
    for origin, amount in dict.fromkeys((step.origin, step.amount) for step in found):
        end = [step for step in found if (step.origin, step.amount) == (origin, amount)][-1]
        drawn.append(_mark(end, last))
    kinds = [HEADS[name][0] for name in _DRAWN if any(step.amount == name for step in found)]
    colours = [_DRAWN[name][dark] for name in _DRAWN if any(step.amount == name for step in found)]
    origins = sorted({step.origin for step in found})
    days = alt.Axis(title="Day, UTC", format="%b %Y", tickCount={"interval": "month", "step": 1}, grid=False)
    base = alt.Chart(inline(drawn))
    lines = base.mark_line(interpolate="step-after", strokeWidth=2.2).encode(
        x=alt.X("day:T", scale=alt.Scale(type="utc"), axis=days),
        y=alt.Y(
            "usd:Q",
            scale=alt.Scale(zero=True, domainMin=0),
            axis=alt.Axis(
                title="USD/Mtok (lower is better)",
                tickCount=5,
                gridColor=inks["grid"],
                domain=False,
                ticks=False,
            ),
        ),
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=kinds, range=colours),
            legend=alt.Legend(title=None, orient="top", columns=4),
        ),
        strokeDash=alt.StrokeDash(
            "origin:N",
            scale=alt.Scale(domain=origins, range=[[1, 0], [6, 4], [2, 3]][: len(origins)]),
            legend=alt.Legend(title=None, orient="top", symbolStrokeColor=inks["text"]) if len(origins) > 1 else None,
        ),
        tooltip=[
            alt.Tooltip("kind:N", title="price of"),
            alt.Tooltip("shown:N", title="USD per million"),
            alt.Tooltip("from:N", title="from"),
            alt.Tooltip("origin:N", title="by"),
        ],
    )
    chosen = alt.Chart(inline([{"day": day.isoformat()}])).mark_rule(strokeDash=[2, 3], color=inks["text"], opacity=0.6)
    return bare(alt.LayerChart(layer=[chosen.encode(x="day:T"), lines], height=300), dark=dark)


def step_table(found: Sequence[Step]) -> tuple[list[Column], list[Row]]:
    """The chart as a table, the newest change first."""
    heads = [
        Column(title="From"),
        Column(title="Price of"),
        Column(title="Price", unit="USD/Mtok", right=True),
        Column(title="By"),
    ]
    newest = sorted(found, key=lambda step: (step.day, step.amount), reverse=True)
    return heads, [
        Row(
            cells=[
                Cell(main=str(step.day)),
                Cell(main=HEADS[step.amount][0]),
                Cell(main=words.figure(step.usd, 6)),
                Cell(main=step.origin),
            ]
        )
        for step in newest
    ]


def _mark(step: Step, day: date) -> dict[str, Any]:
    return {
        "day": day.isoformat(),
        "usd": step.usd,
        "kind": HEADS[step.amount][0],
        "origin": step.origin,
        "from": str(step.day),
        "shown": words.figure(step.usd, 6),
    }
