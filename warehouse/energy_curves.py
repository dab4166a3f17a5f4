"""Energy over time of a trial's window, from the meters that its account used: the low, central and high curve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.formulas.energy_curve import EnergyCurve, counter_curve, power_curve, together
from warehouse.formulas.interval import Interval
from warehouse.meter_energy import Meter, is_counter, series_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Each curve ends at the account's figure; low and high are None where they have the shape of the central one.

    Attributes:
        central: energy since the start of the window, its instants in seconds since then.
        low: lower bound.
        high: upper bound.
        low_share: lower bound over central value.
        high_share: upper bound over central value.
    """

    central: EnergyCurve
    low: EnergyCurve | None
    high: EnergyCurve | None
    low_share: float
    high_share: float


def curves_of(meters: Sequence[Meter], start_ns: int, end_ns: int, energy_j: Interval) -> Curves:
    """The curves of a window.

    Args:
        meters: those whose energies the account added up; they hold.
        start_ns: start of the window, nanoseconds on the clock of the readings.
        end_ns: its end.
        energy_j: the account's figure; its ends hold the error bound, which has no place in time: a curve is scaled
            to the end that it stands for.

    Raises:
        ValueError: there is no meter, or the window has no length.
    """
    window_s = (end_ns - start_ns) / 1e9
    central = _scaled(meters, "central", start_ns, window_s, energy_j.central)
    ranged = any(not is_counter(m.load) and not np.isnan(m.load.power_w_low).all() for m in meters)
    return Curves(
        central=central,
        low=_scaled(meters, "low", start_ns, window_s, energy_j.low) if ranged else None,
        high=_scaled(meters, "high", start_ns, window_s, energy_j.high) if ranged else None,
        low_share=energy_j.low / energy_j.central if energy_j.central > 0 else 1.0,
        high_share=energy_j.high / energy_j.central if energy_j.central > 0 else 1.0,
    )


def _scaled(meters: Sequence[Meter], end: str, start_ns: int, window_s: float, energy_j: float) -> EnergyCurve:
    curve = together([_curve(meter, end, start_ns, window_s) for meter in meters])
    spent_j = float(curve.energy_j[-1])
    return curve.scaled(energy_j / spent_j) if spent_j > 0 else curve


def _curve(meter: Meter, end: str, start_ns: int, window_s: float) -> EnergyCurve:
    readings = meter.load
    if is_counter(readings):
        return counter_curve(*series_from(readings, readings.energy_j, start_ns), 0.0, window_s)
    power_w = {"low": readings.power_w_low, "high": readings.power_w_high}.get(end, readings.power_w)
    if np.isnan(power_w).all():
        power_w = readings.power_w
    return power_curve(*series_from(readings, power_w, start_ns), 0.0, window_s)
