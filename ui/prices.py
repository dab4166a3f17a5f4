"""Prices as the page `prices` shows them: a table of a day, and what sources disagree about."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from ui import words
from ui.markup import Badge, Cell, Column, Row
from warehouse.metrics import UNKNOWN
from warehouse.price_drifts import DRIFT_SHARE
from warehouse.price_shelf import Shelved
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
_BEFORE_AMOUNTS = ("target_id", "provider", "model", "service_tier", "above_prompt_tokens", "hours_utc")
_AFTER_AMOUNTS = ("currency", "note", "valid_from", "origin", "source", "reason")


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
    products = list(dict.fromkeys(row.product for row in rows))
    known = {row.product for row in rows if row.entry is not None}
    apart = {(row.product, drift.amount, row.service_tier) for row in rows for drift in row.drifts}
    if len(products) == 1:
        only = products[0].target_id or products[0].name
        said = f"The price of {only} is {'' if known else 'not '}known on {day}"
    elif not known:
        said = f"Of {len(products)} hosted targets no price is known on {day}"
    else:
        of = "all" if len(known) == len(products) else f"{len(known)} of"
        said = f"Prices of {of} {len(products)} hosted targets are known on {day}"
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


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _safe(text: str) -> str:
    """A spreadsheet runs a text that begins like a formula: such a one gets an apostrophe before it."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def tiers_of_product(rows: Sequence[Shelved], product: Product) -> list[str]:
    """Service tiers in which a product has a price, standard first."""
    found = {row.service_tier for row in rows if row.product == product and row.entry is not None}
    return sorted(found, key=lambda tier: (tier != STANDARD, tier))
