"""`megatoken watch`: what changed in the nightly figures of targets, and what else differed that night."""

import argparse
from dataclasses import asdict
from datetime import date, timedelta

from flows.errors import ConfigError
from flows.paths import data_dir
from flows.watchtable import RECENT, print_changes
from warehouse.errors import WarehouseError
from warehouse.query import open_published
from warehouse.watch import changes, last_watch


def run(options: argparse.Namespace) -> int:
    """Print the changes, the newest first."""
    since = _day(options.since)
    try:
        with open_published(data_dir(options.data)) as con:
            seen = last_watch(con)
            if since is None and seen is not None and seen.newest_on is not None:
                since = seen.newest_on - RECENT + timedelta(days=1)
            found = changes(con, since=since)
            known = {target for (target,) in con.execute("SELECT DISTINCT target_id FROM trials").fetchall()}
    except WarehouseError as error:
        raise ConfigError([str(error)]) from error
    if options.target is not None:
        if options.target not in known:
            others = f"there are {', '.join(sorted(known))}" if known else "no target has been yet"
            raise ConfigError([f"{options.target} has not been measured; {others}"])
        found = [change for change in found if change.target_id == options.target]
    if options.json:
        import orjson

        print(
            orjson.dumps([asdict(of) | {"relative": of.relative} for of in found], option=orjson.OPT_INDENT_2).decode()
        )
        return 0
    from flows.terminal import board_console

    print_changes(board_console(), found, seen, since, with_nights=options.nights)
    return 0


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError([f"--since {text} is no day; write it as 2026-11-01"]) from None
