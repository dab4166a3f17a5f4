"""A project's own price file: a CSV that its users keep, with a date and a source in each row.

Columns: `provider`, `model`, `valid_from`, `source` must be filled; `service_tier`, `above_prompt_tokens`, `hours_utc`,
`per_input_mtok`, `per_cached_input_mtok`, `per_cache_write_mtok`, `per_output_mtok`, `per_1k_requests`, `currency`,
`usd_per_currency`, `rate_on`, `rate_source`, `tax`, `checked_on` may be. Amounts are in `currency`, USD if blank.
Another currency needs the rate, its day and who published it: a price is never converted at a rate that nobody stated.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from warehouse.errors import ReferenceDataError
from warehouse.pricebook.entry import AMOUNTS, STANDARD, PriceEntry

NEEDED = ("provider", "model", "valid_from", "source")
OPTIONAL = (
    "service_tier", "above_prompt_tokens", "hours_utc", *(name.removeprefix("usd_") for name in AMOUNTS),
    "currency", "usd_per_currency", "rate_on", "rate_source", "tax", "checked_on",
)  # fmt: skip
HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")

PriceFile = Mapping[tuple[str, str], tuple[PriceEntry, ...]]


def read_price_file(path: Path) -> PriceFile:
    """Entries of a price file by provider and model, in order of their day.

    Raises:
        ReferenceDataError: the file cannot be read, or a row has a mistake: names the line and what would be right.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            _check_columns(path, reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReferenceDataError(f"price file {path} cannot be read: {error}") from error
    found: dict[tuple[str, str], list[PriceEntry]] = defaultdict(list)
    for line, row in rows:
        where = f"{path.name} line {line}"
        if None in row or None in row.values():
            raise ReferenceDataError(
                f"{where} has not as many cells as the first line; quote a cell that holds a comma"
            )
        cells = {column: cell.strip() for column, cell in row.items()}
        found[cells["provider"].lower(), cells["model"].lower()].append(_entry(path.name, where, cells))
    return {key: tuple(sorted(entries, key=_order)) for key, entries in found.items()}


def _order(entry: PriceEntry) -> tuple[str, bool]:
    return entry.valid_from or "", entry.hours_utc is not None


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in columns]
    unknown = [name for name in columns if name not in (*NEEDED, *OPTIONAL)]
    if missing or unknown:
        said = [f"lacks {', '.join(missing)}"] if missing else []
        said += [f"has unknown columns {', '.join(unknown)}"] if unknown else []
        raise ReferenceDataError(
            f"price file {path} {' and '.join(said)}; its columns are {', '.join((*NEEDED, *OPTIONAL))}"
        )


def _entry(name: str, where: str, cells: Mapping[str, str]) -> PriceEntry:
    blank = [column for column in NEEDED if not cells[column]]
    if blank:
        raise ReferenceDataError(f"{where} has no {', '.join(blank)}; a price has a day and a source")
    hours = cells.get("hours_utc") or None
    if hours is not None and not HOURS.fullmatch(hours):
        raise ReferenceDataError(f"{where} hours_utc = {hours!r}; give them as 16:30-00:30")
    currency, rate, said = _currency(where, cells)
    amounts = {
        usd: None if (stated := _amount(where, usd.removeprefix("usd_"), cells)) is None else stated * rate
        for usd in AMOUNTS
    }
    entry = PriceEntry(
        origin="file",
        listed_as=f"{cells['provider']}/{cells['model']}",
        service_tier=cells.get("service_tier") or STANDARD,
        above_prompt_tokens=_count(where, cells.get("above_prompt_tokens") or "0"),
        hours_utc=hours,
        currency=currency,
        note="; ".join([*said, *([f"tax: {cells['tax']}"] if cells.get("tax") else [])]) or None,
        valid_from=_day(where, "valid_from", cells["valid_from"]),
        checked_on=_day(where, "checked_on", cells["checked_on"]) if cells.get("checked_on") else None,
        source=f"{name}: {cells['source']}",
        **amounts,
    )
    if entry.is_empty:
        raise ReferenceDataError(f"{where} states no price; fill at least one of per_input_mtok and per_output_mtok")
    return entry


def _currency(where: str, cells: Mapping[str, str]) -> tuple[str, Decimal, list[str]]:
    """The currency of a row, what one of it is in US dollars, and what to say about that."""
    currency = (cells.get("currency") or "USD").upper()
    if currency == "USD":
        return currency, Decimal(1), []
    missing = [column for column in ("usd_per_currency", "rate_on", "rate_source") if not cells.get(column)]
    if missing:
        raise ReferenceDataError(
            f"{where} is in {currency} without {', '.join(missing)}; state the rate, its day and who published it,"
            " or give the price in USD"
        )
    rate = _amount(where, "usd_per_currency", cells)
    assert rate is not None  # it is filled
    if rate == 0:
        raise ReferenceDataError(f"{where} usd_per_currency is 0; it is what one {currency} is in US dollars")
    on = _day(where, "rate_on", cells["rate_on"])
    return currency, rate, [f"1 {currency} = {rate} USD on {on} ({cells['rate_source']})"]


def _amount(where: str, column: str, cells: Mapping[str, str]) -> Decimal | None:
    cell = cells.get(column)
    if not cell:
        return None
    try:
        amount = Decimal(cell)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and amount >= 0):
        raise ReferenceDataError(f"{where} {column} = {cell!r}; give a number from 0 up, with a point")
    return amount


def _count(where: str, cell: str) -> int:
    if not cell.isdecimal():
        raise ReferenceDataError(f"{where} above_prompt_tokens = {cell!r}; give a whole number of tokens")
    return int(cell)


def _day(where: str, column: str, cell: str) -> str:
    try:
        return date.fromisoformat(cell).isoformat()
    except ValueError:
        raise ReferenceDataError(f"{where} {column} = {cell!r} is no day; give YYYY-MM-DD") from None
