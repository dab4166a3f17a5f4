"""How quantities of facts and factors are said: a name, a unit, and what turns the stored value into it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_YEAR_S = 365.25 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Shown value = stored value * scale, in `unit`."""

    name: str
    unit: str = ""
    scale: float = 1.0


def _of(name: str, unit: str = "", scale: float = 1.0) -> Quantity:
    return Quantity(name=name, unit=unit, scale=scale)


_KNOWN: Mapping[str, Quantity] = MappingProxyType(
    {
        "price_usd_per_input_mtok": _of("Price of input", "USD/Mtok"),
        "price_usd_per_cached_input_mtok": _of("Price of cached input", "USD/Mtok"),
        "price_usd_per_output_mtok": _of("Price of output", "USD/Mtok"),
        "price_usd_per_cache_write_mtok": _of("Price of writing to a cache", "USD/Mtok"),
        "price_usd_per_1k_requests": _of("Fee", "USD per thousand requests"),
        "electricity_usd_per_kwh": _of("Electricity", "USD/kWh"),
        "electricity_mean_usd_per_kwh": _of("Electricity, mean of all hours", "USD/kWh"),
        "hardware_usd": _of("Hardware", "USD"),
        "hardware_rent_usd_per_h": _of("Rent of the hardware", "USD/h"),
        "hardware_lifetime_s": _of("Life of the hardware", "years", 1 / _YEAR_S),
        "hardware_utilisation_share": _of("Utilisation over its life", "%", 100.0),
        "hardware_embodied_gco2e": _of("Making the hardware", "kgCO2e", 1e-3),
        "hardware_adpe_kgsbeq": _of("Materials in the hardware", "gSbeq", 1e3),
        "hardware_primary_mj": _of("Primary energy of making the hardware", "MJ"),
        "hardware_share": _of("Share of the machine", "%", 100.0),
        "pue": _of("PUE", "facility energy / IT energy"),
        "grid_gco2e_per_kwh": _of("Grid intensity", "gCO2e/kWh"),
        "market_covered_share": _of("Electricity covered by contracts", "%", 100.0),
        "market_contract_gco2e_per_kwh": _of("Intensity of those contracts", "gCO2e/kWh"),
        "market_residual_gco2e_per_kwh": _of("Residual mix", "gCO2e/kWh"),
        "wue_site_l_per_kwh": _of("Water at the site", "L per kWh of IT energy"),
        "wue_grid_l_per_kwh": _of("Water of the grid", "L/kWh"),
        "grid_adpe_kgsbeq_per_kwh": _of("Materials for the grid", "mgSbeq/kWh", 1e6),
        "grid_primary_mj_per_kwh": _of("Primary energy of the grid", "MJ/kWh"),
        "embodied_gco2e": _of("Making one", "kgCO2e", 1e-3),
        "endpoint_j_per_output_token": _of("Energy of the endpoint", "J/token"),
        "endpoint_embodied_gco2e_per_output_mtok": _of("Making, at the endpoint", "gCO2e/Mtok"),
    }
)
_METERED = "energy_j of "
COMPONENTS: Mapping[str, str] = MappingProxyType(
    {"cpu": "CPU", "gpu": "GPU", "ram": "RAM", "machine": "machine", "endpoint": "endpoint"}
)


def quantity(name: str) -> Quantity:
    """A quantity by its stored name; one that is not known here is shown by that name, as it is stored."""
    if name.startswith(_METERED):
        meter = name.removeprefix(_METERED)
        said = f"Energy by the meter {meter}" if ":" in meter else f"Energy of the {COMPONENTS.get(meter, meter)}"
        return _of(said, "J")
    longer = re.fullmatch(r"price_above_(\d+)_(usd_per_\w+)", name)
    if longer is not None and (of := _KNOWN.get(f"price_{longer[2]}")) is not None:
        return _of(f"{of.name}, prompts over {int(longer[1]):,} tokens", of.unit)
    return _KNOWN.get(name, _of(name))


def inside(name: str) -> str:
    """The same within a sentence: `Making the hardware` becomes `making the hardware`, `PUE` stays."""
    said = quantity(name).name
    return said if said.split()[0].isupper() else said[:1].lower() + said[1:]
