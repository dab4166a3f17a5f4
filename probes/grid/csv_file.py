"""Hourly intensities from a CSV file: our own columns, a download of Electricity Maps, or any other by naming columns.

Instants must say where they stand: by an offset (`Z`, `+01:00`), by a column name that ends in (UTC), or by a time
zone that the user gives for local times. In local time the clock goes back over one hour each autumn: its first row is
summer time and its second winter time; one row alone could be either, and is refused.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from probes.errors import ProbeError
from probes.grid.hours import Hours, Point, checked_intensity, whole_hours

MAX_BYTES = 64 * 1024 * 1024  # a year of hours takes 1 MB

_TIME_COLUMNS = ("hour_at", "datetime", "datetime (utc)", "mtu (utc)", "mtu (cet/cest)")
_VALUE_COLUMNS = ("gco2e_per_kwh",)
# Electricity Maps has spelled it three ways; life cycle is what a footprint asks for.
_LIFE_CYCLE = re.compile(r"carbon intensity gco.?eq/kwh \((life cycle|lca)", re.IGNORECASE)
_EUROPEAN = ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S")
_CENTRAL_EUROPE = {"CET": timezone(timedelta(hours=1)), "CEST": timezone(timedelta(hours=2))}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    time: str
    value: str
    zone: str | None  # names the grid, in files that hold several
    clock: tzinfo | None  # of instants without an offset


def read_hours(
    path: Path,
    *,
    timezone_name: str | None = None,
    time_column: str | None = None,
    value_column: str | None = None,
) -> Hours:
    """The whole hours of a file; steps of a part of an hour are averaged.

    Args:
        path: the file, comma- or semicolon-separated, with a header.
        timezone_name: of instants without an offset, such as "Europe/Berlin" or "UTC".
        time_column: the column that says when, if its name is not a known one.
        value_column: the column that says gCO2e/kWh, likewise.

    Raises:
        ProbeError: the file cannot be read, or a row of it cannot be used: names the row, counting lines from 1.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ProbeError(f"{path} is larger than {MAX_BYTES // 2**20} MB: no file of hours is; import it by years")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ProbeError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ProbeError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from None
    lines = text.splitlines()
    separator = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.DictReader(lines, delimiter=separator)
    columns = _columns(path, reader.fieldnames or (), timezone_name, time_column, value_column)
    try:
        points = list(_points(path, reader, columns))
    except csv.Error as error:
        raise ProbeError(f"{path}, line {reader.line_num}: {error}") from None
    if not points:
        raise ProbeError(f"{path} has no rows below its header")
    return whole_hours(_with_summer_time(points))


def _columns(
    path: Path, names: Sequence[str], timezone_name: str | None, time_column: str | None, value_column: str | None
) -> _Columns:
    lower = {name.strip().lower(): name for name in names}

    def chosen(given: str | None, known: Sequence[str], what: str, option: str) -> str:
        if given is not None:
            known = (given.lower(),)
        found = next((lower[name] for name in known if name in lower), None)
        if found is None:
            asked = f"no column {given!r}" if given is not None else f"no column that is known to hold {what}"
            raise ProbeError(f"{path} has {asked}; name one of {', '.join(names) or 'its header'} with {option}")
        return found

    time = chosen(time_column, _TIME_COLUMNS, "the hour", "--time-column")
    life_cycle = [name for name in lower if _LIFE_CYCLE.match(name)]
    value = chosen(value_column, (*_VALUE_COLUMNS, *life_cycle), "gCO2e/kWh", "--value-column")
    clock: tzinfo | None = None
    try:
        if timezone_name is not None:
            clock = ZoneInfo(timezone_name)
        elif time.strip().lower().endswith("(utc)"):
            clock = UTC
        elif time.strip().lower().endswith("(cet/cest)"):
            clock = ZoneInfo("Europe/Brussels")
    except (ZoneInfoNotFoundError, ValueError):
        raise ProbeError(
            f'--timezone {timezone_name} is not known here; use UTC or a name such as "Europe/Berlin"'
        ) from None
    return _Columns(time=time, value=value, zone=lower.get("zone id"), clock=clock)


def _points(path: Path, reader: "csv.DictReader[str]", columns: _Columns) -> Iterator[Point]:
    zones: set[str] = set()
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        time, value = (row.get(columns.time) or "").strip(), (row.get(columns.value) or "").strip()
        if columns.zone is not None:
            zones.add(row.get(columns.zone) or "")
            if len(zones) > 1:
                raise ProbeError(f"{where}: a second zone, {row.get(columns.zone)!r}; import a file for each zone")
        at = _instant(time, columns.clock, where)
        try:
            number = float(value)
        except ValueError:
            raise ProbeError(f"{where}: {columns.value} = {value!r} is not a number") from None
        yield Point(at=at, gco2e_per_kwh=checked_intensity(number, where), where=where)


def _instant(text: str, clock: tzinfo | None, where: str) -> datetime:
    start = text.split(" - ", maxsplit=1)[0].strip()  # ENTSO-E writes from - to
    marked = re.fullmatch(r"(.*\S)\s*\((CET|CEST)\)", start)
    if marked:
        start, clock = marked[1], _CENTRAL_EUROPE[marked[2]]
    at = _parsed(start)
    if at is None:
        raise ProbeError(f"{where}: {text!r} is not an instant; write it as 2026-11-01T00:00Z")
    if at.tzinfo is not None:
        return at
    if clock is None:
        raise ProbeError(
            f"{where}: {text!r} does not say in which time zone; write an offset (2026-11-01T00:00+01:00, or Z), or"
            " give --timezone for the whole file"
        )
    local = at.replace(tzinfo=clock)
    if local.astimezone(UTC).astimezone(clock).replace(tzinfo=None) != at:
        raise ProbeError(f"{where}: {text!r} does not exist in {clock}: the clock was put forward over it")
    return local


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for pattern in _EUROPEAN:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - the caller adds the zone, or refuses
        except ValueError:
            continue
    return None


def _with_summer_time(points: Sequence[Point]) -> Iterator[Point]:
    """Local instants that come twice: the first time in summer time, the second in winter time."""
    seen: dict[datetime, Point] = {}
    again: set[datetime] = set()
    for point in points:
        at = point.at
        if at.utcoffset() == at.replace(fold=1).utcoffset():
            yield point
            continue
        if at not in seen:
            seen[at] = point
            yield point
        else:
            again.add(at)
            yield Point(at=at.replace(fold=1), gco2e_per_kwh=point.gco2e_per_kwh, where=point.where)
    lone = next((point for at, point in seen.items() if at not in again), None)
    if lone is not None:
        raise ProbeError(
            f"{lone.where}: {lone.at:%Y-%m-%d %H:%M} comes twice that night and could be either; write an offset"
        )
