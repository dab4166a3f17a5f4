"""The files that a config names: their paths, which start at its own folder, and whether they can be read."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.errors import ConfigError
from flows.site import Site
from flows.targets import EndpointTarget, Target
from flows.traces import with_paths
from probes.load.token_table import TOKENIZER_WORDS


def table_with_paths(table: Any, n: int, folder: Path, name: str, problems: list[str]) -> Any:  # noqa: ANN401 - TOML's own
    """The n-th workload as TOML has it, with the paths of its files; mistakes in them are added to the problems."""
    if not isinstance(table, dict):
        return table
    found: list[str] = []
    filled = with_paths(table, folder, found)
    problems += [f'{name}: workloads[{n}] "{table.get("id")}" {sentence}' for sentence in found]
    return filled


def with_prices(targets: Sequence[Target], file: str | None, folder: Path, name: str) -> list[Target]:
    """The targets, the hosted ones with the path of the config's price file, if it names one.

    Raises:
        ConfigError: it cannot be read, or has a mistake.
    """
    if file is None:
        return list(targets)
    from warehouse.errors import WarehouseError
    from warehouse.pricebook import read_price_file

    path = (folder / Path(file).expanduser()).resolve()
    try:
        read_price_file(path)
    except WarehouseError as error:
        raise ConfigError([f"{name}: prices file: {error}"]) from error
    return [
        replace(target, price_file=target.price_file or str(path)) if isinstance(target, EndpointTarget) else target
        for target in targets
    ]


def with_tokenizer(target: Target, folder: Path) -> Target:
    """A target with the path of its tokenizer's file, if it names one."""
    if target.tokenizer in TOKENIZER_WORDS:
        return target
    return replace(target, tokenizer=str((folder / Path(target.tokenizer).expanduser()).resolve()))


def with_tariff(site: Site | None, folder: Path, name: str) -> Site | None:
    """The site with the path of its file of hours.

    Raises:
        ConfigError: the file cannot be read, or has a mistake; or it is not said which file a time zone is of.
    """
    if site is None:
        return None
    if site.tariff_file is None:
        if site.tariff_timezone is not None:
            raise ConfigError([f"{name}: [site] tariff_timezone is of no file; give tariff_file, or leave it out"])
        return site
    from flows.tariff import tariff_of

    found = replace(site, tariff_file=str((folder / Path(site.tariff_file).expanduser()).resolve()))
    try:
        tariff_of(found)
    except ConfigError as error:
        raise ConfigError([f"{name}: [site] {problem}" for problem in error.problems]) from None
    return found
