"""Prices of hosted targets as facts of their trials: a contract's, else the price file's, else the public list's."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from flows.config import EndpointTarget, Price
from flows.errors import ConfigError
from flows.ledgerfacts import PRICE_FILE
from warehouse.rows import FactRow

if TYPE_CHECKING:
    from warehouse.pricebook import PriceBook, PriceEntry, Product

STANDARD_TIER = "standard"
_PER_TOKEN = ("usd_per_input_mtok", "usd_per_output_mtok")
# what providers call it; `auto` is a project's own setting, which is standard unless it was changed there
NAMES_OF_STANDARD = ("auto", "default", "on_demand", "standard_only")


def product_of(target: EndpointTarget) -> "Product":
    """What is bought of a hosted target."""
    from warehouse.pricebook import Product

    return Product(target_id=target.id, provider=target.provider, model=target.model, base_url=target.base_url)


def service_tier_of(target: EndpointTarget) -> str:
    """How a target asks to be served: what its `extra_body` sends as `service_tier`; standard, if nothing."""
    asked = str(target.extra_body.get("service_tier", STANDARD_TIER))
    return STANDARD_TIER if asked in NAMES_OF_STANDARD else asked


def price_book(targets: Sequence[EndpointTarget]) -> "PriceBook":
    """The prices that a config states, itself and in its price file, over the public list.

    Raises:
        ReferenceDataError: a price file cannot be read, or has a mistake.
    """
    from pathlib import Path

    from warehouse.pricebook import PriceBook, read_price_file

    files = sorted({each.price_file for each in targets if each.price_file is not None})
    file = {key: entries for path in files for key, entries in read_price_file(Path(path)).items()}
    return PriceBook(
        file=file, contracts={each.id: [_contract(each, each.price)] for each in targets if each.price is not None}
    )


def _contract(target: EndpointTarget, price: Price) -> "PriceEntry":
    from decimal import Decimal

    from warehouse.pricebook import PriceEntry

    def usd(amount: float | None) -> Decimal | None:
        return None if amount is None else Decimal(repr(amount))

    return PriceEntry(
        origin="contract",
        listed_as=f"{target.provider}/{target.model}",
        service_tier=service_tier_of(target),
        usd_per_input_mtok=usd(price.usd_per_input_mtok),
        usd_per_cached_input_mtok=usd(price.usd_per_cached_input_mtok),
        usd_per_output_mtok=usd(price.usd_per_output_mtok),
        usd_per_cache_write_mtok=usd(price.usd_per_cache_write_mtok),
        usd_per_1k_requests=usd(price.usd_per_1k_requests),
        valid_from=price.valid_from,
        source=price.note,
    )


def price_facts(target: EndpointTarget, trial_id: str, at: datetime) -> Iterator[FactRow]:
    """The prices that a trial will be accounted at; none where nobody states one.

    Raises:
        ConfigError: nobody prices the service tier that the target asks for.
    """
    from warehouse.errors import WarehouseError

    tier = service_tier_of(target)
    try:
        price = price_book([target]).price(product_of(target), at=at, service_tier=tier)
    except WarehouseError as error:
        raise ConfigError([f"target {target.id!r}: {error}"]) from error
    if price is None:
        return
    for entry in price.length_tiers:
        yield from _entry_facts(entry, trial_id, tier)


def _entry_facts(entry: "PriceEntry", trial_id: str, tier: str) -> Iterator[FactRow]:
    from warehouse.accounting.quantities import above
    from warehouse.pricebook import AMOUNTS

    from_list = entry.origin == "list"
    ledger = {"list": "genai-prices", "file": PRICE_FILE, "contract": None}[entry.origin]
    version = {"list": entry.source, "file": entry.price_version, "contract": None}[entry.origin]
    # the key says how it is served: the ledger of prices finds the same tier again
    served = entry.listed_as if tier == STANDARD_TIER else f"{entry.listed_as}#{tier}"
    for name in AMOUNTS:
        amount = getattr(entry, name)
        if amount is not None:
            yield FactRow(
                trial_id=trial_id,
                quantity=above(f"price_{name}", entry.above_prompt_tokens),
                low=None,
                central=float(amount),
                high=None,
                basis="declared",
                valid_from=entry.valid_from,
                source=f"{entry.source}: {served}" if from_list else entry.source,
                ledger=ledger,
                ledger_key=served if ledger is not None or tier != STANDARD_TIER else None,
                factor_version=version,
            )


def worst_request_usd(
    facts: Sequence[FactRow], prompt_tokens: float, output_tokens: float, *, searches: int = 1
) -> float | None:
    """The most that one request can cost: nothing of it cached, its prompt written to a cache where that is dearer.

    Args:
        facts: of the target.
        prompt_tokens: the most that its prompt can have; a shorter one pays no more.
        output_tokens: the most that it can be answered with.
        searches: how many times the fee of a request is charged: a rerank is billed by searches.

    Returns:
        US dollars; None if a price is not known.
    """
    from warehouse.accounting.quantities import above, length_of

    price = {fact.quantity: fact.central for fact in facts}
    steps = sorted({length_of(fact.quantity) or 0 for fact in facts} | {0})
    worst: float | None = None
    for step in steps:
        if step and step >= prompt_tokens:
            continue
        of_input, of_output = (price.get(above(f"price_{name}", step)) for name in _PER_TOKEN)
        if of_input is None or of_output is None:
            return None
        of_input = max(of_input, price.get(above("price_usd_per_cache_write_mtok", step), 0.0))
        fee = price.get(above("price_usd_per_1k_requests", step), 0.0) / 1000
        asked = (prompt_tokens * of_input + output_tokens * of_output) / 1e6 + fee * searches
        worst = asked if worst is None else max(worst, asked)
    return worst
