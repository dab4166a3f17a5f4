"""List prices of hosted models, from the pinned package genai-prices: offline, dated, unknown is None.

Never asks its `UpdatePrices`: a night fetches nothing but the endpoints it measures. A price with tiers by prompt
length is the price of its first tier; a test holds that the higher ones begin far above our prompts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, PriceCalculation


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


def list_price(provider: str, model: str, *, at: datetime, base_url: str | None = None) -> ListPrice | None:
    """The list price of a model on a day.

    The provider is matched by its exact id in the list, else by the address of its endpoint; a name that merely
    contains a provider's (`my-openai-proxy`) is not that provider.

    Args:
        provider: who serves it, for example `groq`.
        model: model name as it is asked for.
        at: UTC instant at which the price is to hold.
        base_url: address of the endpoint.

    Returns:
        The price, or None if provider or model are not in the list, or it has no price for them.

    Raises:
        WarehouseError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise WarehouseError(f"a price is asked for at {at.isoformat()}, which has no time zone; give UTC")
    from genai_prices import __version__

    found = _look_up(provider.strip().lower(), model, at, base_url)
    if found is None:
        return None
    parts = {
        name: _first_tier(getattr(found.model_price, key, None))
        for name, key in (("input", "input_mtok"), ("cached", "cache_read_mtok"), ("output", "output_mtok"))
    }
    if parts["input"] is None and parts["output"] is None:
        return None
    return ListPrice(
        usd_per_input_mtok=parts["input"],
        usd_per_cached_input_mtok=parts["cached"],
        usd_per_output_mtok=parts["output"],
        provider_id=found.provider.id,
        model_id=found.model.id,
        valid_from=_valid_from(found.model, at),
        source=f"genai-prices {__version__}",
    )


def _look_up(provider: str, model: str, at: datetime, base_url: str | None) -> "PriceCalculation | None":
    from genai_prices import Usage, calc_price
    from genai_prices.data import providers

    when = at.astimezone(UTC)
    try:
        if any(provider == listed.id for listed in providers):
            return calc_price(Usage(), model, provider_id=provider, genai_request_timestamp=when)
        if base_url is not None:
            return calc_price(Usage(), model, provider_api_url=base_url, genai_request_timestamp=when)
    except LookupError:
        return None  # loud there, and the answer here: not in the list
    return None


def _first_tier(listed: object) -> Decimal | None:
    from genai_prices.types import TieredPrices

    if isinstance(listed, TieredPrices):
        return listed.base
    return listed if isinstance(listed, Decimal) else None


def _valid_from(model: "ModelInfo", at: datetime) -> str | None:
    """Start date of the price in force; the last condition that holds is the one that counts."""
    from genai_prices.types import StartDateConstraint

    if not isinstance(model.prices, list):
        return None
    for conditional in reversed(model.prices):
        if conditional.constraint is None:
            return None
        if conditional.constraint.active(at):
            starts = conditional.constraint
            return starts.start_date.isoformat() if isinstance(starts, StartDateConstraint) else None
    return None
