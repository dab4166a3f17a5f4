"""How a ledger is read: rows as text in the order of the file, and which of them hold on a day."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from warehouse.errors import ReferenceDataError

FOLDER = Path(__file__).parent


@cache
def ledger(name: str) -> tuple[Mapping[str, str], ...]:
    """All rows of `NAME.csv`, as text, in the order of the file."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def held(
    rows: Sequence[Mapping[str, str]], on: date | None, *, ledger_name: str, wanted: str
) -> list[Mapping[str, str]]:
    """Rows that hold on a day (all of them, if None), the newest last.

    Raises:
        ReferenceDataError: the first of them begins later.
    """
    in_order = sorted(rows, key=lambda row: row["valid_from"])
    holding = [row for row in in_order if on is None or row["valid_from"] <= on.isoformat()]
    if not holding:
        raise ReferenceDataError(
            f"no {wanted} on {on}; {ledger_name}.csv starts {in_order[0]['valid_from']}, add a row with its source"
        )
    return holding
