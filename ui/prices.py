"""Prices as the page `prices` shows them: a table of a day, what sources disagree about, and how a price moved."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import altair as alt

from ui import words
from ui.charts import bare, ink, inline
from ui.markup import Badge, Cell, Column, Row
from warehouse.metrics import UNKNOWN
from warehouse.price_drifts import DRIFT_SHARE
from warehouse.price_shelf import Shelf, Shelved
from warehouse.pricebook import AMOUNTS, Drift, PriceEntry, Product
from warehouse.pricebook.entry import STANDARD

DASH = "\N{EN DASH}"
MIDDLE = "\N{MIDDLE DOT}"

HEADS = {
    "usd_per_input_mtok": ("Input", "USD/Mtok"),
    "usd_per_cached_input_mtok": ("Cached input", "USD/Mtok"),
    "usd_per_cache_write_mtok": ("Cache write", "USD/Mtok"),
    "usd_per_output_mtok": ("Output", "USD/Mtok"),
    "usd_per_1k_requests": ("Requests", "USD/thousand"),
}
_ALWAYS = ("usd_per_input_mtok", "usd_per_cached_input_mtok", "usd_per_output_mtok")
_DRAWN = {
    "usd_per_input_mtok": ("#0072B2", "#56B4E9"),
    "usd_per_cached_input_mtok": ("#009E73", "#2BBF94"),
    "usd_per_cache_write_mtok": ("#CC79A7", "#CC79A7"),
    "usd_per_output_mtok": ("#D55E00", "#E8743B"),
}
_BEFORE_AMOUNTS = ("target_id", "provider", "model", "service_tier", "above_prompt_tokens", "hours_utc")
_AFTER_AMOUNTS = ("currency", "note", "valid_from", "origin", "source", "reason")
_BEFORE = timedelta(days=90)  # how far a chart goes back beyond the first dated price
_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A price of one kind by one source, from a day on."""

    origin: str
    amount: str
    day: date
    usd: float


def columns(rows: Sequence[Shelved]) -> list[Column]:
    """Heads of the table: the kinds of price that somebody states."""
    return [
        Column(title="Target", unit=f"provider {MIDDLE} model"),
        Column(title="Service tier", unit="prompts, hours UTC"),
        *(Column(title=HEADS[name][0], unit=HEADS[name][1], right=True) for name in _shown(rows)),
        Column(title="Holds since", unit="age, days", right=True),
        Column(title="By", unit="source"),
    ]


def table_rows(rows: Sequence[Shelved]) -> list[Row]:
    """A row a price, in the order given; the model of a target is said once."""
    shown = _shown(rows)
    found = []
    before: Product | None = None
    for row in rows:
        first = row.product != before
        before = row.product
        who = f"{row.product.provider} {MIDDLE} {row.product.model}"
        name = Cell(
            main=row.product.target_id or row.product.name,
            beneath=who if first else "",
            tone="plain" if first else "quiet",
            strong=first,
            wide=True,
            hint=who,
        )
        if row.entry is None:
            reason = Cell(main=f"{words.sentence(row.reason or 'not known')}.", span=len(shown) + 2, tone="quiet")
            found.append(Row(quiet=True, cells=[name, Cell(main=UNKNOWN, tone="quiet"), reason]))
            continue
        found.append(Row(cells=[name, _tier(row, row.entry), *_amounts(row, row.entry, shown), *_origin(row)]))
    return found


def finding(rows: Sequence[Shelved], day: date) -> str:
    """How much of it is known, and how many prices two sources disagree about."""
    products = {row.product for row in rows}
    unknown = {row.product for row in rows if row.entry is None}
    apart = {(row.product, drift.amount, row.service_tier) for row in rows for drift in row.drifts}
    said = f"Prices of {words.count(len(products) - len(unknown), 'hosted target')} are known on {day}"
    if unknown:
        said += f", of {len(unknown)} {'is' if len(unknown) == 1 else 'are'} not"
    if apart:
        said += f"; sources disagree about {words.count(len(apart), 'price')} by more than {DRIFT_SHARE:.0%}"
    return said


def drift_words(rows: Sequence[Shelved]) -> list[str]:
    """A sentence for each disagreement."""
    found: dict[str, None] = {}
    for row in rows:
        for one in row.drifts:
            found[f"{row.product.target_id}, {row.service_tier}: {_drift(one)}."] = None
    return list(found)


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


def to_csv(rows: Sequence[Shelved]) -> str:
    """Every price of the day, with its source."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*_BEFORE_AMOUNTS, *AMOUNTS, *_AFTER_AMOUNTS])
    for row in rows:
        entry = row.entry
        who = [_safe(text) for text in (row.product.target_id or "", row.product.provider, row.product.model)]
        if entry is None:
            writer.writerow([*who, row.service_tier, *[None] * (7 + 5), row.reason])
            continue
        amounts = [getattr(entry, name) for name in AMOUNTS]
        said = (entry.currency, _safe(entry.note or ""), entry.valid_from, entry.origin, _safe(entry.source))
        reach = (_safe(row.service_tier), entry.above_prompt_tokens, entry.hours_utc)
        writer.writerow([*who, *reach, *amounts, *said, None])
    return out.getvalue()


def _shown(rows: Sequence[Shelved]) -> list[str]:
    entries = [row.entry for row in rows if row.entry is not None]
    return [name for name in HEADS if name in _ALWAYS or any(getattr(entry, name) is not None for entry in entries)]


def _tier(row: Shelved, entry: PriceEntry) -> Cell:
    reach = [f"prompts over {entry.above_prompt_tokens:,} tokens"] if entry.above_prompt_tokens else []
    reach += [entry.hours_utc] if entry.hours_utc else []
    return Cell(main=row.service_tier, beneath=f" {MIDDLE} ".join(reach))


def _amounts(row: Shelved, entry: PriceEntry, shown: Sequence[str]) -> list[Cell]:
    apart = {drift.amount: drift for drift in row.drifts}
    cells = []
    for name in shown:
        amount: Decimal | None = getattr(entry, name)
        drift = apart.get(name)
        if amount is None:
            cells.append(Cell(main=DASH, tone="quiet", hint="its source does not state it"))
            continue
        beneath = "" if drift is None else f"{drift.other.entry.origin}: {_plain(drift.usd_other)}"
        badges = () if drift is None else (Badge(text="disputed", tone="warn", hint=_drift(drift)),)
        cells.append(Cell(main=_plain(amount), beneath=beneath, badges=badges))
    return cells


def _origin(row: Shelved) -> tuple[Cell, Cell]:
    entry = row.entry
    assert entry is not None  # only of such
    since = Cell(
        main=entry.valid_from or "not said", beneath="" if row.age_days is None else f"{row.age_days:,} d",
        tone="plain" if entry.valid_from else "quiet",
    )  # fmt: skip
    override = (
        ()
        if entry.origin == "list"
        else (Badge(text=entry.origin, tone="warn" if entry.origin == "contract" else "good"),)
    )
    more = [] if entry.currency == "USD" else [f"stated in {entry.currency}"]
    more += [entry.note] if entry.note else []
    more += [f"read {row.checked_days:,} d before"] if row.checked_days is not None else []
    source = Cell(main=entry.source, badges=override, beneath=f" {MIDDLE} ".join(more), wide=True, hint=entry.listed_as)
    return since, source


def _drift(one: Drift) -> str:
    share = one.difference_share
    by = "" if share is None else f", {abs(share):.0%} {'less' if share < 0 else 'more'}"
    return (
        f"{HEADS[one.amount][0].lower()} at {_plain(one.usd_ruling)} by the {one.ruling.entry.origin}{by} than"
        f" {_plain(one.usd_other)} by the {one.other.entry.origin} ({one.other.entry.source})"
    )


def _mark(step: Step, day: date) -> dict[str, Any]:
    return {
        "day": day.isoformat(),
        "usd": step.usd,
        "kind": HEADS[step.amount][0],
        "origin": step.origin,
        "from": str(step.day),
        "shown": words.figure(step.usd, 6),
    }


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _safe(text: str) -> str:
    """A spreadsheet runs a text that begins like a formula: such a one gets an apostrophe before it."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def tiers_of_product(rows: Sequence[Shelved], product: Product) -> list[str]:
    """Service tiers in which a product has a price, standard first."""
    found = {row.service_tier for row in rows if row.product == product and row.entry is not None}
    return sorted(found, key=lambda tier: (tier != STANDARD, tier))
