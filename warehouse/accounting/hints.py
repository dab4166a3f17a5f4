"""What to do about a fact that an account lacks: which row to add, or what to declare."""

from collections.abc import Mapping
from typing import Final

from warehouse.accounting import quantities as q

_SITE_OR_HOSTING: Final = "declare it in [site] or [targets.hosting]"
_MARKET: Final = "declare [site.market] or [targets.hosting.market]"
_TO_ADD: Final[Mapping[str, str]] = {
    q.GRID: "add a row for the zone and its date to warehouse/reference/grid_intensity.csv, or "
    "declare zone or grid_gco2e_per_kwh in [site] or [targets.hosting]",
    q.PUE: _SITE_OR_HOSTING,
    q.COVERED: f"what was bought is not known: {_MARKET}",
    q.CONTRACT: _MARKET,
    q.RESIDUAL: "add a row for the zone to warehouse/reference/residual_mix.csv, or declare residual_gco2e_per_kwh in"
    " [site.market] or [targets.hosting.market]",
    q.WUE_SITE: "declare wue_l_per_kwh, or wue_of with a row of warehouse/reference/wue.csv, in [site] or"
    " [targets.hosting]",
    **dict.fromkeys(
        (q.WUE_GRID, q.GRID_ADPE, q.GRID_PRIMARY),
        "add a row for the zone to warehouse/reference/grid_impacts.csv",
    ),
    q.J_PER_TOKEN: "EcoLogits does not know the model, or was not asked: declare j_per_output_token in"
    " [targets.hosting]",
    q.EMBODIED_PER_MTOK: "EcoLogits does not know the model, or was not asked: declare"
    " embodied_gco2e_per_output_mtok in [targets.hosting]",
    q.HARDWARE_EMBODIED: "declare embodied_kgco2e or [[site.hardware.devices]], whose rows are in"
    " warehouse/reference/embodied.csv",
    q.HARDWARE_ADPE: "declare adpe_kgsbeq in [site.hardware]",
    q.HARDWARE_PRIMARY: "declare primary_mj in [site.hardware]",
    q.TARIFF: "declare it in [site]",
    q.HARDWARE_PRICE: "declare price_usd or rent_usd_per_h in [site.hardware]",
    q.LIFETIME: "declare lifetime_years in [site.hardware]",
    q.SHARE: "declare share in [site.hardware]",
    q.UTILISATION: "declare utilisation_share in [site.hardware]",
    **dict.fromkeys((q.INPUT_PRICE, q.OUTPUT_PRICE), "add a [targets.price] table"),
}


def what_to_add(quantity: str) -> str:
    """One clause: that a fact is not there, and how it would be."""
    hint = _TO_ADD.get(quantity)
    return f"no {quantity} ({hint})" if hint else f"no {quantity}"
