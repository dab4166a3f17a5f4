"""`megatoken grid`: hourly intensities of grids - what is there, `import` from a file, `fetch` from a provider."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.errors import ConfigError, NightError
from flows.paths import data_dir
from flows.plurals import counted
from probes.errors import ProbeError
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from rich.console import Console

    from flows.grid import Brought


def run(options: argparse.Namespace) -> int:
    """List, import or fetch."""
    root = data_dir(options.data)
    if options.action is None:
        return _list(root, as_json=options.json)
    try:
        brought = _import(root, options) if options.action == "import" else _fetch(root, options)
        from warehouse.publish import publish

        publish(root)
    except ProbeError as error:
        raise ConfigError([str(error)]) from error
    except WarehouseError as error:
        raise NightError(str(error)) from error
    if options.json:
        import dataclasses

        import orjson

        print(orjson.dumps(dataclasses.asdict(brought)).decode())
    else:
        print("\n".join(sentences(brought)))
    return 0


def sentences(brought: "Brought") -> list[str]:
    """What came, in words."""
    if brought.first_hour_at is None or brought.last_hour_at is None:
        return [f"{brought.source} has no whole hour of {brought.zone} in that span"]
    span = f"{brought.first_hour_at:%Y-%m-%d %H:00} to {brought.last_hour_at:%Y-%m-%d %H:00} UTC"
    said = [
        f"{brought.zone}, {brought.signal}, from {brought.source}: {span}",
        f"{counted(brought.landed, 'hour')} new or revised, {brought.unchanged} known already",
    ]
    if brought.left_out:
        said.append(f"{counted(brought.left_out, 'hour')} left out: parts of them are missing")
    if brought.landed:
        said.append("what is accounted already stays as it is until `megatoken account --recompute`")
    return said


def _import(root: Path, options: argparse.Namespace) -> "Brought":
    from flows.grid import bring
    from probes.grid.csv_file import read_hours

    path = Path(options.file)
    hours = read_hours(
        path, timezone_name=options.timezone, time_column=options.time_column, value_column=options.value_column
    )
    return bring(
        root,
        hours,
        zone=options.zone,
        signal=options.signal,
        source=options.source or path.name,
        retrieved_at=datetime.now(UTC),
    )


def _fetch(root: Path, options: argparse.Namespace) -> "Brought":
    from flows.config import load_config
    from flows.grid import fetch

    site = load_config(Path(options.config)).config.site
    if site is None:
        raise ConfigError([f"{options.config} has no [site] table, which says where this machine stands; add one"])
    return fetch(root, site, first=options.first, last=options.last, now=datetime.now(UTC))


def _list(root: Path, *, as_json: bool) -> int:
    from warehouse.grid_ledger import coverage
    from warehouse.publish import published_link

    try:
        rows = coverage(root) if published_link(root).exists() else []
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    if as_json:
        import orjson

        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return 0
    from flows.terminal import board_console

    print_coverage(board_console(), rows, datetime.now(UTC))
    return 0


def print_coverage(console: "Console", rows: list[dict[str, Any]], now: datetime) -> None:
    """A row for each zone, signal and source."""
    from rich.table import Table
    from rich.text import Text

    if not rows:
        console.print("no hours of any grid yet: accounts use yearly means; see megatoken grid import --help")
        return
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("zone", "signal", "from", "to (UTC)"):
        table.add_column(head, no_wrap=True)
    for head in ("hours", "missing", "gCO2e/kWh", "retrieved"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    for row in rows:
        missing = row["missing_hours"]
        table.add_row(
            row["zone"],
            row["signal"],
            f"{row['first_hour_at']:%Y-%m-%d %H:00}",
            f"{row['last_hour_at']:%Y-%m-%d %H:00}",
            str(row["hours"]),
            Text(str(missing), style="yellow" if missing else "dim"),
            f"{row['lowest_gco2e_per_kwh']:.0f}-{row['highest_gco2e_per_kwh']:.0f}",
            _age(now, row["retrieved_at"]),
            row["source"],
        )
    console.print(table)


def _age(now: datetime, at: datetime) -> str:
    hours = (now - at).total_seconds() / 3600
    return (
        f"{hours * 60:.0f} min ago" if hours < 1 else f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} d ago"
    )
