"""Energy of a trial: at a provider by what is stated for a token, here as the sum of what was metered."""

from collections.abc import Mapping, Sequence

from warehouse.accounting.account import Account, EnergyAccount, TrialFacts, derive, uncounted
from warehouse.accounting.quantities import J_PER_TOKEN
from warehouse.formulas.basis import worst_basis
from warehouse.formulas.interval import AnyQuantity, Interval


def endpoint_energy(trial: TrialFacts) -> EnergyAccount:
    """IT energy at a provider: a stated figure per output token, times the tokens."""
    tokens = trial.tokens.output_tokens

    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return of[J_PER_TOKEN] * tokens

    account = derive(
        "endpoint", "joules-per-token", trial.facts, [J_PER_TOKEN], formula, blocked=uncounted(trial.tokens)
    )
    return EnergyAccount(
        component=account.component,
        value=account.value,
        basis=account.basis,
        method=account.method,
        missing=account.missing,
        note=account.note,
        factors=account.factors,
        inputs=account.inputs,
        formula=account.formula,
        in_total=True,
    )


def total_energy(accounts: Sequence[EnergyAccount]) -> Account:
    """The parts that count together; None if one of them is unknown, since the rest would look like less."""
    parts = [account for account in accounts if account.in_total]
    unknown = [f"{part.component} energy: {part.missing}" for part in parts if part.value is None]
    if unknown or not parts:
        return Account(
            component="total",
            value=None,
            basis=None,
            method="sum",
            missing="; ".join(unknown) or "no energy account",
        )
    inputs: dict[str, Interval] = {}
    for part in parts:
        if part.formula is not None:
            inputs |= part.inputs
        elif part.value is not None:
            inputs[input_name(part)] = part.value

    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        first, *others = (of[input_name(part)] if part.formula is None else part.formula(of) for part in parts)
        for other in others:
            first += other
        return first

    return Account(
        component="total",
        value=formula(inputs),
        basis=worst_basis(part.basis for part in parts if part.basis),
        method="sum",
        inputs=inputs,
        formula=formula,
    )


def input_name(part: EnergyAccount) -> str:
    """What the metered energy of a component is called among the inputs of a figure."""
    return f"energy_j of {part.component}"


def energy_of(energy: Account, of: Mapping[str, AnyQuantity]) -> AnyQuantity:
    """The energy, inside a formula that goes on from it.

    Raises:
        ValueError: the energy is not known.
    """
    if energy.formula is None:
        raise ValueError(energy.missing or "energy is not known")
    return energy.formula(of)
