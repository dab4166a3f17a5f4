"""Emissions of a trial: running, by the grid it stood on and by the electricity that was bought, and making."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from warehouse.accounting import quantities as q
from warehouse.accounting.account import Account, Fact, TrialFacts, derive, no_window, refused, uncounted
from warehouse.accounting.energy import energy_of
from warehouse.formulas import carbon, price
from warehouse.formulas.basis import worst_basis
from warehouse.formulas.interval import AnyQuantity, between

# The ledger of a grid intensity that was weighted by the hours of its trial.
HOURLY = "grid_hours"


def emission_accounts(trial: TrialFacts, energy: Account, *, grid_note: str | None = None) -> list[Account]:
    """Operational emissions, location-based and market-based, and embodied ones, grams of CO2 equivalent.

    The market-based figure is never filled with the location-based one: what was bought is declared, or unknown.

    Args:
        trial: what they rest on.
        energy: IT energy of the window.
        grid_note: what to know of the intensity of the grid.
    """
    return [_operational(trial, energy, grid_note), _operational_market(trial, energy), _embodied(trial)]


def grid_kind(fact: Fact | None) -> str:
    """How an intensity was come by, as the names of methods end."""
    if fact is not None and fact.ledger == HOURLY:
        return "hourly"
    return "declared" if fact is not None and fact.basis == "declared" else "yearly"


def _operational(trial: TrialFacts, energy: Account, note: str | None) -> Account:
    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return carbon.operational_gco2e(energy_of(energy, of), of[q.PUE], of[q.GRID])

    method = f"energy-x-pue-x-grid-intensity-{grid_kind(trial.facts.get(q.GRID))}"
    return derive("operational", method, trial.facts, [q.PUE, q.GRID], formula, upon=energy, note=note)


def _operational_market(trial: TrialFacts, energy: Account) -> Account:
    component, method = "operational_market", "energy-x-pue-x-bought-and-residual-intensity"
    needed = [q.COVERED]
    covered = trial.facts.get(q.COVERED)
    if covered is not None:  # what covers nothing has no contract; where all is covered no residue is left
        needed += [q.CONTRACT] if max(covered.central, covered.high or 0.0) > 0 else []
        needed += [q.RESIDUAL] if min(covered.central, 1.0 if covered.low is None else covered.low) < 1 else []
    used = tuple(trial.facts[quantity] for quantity in needed if quantity in trial.facts)

    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return carbon.operational_gco2e(energy_of(energy, of), of[q.PUE], of["market"])

    mixed: dict[str, Fact] = {}
    if covered is not None and len(used) == len(needed):
        try:
            mixed = {"market": _market(used)}
        except ValueError as error:
            return Account(
                component=component, value=None, basis=None, method=method, missing=refused(error, used), factors=used
            )
    lacking = [] if mixed else [quantity for quantity in needed if quantity not in trial.facts]
    account = derive(component, method, {**trial.facts, **mixed}, [q.PUE, *lacking, *mixed], formula, upon=energy)
    own = tuple(fact for fact in account.factors if fact.quantity != "market")
    return replace(account, factors=(*own, *used))


def _market(used: Sequence[Fact]) -> Fact:
    given = {fact.quantity: between(fact.low, fact.central, fact.high) for fact in used}
    # what is not needed has no weight: covered is 0 or 1 then
    contract = given.get(q.CONTRACT) or given[q.RESIDUAL]
    residual = given.get(q.RESIDUAL) or contract
    mixed = carbon.market_gco2e_per_kwh(given[q.COVERED], contract, residual)
    return Fact(
        quantity="market",
        low=mixed.low,
        central=mixed.central,
        high=mixed.high,
        basis=worst_basis(fact.basis for fact in used) or "estimated",
        valid_from=None,
        source="; ".join(fact.source for fact in used),
    )


def _embodied(trial: TrialFacts) -> Account:
    if trial.kind == "endpoint" and q.HARDWARE_EMBODIED not in trial.facts:
        tokens = trial.tokens.output_tokens

        def per_token(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
            return of[q.EMBODIED_PER_MTOK] * tokens / price.TOKENS_PER_MTOK

        return derive(
            "embodied",
            "grams-per-token",
            trial.facts,
            [q.EMBODIED_PER_MTOK],
            per_token,
            blocked=uncounted(trial.tokens),
        )

    def by_use(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return carbon.embodied_gco2e(
            of[q.HARDWARE_EMBODIED], trial.window_s or 0.0, of[q.LIFETIME], of[q.SHARE], of[q.UTILISATION]
        )

    return derive(
        "embodied",
        "by-time-part-and-utilisation",
        trial.facts,
        [q.HARDWARE_EMBODIED, *q.HARDWARE_USE],
        by_use,
        blocked=no_window(trial),
    )
