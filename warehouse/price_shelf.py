"""The prices of every target as they hold on a day, each with its source, and where its sources disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from warehouse.price_products import bought
from warehouse.pricebook import Drift, Price, PriceEntry, Product, differing
from warehouse.pricebook.entry import STANDARD, in_force, tiers_of
from warehouse.pricebook.recorded import recorded_sources

if TYPE_CHECKING:
    import duckdb

HOURS = 24
Sources = Sequence[Sequence[PriceEntry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What hosted targets sell, with the prices on record, and the targets that are not bought by the token.

    `benched` are what ad hoc benches alone have measured: no config names them.
    """

    products: Sequence[Product]
    sources: Mapping[tuple[str, str, str], Sources]  # by target, provider and model
    own: Sequence[str]
    benched: Sequence[Product] = ()

    def of(self, product: Product) -> Sources:
        """The prices on record of a product, the source that rules first."""
        return self.sources.get((product.target_id or "", product.provider, product.model), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """One price: of a product in a service tier, by length of prompt and hours; `reason` says why there is none."""

    product: Product
    service_tier: str
    entry: PriceEntry | None
    age_days: int | None = None
    checked_days: int | None = None
    drifts: tuple[Drift, ...] = ()
    reason: str | None = None


def read_shelf(con: "duckdb.DuckDBPyConnection") -> Shelf:
    """What a snapshot knows of prices.

    Args:
        con: a published snapshot.
    """
    here = bought(con)
    return Shelf(products=here.hosted, benched=here.benched, sources=recorded_sources(con), own=here.own)


def on_day(
    shelf: Shelf, day: date, *, tolerance_share: float, products: Sequence[Product] | None = None
) -> list[Shelved]:
    """Every price that holds on a day, by target, tier, hours and length; of a product without one, the reason.

    Args:
        shelf: what is sold.
        day: UTC.
        tolerance_share: two sources that differ by less do not disagree.
        products: of which of them; by default of hosted targets.
    """
    found: list[Shelved] = []
    for product in shelf.products if products is None else products:
        sources = shelf.of(product)
        hours = [datetime.combine(day, time(), tzinfo=UTC) + timedelta(hours=hour) for hour in range(HOURS)]
        noon = hours[HOURS // 2]
        tiers = tiers_of((entry for entries in sources for entry in entries), noon)
        if not tiers:
            found.append(Shelved(product=product, service_tier=STANDARD, entry=None, reason=_why_none(sources, day)))
        for tier in tiers:
            found += _of_tier(product, sources, tier, hours, tolerance_share)
    return found


def _of_tier(
    product: Product, sources: Sources, tier: str, hours: Sequence[datetime], tolerance_share: float
) -> list[Shelved]:
    rows: dict[str, Shelved] = {}
    opinions: list[Price] = []
    for at in hours:
        each = [in_force(entries, at=at, service_tier=tier, prompt_tokens=0) for entries in sources]
        known = [price for price in each if price is not None]
        if not known:
            continue
        opinions = opinions or known
        ruling = known[0]
        drifts = tuple(differing(product, known, tolerance_share))
        for entry in ruling.length_tiers:
            row = Shelved(
                product=product,
                service_tier=tier,
                entry=entry,
                age_days=ruling.age_days,
                checked_days=ruling.checked_days,
                drifts=tuple(one for one in drifts if one.ruling.entry == entry),
            )
            rows.setdefault(entry.price_version, row)
    return sorted(rows.values(), key=_place)


def _place(row: Shelved) -> tuple[str, int]:
    return ("", 0) if row.entry is None else (row.entry.hours_utc or "", row.entry.above_prompt_tokens)


def _why_none(sources: Sources, day: date) -> str:
    starts = sorted(entry.valid_from for entries in sources for entry in entries if entry.valid_from)
    if starts:
        return f"no price is known on {day}: the first holds from {starts[0]}"
    return "in no contract, price file or list: add a [targets.price] table to the config, or a row to your price file"


def pricing_page(provider: str, model: str, base_url: str | None = None) -> str | None:
    """The page on which a provider states its prices, as the list names it; None if it does not."""
    from warehouse.prices import listed_provider

    listed = listed_provider(provider, model, base_url)
    return next(iter(listed.pricing_urls or ()), None) if listed is not None else None
