"""Contract prices as somebody types them: a target, then US dollars per million tokens, one contract a line."""

import shlex
from collections.abc import Collection
from decimal import Decimal, InvalidOperation

from warehouse.pricebook.entry import PriceEntry

FORM = "TARGET INPUT OUTPUT [CACHED]"


def read_contracts(text: str, known: Collection[str]) -> tuple[dict[str, PriceEntry], list[str]]:
    """Contracts by target, and a sentence for each line that is none.

    Args:
        text: lines of `FORM`, in US dollars per million tokens; a line may end in a semicolon instead, and a target
            with blanks in its name stands in quotes.
        known: ids of targets.
    """
    found: dict[str, PriceEntry] = {}
    wrong: list[str] = []
    for number, line in enumerate(text.replace(";", "\n").splitlines(), start=1):
        if not line.strip():
            continue
        read = _read(line, known)
        if isinstance(read, str):
            wrong.append(f"Contract {number}, {_short(line.strip())!r}: {read}.")
        else:
            found[read[0]] = read[1]
    return found, wrong


def _read(line: str, known: Collection[str]) -> tuple[str, PriceEntry] | str:
    try:
        name, *amounts = shlex.split(line)
    except ValueError as error:
        return f"{error}; write {FORM}"
    if name not in known:
        return f"there is no target {_short(name)!r} here"
    if len(amounts) not in (2, 3):
        return f"write {FORM}, in USD per million tokens"
    prices = []
    for amount in amounts:
        try:
            price = Decimal(amount)
        except InvalidOperation:
            return f"{_short(amount)!r} is no number"
        if not price.is_finite() or not 0 <= price < Decimal("1e6"):
            return f"{_short(amount)} is no price; give USD per million tokens, 0 or more"
        prices.append(price)
    usd_in, usd_out, *cached = prices
    return name, PriceEntry(
        origin="contract",
        listed_as=name,
        usd_per_input_mtok=usd_in,
        usd_per_output_mtok=usd_out,
        usd_per_cached_input_mtok=cached[0] if cached else None,
        source="typed in on the page",
    )


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
