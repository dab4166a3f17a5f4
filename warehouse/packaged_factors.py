"""Factors that pinned packages bring; they are in no file of ours, and their version is that of the package."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from importlib.metadata import version

from warehouse import ecologits
from warehouse.factors import Factor, current
from warehouse.formulas.interval import Interval
from warehouse.pricebook.entry import STANDARD
from warehouse.prices import list_price

# What each of them is asked for.
PACKAGES: Mapping[str, str] = {
    "codecarbon": "intensity of grids, TDP of CPUs",
    "ecologits": "energy and manufacture of hosted models, and the mixes of their grids",
    "genai-prices": "list prices of hosted models",
}

EMBODIED = "endpoint_embodied_gco2e_per_output_mtok"
_OF_MODEL: Mapping[str, Callable[[ecologits.HostedEstimate], Interval | None]] = {
    "endpoint_j_per_output_token": lambda found: found.j_per_output_token,
    EMBODIED: lambda found: found.embodied_gco2e_per_output_mtok,
    "pue": lambda found: found.pue,
    "wue_site_l_per_kwh": lambda found: found.wue_site_l_per_kwh,
}
# of a zone: the field of EcoLogits' mix, and what turns its unit into ours
_OF_ZONE: Mapping[str, tuple[str, float]] = {
    "grid_gco2e_per_kwh": ("gwp", 1000.0),
    "wue_grid_l_per_kwh": ("wue", 1.0),
    "grid_adpe_kgsbeq_per_kwh": ("adpe", 1.0),
    "grid_primary_mj_per_kwh": ("pe", 1.0),
}
_PRICES = ("usd_per_input_mtok", "usd_per_cached_input_mtok", "usd_per_output_mtok")


def package_version(name: str) -> str:
    """A package and its version, as an account names it."""
    return f"{name} {version(name)}"


def packaged_version(name: str, quantity: str) -> str:
    """The same of one of its quantities: the ends of what making hosted hardware emits are rows of our own, too."""
    if (name, quantity) != ("ecologits", EMBODIED):
        return package_version(name)
    rows = (current("embodied", row, "embodied_gco2e") for row in (ecologits.GPU, ecologits.SERVER))
    return "+".join([package_version(name), *(row.factor_version for row in rows if row is not None)])


def packaged(name: str, key: str, quantity: str, *, on: date | None = None) -> Factor | None:
    """One figure of a package; None if it does not have it.

    codecarbon's are not read here: `probes.factors` has them, and only their version is known to the warehouse.

    Args:
        name: one of `PACKAGES`.
        key: PROVIDER/MODEL, or a zone.
        quantity: as facts name it, see `rows.FactRow`.
        on: day on which a price holds; today, if None.
    """
    if name == "ecologits":
        return _of_model(key, quantity) if "/" in key else _of_zone(key, quantity)
    if name == "genai-prices" and "/" in key:
        return _price(key, quantity, on or datetime.now(UTC).date())
    return None


def _of_model(key: str, quantity: str) -> Factor | None:
    provider, _, model = key.partition("/")
    found = ecologits.estimate(provider, model) if quantity in _OF_MODEL else None
    value = _OF_MODEL[quantity](found) if found else None
    return _factor("ecologits", key, quantity, value, found.source) if found and value else None


def _of_zone(key: str, quantity: str) -> Factor | None:
    mix = ecologits.electricity_mix(key) if quantity in _OF_ZONE else None
    if mix is None:
        return None
    field, scale = _OF_ZONE[quantity]
    value = getattr(mix, field) * scale
    source = f"{ecologits.release()}: electricity mix {mix.zone}"
    return _factor("ecologits", key, quantity, Interval(low=value, central=value, high=value), source)


def _price(key: str, quantity: str, on: date) -> Factor | None:
    product, _, service_tier = key.partition("#")
    provider, _, model = product.partition("/")
    at = datetime.combine(on, time(), tzinfo=UTC)
    listed = list_price(provider, model, at=at, service_tier=service_tier or STANDARD)
    name = quantity.removeprefix("price_")
    amount = getattr(listed, name) if listed is not None and name in _PRICES else None
    if listed is None or amount is None:
        return None
    value = Interval(low=float(amount), central=float(amount), high=float(amount))
    source = f"{listed.source}: {listed.provider_id}/{listed.model_id}"
    return _factor("genai-prices", key, quantity, value, source, valid_from=listed.valid_from)


def _factor(
    ledger: str, key: str, quantity: str, value: Interval, source: str, *, valid_from: str | None = None
) -> Factor:
    exact = value.low == value.high
    return Factor(
        ledger=ledger,
        key=key,
        quantity=quantity,
        low=None if exact else value.low,
        central=value.central,
        high=None if exact else value.high,
        tag="read",
        valid_from=valid_from,
        source=source,
        retrieved_on=None,
        factor_version=packaged_version(ledger, quantity),
    )
