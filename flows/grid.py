"""Hourly intensities of a grid: from a file or a provider, into the warehouse, where accounts find them.

Rows are never changed: what a provider revises is a later row of the same hour, and accounts read the latest.
"""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flows.errors import ConfigError
from probes.errors import ProbeError
from probes.grid.hours import HOUR, Hours, Signal

if TYPE_CHECKING:
    from flows.config import Site
    from flows.gridprovider import GridProvider

# Where nothing is known yet, a fetch without --from begins here.
FIRST_LOOK = timedelta(days=2)
# Providers replace their first estimates within about a day.
REVISED = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What an import or a fetch brought."""

    zone: str
    source: str
    signal: Signal
    first_hour_at: datetime | None
    last_hour_at: datetime | None
    landed: int  # new or revised hours
    unchanged: int  # known, with the same figure
    left_out: int  # parts of them were missing


def bring(data_dir: Path, hours: Hours, *, zone: str, signal: Signal, source: str, retrieved_at: datetime) -> Brought:
    """Land what is new of some hours, and load it.

    Raises:
        WarehouseError: the disk would not take it, or another process holds the warehouse for too long.
    """
    from probes.host import host_facts
    from warehouse.grid_ledger import known_hours
    from warehouse.landing import land
    from warehouse.loader import load
    from warehouse.rows import GridHourRow

    load(data_dir)
    known = known_hours(data_dir, zone=zone, signal=signal, source=source)
    rows = [
        GridHourRow(
            zone=zone,
            hour_at=hour.hour_at,
            signal=signal,
            gco2e_per_kwh=hour.gco2e_per_kwh,
            source=source,
            retrieved_at=retrieved_at,
        )
        for hour in hours.hours
        if known.get(hour.hour_at) != hour.gco2e_per_kwh
    ]
    if rows:
        batch_id = f"grid-{retrieved_at:%Y-%m-%dT%H%M%SZ}-{os.urandom(3).hex()}"
        land(data_dir, batch_id=batch_id, host_id=host_facts().host_id, rows=rows)
        load(data_dir)
    at = [hour.hour_at for hour in hours.hours]
    return Brought(
        zone=zone,
        source=source,
        signal=signal,
        first_hour_at=min(at, default=None),
        last_hour_at=max(at, default=None),
        landed=len(rows),
        unchanged=len(hours.hours) - len(rows),
        left_out=hours.left_out,
    )


def fetch(data_dir: Path, site: "Site", *, first: date | None, last: date | None, now: datetime) -> Brought:
    """Ask the provider of a site for hours, and bring what is new.

    Args:
        data_dir: the data folder.
        site: with a grid provider.
        first: first day, UTC; a day before the last hour that is known from this provider, if None.
        last: last day, UTC; until now, if None.
        now: this instant; nothing later is asked for.

    Raises:
        ConfigError: the site names no provider, its key is not in the environment, or the days are in the wrong order.
        ProbeError: the provider cannot be reached, refuses, or sends what is not documented.
        WarehouseError: as `bring`.
    """
    provider = site.grid_provider
    if provider is None:
        raise ConfigError(
            ['the config names nobody to ask; add [site.grid_provider] with name = "electricity-maps", "watttime" or'
             ' "uk-carbon-intensity"']
        )  # fmt: skip
    signal, source = _what(provider)
    ends_at = now.replace(minute=0, second=0, microsecond=0)
    if last is not None:
        ends_at = min(ends_at, _midnight(last) + timedelta(days=1))
    begins_at = _midnight(first) if first is not None else _after_known(data_dir, site.zone, signal, source, ends_at)
    if begins_at >= ends_at:
        raise ConfigError([f"--from {begins_at:%Y-%m-%d} must be before --to, and no later than today"])
    hours = _ask(provider, begins_at, ends_at)
    return bring(data_dir, hours, zone=site.zone, signal=signal, source=source, retrieved_at=now)


def fetch_for_night(data_dir: Path, site: "Site | None", *, now: datetime) -> list[str]:
    """Fetch what a night's site asks for, if it does; what happened, in sentences.

    A provider that fails costs a night nothing but the hours: its accounts rest on the yearly mean then, and say so.

    Raises:
        WarehouseError: as `bring`.
    """
    if site is None or site.grid_provider is None:
        return []
    try:
        brought = fetch(data_dir, site, first=None, last=None, now=now)
    except (ConfigError, ProbeError) as error:
        return [f"hours of the grid were not fetched: {error}"]
    return [f"{brought.landed} hours of grid {brought.zone} fetched from {brought.source}"]


def _what(provider: "GridProvider") -> tuple[Signal, str]:
    """What kind of figure a provider gives, and what it is stored as."""
    from probes.grid import electricity_maps, uk, watttime

    match provider.name:
        case "electricity-maps":
            return "average", f"{electricity_maps.SOURCE}, zone {provider.zone}"
        case "watttime":
            return "marginal", f"{watttime.SOURCE}, region {provider.zone}"
        case "uk-carbon-intensity":
            return "average", uk.SOURCE


def _ask(provider: "GridProvider", start: datetime, end: datetime) -> Hours:
    from probes.grid import electricity_maps, uk, watttime

    zone = provider.zone or ""  # the config was checked: who needs a zone has one
    match provider.name:
        case "electricity-maps":
            base_url = provider.base_url or electricity_maps.BASE_URL
            return electricity_maps.fetch(
                zone=zone, start=start, end=end, key=_secret(provider.key_env), base_url=base_url
            )
        case "watttime":
            user, key = _secret(provider.user_env), _secret(provider.key_env)
            base_url = provider.base_url or watttime.BASE_URL
            return watttime.fetch(zone=zone, start=start, end=end, user=user, key=key, base_url=base_url)
        case "uk-carbon-intensity":
            return uk.fetch(start=start, end=end, base_url=provider.base_url or uk.BASE_URL)


def _secret(variable: str | None) -> str:
    value = os.environ.get(variable or "")
    if not value:
        raise ConfigError([f"the environment variable {variable} is not set; export {variable}=..."])
    return value


def _after_known(data_dir: Path, zone: str, signal: Signal, source: str, ends_at: datetime) -> datetime:
    from warehouse.grid_ledger import known_hours
    from warehouse.loader import load

    load(data_dir)
    known = known_hours(data_dir, zone=zone, signal=signal, source=source)
    latest = max(known, default=ends_at - FIRST_LOOK + REVISED)
    return min(latest - REVISED, ends_at - HOUR)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
