"""What a target's tokens would cost and emit in each hour of which the tariff or the grid is known.

What a million output tokens take, in kWh and in dollars of hardware, is that of the trials that were seen; the hours
are those of the tariff and of the grid, whether or not anything was measured in them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warehouse.daytime import Sample
from warehouse.formulas.carbon import J_PER_KWH
from warehouse.formulas.price import TOKENS_PER_MTOK


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a million output tokens take at a target; `hardware_usd_per_mtok` is None of one that pays no electricity.

    kWh are those of the site: energy x PUE.
    """

    kwh_per_mtok_low: float
    kwh_per_mtok: float
    kwh_per_mtok_high: float
    hardware_usd_per_mtok: float | None
    trials: int

    def reach(self, figure: float, *, fixed: float = 0.0) -> tuple[float, float]:
        """Ends of a figure that is proportional to kWh but for a fixed part, by the range of the energy."""
        by_kwh = (figure - fixed) / self.kwh_per_mtok if self.kwh_per_mtok else 0.0
        return fixed + by_kwh * self.kwh_per_mtok_low, fixed + by_kwh * self.kwh_per_mtok_high


def work_of(trials: Sequence[Mapping[str, Any]]) -> Work | None:
    """Out of the trials of a target of which the energy is known; None if there is none.

    Args:
        trials: rows with output_tokens, energy_j (with _low and _high), pue, hardware_usd and pays_power.
    """
    known = [row for row in trials if row["energy_j"] is not None and row["pue"] is not None and row["output_tokens"]]
    if not known:
        return None
    mtok = math.fsum(row["output_tokens"] for row in known) / TOKENS_PER_MTOK

    def kwh_per_mtok(end: str) -> float:
        energies = [row["energy_j"] if row[end] is None else row[end] for row in known]
        return math.fsum(j * row["pue"] for j, row in zip(energies, known, strict=True)) / J_PER_KWH / mtok

    pays = all(row["pays_power"] and row["hardware_usd"] is not None for row in known)
    return Work(
        kwh_per_mtok_low=kwh_per_mtok("energy_j_low"),
        kwh_per_mtok=kwh_per_mtok("energy_j"),
        kwh_per_mtok_high=kwh_per_mtok("energy_j_high"),
        hardware_usd_per_mtok=math.fsum(row["hardware_usd"] for row in known) / mtok if pays else None,
        trials=len(known),
    )


def cost_samples(work: Work | None, hours: Sequence[tuple[datetime, float]]) -> list[Sample]:
    """US dollars a million output tokens in each hour; none where the target pays no electricity of its own.

    Args:
        work: of the target.
        hours: start of an hour and its tariff, US dollars per kWh.
    """
    if work is None or work.hardware_usd_per_mtok is None:
        return []
    return [Sample(at=at, above=work.kwh_per_mtok * usd + work.hardware_usd_per_mtok) for at, usd in hours]


def carbon_samples(work: Work | None, hours: Sequence[tuple[datetime, float]]) -> list[Sample]:
    """Operational gCO2e a million output tokens in each hour.

    Args:
        work: of the target.
        hours: start of an hour and the intensity of its grid, gCO2e per kWh.
    """
    return [] if work is None else [Sample(at=at, above=work.kwh_per_mtok * g) for at, g in hours]
