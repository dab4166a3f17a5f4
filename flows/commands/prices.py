"""`megatoken prices`: what each target costs, since when and by which source; disagreements, break-even, the bill."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from flows.errors import ConfigError
from flows.paths import data_dir
from warehouse.errors import WarehouseError
from warehouse.pricebook import Drift, Price, PriceBook, Product, drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What is bought, what is served by ourselves, and the book that prices it."""

    products: tuple[Product, ...]
    own: tuple[str, ...]  # ids of targets that are not bought by the token
    book: PriceBook
    benched: tuple[Product, ...] = ()  # of ad hoc benches alone, which no config names


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One product in one service tier; `price` is None where nobody states one."""

    product: Product
    service_tier: str
    price: Price | None


def run(options: argparse.Namespace) -> int:
    """List prices, where they disagree, break-even volumes, or what changed the bill."""
    try:
        if options.break_even is not None:
            return _break_even(options)
        if options.bill is not None:
            return _bill(options)
        at = _instant(options.on)
        shelf = _chosen(_shelf(options), options.what)
        if options.drift:
            found = [each for product in shelf.products for each in _drift(shelf.book, product, at, options.tier)]
            return _show_drift(found, len(shelf.products), options)
        rows, benched = (
            [row for product in products for row in listed(shelf.book, product, at, options.tier)]
            for products in (shelf.products, shelf.benched)
        )
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    from flows.pricetable import price_json, print_prices

    if options.json:
        _print_json(
            [
                line
                for row in (*rows, *benched)
                for line in price_json(row.product, row.service_tier, row.price, benched=row in benched)
            ]
        )
        return 0
    from flows.terminal import board_console

    print_prices(
        board_console(),
        [(row.product, row.service_tier, row.price) for row in rows],
        own=shelf.own,
        on=at.date(),
        benched=[(row.product, row.service_tier, row.price) for row in benched],
    )
    return 0


def listed(book: PriceBook, product: Product, at: datetime, tier: str | None) -> list[Listed]:
    """The price of a product in each service tier, or in the one asked for.

    Raises:
        WarehouseError: the product is known, but not in that tier.
    """
    tiers = [tier] if tier is not None else book.service_tiers(product, at=at) or ["standard"]
    return [
        Listed(product=product, service_tier=each, price=book.price(product, at=at, service_tier=each))
        for each in tiers
    ]


def _drift(book: PriceBook, product: Product, at: datetime, tier: str | None) -> list[Drift]:
    tiers = [tier] if tier is not None else book.service_tiers(product, at=at)
    return [found for each in tiers for found in drift(book, product, at=at, service_tier=each)]


def _shelf(options: argparse.Namespace) -> Shelf:
    if options.config is not None:
        return _of_config(Path(options.config))
    from warehouse.price_ledger import recorded_book

    if options.what is not None and "/" in options.what:
        direct = _direct(options.what)
        if direct is not None:
            return direct
    here, book = recorded_book(data_dir(options.data))
    return Shelf(products=tuple(here.hosted), own=tuple(here.own), benched=tuple(here.benched), book=book)


def _direct(name: str) -> Shelf | None:
    """PROVIDER/MODEL of the list, whether or not a target serves it."""
    from warehouse.prices import listed_entries

    provider, _, model = name.partition("/")
    if not listed_entries(provider, model):
        return None
    return Shelf(products=(Product(target_id=None, provider=provider, model=model),), own=(), book=PriceBook())


def _of_config(path: Path) -> Shelf:
    from flows.config import EndpointTarget, load_config
    from flows.pricefacts import price_book, product_of

    targets = load_config(path).config.targets
    hosted = [target for target in targets if isinstance(target, EndpointTarget)]
    return Shelf(
        products=tuple(product_of(target) for target in hosted),
        own=tuple(target.id for target in targets if not isinstance(target, EndpointTarget)),
        book=price_book(hosted),
    )


def _chosen(shelf: Shelf, what: str | None) -> Shelf:
    """The part of a shelf that is asked for.

    Raises:
        ConfigError: nothing on it has that name.
    """
    if what is None:
        return shelf
    wanted = what.casefold()
    found, benched = (
        tuple(
            product
            for product in products
            if wanted in ((product.target_id or "").casefold(), product.model.casefold(), product.name.casefold())
        )
        for products in (shelf.products, shelf.benched)
    )
    own = tuple(each for each in shelf.own if each.casefold() == wanted)
    if not found and not benched and not own:
        import difflib

        names = {name for p in (*shelf.products, *shelf.benched) for name in (p.target_id or p.name, p.model)} | set(
            shelf.own
        )
        near = difflib.get_close_matches(what, sorted(names), n=3, cutoff=0.4)
        hint = f"; nearest are {', '.join(near)}" if near else ""
        raise ConfigError(
            [f"{what}: neither a target nor a model of one{hint}; ask for PROVIDER/MODEL to look into the list itself"]
        )
    return Shelf(products=found, own=own, benched=benched, book=shelf.book)


def _show_drift(found: Sequence[Drift], products: int, options: argparse.Namespace) -> int:
    from flows.pricetable import drift_json, print_drift

    if options.json:
        _print_json([drift_json(each) for each in found])
        return 0
    from flows.terminal import board_console

    print_drift(board_console(), found, products=products)
    return 0


def _break_even(options: argparse.Namespace) -> int:
    from flows.pricetable import break_even_json, print_break_even
    from warehouse.break_even import break_evens
    from warehouse.query import open_published

    if not 0 <= options.min_goodput <= 100:
        raise ConfigError([f"--min-goodput {options.min_goodput:g}: give a percentage, 0 to 100"])
    with open_published(data_dir(options.data)) as con:
        found = break_evens(
            con, options.break_even, workload_id=options.workload, min_goodput_share=options.min_goodput / 100
        )
    if options.json:
        _print_json([break_even_json(machine, others) for machine, others in found])
        return 0
    from flows.terminal import board_console

    print_break_even(board_console(), found)
    return 0


def _bill(options: argparse.Namespace) -> int:
    from flows.billtable import bill_json, print_bill
    from warehouse.bill import bill_change
    from warehouse.query import open_published

    with open_published(data_dir(options.data)) as con:
        found = bill_change(con, options.bill, wanted=options.what)
    if options.what is not None and not (found.targets or found.unknown):
        raise ConfigError([f"{options.what}: neither a target nor a model of one on any of these bills"])
    if options.json:
        _print_json(bill_json(found))
        return 0
    from flows.terminal import board_console

    print_bill(board_console(), found)
    return 0


def _instant(day: str | None) -> datetime:
    if day is None:
        return datetime.now(UTC)
    try:
        return datetime.combine(date.fromisoformat(day), time(12), tzinfo=UTC)
    except ValueError:
        raise ConfigError([f"--on {day}: is not a day; give one as YYYY-MM-DD"]) from None


def _print_json(value: object) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
