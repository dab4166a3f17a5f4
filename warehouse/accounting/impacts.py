"""Water, materials (ADPe) and primary energy of a trial."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.accounting import quantities as q
from warehouse.accounting.account import Account, TrialFacts, derive, no_window
from warehouse.accounting.energy import energy_of
from warehouse.formulas import carbon, water
from warehouse.formulas.interval import AnyQuantity

WATER, ADPE, PRIMARY = "water_l", "adpe_kgsbeq", "primary_energy_mj"


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """An account of one impact, named with its unit."""

    impact: str
    account: Account


def impact_accounts(trial: TrialFacts, energy: Account) -> list[Impact]:
    """Water of running; materials and primary energy of running and of making.

    Water of making hardware has no row: no source that we know gives it for devices.
    """
    return [
        Impact(impact=WATER, account=_water(trial, energy)),
        Impact(impact=ADPE, account=_running(trial, energy, q.GRID_ADPE)),
        Impact(impact=ADPE, account=_making(trial, q.HARDWARE_ADPE)),
        Impact(impact=PRIMARY, account=_running(trial, energy, q.GRID_PRIMARY)),
        Impact(impact=PRIMARY, account=_making(trial, q.HARDWARE_PRIMARY)),
    ]


def _water(trial: TrialFacts, energy: Account) -> Account:
    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return water.water_l(energy_of(energy, of), of[q.PUE], of[q.WUE_SITE], of[q.WUE_GRID])

    needed = [q.PUE, q.WUE_SITE, q.WUE_GRID]
    return derive("operational", "it-energy-x-site-and-grid-wue", trial.facts, needed, formula, upon=energy)


def _running(trial: TrialFacts, energy: Account, per_kwh: str) -> Account:
    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return water.grid_impact(energy_of(energy, of), of[q.PUE], of[per_kwh])

    return derive("operational", "energy-x-pue-x-grid-impact", trial.facts, [q.PUE, per_kwh], formula, upon=energy)


def _making(trial: TrialFacts, total: str) -> Account:
    if trial.kind == "endpoint" and total not in trial.facts:
        return Account(
            component="embodied",
            value=None,
            basis=None,
            method="by-time-part-and-utilisation",
            missing=f"no {total}: no fact of an endpoint has it, and its hardware was not declared",
        )

    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return of[total] * carbon.use_share(trial.window_s or 0.0, of[q.LIFETIME], of[q.SHARE], of[q.UTILISATION])

    return derive(
        "embodied",
        "by-time-part-and-utilisation",
        trial.facts,
        [total, *q.HARDWARE_USE],
        formula,
        blocked=no_window(trial),
    )
