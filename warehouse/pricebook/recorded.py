"""The prices on record in a warehouse, by product and by the source that states them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from warehouse.pricebook.entry import AMOUNTS, PriceEntry
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

_PRICES = f"""
    SELECT
        target_id, provider, model, origin, listed_as, service_tier, above_prompt_tokens, hours_utc,
        {", ".join(AMOUNTS)}, currency, note, valid_from, checked_on, source
    FROM prices
    WHERE withdrawn_at IS NULL
    ORDER BY origin, valid_from NULLS FIRST, hours_utc NULLS FIRST, above_prompt_tokens
"""


def recorded_sources(
    con: "duckdb.DuckDBPyConnection",
) -> dict[tuple[str, str, str], Sequence[Sequence[PriceEntry]]]:
    """The prices on record that are still stated, by target, provider and model; contracts, then files, then lists."""
    found: dict[tuple[str, str, str], dict[str, list[PriceEntry]]] = {}
    for row in dicts(con.execute(_PRICES)):
        key = (row.pop("target_id"), row.pop("provider"), row.pop("model"))
        amounts = {name: None if row[name] is None else Decimal(repr(row[name])) for name in AMOUNTS}
        # contract, file, list: in the order of the alphabet
        found.setdefault(key, {}).setdefault(row["origin"], []).append(PriceEntry(**(row | amounts)))
    return {key: tuple(by_origin.values()) for key, by_origin in found.items()}
