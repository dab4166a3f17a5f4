"""Prices, disagreements and break-even volumes as people read them in a terminal, and as JSON."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from warehouse.break_even import Comparison, OwnMachine
from warehouse.pricebook import AMOUNTS, Drift, Price, Product

if TYPE_CHECKING:
    from rich.console import Console

HEADS = {
    "usd_per_input_mtok": "input",
    "usd_per_cached_input_mtok": "cached\ninput",
    "usd_per_cache_write_mtok": "cache\nwrite",
    "usd_per_output_mtok": "output",
    "usd_per_1k_requests": "1000\nrequests",
}
ALWAYS = ("usd_per_input_mtok", "usd_per_cached_input_mtok", "usd_per_output_mtok")

Row = tuple[Product, str, Price | None]


def print_prices(
    console: "Console", rows: Sequence[Row], *, own: Sequence[str], on: date, benched: Sequence[Row] = ()
) -> None:
    """A row a product, service tier and length of prompt; ad hoc benches apart; then the sources by their numbers."""
    both = (*rows, *benched)
    entries = [entry for _, _, price in both if price is not None for entry in price.length_tiers]
    sources = {source: n for n, source in enumerate(dict.fromkeys(_source(entry) for entry in entries), start=1)}
    for title, shown in (
        (f"US dollars per million tokens on {on}", rows),
        (f"Ad hoc benches, by list price on {on}", benched),
    ):
        if shown:
            console.print(_price_table(title, shown, sources))
    for source, n in sources.items():
        console.print(Text(f"[{n}] {source}", style="dim"), soft_wrap=True)
    if any(price is None for _, _, price in rows):
        console.print(
            Text("unknown: in no price list; add a [targets.price] table to the config, or max_usd cannot be kept")
        )
    elif any(price is None for _, _, price in benched):
        console.print(Text("unknown: in no price list; in a config a [targets.price] table would state it"))
    if own:
        console.print(
            Text(f"served by ourselves, at the price of electricity and hardware: {', '.join(own)}", style="dim"),
            Text("\n`megatoken prices --break-even TARGET` compares one of them with the APIs", style="dim"),
        )
    if not both and not own:
        console.print("No target has been measured yet, so there is no price to show; see megatoken night.")


def _price_table(title: str, rows: Sequence[Row], sources: Mapping[str, int]) -> Table:
    entries = [entry for _, _, price in rows if price is not None for entry in price.length_tiers]
    shown = [name for name in HEADS if name in ALWAYS or any(getattr(entry, name) is not None for entry in entries)]
    table = _table(title)
    table.add_column("target", overflow="fold")
    table.add_column("model", overflow="fold", style="dim")
    table.add_column("service", no_wrap=True)
    for name in shown:
        table.add_column(HEADS[name], justify="right", no_wrap=True, style="bold")
    table.add_column("from", no_wrap=True)
    table.add_column("days", justify="right", no_wrap=True)
    table.add_column("by", justify="right", no_wrap=True)
    before: Product | None = None
    for product, tier, price in rows:
        named = ("", "") if product == before else (product.target_id or product.provider, product.model)
        before = product
        if price is None:
            table.add_row(*named, tier, Text("unknown", style="yellow"))
            continue
        for n, entry in enumerate(price.length_tiers):
            length = f" >{entry.above_prompt_tokens // 1000}k" if entry.above_prompt_tokens else ""
            hours = f" {entry.hours_utc}" if entry.hours_utc else ""
            table.add_row(
                *(named if n == 0 else ("", "")),
                f"{tier}{length}{hours}",
                *(_usd(getattr(entry, amount)) for amount in shown),
                entry.valid_from or "-",
                "-" if price.age_days is None else str(price.age_days),
                Text(f"[{sources[_source(entry)]}]", style="dim"),
            )
    return table


def price_json(
    product: Product, service_tier: str, price: Price | None, *, benched: bool = False
) -> list[dict[str, Any]]:
    """An object for each length of prompt; one with nulls where the price is unknown."""
    frame = dataclasses.asdict(product) | {"service_tier": service_tier, "bench": benched}
    if price is None:
        return [frame | {"origin": None} | dict.fromkeys(AMOUNTS)]
    return [
        frame
        | {key: _plain(value) for key, value in dataclasses.asdict(entry).items()}
        | {"age_days": price.age_days, "price_version": entry.price_version}
        for entry in price.length_tiers
    ]


def print_drift(console: "Console", found: Sequence[Drift], *, products: int) -> None:
    """A row a disagreement, and a sentence that counts them."""
    if found:
        table = _table("Two sources that disagree; the first rules")
        for name in ("target", "model", "service", "US dollars per million"):
            table.add_column(name, overflow="fold")
        for name in ("rules", "days", "other", "days", "by"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("other source", overflow="fold", style="dim")
        for one in found:
            share = one.difference_share
            table.add_row(
                one.product.target_id or one.product.provider,
                one.product.model,
                one.ruling.entry.service_tier,
                HEADS[one.amount].replace("\n", " "),
                Text(f"{_usd(one.usd_ruling)} {one.ruling.entry.origin}", style="bold"),
                "-" if one.ruling.age_days is None else str(one.ruling.age_days),
                f"{_usd(one.usd_other)} {one.other.entry.origin}",
                "-" if one.other.age_days is None else str(one.other.age_days),
                "" if share is None else f"{share * 100:+.1f} %",
                one.other.entry.source,
            )
        console.print(table)
    count = "no price differs" if not found else "1 price differs" if len(found) == 1 else f"{len(found)} prices differ"
    of = "1 product" if products == 1 else f"{products} products"
    said = f"{count} between sources, of {of}" if products else "no hosted target of a config has been measured yet"
    console.print(Text(said, style="dim"))


def drift_json(one: Drift) -> dict[str, Any]:
    """One disagreement."""
    return dataclasses.asdict(one.product) | {
        "service_tier": one.ruling.entry.service_tier,
        "amount": one.amount,
        "ruling_origin": one.ruling.entry.origin,
        "ruling_usd": float(one.usd_ruling),
        "ruling_age_days": one.ruling.age_days,
        "ruling_source": one.ruling.entry.source,
        "other_origin": one.other.entry.origin,
        "other_usd": float(one.usd_other),
        "other_age_days": one.other.age_days,
        "other_source": one.other.entry.source,
        "difference_share": one.difference_share,
    }


def print_break_even(console: "Console", found: Sequence[tuple[OwnMachine, list[Comparison]]]) -> None:
    """What the machine costs and makes, and a row an API."""
    for machine, others in found:
        console.print(Text.assemble((machine.target_id, "bold"), f" under workload {machine.workload_id}"))
        console.print(Text(_machine_words(machine), style="dim"))
        if not others:
            console.print("no API was measured under this workload\n")
            continue
        table = _table(None)
        table.add_column("API", overflow="fold")
        table.add_column("USD per\noutput Mtok", justify="right", no_wrap=True)
        table.add_column("cheaper from\nMtok a month", justify="right", no_wrap=True, style="bold")
        table.add_column("range", justify="right", no_wrap=True, style="dim")
        table.add_column("", overflow="fold")
        for other in others:
            asked = "unknown" if other.usd_per_output_mtok is None else _number(other.usd_per_output_mtok.central)
            if other.result is None or other.result.mtok is None:
                table.add_row(other.target_id, asked, "-", "", other.reason or "")
                continue
            table.add_row(
                other.target_id,
                asked,
                _number(other.result.mtok),
                _range(other.result.mtok_low, other.result.mtok_high),
                other.result.note or "",
            )
        console.print(table)
        console.print()


def break_even_json(machine: OwnMachine, others: Sequence[Comparison]) -> dict[str, Any]:
    """The machine and every API beside it."""
    return dataclasses.asdict(machine) | {"apis": [dataclasses.asdict(other) for other in others]}


def _machine_words(machine: OwnMachine) -> str:
    said = []
    if machine.fixed_usd_per_month is not None:
        said.append(f"{_number(machine.fixed_usd_per_month.central)} USD a month whatever it makes")
    if machine.usd_per_output_mtok is not None:
        said.append(f"{_number(machine.usd_per_output_mtok.central)} USD of electricity per million output tokens")
    if machine.capacity_mtok is not None:
        said.append(f"at most {_number(machine.capacity_mtok.central)} million output tokens a month")
    if machine.goodput_share is not None:
        said.append(f"{machine.goodput_share:.0%} of requests met the service level")
    if machine.missing is not None:
        said.append(f"not comparable: {machine.missing}")
    return "; ".join(said)


def _table(title: str | None) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False,
        padding=(0, 1),
    )  # fmt: skip


def _source(entry: Any) -> str:  # noqa: ANN401 - a price entry; its module need not be loaded for a type
    note = f"; {entry.note}" if entry.note else ""
    listed = f": {entry.listed_as}" if entry.origin == "list" else ""
    return f"{entry.origin}: {entry.source}{listed}{note}"


def _usd(value: Decimal | None) -> str:
    return "-" if value is None else f"{value.normalize():f}"


def _number(value: float) -> str:
    from flows.commands.explain import significant

    whole, _, fraction = significant(value, 3).partition(".")
    return f"{int(whole):,}" + (f".{fraction}" if fraction else "")


def _range(low: float | None, high: float | None) -> str:
    return f"{'?' if low is None else _number(low)} to {'never' if high is None else _number(high)}"


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value
