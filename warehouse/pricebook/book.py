"""Which price holds: a contract's, else the project's price file's, else the public list's, else none is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from warehouse.errors import WarehouseError
from warehouse.pricebook.entry import STANDARD, Price, PriceEntry, Product, in_force, tiers_of
from warehouse.pricebook.file import PriceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Sources of prices, the one that rules first: contracts by target id, a price file, the list of genai-prices."""

    contracts: Mapping[str, Sequence[PriceEntry]] = field(default_factory=dict)
    file: PriceFile = field(default_factory=dict)

    def price(
        self, product: Product, *, at: datetime, service_tier: str = STANDARD, prompt_tokens: int = 0
    ) -> Price | None:
        """What a product costs at an instant.

        Args:
            product: what is bought.
            at: UTC instant.
            service_tier: how it is served.
            prompt_tokens: length of the prompt, cached tokens included; list prices may rise with it.

        Returns:
            The price; None is unknown, never free.

        Raises:
            WarehouseError: the product is known, and nobody states a price of it in that service tier; or `at` has no
                time zone.
        """
        return ruling(
            self.entries(product), name=product.name, at=at, service_tier=service_tier, prompt_tokens=prompt_tokens
        )

    def opinions(
        self, product: Product, *, at: datetime, service_tier: str = STANDARD, prompt_tokens: int = 0
    ) -> list[Price]:
        """What each source that knows the product says, the one that rules first."""
        found = (
            in_force(entries, at=at, service_tier=service_tier, prompt_tokens=prompt_tokens)
            for entries in self.entries(product)
        )
        return [price for price in found if price is not None]

    def entries(self, product: Product) -> list[Sequence[PriceEntry]]:
        """Everything that each source says of a product, of any day and tier, the one that rules first."""
        from warehouse.prices import listed_entries

        of_target = self.contracts.get(product.target_id, ()) if product.target_id is not None else ()
        in_file = self.file.get((product.provider.lower(), product.model.lower()), ())
        return [of_target, in_file, listed_entries(product.provider, product.model, base_url=product.base_url)]

    def service_tiers(self, product: Product, *, at: datetime) -> list[str]:
        """Service tiers in which somebody states a price of it at an instant, standard first."""
        return tiers_of((entry for entries in self.entries(product) for entry in entries), at)


def ruling(
    sources: Sequence[Sequence[PriceEntry]], *, name: str, at: datetime, service_tier: str, prompt_tokens: int = 0
) -> Price | None:
    """The price of the first source that states one; see `PriceBook.price`.

    Args:
        sources: entries of each, the one that rules first.
        name: of the product, for the sentence.
        at: UTC instant.
        service_tier: how it is served.
        prompt_tokens: length of the prompt.

    Raises:
        WarehouseError: prices are known, but none in that service tier; or `at` has no time zone.
    """
    for entries in sources:
        found = in_force(entries, at=at, service_tier=service_tier, prompt_tokens=prompt_tokens)
        if found is not None:
            return found
    tiers = tiers_of((entry for entries in sources for entry in entries), at)
    if tiers and service_tier not in tiers:
        raise WarehouseError(
            f"no price of {name} in service tier {service_tier!r} is known; known are {', '.join(tiers)};"
            " add a row for it to your price file, or ask for one of these"
        )
    return None
