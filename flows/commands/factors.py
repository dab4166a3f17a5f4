"""`megatoken factors`: every figure that accounts rest on, with its range, source and age, and what has changed."""

import argparse
import dataclasses
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from flows.errors import ConfigError
from flows.factor_words import figure, range_of, unit_of
from flows.paths import data_dir
from warehouse.errors import WarehouseError
from warehouse.factor_history import FactorChange, changes, in_force, recorded_factors
from warehouse.factors import Factor, all_factors, factors_of

MOST_COLUMNS = 120

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text


def run(options: argparse.Namespace) -> int:
    """List the factors in force, or what has changed since the warehouse was written."""
    today = datetime.now(UTC).date()
    try:
        if options.diff is not None:
            return _diff(options, today)
        factors = _chosen(factors_of(options.ledger) if options.ledger else all_factors(), options)
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    if options.key is None:
        factors = in_force(factors, today)
    if options.json:
        _print_json([as_json(factor, today) for factor in factors])
        return 0
    from flows.terminal import board_console

    print_factors(board_console(), factors, today)
    return 0


def as_json(factor: Factor, today: date) -> dict[str, Any]:
    """A factor as `--json` prints it."""
    return dataclasses.asdict(factor) | {"age_days": age_days(factor, today)}


def age_days(factor: Factor, today: date) -> int | None:
    """Days since it holds; None if its ledger does not say from when."""
    return None if factor.valid_from is None else (today - date.fromisoformat(factor.valid_from)).days


def print_factors(console: "Console", factors: Sequence[Factor], today: date) -> None:
    """A table a ledger with its sources, and the packages whose facts are in no file of ours."""
    from rich.table import Table
    from rich.text import Text

    from warehouse.packaged_factors import PACKAGES, package_version

    for name in dict.fromkeys(factor.ledger for factor in factors):
        of_ledger = [factor for factor in factors if factor.ledger == name]
        console.print(factor_table(name, of_ledger, today))
        sources = Table.grid(padding=(0, 1, 0, 0))
        for number, source in enumerate(dict.fromkeys(factor.source for factor in of_ledger), start=1):
            sources.add_row(Text(f"[{number}]", style="dim"), Text(source, style="dim"))
        console.print(sources, width=min(console.width, MOST_COLUMNS))
        console.print()
    for package, what in PACKAGES.items():
        console.print(Text(f"in the package {package_version(package)}: {what}", style="dim"))
    console.print(
        Text("tag: read in its source, computed from what was read, or recalled (not read again)", style="dim")
    )


def factor_table(name: str, factors: Sequence[Factor], today: date) -> "Table":
    """A row a factor; what the row before says already is left blank."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=name, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False,
        padding=(0, 1),
    )  # fmt: skip
    table.add_column("key", no_wrap=True)
    table.add_column("quantity", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True, style="bold")
    table.add_column("low-high", justify="right", no_wrap=True, style="dim")
    table.add_column("unit", no_wrap=True)
    table.add_column("tag", no_wrap=True)
    table.add_column("valid from", no_wrap=True)
    table.add_column("days", justify="right", no_wrap=True)
    table.add_column("source", justify="right", style="dim", no_wrap=True)
    numbers = {source: f"[{n}]" for n, source in enumerate(dict.fromkeys(f.source for f in factors), start=1)}
    before: Factor | None = None
    for factor in factors:
        same_row = before is not None and (before.key, before.factor_version) == (factor.key, factor.factor_version)
        age = age_days(factor, today)
        table.add_row(
            "" if same_row else factor.key,
            factor.quantity,
            figure(factor.central),
            range_of(factor),
            unit_of(factor.quantity),
            Text(factor.tag or "-", style="yellow" if factor.tag == "recalled" else ""),
            *(
                ("", "", "")
                if same_row
                else (factor.valid_from or "-", "-" if age is None else str(age), Text(numbers[factor.source]))
            ),
        )
        before = factor
    return table


def _chosen(factors: Sequence[Factor], options: argparse.Namespace) -> list[Factor]:
    """Those of the key, if one is asked for.

    Raises:
        ConfigError: no row has it.
    """
    if options.key is None:
        return list(factors)
    wanted = options.key.casefold()
    found = [factor for factor in factors if wanted in (factor.key.casefold(), factor.key.casefold().split("/")[0])]
    if not found:
        import difflib

        keys = {factor.key.casefold(): factor.key for factor in factors}
        near = [keys[name] for name in difflib.get_close_matches(wanted, keys, n=4, cutoff=0.4)]
        where = f"ledger {options.ledger}" if options.ledger else "any ledger"
        hint = f"; nearest are {', '.join(near)}" if near else ""
        raise ConfigError([f"--key {options.key}: no row of {where} has it{hint}; add a row with its source"])
    return found


def _diff(options: argparse.Namespace, today: date) -> int:
    since = _day(options.diff) if options.diff else None
    then = recorded_factors(data_dir(options.data), by=since)
    names = (options.ledger,) if options.ledger else None
    found = [
        change
        for change in changes(then, all_factors(), on=today)
        if (names is None or change.ledger in names) and (options.key is None or change.key == options.key)
    ]
    if options.json:
        _print_json([dataclasses.asdict(change) for change in found])
        return 0
    from flows.terminal import board_console

    print_changes(board_console(), found, since)
    return 0


def print_changes(console: "Console", found: Sequence[FactorChange], since: date | None) -> None:
    """A row a change, and a sentence that counts them."""
    from rich.table import Table
    from rich.text import Text

    against = "the published warehouse" if since is None else f"the warehouse at the end of {since}"
    if not found:
        console.print(f"no factor of the files differs from {against}")
        return
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 1))
    for name in ("", "ledger", "key", "quantity"):
        table.add_column(name, no_wrap=name != "quantity", overflow="fold")
    for name in ("before", "now"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("by", justify="right", no_wrap=True)
    table.add_column("source", overflow="fold", style="dim", ratio=1)
    styles = {"added": "green", "changed": "yellow", "withdrawn": "red", "reworded": "dim"}
    for change in found:
        newest = change.after or change.before
        assert newest is not None  # a change has one of the two
        table.add_row(
            Text(change.kind, style=styles[change.kind]),
            change.ledger,
            change.key,
            change.quantity,
            _with_range(change.before),
            _with_range(change.after),
            _by(change),
            newest.source,
        )
    console.print(table)
    count = "1 factor differs" if len(found) == 1 else f"{len(found)} factors differ"
    console.print(Text(f"{count} from {against}; `megatoken publish` records them", style="dim"))


def _with_range(factor: Factor | None) -> "Text":
    from rich.text import Text

    if factor is None:
        return Text("-", style="dim")
    text = Text(figure(factor.central), style="bold")
    return text.append(f"\n{range_of(factor)}", style="not bold dim") if range_of(factor) else text


def _by(change: FactorChange) -> str:
    if change.kind != "changed" or change.before is None or change.after is None or not change.before.central:
        return ""
    return f"{(change.after.central / change.before.central - 1) * 100:+.1f} %"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError([f"--diff {text}: is not a day; give one as YYYY-MM-DD, or none"]) from None


def _print_json(value: object) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
