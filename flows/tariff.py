"""What electricity costs by the hour, as a CSV file beside the config says it; the flat tariff where it says nothing.

Two forms, told apart by their first column: `hour_of_week,usd_per_kwh` has all 168 hours of a week, 0 being Monday
00:00 in `tariff_timezone`; `hour_at,usd_per_kwh` has hours with their date and offset (`2026-11-23T02:00Z`).
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.errors import ConfigError
from warehouse.rows import FactRow

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from flows.site import Site
    from warehouse.accounting.hourly import Window

QUANTITY = "electricity_usd_per_kwh"
MEAN_QUANTITY = "electricity_mean_usd_per_kwh"  # of all hours of the file: what a whole month pays
HOURS_OF_WEEK = 168
# How far ahead a trial or a job is told of its tariff; beyond it the flat one stands.
AHEAD_H = 7 * 24
_FORMS = ("hour_of_week", "hour_at")
_PRICE = "usd_per_kwh"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TariffHour:
    """The tariff of one hour."""

    hour: int  # hours since 1970, UTC
    usd_per_kwh: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """A file of hours: of a week in a time zone, or with their dates."""

    name: str
    by_hour: Mapping[int, float]  # hour of the week, or hours since 1970
    zone: "ZoneInfo | None"  # of an hour of the week; None: dated

    def at(self, hour: int) -> float | None:
        """USD per kWh in an hour since 1970; None if the file does not say."""
        if self.zone is None:
            return self.by_hour.get(hour)
        local = datetime.fromtimestamp(hour * 3600, UTC).astimezone(self.zone)
        first = local.weekday() * 24 + local.hour
        # An hour of UTC has parts of two local ones where clocks are half an hour off, as in India.
        past = local.minute / 60
        return self.by_hour[first] * (1 - past) + self.by_hour[(first + 1) % HOURS_OF_WEEK] * past

    @property
    def mean_usd_per_kwh(self) -> float:
        """Over all hours of the file."""
        return sum(self.by_hour.values()) / len(self.by_hour)

    @property
    def dearest_usd_per_kwh(self) -> float:
        """The most that an hour of it costs."""
        return max(self.by_hour.values())


def tariff_of(site: "Site") -> Tariff | None:
    """The tariff by the hour that a site names; None if it names none.

    Raises:
        ConfigError: its file cannot be read, or has a mistake: names the line and what would be right.
    """
    if site.tariff_file is None:
        return None
    return read_tariff(Path(site.tariff_file), timezone_name=site.tariff_timezone)


def read_tariff(path: Path, *, timezone_name: str | None) -> Tariff:
    """Read a file of hours.

    Args:
        path: the CSV.
        timezone_name: of hours of the week; must be given with them, and not with dated hours.

    Raises:
        ConfigError: it cannot be read, or has a mistake: names the line and what would be right.
    """
    import csv  # as is the time zone below: a bench reads no file, and must not wait for it

    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = [column.strip() for column in reader.fieldnames or ()]
            rows = [(reader.line_num, list(row.values())) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError([f"tariff file {path} cannot be read: {error}"]) from error
    if columns not in ([form, _PRICE] for form in _FORMS):
        raise ConfigError(
            [f"tariff file {path.name} has the columns {', '.join(columns) or 'none'}; give hour_of_week,{_PRICE} or"
             f" hour_at,{_PRICE}"]
        )  # fmt: skip
    weekly = columns[0] == _FORMS[0]
    if weekly and timezone_name is None:
        raise ConfigError(
            [f"tariff file {path.name} has hours of the week: say in which time zone, as tariff_timezone in [site]"]
        )
    if not weekly and timezone_name is not None:
        raise ConfigError(
            [f"tariff file {path.name} has dated hours, whose cells say their offset; leave tariff_timezone out"]
        )
    by_hour = dict(_hours(path.name, rows, weekly=weekly))
    if weekly and len(by_hour) != HOURS_OF_WEEK:
        lacking = next(hour for hour in range(HOURS_OF_WEEK) if hour not in by_hour)
        raise ConfigError(
            [f"tariff file {path.name} has {len(by_hour)} of the {HOURS_OF_WEEK} hours of a week; hour {lacking} is the"
             " first that it lacks"]
        )  # fmt: skip
    if not by_hour:
        raise ConfigError([f"tariff file {path.name} has no hour; give one in each line"])
    from zoneinfo import ZoneInfo

    return Tariff(name=path.name, by_hour=by_hour, zone=ZoneInfo(timezone_name) if timezone_name else None)


def hours_ahead(tariff: Tariff | None, at: datetime) -> list[TariffHour]:
    """The hours from an instant on, as far ahead as `AHEAD_H`; those that the file has."""
    if tariff is None:
        return []
    first = int(at.timestamp() // 3600)
    return [
        TariffHour(hour=hour, usd_per_kwh=usd)
        for hour in range(first, first + AHEAD_H)
        if (usd := tariff.at(hour)) is not None
    ]


def mean_fact(tariff: Tariff, trial_id: str) -> FactRow:
    """What a kWh costs over all hours of a tariff, for figures of a month."""
    return FactRow(
        trial_id=trial_id,
        quantity=MEAN_QUANTITY,
        low=None,
        central=tariff.mean_usd_per_kwh,
        high=None,
        basis="declared",
        valid_from=None,
        source=f"{tariff.name}: mean of {len(tariff.by_hour)} hours",
    )


def over_window(
    facts: Sequence[FactRow], tariff: Sequence[TariffHour], name: str, window: "Window | None"
) -> list[FactRow]:
    """Facts with the tariff of the very hours of a window, weighted by time; the flat one stands for what is missing.

    Args:
        facts: of a trial or job; the flat tariff is among them.
        tariff: what is known of the hours.
        name: of the file.
        window: the measured window; None if there was none.
    """
    if not tariff or window is None:
        return list(facts)
    return [_weighted(fact, tariff, name, window) if fact.quantity == QUANTITY else fact for fact in facts]


def _weighted(flat: FactRow, tariff: Sequence[TariffHour], name: str, window: "Window") -> FactRow:
    from warehouse.accounting.hourly import hour_slices

    known = {each.hour: each.usd_per_kwh for each in tariff}
    slices = hour_slices(window)
    there = [hour for hour, _, _ in slices if hour in known]
    if not there:
        return flat
    total = sum(end - start for _, start, end in slices)
    # a window of no length is that of its one hour
    shares = [(hour, (end - start) / total if total else 1 / len(slices)) for hour, start, end in slices]

    def mean(missing: float | None) -> float:
        of_flat = flat.central if missing is None else missing
        return sum(share * known.get(hour, of_flat) for hour, share in shares)

    first = f"{datetime.fromtimestamp(there[0] * 3600, UTC):%Y-%m-%dT%H:00Z}"
    count = "1 hour" if len(slices) == 1 else f"{len(slices)} hours, weighted by time,"
    lacking = len(slices) - len(there)
    note = f"; {lacking} of them not in it, at the flat tariff ({flat.source})" if lacking else ""
    return dataclasses.replace(
        flat,
        low=mean(flat.low) if lacking and flat.low is not None else None,
        central=mean(None),
        high=mean(flat.high) if lacking and flat.high is not None else None,
        valid_from=first,
        source=f"{name}: {count} from {first}{note}",
    )


def _hours(name: str, rows: Sequence[tuple[int, list[str | None]]], *, weekly: bool) -> Iterator[tuple[int, float]]:
    seen: set[int] = set()
    for line, cells in rows:
        where = f"tariff file {name} line {line}"
        if len(cells) != 2 or None in cells:
            raise ConfigError([f"{where} has not two cells"])
        said, amount = (str(cell).strip() for cell in cells)
        hour = _hour_of_week(where, said) if weekly else _hour_at(where, said)
        if hour in seen:
            raise ConfigError([f"{where} repeats {said}; give each hour once"])
        seen.add(hour)
        yield hour, _usd(where, amount)


def _hour_of_week(where: str, said: str) -> int:
    if not said.isdecimal() or int(said) >= HOURS_OF_WEEK:
        raise ConfigError([f"{where} hour_of_week = {said!r}; give 0 (Monday 00:00) to {HOURS_OF_WEEK - 1}"])
    return int(said)


def _hour_at(where: str, said: str) -> int:
    at: datetime | None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or at.timestamp() % 3600:
        raise ConfigError([f"{where} hour_at = {said!r}; give the start of an hour with its offset: 2026-11-23T02:00Z"])
    return int(at.timestamp() // 3600)


def _usd(where: str, said: str) -> float:
    try:
        amount = float(said)
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise ConfigError([f"{where} {_PRICE} = {said!r}; give US dollars per kWh, 0 or more, with a point"])
    return amount
