"""`megatoken check`: what an endpoint can do, and where it leaves its standard, in some twenty cheap calls."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from flows.check import land_check, run_check
from flows.checkorder import Order, order_of
from flows.checktable import check_json, print_check, quote_sentence
from flows.errors import NightError
from flows.paths import data_dir
from flows.terminal import board_console, plain_console
from probes.errors import ProbeError
from warehouse.errors import WarehouseError
from warehouse.loader import load
from warehouse.publish import publish

if TYPE_CHECKING:
    from rich.console import Console

    from probes.capability.probe import CheckReport


def run(options: argparse.Namespace) -> int:
    """Ask, land, print. 0 if it answered, however oddly; 1 if it did not."""
    order = order_of(options)
    data = data_dir(options.data)
    told = plain_console(stderr=True) if options.json else board_console()
    told.print(quote_sentence(order), highlight=False, soft_wrap=True)
    try:
        report, engine_version = _asked(order, data, told)
        check_id = None if options.no_land else land_check(order, report, engine_version, data)
    except (ProbeError, WarehouseError) as error:
        raise NightError(str(error)) from error
    if options.json:
        print(json.dumps(check_json(order.target.id, check_id, report)))
    else:
        print_check(told, order.target.id, report)
    if check_id is not None:
        _publish(data, told)
    return 0 if report.answered else 1


def _asked(order: Order, data: Path, told: "Console") -> tuple["CheckReport", str | None]:
    with told.status("the way to it") as status:
        return run_check(order, data, on_call=lambda name: status.update(f"asking: {name}"), note=status.update)


def _publish(data: Path, told: "Console") -> None:
    """Bring it to the pages; where the warehouse is held by a night, that night's own load does."""
    try:
        for sentence in load(data).damaged:
            told.print(sentence, highlight=False)
        publish(data)
    except WarehouseError as error:
        told.print(f"landed, and not shown yet: {error}", highlight=False)
