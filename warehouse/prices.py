"""List prices of hosted models, from the pinned package genai-prices: offline, dated, unknown is None.

Never asks its `UpdatePrices`: a night fetches nothing but the endpoints it measures. Every dated, tiered entry of a
model is read, so that a ledger can answer for any day; the package's own answer for an instant is not asked, because it
ignores a service tier that it does not know.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from warehouse.pricebook.entry import STANDARD, PriceEntry, in_force

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

# name of ours: key of the package
_KEYS = {
    "usd_per_input_mtok": "input_mtok",
    "usd_per_cached_input_mtok": "cache_read_mtok",
    "usd_per_cache_write_mtok": "cache_write_mtok",
    "usd_per_output_mtok": "output_mtok",
    "usd_per_1k_requests": "requests_kcount",
}
# What the package calls a way of being served; its other contexts (a route, a kind of search) are none.
_TIER_CONTEXTS = ("processing", "service_tier", "speed")
_NAMES_OF_STANDARD = ("default",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrice:
    """What a provider asks for a model; a part that the list does not have is None."""

    usd_per_input_mtok: Decimal | None
    usd_per_cached_input_mtok: Decimal | None
    usd_per_output_mtok: Decimal | None
    provider_id: str  # as matched: an alias of the model asked for may be listed under another name
    model_id: str
    valid_from: str | None  # ISO date from which it holds; None if the list does not say
    source: str  # the package and its version


def list_price(
    provider: str, model: str, *, at: datetime, base_url: str | None = None, service_tier: str = STANDARD
) -> ListPrice | None:
    """The list price of a model on a day, for prompts of the shortest tier.

    The provider is matched by its exact id in the list, else by the address of its endpoint; a name that merely
    contains a provider's (`my-openai-proxy`) is not that provider.

    Args:
        provider: who serves it, for example `groq`.
        model: model name as it is asked for.
        at: UTC instant at which the price is to hold.
        base_url: address of the endpoint.
        service_tier: how it is served.

    Returns:
        The price, or None if provider or model are not in the list, or it has no price for them.

    Raises:
        WarehouseError: `at` has no time zone.
    """
    found = in_force(
        listed_entries(provider, model, base_url=base_url), at=at, service_tier=service_tier, prompt_tokens=0
    )
    if found is None or (found.entry.usd_per_input_mtok is None and found.entry.usd_per_output_mtok is None):
        return None
    provider_id, _, model_id = found.entry.listed_as.partition("/")
    return ListPrice(
        usd_per_input_mtok=found.entry.usd_per_input_mtok,
        usd_per_cached_input_mtok=found.entry.usd_per_cached_input_mtok,
        usd_per_output_mtok=found.entry.usd_per_output_mtok,
        provider_id=provider_id,
        model_id=model_id,
        valid_from=found.entry.valid_from,
        source=found.entry.source,
    )


def listed_entries(provider: str, model: str, *, base_url: str | None = None) -> tuple[PriceEntry, ...]:
    """Everything that the list says of a model: each service tier from each day on, by length of prompt and hour.

    Empty if provider or model are not in it, or it has no price for them.
    """
    from genai_prices import __version__

    found = _look_up(provider.strip().lower(), model, base_url)
    if found is None:
        return ()
    listing, info = found
    entries = []
    for tier, context in _contexts(info):
        for day, hours, price in _dated(info, context):
            frame = PriceEntry(
                origin="list",
                listed_as=f"{listing.id}/{info.id}",
                service_tier=tier,
                hours_utc=hours,
                valid_from=None if day is None else day.isoformat(),
                source=f"genai-prices {__version__}",
            )
            entries += [entry for entry in _by_length(frame, price) if not entry.is_empty]
    return tuple(entries)


def listed_provider(provider: str, model: str, base_url: str | None = None) -> "Provider | None":
    """Who the list says serves a model; None if provider or model are not in it."""
    found = _look_up(provider.strip().lower(), model, base_url)
    return None if found is None else found[0]


def _look_up(provider: str, model: str, base_url: str | None) -> "tuple[Provider, ModelInfo] | None":
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    try:
        if any(provider == listed.id for listed in snapshot.providers):
            return snapshot.find_provider_model(model, None, provider, None)
        if base_url is not None:
            return snapshot.find_provider_model(model, None, None, base_url)
    except LookupError:
        return None  # loud there, and the answer here: not in the list
    return None


def _contexts(info: "ModelInfo") -> Iterator[tuple[str, dict[str, str] | None]]:
    """Service tiers of a model, each with the context under which the package keeps its prices."""
    yield STANDARD, None
    seen = {STANDARD}
    for variant in info.price_variants or ():
        ((key, value), *more) = variant.when.items()
        if more or key not in _TIER_CONTEXTS or value in _NAMES_OF_STANDARD or value in seen:
            continue
        seen.add(value)
        yield value, {key: value}


def _dated(info: "ModelInfo", context: dict[str, str] | None) -> "Iterator[tuple[date | None, str | None, ModelPrice]]":
    """Prices of a service tier, each with the day from which and the hours in which it holds; the last wins."""
    from genai_prices.types import ModelPrice, StartDateConstraint, TimeOfDateConstraint

    by_hour = []
    daily = info
    if not isinstance(info.prices, ModelPrice):
        by_hour = [each for each in info.prices if isinstance(each.constraint, TimeOfDateConstraint)]
        rest = [each for each in info.prices if not isinstance(each.constraint, TimeOfDateConstraint)]
        daily = replace(info, prices=rest)
    variants = [each for each in info.price_variants or () if context is not None and each.when == context]
    prices = [] if isinstance(daily.prices, ModelPrice) else daily.prices
    constraints = [*(each.constraint for each in prices), *(each.constraint for each in variants)]
    starts = {each.start_date for each in constraints if isinstance(each, StartDateConstraint)}
    before: ModelPrice | None = None
    for day in (date.min, *sorted(starts)):
        at = datetime.combine(day, time(), tzinfo=UTC)
        if context is not None and not any(v.constraint is None or v.constraint.active(at) for v in variants):
            continue  # the package would answer with the standard price
        price = daily.get_prices(at, context)
        if price != before:
            yield None if day == date.min else day, None, price
        before = price
    if context is None:
        for each in by_hour:
            assert isinstance(each.constraint, TimeOfDateConstraint)
            hours = f"{each.constraint.start_time:%H:%M}-{each.constraint.end_time:%H:%M}"
            yield None, hours, each.prices


def _by_length(frame: PriceEntry, price: "ModelPrice") -> Iterator[PriceEntry]:
    """An entry for each length of prompt from which another price holds, for all tokens of the request."""
    from genai_prices.types import TieredPrices

    stated = {name: getattr(price, key, None) for name, key in _KEYS.items()}
    starts = {tier.start for each in stated.values() if isinstance(each, TieredPrices) for tier in each.tiers}
    for above in (0, *sorted(starts)):
        amounts: dict[str, Any] = {name: _at(each, above) for name, each in stated.items()}
        yield replace(frame, above_prompt_tokens=above, **amounts)


def _at(stated: object, above: int) -> Decimal | None:
    from genai_prices.types import TieredPrices

    if isinstance(stated, TieredPrices):
        return next((tier.price for tier in reversed(stated.tiers) if tier.start <= above), stated.base)
    return stated if isinstance(stated, Decimal) else None
