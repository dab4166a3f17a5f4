"""What to do about a fact that an account lacks: which row to add, or what to declare."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """One of the reasons for which a figure is unknown: a fact that is not there, or something else in words."""

    quantity: str | None  # None: `said` is the whole reason
    said: str  # of a fact what to do about it; may be empty


_FACT: Final = r"(?:[a-z0-9]+(?:_[a-z0-9]+)+|pue)"  # as quantities are called: never a word of a sentence
_OF_PART: Final = r"(?:[a-z_]+(?: energy)?: )*"
_NEXT: Final = re.compile(rf"[,;] (?={_OF_PART}no {_FACT}\b)")
_LACK: Final = re.compile(rf"{_OF_PART}no (?P<quantity>{_FACT})(?: \((?P<hint>.*)\)|: (?P<why>.*))?", re.DOTALL)


def lacks(missing: str) -> tuple[Lack, ...]:
    """The reasons of which a stored `missing` is made, each once, in its order.

    An account that goes on from another repeats what that lacks: `endpoint energy: no a (...), no b (...)`.
    """
    found = []
    for part in _NEXT.split(missing):
        lack = _LACK.fullmatch(part)
        if lack is None:
            found.append(Lack(quantity=None, said=part))
        else:
            found.append(Lack(quantity=lack["quantity"], said=lack["hint"] or lack["why"] or ""))
    return tuple(dict.fromkeys(found))
