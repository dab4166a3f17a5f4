"""The dated facts that an account will rest on, gathered when a trial is planned and landed beside it.

What the config declares wins over what a ledger, a price list or an estimate says; what nobody says is left out, so
that the account is NULL and names what was missing. A fact of a ledger names its row and the version of it.
"""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.config import EndpointTarget, LocalTarget, Range, Site, Target
from flows.errors import ConfigError
from flows.ledgerfacts import device_fact, ledger_fact, yearly_grid_fact, zone_facts
from flows.pricefacts import price_facts
from flows.site import Hardware, Hosting, Market
from flows.tariff import mean_fact, tariff_of
from warehouse.rows import Basis, FactRow

if TYPE_CHECKING:
    from datetime import date

    from warehouse.ecologits import HostedEstimate
    from warehouse.formulas.interval import Interval

DECLARED = "declared in the config"
SECONDS_PER_YEAR = 365.25 * 86_400


def facts_for(target: Target, site: Site | None, *, trial_id: str, at: datetime) -> list[FactRow]:
    """Every fact known of a target at an instant.

    Raises:
        ConfigError: a zone, a device or another row that no ledger has: says which to add.
    """
    if isinstance(target, LocalTarget):
        assert site is not None  # the config was checked: local targets have a site
        return site_facts(site, trial_id=trial_id, at=at)
    return list(_endpoint_facts(target, trial_id, at))


def site_facts(site: Site, *, trial_id: str, at: datetime) -> list[FactRow]:
    """Every fact known of the machine that a site describes, for a trial of a local target or a job.

    Raises:
        ConfigError: a zone, a device or another row that no ledger has: says which to add.
    """
    on = at.astimezone(UTC).date()
    tariff = tariff_of(site)
    return [
        declared(trial_id, "pue", site.pue),
        declared(trial_id, "electricity_usd_per_kwh", site.electricity_usd_per_kwh),
        *([] if tariff is None else [mean_fact(tariff, trial_id)]),
        *_hardware_facts(site.hardware, trial_id, on),
        *_place_facts(site, site.zone, DECLARED, trial_id, on, "site"),
    ]


def declared(
    trial_id: str, quantity: str, value: Range, *, source: str = DECLARED, scale: float = 1.0, basis: Basis = "declared"
) -> FactRow:
    """A fact that the config states."""
    return FactRow(
        trial_id=trial_id,
        quantity=quantity,
        low=None if value.low is None else value.low * scale,
        central=value.central * scale,
        high=None if value.high is None else value.high * scale,
        basis=basis,
        valid_from=None,
        source=source,
    )


def _hardware_facts(hardware: Hardware, trial_id: str, on: "date") -> Iterator[FactRow]:
    if hardware.price_usd is not None:
        yield declared(trial_id, "hardware_usd", hardware.price_usd)
    if hardware.rent_usd_per_h is not None:
        yield declared(trial_id, "hardware_rent_usd_per_h", hardware.rent_usd_per_h)
    yield declared(trial_id, "hardware_lifetime_s", hardware.lifetime_years, scale=SECONDS_PER_YEAR)
    yield declared(trial_id, "hardware_utilisation_share", hardware.utilisation_share)
    yield declared(trial_id, "hardware_share", Range(central=hardware.share))
    if hardware.embodied_kgco2e is not None:
        yield declared(trial_id, "hardware_embodied_gco2e", hardware.embodied_kgco2e, scale=1000.0)
    elif hardware.devices:
        yield device_fact({device.name: device.count for device in hardware.devices}, trial_id=trial_id, on=on)
    for quantity, value in (
        ("hardware_adpe_kgsbeq", hardware.adpe_kgsbeq),
        ("hardware_primary_mj", hardware.primary_mj),
    ):
        if value is not None:
            yield declared(trial_id, quantity, value)


def _place_facts(
    place: Site | Hosting, zone: str | None, source: str, trial_id: str, on: "date", where: str
) -> Iterator[FactRow]:
    """Grid, water and market of a place, as far as it is known."""
    if place.grid_gco2e_per_kwh is not None:
        yield declared(trial_id, "grid_gco2e_per_kwh", place.grid_gco2e_per_kwh, source=source)
    elif zone is not None:
        yield yearly_grid_fact(zone, trial_id=trial_id, on=on, where=f"{where} zone")
    if zone is not None:
        yield from zone_facts(zone, trial_id=trial_id, on=on)
    if place.wue_l_per_kwh is not None:
        yield declared(trial_id, "wue_site_l_per_kwh", place.wue_l_per_kwh, source=source)
    elif place.wue_of is not None:
        found = ledger_fact("wue_site_l_per_kwh", "wue", place.wue_of, trial_id=trial_id, on=on)
        if found is None:
            raise ConfigError(
                [
                    f"{where} wue_of = {place.wue_of!r} is not in wue.csv; add a row with its source to"
                    " warehouse/reference/wue.csv, or give wue_l_per_kwh"
                ]
            )
        yield found
    if place.market is not None:
        yield from _market_facts(place.market, zone, trial_id, on)


def _market_facts(market: Market, zone: str | None, trial_id: str, on: "date") -> Iterator[FactRow]:
    share = Range(central=market.covered_share)
    yield declared(trial_id, "market_covered_share", share, source=market.source)
    if market.contract_gco2e_per_kwh is not None:
        contract = market.contract_gco2e_per_kwh
        yield declared(trial_id, "market_contract_gco2e_per_kwh", contract, source=market.source)
    if market.residual_gco2e_per_kwh is not None:
        residual = market.residual_gco2e_per_kwh
        yield declared(trial_id, "market_residual_gco2e_per_kwh", residual, source=market.source)
    elif zone is not None:
        quantity = "market_residual_gco2e_per_kwh"
        found = ledger_fact(quantity, "residual_mix", zone.upper(), trial_id=trial_id, on=on)
        if found is not None:
            yield found


def _endpoint_facts(target: EndpointTarget, trial_id: str, at: datetime) -> Iterator[FactRow]:
    yield from price_facts(target, trial_id, at)
    hosting = target.hosting or Hosting()
    on = at.astimezone(UTC).date()
    said = []
    for quantity, value in (
        ("pue", hosting.pue),
        ("endpoint_j_per_output_token", hosting.j_per_output_token),
        ("endpoint_embodied_gco2e_per_output_mtok", hosting.embodied_gco2e_per_output_mtok),
    ):
        if value is not None:
            said.append(declared(trial_id, quantity, value, source=hosting.source))
    said += _place_facts(hosting, hosting.zone, hosting.source, trial_id, on, f"{target.id} hosting")
    yield from said
    if hosting.estimate and not on_this_machine(target.base_url):
        known = {fact.quantity for fact in said}
        yield from (fact for fact in _estimated_facts(target, hosting, trial_id, on) if fact.quantity not in known)


def on_this_machine(base_url: str) -> bool:
    """Whether an address is a loopback one: what it serves runs here, and no data centre is to be assumed."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _estimated_facts(target: EndpointTarget, hosting: Hosting, trial_id: str, on: "date") -> Iterator[FactRow]:
    """What EcoLogits estimates of a provider and a model; nothing if it does not know them."""
    from warehouse.ecologits import estimate

    found = estimate(target.provider, target.model, zone=hosting.zone)
    if found is None:
        return
    key = f"{target.provider}/{target.model}"
    for quantity, value in (
        ("endpoint_j_per_output_token", found.j_per_output_token),
        ("endpoint_embodied_gco2e_per_output_mtok", found.embodied_gco2e_per_output_mtok),
        ("pue", found.pue),
        ("wue_site_l_per_kwh", found.wue_site_l_per_kwh),
    ):
        if value is not None:
            yield _estimated(trial_id, quantity, value, key, found)
    if hosting.zone is None:
        assumed = f" (zone {found.zone} as {found.source} assumes it)"
        yield yearly_grid_fact(found.zone, trial_id=trial_id, on=on, where=f"{target.id} estimated zone", said=assumed)
        yield from zone_facts(found.zone, trial_id=trial_id, on=on, said=assumed)


def _estimated(trial_id: str, quantity: str, value: "Interval", key: str, found: "HostedEstimate") -> FactRow:
    from warehouse.factors import version_of

    exact = value.low == value.high
    return FactRow(
        trial_id=trial_id,
        quantity=quantity,
        low=None if exact else value.low,
        central=value.central,
        high=None if exact else value.high,
        basis="estimated",
        valid_from=None,
        source="; ".join((found.source, *found.notes)) if quantity == "endpoint_j_per_output_token" else found.source,
        ledger="ecologits",
        ledger_key=key,
        factor_version=version_of("ecologits", key, quantity),
    )
