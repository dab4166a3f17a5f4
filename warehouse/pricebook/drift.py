"""Where two sources disagree about one product: about 6 % of public prices do at any time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import combinations

from warehouse.pricebook.book import PriceBook
from warehouse.pricebook.entry import AMOUNTS, STANDARD, Price, Product

TOLERANCE_SHARE = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One amount on which two sources disagree; the first of them rules."""

    product: Product
    amount: str  # its name with its unit
    ruling: Price
    other: Price
    usd_ruling: Decimal
    usd_other: Decimal

    @property
    def difference_share(self) -> float | None:
        """(the ruling price - the other) / the other; None where the other is 0."""
        return float((self.usd_ruling - self.usd_other) / self.usd_other) if self.usd_other else None


def drift(
    book: PriceBook,
    product: Product,
    *,
    at: datetime,
    service_tier: str = STANDARD,
    tolerance_share: float = TOLERANCE_SHARE,
) -> Iterator[Drift]:
    """Every amount that two sources state of a product, and state differently.

    Args:
        book: the sources.
        product: what is bought.
        at: UTC instant.
        service_tier: how it is served.
        tolerance_share: smaller differences, of the other price, are none.
    """
    yield from differing(product, book.opinions(product, at=at, service_tier=service_tier), tolerance_share)


def differing(product: Product, opinions: Sequence[Price], tolerance_share: float = TOLERANCE_SHARE) -> Iterator[Drift]:
    """Every amount that two of some opinions state differently, the one that rules first; see `drift`."""
    for ruling, other in combinations(opinions, 2):
        for amount in AMOUNTS:
            ours, theirs = getattr(ruling.entry, amount), getattr(other.entry, amount)
            if ours is None or theirs is None or ours == theirs:
                continue
            found = Drift(product=product, amount=amount, ruling=ruling, other=other, usd_ruling=ours, usd_other=theirs)
            if found.difference_share is None or abs(found.difference_share) > tolerance_share:
                yield found
