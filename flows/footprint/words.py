"""Amounts as people read them."""

import math
from collections.abc import Sequence

SCALES: dict[str, Sequence[tuple[float, str]]] = {
    "gCO2e": ((1e6, "tCO2e"), (1e3, "kgCO2e"), (1.0, "gCO2e"), (1e-3, "mgCO2e")),
    "kWh": ((1e6, "GWh"), (1e3, "MWh"), (1.0, "kWh"), (1e-3, "Wh")),
    "l": ((1e3, "m3"), (1.0, "l"), (1e-3, "ml")),
    "FLOP": ((1e21, "zettaFLOP"), (1e18, "exaFLOP"), (1e15, "petaFLOP"), (1e12, "teraFLOP")),
    "s": ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "min"), (1.0, "s")),
}
COUNTS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def significant(value: float, digits: int = 4) -> str:
    """Digits that count, no exponent, thousands apart; digits before the point are all kept."""
    if value == 0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    text = f"{value:,.{max(decimals, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def scale_of(value: float, unit: str) -> tuple[float, str]:
    """The largest unit in which a value is at least 1, and what to divide by; the smallest if there is none."""
    scales = SCALES[unit]
    return next(((by, name) for by, name in scales if abs(value) >= by), scales[-1])


def amount(value: float, unit: str) -> str:
    """A value with the unit that suits it."""
    by, name = scale_of(value, unit)
    return f"{significant(value / by)} {name}"


def count_words(value: float) -> str:
    """175 billion, 7.41 billion, 512; what has no word of ours, with an exponent."""
    if value >= 1e16:
        return f"{value:.4g}"
    for by, name in COUNTS:
        if value >= by:
            return f"{significant(value / by)} {name}"
    return significant(value)
