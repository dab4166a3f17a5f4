"""What a stored name of a method stands for, in the words of the formula itself: nothing is said twice."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from warehouse.formulas import carbon, energy, price, water
from warehouse.formulas.attribution import TimeSlices

# The beginning of a method's stored name, and the formula behind it.
_FORMULAS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        "energy-x-pue-x-grid-intensity": carbon.operational_gco2e,
        "energy-x-pue-x-bought": carbon.market_gco2e_per_kwh,
        "by-time-part-and-utilisation": carbon.embodied_gco2e,
        "it-energy-x-site-and-grid-wue": water.water_l,
        "energy-x-pue-x-grid-impact": water.grid_impact,
        "tokens-x-price": price.tokens_usd,
        "energy-x-pue-x-tariff": price.electricity_usd,
        "time-sliced-by-weight": TimeSlices.divide,
        "straight-line-by-time-and-utilisation": price.hardware_usd,
        "rent-by-time-and-utilisation": price.rent_usd,
    }
)
_STATED = {
    "joules-per-token": "What is stated for an output token, times the tokens.",
    "grams-per-token": "What is stated for a million output tokens, times the tokens.",
}
_COUNTER, _SAMPLED = "counter", ("power", "curve", "rule", "sampled")
_SOURCE = re.compile(r"Source:\s*(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a formula does, in a sentence, and where it is published; "" if it names no source."""

    sentence: str
    source: str


def said(method: str) -> Said | None:
    """A method by its stored name; None if no formula of ours stands behind it."""
    for beginning, formula in _FORMULAS.items():
        if method.startswith(beginning):
            return _said(formula)
    if method in _STATED:
        return Said(sentence=_STATED[method], source="")
    if method.endswith(_COUNTER):
        return _said(energy.counter_window_j)
    return _said(energy.power_window_j) if method.endswith(_SAMPLED) else None


def _said(formula: Callable[..., object]) -> Said:
    text = inspect.getdoc(formula) or ""
    source = _SOURCE.search(text)
    return Said(sentence=" ".join(text.split("\n\n")[0].split()), source=" ".join(source[1].split()) if source else "")
