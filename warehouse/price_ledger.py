"""The record of what this warehouse has known about the prices of what its targets serve.

Prices of the list are read anew at each load, with their dates, past and future ones; those of contracts and of price
files arrive as the facts of trials. Rows are added when a price is new and closed when its source states it no more.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.accounting.quantities import length_of
from warehouse.price_products import Bought, bought
from warehouse.pricebook.book import PriceBook
from warehouse.pricebook.entry import AMOUNTS, STANDARD, PriceEntry, Product

if TYPE_CHECKING:
    import duckdb

FILE_LEDGER = "price-file"  # as the facts of a price file name it
_OF_ENTRY = (
    "origin", "listed_as", "service_tier", "above_prompt_tokens", "hours_utc", *AMOUNTS, "currency", "note",
    "valid_from", "checked_on", "source", "price_version",
)  # fmt: skip
_IDENTITY = (
    "target_id", "provider", "model", "origin", "service_tier", "above_prompt_tokens", "hours_utc", "valid_from",
    "price_version",
)  # fmt: skip

Row = dict[str, Any]


def record_prices(con: "duckdb.DuckDBPyConnection") -> tuple[int, int]:
    """Write down which prices of the targets in the warehouse are new to it and which are gone; in a transaction.

    Args:
        con: a connection to the warehouse.

    Returns:
        How many were added and how many withdrawn.
    """
    here = bought(con)
    products = [*here.hosted, *here.benched]
    if not products:
        return 0, 0
    from warehouse.prices import listed_entries

    stated: list[Row] = []
    for product in products:
        entries = [
            *_stated_by_trials(con, product),
            *listed_entries(product.provider, product.model, base_url=product.base_url),
        ]
        stated += [_row(product, entry) for entry in entries]
    today = {_identity(row): row for row in stated}
    known = set(con.execute(f"SELECT {', '.join(_IDENTITY)} FROM prices WHERE withdrawn_at IS NULL").fetchall())
    added = [row for identity, row in today.items() if identity not in known]
    gone = known - today.keys()
    now = datetime.now(UTC)
    _withdraw(con, sorted(gone, key=str), now)
    _add(con, added, now)
    return len(added), len(gone)


def recorded_book(data_dir: Path) -> tuple[Bought, PriceBook]:
    """What the published warehouse has seen served, and a book for it.

    Its contracts are those on record, of contracts and of price files; the list is read anew.

    Raises:
        WarehouseError: nothing is published.
    """
    from warehouse.query import open_published

    with open_published(data_dir) as con:
        here = bought(con)
        contracts = {
            product.target_id: _stated_by_trials(con, product)
            for product in (*here.benched, *here.hosted)
            if product.target_id is not None
        }
    return here, PriceBook(contracts=contracts)


def _stated_by_trials(con: "duckdb.DuckDBPyConnection", product: Product) -> list[PriceEntry]:
    """The contract or price file that the latest trial of a target was priced by; none where the list was."""
    facts = con.execute(
        """
        SELECT f.quantity, f.central, f.valid_from, f.source, f.ledger, f.ledger_key
        FROM trial_facts AS f
        WHERE f.trial_id = (
            SELECT trial_id
            FROM trials
            WHERE target_id = ? AND provider = ? AND model = ? AND kind = 'endpoint'
            ORDER BY started_at DESC, trial_id
            LIMIT 1
        )
        """,
        [product.target_id, product.provider, product.model],
    ).fetchall()
    of_price = [(length_of(fact[0]), *fact) for fact in facts if fact[4] in (None, FILE_LEDGER)]
    by_length: dict[int, dict[str, Any]] = {}
    said: dict[int, tuple[Any, ...]] = {}
    for above, quantity, central, *about in of_price:
        if above is None:
            continue
        amount = quantity.replace(f"price_above_{above}_" if above else "price_", "", 1)
        if amount in AMOUNTS:
            by_length.setdefault(above, {})[amount] = Decimal(repr(central))
            said[above] = tuple(about)
    entries = []
    for above, amounts in sorted(by_length.items()):
        valid_from, source, ledger, key = said[above]
        listed_as, _, tier = (key or product.name).partition("#")
        entry = PriceEntry(
            origin="contract" if ledger is None else "file",
            listed_as=listed_as,
            service_tier=tier or STANDARD,
            above_prompt_tokens=above,
            valid_from=valid_from,
            source=source,
            **amounts,
        )
        entries.append(entry)
    return entries


def _row(product: Product, entry: PriceEntry) -> Row:
    row: Row = {"target_id": product.target_id, "provider": product.provider, "model": product.model}
    row |= {name: getattr(entry, name) for name in _OF_ENTRY}
    return row | {name: None if row[name] is None else float(row[name]) for name in AMOUNTS}


def _identity(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _IDENTITY)


def _withdraw(con: "duckdb.DuckDBPyConnection", gone: Sequence[tuple[Any, ...]], now: datetime) -> None:
    if not gone:
        return
    same = " AND ".join(f"p.{name} IS NOT DISTINCT FROM g.{name}" for name in _IDENTITY)
    con.execute(
        f"""
        UPDATE prices AS p SET withdrawn_at = ?
        FROM (SELECT {", ".join(f"unnest(?::{_type(name)}[]) AS {name}" for name in _IDENTITY)}) AS g
        WHERE p.withdrawn_at IS NULL AND {same}
        """,
        [now, *([identity[n] for identity in gone] for n in range(len(_IDENTITY)))],
    ).fetchall()


def _add(con: "duckdb.DuckDBPyConnection", added: Sequence[Row], now: datetime) -> None:
    if not added:
        return
    # lists and unnest: one statement for all of them
    columns = ("target_id", "provider", "model", *_OF_ENTRY)
    con.execute(
        f"INSERT INTO prices ({', '.join(columns)}, recorded_at)"
        f" SELECT {', '.join(f'unnest(?::{_type(name)}[])' for name in columns)}, ?",
        [*([row[name] for row in added] for name in columns), now],
    ).fetchall()


def _type(column: str) -> str:
    if column in AMOUNTS:
        return "DOUBLE"
    return "BIGINT" if column == "above_prompt_tokens" else "VARCHAR"
