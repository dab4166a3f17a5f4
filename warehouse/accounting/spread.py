"""How wide the figures of a trial are, and which input makes them so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from warehouse.accounting.account import Account
from warehouse.accounting.impacts import WATER, Impact
from warehouse.accounting.quantities import DIVISORS
from warehouse.formulas.interval import AnyQuantity
from warehouse.formulas.uncertainty import Spread, spread


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSpread:
    """A figure of a trial, named with its unit; `missing` says why `spread` is None."""

    figure: str
    spread: Spread | None
    missing: str | None = None


def figure_spreads(
    energy: Account, costs: Sequence[Account], emissions: Sequence[Account], impacts: Sequence[Impact]
) -> list[FigureSpread]:
    """Spreads of energy, money, emissions (location-based and embodied together) and water."""
    return [
        _spread("energy_j", [energy]),
        _spread("usd", costs),
        _spread("gco2e", [account for account in emissions if account.component in ("operational", "embodied")]),
        _spread("water_l", [one.account for one in impacts if one.impact == WATER]),
    ]


def _spread(figure: str, parts: Sequence[Account]) -> FigureSpread:
    unknown = [f"{part.component}: {part.missing}" for part in parts if part.value is None]
    if unknown:
        return FigureSpread(figure=figure, spread=None, missing="; ".join(unknown))
    inputs = {name: one for part in parts for name, one in part.inputs.items()}

    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        first, *others = (part.formula(of) for part in parts if part.formula is not None)
        for other in others:
            first += other
        return first

    return FigureSpread(figure=figure, spread=spread(inputs, formula, divisors=DIVISORS))
