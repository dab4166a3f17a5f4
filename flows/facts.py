"""The dated facts that an account will rest on, gathered when a trial is planned and landed beside it.

What the config declares wins over what a price list or a table says; what nobody says is left out, so that the account
is NULL and names what was missing.
"""

from collections.abc import Iterator
from datetime import datetime

from flows.config import EndpointTarget, LocalTarget, Range, Site, Target
from flows.errors import ConfigError
from probes.errors import ProbeError
from warehouse.rows import Basis, FactRow

DECLARED = "declared in the config"
SECONDS_PER_YEAR = 365.25 * 86_400


def facts_for(target: Target, site: Site | None, *, trial_id: str, at: datetime) -> list[FactRow]:
    """Every fact known of a target at an instant.

    Raises:
        ConfigError: a zone that no table knows.
    """
    if isinstance(target, LocalTarget):
        assert site is not None  # the config was checked: local targets have a site
        return site_facts(site, trial_id=trial_id, at=at)
    return list(_endpoint_facts(target, trial_id, at))


def site_facts(site: Site, *, trial_id: str, at: datetime) -> list[FactRow]:
    """Every fact known of the machine that a site describes, for a trial of a local target or a job.

    Raises:
        ConfigError: a zone that no table knows.
    """
    return list(_local_facts(site, trial_id))


def _fact(
    trial_id: str,
    quantity: str,
    value: Range,
    *,
    basis: Basis,
    source: str,
    valid_from: str | None = None,
    scale: float = 1.0,
) -> FactRow:
    return FactRow(
        trial_id=trial_id,
        quantity=quantity,
        low=None if value.low is None else value.low * scale,
        central=value.central * scale,
        high=None if value.high is None else value.high * scale,
        basis=basis,
        valid_from=valid_from,
        source=source,
    )


def _local_facts(site: Site, trial_id: str) -> Iterator[FactRow]:
    hardware = site.hardware
    yield _fact(trial_id, "pue", site.pue, basis="declared", source=DECLARED)
    yield _fact(trial_id, "electricity_usd_per_kwh", site.electricity_usd_per_kwh, basis="declared", source=DECLARED)
    yield _fact(trial_id, "hardware_usd", hardware.price_usd, basis="declared", source=DECLARED)
    yield _fact(
        trial_id,
        "hardware_lifetime_s",
        Range(central=hardware.lifetime_years * SECONDS_PER_YEAR),
        basis="declared",
        source=DECLARED,
    )
    yield _fact(
        trial_id,
        "hardware_utilisation_share",
        Range(central=hardware.utilisation_share),
        basis="declared",
        source=DECLARED,
    )
    yield _fact(
        trial_id, "hardware_embodied_gco2e", hardware.embodied_kgco2e, basis="declared", source=DECLARED, scale=1000.0
    )
    yield _fact(trial_id, "hardware_share", Range(central=hardware.share), basis="declared", source=DECLARED)
    yield grid_fact(site.zone, site.grid_gco2e_per_kwh, trial_id=trial_id, where="site zone")


def _endpoint_facts(target: EndpointTarget, trial_id: str, at: datetime) -> Iterator[FactRow]:
    yield from _price_facts(target, trial_id, at)
    hosting = target.hosting
    if hosting is None:
        return
    for quantity, value in (
        ("pue", hosting.pue),
        ("endpoint_j_per_output_token", hosting.j_per_output_token),
        ("endpoint_embodied_gco2e_per_output_mtok", hosting.embodied_gco2e_per_output_mtok),
    ):
        if value is not None:
            yield _fact(trial_id, quantity, value, basis="declared", source=hosting.source)
    if hosting.zone is not None or hosting.grid_gco2e_per_kwh is not None:
        yield grid_fact(hosting.zone, hosting.grid_gco2e_per_kwh, trial_id=trial_id, where=f"{target.id} hosting zone")


def _price_facts(target: EndpointTarget, trial_id: str, at: datetime) -> Iterator[FactRow]:
    if target.price is not None:
        price = target.price
        declared = {
            "price_usd_per_input_mtok": price.usd_per_input_mtok,
            "price_usd_per_cached_input_mtok": price.usd_per_cached_input_mtok,
            "price_usd_per_output_mtok": price.usd_per_output_mtok,
        }
        for quantity, usd in declared.items():
            if usd is not None:
                yield FactRow(
                    trial_id=trial_id,
                    quantity=quantity,
                    low=None,
                    central=usd,
                    high=None,
                    basis="declared",
                    valid_from=price.valid_from,
                    source=price.note,
                )
        return
    from warehouse.prices import list_price

    listed = list_price(target.provider, target.model, at=at, base_url=target.base_url)
    if listed is None:
        return
    for quantity, amount in (
        ("price_usd_per_input_mtok", listed.usd_per_input_mtok),
        ("price_usd_per_cached_input_mtok", listed.usd_per_cached_input_mtok),
        ("price_usd_per_output_mtok", listed.usd_per_output_mtok),
    ):
        if amount is not None:
            yield FactRow(
                trial_id=trial_id,
                quantity=quantity,
                low=None,
                central=float(amount),
                high=None,
                basis="declared",
                valid_from=listed.valid_from,
                source=f"{listed.source}: {listed.provider_id}/{listed.model_id}",
            )


def grid_fact(zone: str | None, given: Range | None, *, trial_id: str, where: str) -> FactRow:
    """Grid intensity of a zone: the config's own figure, else the range of the published ones, else the annual table's.

    Raises:
        ConfigError: no table knows the zone.
    """
    if given is not None:
        return _fact(trial_id, "grid_gco2e_per_kwh", given, basis="declared", source=DECLARED)
    assert zone is not None  # callers pass one of the two
    from warehouse.reference import published_grid_intensity

    published = published_grid_intensity(zone)
    if published is not None:
        return FactRow(
            trial_id=trial_id,
            quantity="grid_gco2e_per_kwh",
            low=published.low,
            central=published.central,
            high=published.high,
            basis="estimated",
            valid_from=published.valid_from,
            source=published.source,
        )
    from probes.factors import grid_intensity

    try:
        annual = grid_intensity(zone)
    except ProbeError as error:
        raise ConfigError([f"{where} = {zone!r}: {error}"]) from None
    return FactRow(
        trial_id=trial_id,
        quantity="grid_gco2e_per_kwh",
        low=None,
        central=annual.gco2e_per_kwh,
        high=None,
        basis="estimated",
        valid_from=f"{annual.year}-01-01",
        source=annual.source,
    )
