"""Names of the facts that accounts rest on; each ends in its unit. `rows.FactRow` lists them all."""

import re

J_PER_TOKEN = "endpoint_j_per_output_token"
EMBODIED_PER_MTOK = "endpoint_embodied_gco2e_per_output_mtok"
INPUT_PRICE = "price_usd_per_input_mtok"
CACHED_PRICE = "price_usd_per_cached_input_mtok"
OUTPUT_PRICE = "price_usd_per_output_mtok"
CACHE_WRITE_PRICE = "price_usd_per_cache_write_mtok"
REQUEST_FEE = "price_usd_per_1k_requests"
TARIFF = "electricity_usd_per_kwh"
MEAN_TARIFF = "electricity_mean_usd_per_kwh"  # of all hours, beside a tariff by the hour: what a month pays
PUE = "pue"
GRID = "grid_gco2e_per_kwh"
COVERED = "market_covered_share"
CONTRACT = "market_contract_gco2e_per_kwh"
RESIDUAL = "market_residual_gco2e_per_kwh"
WUE_SITE = "wue_site_l_per_kwh"
WUE_GRID = "wue_grid_l_per_kwh"
GRID_ADPE = "grid_adpe_kgsbeq_per_kwh"
GRID_PRIMARY = "grid_primary_mj_per_kwh"
HARDWARE_PRICE = "hardware_usd"
RENT = "hardware_rent_usd_per_h"  # instead, where the machine is rented
HARDWARE_EMBODIED = "hardware_embodied_gco2e"
HARDWARE_ADPE = "hardware_adpe_kgsbeq"
HARDWARE_PRIMARY = "hardware_primary_mj"
LIFETIME = "hardware_lifetime_s"
SHARE = "hardware_share"
UTILISATION = "hardware_utilisation_share"
HARDWARE_USE = (LIFETIME, SHARE, UTILISATION)


def above(quantity: str, prompt_tokens: int) -> str:
    """A price of the requests whose prompts are longer: `price_above_200000_usd_per_input_mtok`."""
    return quantity.replace("price_", f"price_above_{prompt_tokens}_", 1) if prompt_tokens else quantity


def length_of(quantity: str) -> int | None:
    """Prompts longer than this pay the price that a quantity names; 0: any prompt. None if it names no price."""
    found = re.fullmatch(r"price_(?:above_(\d+)_)?usd_per_\w+", quantity)
    return None if found is None else int(found[1] or 0)


# Inputs that formulas divide by: a figure is linear in 1 over them.
DIVISORS = frozenset({LIFETIME, UTILISATION})
