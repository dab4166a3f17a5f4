"""Where answers are computed: PUE, grid and water, as given, of a ledger, or as EcoLogits believes of a provider."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from flows.errors import ConfigError
from flows.footprint.result import Source
from flows.ledgerfacts import yearly_grid_fact, zone_facts
from flows.options.footprint import HOSTINGS, Figure, figure
from warehouse.ecologits import HostedEstimate
from warehouse.factors import Factor, current, factors_of
from warehouse.formulas.interval import Interval, between
from warehouse.rows import FactRow

GIVEN = "command line"
PUE, GRID = "pue", "grid_gco2e_per_kwh"
WUE_SITE, WUE_GRID = "wue_site_l_per_kwh", "wue_grid_l_per_kwh"
PAIRS = (("--pue", "--hosting"), ("--grid-gco2e-per-kwh", "--region"), ("--wue-l-per-kwh", "--wue-of"))


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """Where it is computed; nothing of it is guessed."""
    place = parser.add_argument_group("the place (of a hosted model, default: where EcoLogits believes it to be)")
    place.add_argument("--pue", type=figure(at_least=1.0), metavar="X", help="facility energy over IT energy")
    place.add_argument("--hosting", choices=HOSTINGS, metavar="KIND", help=f"or one of {', '.join(HOSTINGS)}")
    place.add_argument("--region", metavar="ZONE", help="of the grid: FRA, USA-CA, CAN-QC, SE3")
    place.add_argument("--grid-gco2e-per-kwh", type=figure(at_least=0.0), metavar="X", help="or its intensity")
    place.add_argument("--wue-of", metavar="NAME", help="whose water: a row of the ledger wue")
    place.add_argument(
        "--wue-l-per-kwh", type=figure(at_least=0.0), metavar="X", help="or water of the site, per kWh of IT energy"
    )
    place.add_argument(
        "--wue-grid-l-per-kwh", type=figure(at_least=0.0), metavar="X", help="of electricity (default: the region's)"
    )


def place_sources(options: argparse.Namespace, believed: HostedEstimate | None) -> list[Source]:
    """PUE, intensity of the grid and water, as far as somebody says them.

    Args:
        options: of `add_place_options`.
        believed: where EcoLogits believes that a hosted model is computed; it counts where nothing is given.

    Raises:
        ConfigError: every mistake, a sentence each.
        ReferenceDataError: a row that a ledger does not have.
    """
    both = [pair for pair in PAIRS if all(_option(options, name) is not None for name in pair)]
    if both:
        raise ConfigError([f"{one} and {other}: both are given; give one of them" for one, other in both])
    zone = (options.region and options.region.upper()) or (
        believed.zone if believed and options.grid_gco2e_per_kwh is None else None
    )
    return [*_pue(options, believed), *_grid(options, zone), *_water(options, zone, believed)]


def missing_place(sources: Sequence[Source]) -> Iterator[str]:
    """What is not known of the place, and how to say it."""
    known = {source.quantity for source in sources}
    if PUE not in known:
        yield "energy of the facility: no PUE; give --pue or --hosting"
    if GRID not in known:
        yield "operational emissions: no grid intensity; give --region or --grid-gco2e-per-kwh"
    if WUE_SITE not in known:
        yield "water: nothing says what the site evaporates; give --wue-of or --wue-l-per-kwh"
    if WUE_GRID not in known:
        yield (
            "water: nothing says what the electricity takes; give --wue-grid-l-per-kwh, or a --region that"
            " grid_impacts.csv or EcoLogits has"
        )


def given(quantity: str, value: Figure) -> Source:
    """A figure of the command line."""
    low, central, high = value
    return Source(quantity=quantity, value=Interval(low=low, central=central, high=high), source=GIVEN)


def of_factor(quantity: str, factor: Factor, *, scale: float = 1.0) -> Source:
    """A figure of a ledger."""
    return Source(
        quantity=quantity,
        value=between(factor.low, factor.central, factor.high) * scale,
        source=factor.source,
        tag=factor.tag,
        factor_version=factor.factor_version,
    )


def today() -> date:
    """The day whose factors count, UTC."""
    return datetime.now(UTC).date()


def _pue(options: argparse.Namespace, believed: HostedEstimate | None) -> Iterator[Source]:
    if options.pue is not None:
        yield given(PUE, options.pue)
    elif options.hosting is not None:
        yield of_factor(PUE, _row("pue", options.hosting, PUE, "--hosting"))
    elif believed is not None:
        yield _believed(PUE, believed.pue, believed)


def _grid(options: argparse.Namespace, zone: str | None) -> Iterator[Source]:
    if options.grid_gco2e_per_kwh is not None:
        yield given(GRID, options.grid_gco2e_per_kwh)
    elif zone is not None:
        yield _of_fact(yearly_grid_fact(zone, trial_id="", on=today(), where="--region"), zone)


def _water(options: argparse.Namespace, zone: str | None, believed: HostedEstimate | None) -> Iterator[Source]:
    if options.wue_l_per_kwh is not None:
        yield given(WUE_SITE, options.wue_l_per_kwh)
    elif options.wue_of is not None:
        yield of_factor(WUE_SITE, _row("wue", options.wue_of, WUE_SITE, "--wue-of"))
    elif believed is not None and believed.wue_site_l_per_kwh is not None:
        yield _believed(WUE_SITE, believed.wue_site_l_per_kwh, believed)
    if options.wue_grid_l_per_kwh is not None:
        yield given(WUE_GRID, options.wue_grid_l_per_kwh)
    elif zone is not None:
        for fact in zone_facts(zone, trial_id="", on=today()):
            if fact.quantity == WUE_GRID:
                yield _of_fact(fact, zone)


def _row(ledger: str, key: str, quantity: str, option: str) -> Factor:
    found = current(ledger, key, quantity, on=today())
    if found is None:
        known = ", ".join(dict.fromkeys(factor.key for factor in factors_of(ledger)))
        raise ConfigError([f"{option} {key}: {ledger}.csv has no such row, but {known}; add one with its source"])
    return found


def _believed(quantity: str, value: Interval, believed: HostedEstimate) -> Source:
    said = f"{believed.source}: where it believes the provider to compute ({believed.zone})"
    return Source(quantity=quantity, value=value, source=said, tag="read")


def _of_fact(fact: FactRow, zone: str) -> Source:
    return Source(
        quantity=fact.quantity,
        value=between(fact.low, fact.central, fact.high),
        source=f"{zone.upper()}: {fact.source}",
        factor_version=fact.factor_version,
    )


def _option(options: argparse.Namespace, name: str) -> object:
    return getattr(options, name[2:].replace("-", "_"))
