"""What `megatoken fake` shows: the table of fixtures, where to find each format, what was served."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from string import ascii_lowercase
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from probes.fake.fixtures import FIXTURES, Fixture
from probes.fake.formats import FORMATS, planned_class, plays
from probes.fake.script import FakeScript

_LETTERS: Final = dict(zip(FORMATS, ascii_lowercase, strict=False))
_LEGEND_COLUMNS: Final = 4


def fixtures_json() -> list[dict[str, Any]]:
    """Every fixture, with the formats that have it and what a client should call it there; null for a success."""
    return [
        {
            "fixture": name,
            "number": fixture.number,
            "says": fixture.says,
            "formats": {api: planned_class(form, fixture) for api, form in FORMATS.items() if plays(form, fixture)},
        }
        for name, fixture in FIXTURES.items()
    ]


def print_fixtures(console: Console) -> None:
    """One row a fixture, one column a format."""
    legend = Table.grid(padding=(0, 2))
    named = [f"{_LETTERS[api]} {api}" for api in FORMATS]
    for n in range(0, len(named), _LEGEND_COLUMNS):
        legend.add_row(*named[n : n + _LEGEND_COLUMNS])
    console.print(legend)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("nr", justify="right", style="dim")
    table.add_column("fixture", no_wrap=True)
    table.add_column("what it plays")
    table.add_column("class", no_wrap=True)
    table.add_column("".join(_LETTERS.values()), no_wrap=True)
    for fixture in FIXTURES.values():
        has = "".join(_LETTERS[api] if plays(form, fixture) else "·" for api, form in FORMATS.items())
        number = "" if fixture.number is None else str(fixture.number)
        table.add_row(number, fixture.name, fixture.says, fixture.error_class or "ok", has)
    console.print(table)
    for sentence in _exceptions():
        console.print(sentence)


def _exceptions() -> list[str]:
    """Where a format calls a fixture something else than most do."""
    others: dict[tuple[str, str], list[str]] = {}
    for fixture in FIXTURES.values():
        for api, form in FORMATS.items():
            told = planned_class(form, fixture)
            if plays(form, fixture) and told != fixture.error_class:
                others.setdefault((_group(fixture), told or "ok"), [])
                if api not in others[_group(fixture), told or "ok"]:
                    others[_group(fixture), told or "ok"].append(api)
    return [f"{what} is {told} in {', '.join(apis)}" for (what, told), apis in others.items()]


def _group(fixture: Fixture) -> str:
    return "http-429 in all its forms" if fixture.name.startswith("http-429") else fixture.name


def print_started(console: Console, base_urls: Mapping[str, str], script: FakeScript) -> None:
    """What to write into a config for each format."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("api")
    table.add_column("base_url", no_wrap=True)
    for api, base_url in base_urls.items():
        table.add_row(api, base_url)
    console.print(table)
    pace = f"{script.ttft_s * 1e3:g} ms to the first of {script.tokens} tokens, {script.itl_s * 1e3:g} ms between them"
    rules = len(script.rules())
    plays_what = f"{rules} rule{'s' if rules != 1 else ''} of fixtures" if rules else "no fixture: plain answers"
    console.print(f"{pace}; {plays_what}. Ctrl-C ends it.")
    console.file.flush()


def print_served(console: Console, classes: Mapping[str, Counter[str]], log: Path | None) -> None:
    """What was served, by what a client should have called it."""
    if not classes:
        console.print("nobody asked")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("api", "class"):
        table.add_column(name)
    table.add_column("requests", justify="right")
    for api, counts in classes.items():
        for n, (kind, count) in enumerate(sorted(counts.items(), key=lambda item: (item[0] != "ok", item[0]))):
            table.add_row(api if n == 0 else "", kind, str(count))
    console.print(table)
    if log is not None:
        console.print(f"the times of each: {log}")
