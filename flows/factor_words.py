"""Factors as people read them: figures without exponents, ranges, and the unit that a quantity's name ends in."""

from flows.commands.explain import significant
from warehouse.factors import Factor

# How the end of a quantity's name reads; the longest that fits counts.
UNITS = {
    "gco2e_per_kwh": "gCO2e/kWh",
    "gco2e_per_cm2": "gCO2e/cm²",
    "gco2e_per_gb": "gCO2e/GB",
    "gco2e_per_tb": "gCO2e/TB",
    "gco2e_per_kg": "gCO2e/kg",
    "g_per_cm2": "g/cm²",
    "kwh_per_cm2": "kWh/cm²",
    "l_per_kwh": "L/kWh",
    "kgsbeq_per_kwh": "kgSbeq/kWh",
    "mj_per_kwh": "MJ/kWh",
    "gb_per_s": "GB/s",
    "gco2e": "gCO2e",
    "tco2e": "tCO2e",
    "kgsbeq": "kgSbeq",
    "tflops": "TFLOP/s",
    "tops": "TOP/s",
    "gb": "GB",
    "mj": "MJ",
    "mwh": "MWh",
    "kwh": "kWh",
    "wh": "Wh",
    "ml": "mL",
    "years": "years",
    "days": "days",
    "w": "W",
    "s": "s",
    "mm2": "mm²",
    "cm2": "cm²",
    "kg": "kg",
}


def figure(value: float) -> str:
    """A figure as its ledger writes it, to seven digits: thousands apart, no exponent above 10^-5."""
    if value == 0 or 1e-5 <= abs(value) < 1e15:
        sign = "-" if value < 0 else ""
        whole, _, fraction = significant(abs(value), 7).partition(".")
        return f"{sign}{int(whole):,}" + (f".{fraction.rstrip('0')}" if fraction.rstrip("0") else "")
    return f"{value:.4g}"


def range_of(factor: Factor) -> str:
    """`low-high`; empty without a range."""
    if factor.low is None or factor.high is None or factor.low == factor.high:
        return ""
    return f"{figure(factor.low)}-{figure(factor.high)}"


def unit_of(quantity: str) -> str:
    """The unit that ends a quantity's name; empty for a ratio, a share or a count."""
    fits = [suffix for suffix in UNITS if quantity == suffix or quantity.endswith(f"_{suffix}")]
    return UNITS[max(fits, key=len)] if fits else ""
