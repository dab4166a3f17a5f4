"""What a price list asks for a month: each request in the tier of its length, a part of them in the batch tier."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from warehouse.calculator_figure import Figure, known, unknown
from warehouse.calculator_inputs import Measured
from warehouse.errors import WarehouseError
from warehouse.formulas.interval import Interval
from warehouse.formulas.usage import TokenPrice, Usage, month_usd
from warehouse.pricebook import Price, ruling
from warehouse.pricebook.entry import PriceEntry

BATCH = "batch"
HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    usd: Interval
    notes: tuple[str, ...]


def bill(
    target: Measured,
    usage: Usage,
    *,
    at: datetime,
    batch_share: float = 0.0,
    service_tier: str | None = None,
    contract: PriceEntry | None = None,
) -> Figure:
    """What a month costs at a target that is bought by the token, US dollars.

    A list price is exact: a range is that of the hours of a day, where it changes with them.

    Args:
        target: the target, with the prices on record.
        usage: the month.
        at: UTC instant whose prices hold.
        batch_share: of the requests, 0 to 1; at the other price where no batch tier is sold.
        service_tier: for the others; None: as the target was measured.
        contract: rules over what is on record.

    Returns:
        The figure; unknown where nobody states a price that is needed.
    """
    tier = service_tier or target.service_tier
    if contract is not None:
        asked = _asked(((contract,),), target, usage, at, contract.service_tier)
        if isinstance(asked, str):
            return unknown(asked)
        more = ("the contract states one price: batch requests at it as well",) if batch_share else ()
        return known(asked.usd, basis="declared", notes=[*asked.notes, "your contract", *more])
    parts = [(1 - batch_share, tier), (batch_share, BATCH)]
    total, notes = Interval(low=0.0, central=0.0, high=0.0), []
    for share, each in parts:
        if share == 0:
            continue
        asked = _asked(target.sources, target, usage, at, each)
        if isinstance(asked, str) and each == BATCH:
            notes.append("no batch tier is sold: batch requests at the price of the others")
            asked = _asked(target.sources, target, usage, at, tier)
        if isinstance(asked, str):
            return unknown(asked)
        total += asked.usd * share
        notes += [note for note in asked.notes if note not in notes]
    return known(total, basis="declared", notes=notes)


def _asked(
    sources: Sequence[Sequence[PriceEntry]], target: Measured, usage: Usage, at: datetime, tier: str
) -> _Asked | str:
    """What is asked in one tier, or why that is not known. Prices by the hour are taken over the whole day."""
    name = f"{target.provider}/{target.model}"
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    by_hour: list[Price] = []
    try:
        for hour in range(HOURS):
            found = ruling(sources, name=name, at=midnight + timedelta(hours=hour), service_tier=tier)
            if found is None:
                return f"no price of {name} is known; type one in, or add it to your price file"
            by_hour.append(found)
    except WarehouseError as error:
        return str(error)
    amounts: dict[str, float] = {}
    notes: list[str] = []
    for price in by_hour:
        version = "+".join(entry.price_version for entry in price.length_tiers)
        if version not in amounts:
            tiers = _tiers(price, usage, notes)
            if isinstance(tiers, str):
                return f"{name}: {tiers}"
            amounts[version] = month_usd(usage, tiers)
    each = [amounts["+".join(entry.price_version for entry in price.length_tiers)] for price in by_hour]
    if len(amounts) > 1:
        notes.append("its price changes with the hour: requests are taken to come evenly over the day")
    return _Asked(
        usd=Interval(low=min(each), central=min(max(sum(each) / HOURS, min(each)), max(each)), high=max(each)),
        notes=tuple(dict.fromkeys([*notes, *_said(by_hour[at.astimezone(UTC).hour], tier, usage)])),
    )


def _tiers(price: Price, usage: Usage, notes: list[str]) -> list[TokenPrice] | str:
    """Prices by length, or what of them is not stated; what stands in for another is noted."""
    total = usage.total
    tiers = []
    for entry in price.length_tiers:
        if entry.above_prompt_tokens and usage.longest_prompt_tokens <= entry.above_prompt_tokens:
            continue
        if entry.usd_per_input_mtok is None and total.uncached_tokens > 0:
            return "no price of input tokens is stated"
        if entry.usd_per_output_mtok is None and total.output_tokens > 0:
            return "no price of output tokens is stated"
        fresh = _float(entry.usd_per_input_mtok, 0.0)
        if total.cached_tokens and entry.usd_per_cached_input_mtok is None:
            if entry.usd_per_input_mtok is None:
                return "no price of cached input tokens is stated"
            notes.append("no price of cached input is stated: at that of input")
        if total.cache_write_tokens and entry.usd_per_cache_write_mtok is None:
            notes.append("no price of writing to a cache is stated: at that of input")
        tiers.append(
            TokenPrice(
                above_prompt_tokens=entry.above_prompt_tokens,
                usd_per_input_mtok=fresh,
                usd_per_cached_input_mtok=_float(entry.usd_per_cached_input_mtok, fresh),
                usd_per_cache_write_mtok=_float(entry.usd_per_cache_write_mtok, fresh),
                usd_per_output_mtok=_float(entry.usd_per_output_mtok, 0.0),
                usd_per_1k_requests=_float(entry.usd_per_1k_requests, 0.0),
            )
        )
    return tiers


def _said(price: Price, tier: str, usage: Usage) -> list[str]:
    """Whose price, since when, and how much of the month is in a tier of longer prompts."""
    entry = price.entry
    since = f" since {entry.valid_from}" if entry.valid_from else ""
    said = [f"{entry.origin} price{since}, {tier}: {entry.source}"]
    above = [each.above_prompt_tokens for each in price.length_tiers if each.above_prompt_tokens]
    longer = usage.between(above[0], float("inf")).requests / usage.total.requests if above else 0.0
    if longer:
        said.append(f"{longer:.0%} of the requests are longer than {above[0]:,} tokens and pay more for all of theirs")
    if entry.usd_per_1k_requests:
        said.append(f"{entry.usd_per_1k_requests.normalize():f} USD per thousand requests are in it")
    if entry.note:
        said.append(entry.note)
    return said


def _float(amount: Decimal | None, otherwise: float) -> float:
    return otherwise if amount is None else float(amount)
