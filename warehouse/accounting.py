"""Which formula accounts for what, from which facts: pure, one trial at a time.

A figure that lacks a fact is None and says which (`missing`); the other figures of the trial are not affected.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from warehouse.formulas import carbon, price
from warehouse.formulas.basis import worst_basis
from warehouse.formulas.interval import Interval, between, exactly

J_PER_TOKEN = "endpoint_j_per_output_token"
EMBODIED_PER_MTOK = "endpoint_embodied_gco2e_per_output_mtok"
INPUT_PRICE = "price_usd_per_input_mtok"
CACHED_PRICE = "price_usd_per_cached_input_mtok"
OUTPUT_PRICE = "price_usd_per_output_mtok"
TARIFF = "electricity_usd_per_kwh"
PUE = "pue"
GRID = "grid_gco2e_per_kwh"
HARDWARE_PRICE = "hardware_usd"
HARDWARE_EMBODIED = "hardware_embodied_gco2e"
HARDWARE_USE = ("hardware_lifetime_s", "hardware_share", "hardware_utilisation_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One dated fact, or one reading that an account rests on, in the unit that `quantity` names."""

    quantity: str
    low: float | None
    central: float
    high: float | None
    basis: str
    valid_from: str | None
    source: str
    ledger: str | None = None  # where it was taken from, if it was not declared or read
    ledger_key: str | None = None
    factor_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One figure of a trial, in the unit of its table; `missing` says why `value` is None."""

    component: str
    value: Interval | None
    basis: str | None
    method: str
    missing: str | None = None
    note: str | None = None
    factors: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyAccount(Account):
    """Energy of one component, joules; `in_total` unless a meter of the whole machine covers it."""

    in_total: bool
    idle_j: float | None = None
    active_j: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of the measured attempts of a trial, as far as they are known."""

    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    uncounted_ok: int  # attempts that succeeded without token counts: their price cannot be known
    uncounted_failed: int  # attempts that failed without token counts


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFacts:
    """What the accounts of one trial rest on, its metered energy apart."""

    kind: str  # endpoint or local
    window_s: float | None
    tokens: Tokens
    facts: Mapping[str, Fact]


def derive(
    component: str,
    method: str,
    facts: Mapping[str, Fact],
    needed: Sequence[str],
    formula: Callable[..., Interval],
    *,
    other_basis: str | None = None,
    blocked: str | None = None,
    note: str | None = None,
) -> Account:
    """Apply a formula to facts, in the order in which they are needed.

    Args:
        component: what the figure is a part of.
        method: name of the formula, as it is stored.
        facts: the facts of the trial by quantity.
        needed: quantities that the formula takes.
        formula: takes one Interval for each of them.
        other_basis: basis of an input that is no fact, for example the metered energy.
        blocked: why that other input is unknown, if it is.
        note: what a reader of the value should know.

    Returns:
        The account; its value is None if it is blocked, a fact is missing, or the formula refuses a fact.
    """
    absent = [f"no {quantity}" for quantity in needed if quantity not in facts]
    used = tuple(facts[quantity] for quantity in needed if quantity in facts)
    missing = ", ".join(([blocked] if blocked else []) + absent) or None
    value = None
    if missing is None:
        try:
            value = formula(*(between(fact.low, fact.central, fact.high) for fact in used))
        except ValueError as error:
            missing = str(error)
    bases = [fact.basis for fact in used] + ([other_basis] if other_basis else [])
    return Account(
        component=component,
        value=value,
        basis=None if value is None else worst_basis(bases),
        method=method,
        missing=missing,
        note=note,
        factors=used,
    )


def endpoint_energy(trial: TrialFacts) -> EnergyAccount:
    """IT energy at a provider: a stated figure per output token, times the tokens."""
    account = derive(
        "endpoint",
        "joules-per-token",
        trial.facts,
        [J_PER_TOKEN],
        lambda j_per_token: j_per_token * trial.tokens.output_tokens,
        blocked=_uncounted(trial.tokens),
    )
    return EnergyAccount(
        component=account.component,
        value=account.value,
        basis=account.basis,
        method=account.method,
        missing=account.missing,
        note=account.note,
        factors=account.factors,
        in_total=True,
    )


def total_energy(accounts: Sequence[EnergyAccount]) -> Account:
    """The parts that count together; None if one of them is unknown, since the rest would look like less."""
    parts = [account for account in accounts if account.in_total]
    unknown = [f"{part.component} energy: {part.missing}" for part in parts if part.value is None]
    total: Interval | None = None
    if parts and not unknown:
        total = exactly(0.0)
        for part in parts:
            if part.value is not None:
                total += part.value
    return Account(
        component="total",
        value=total,
        basis=worst_basis(part.basis for part in parts if part.basis) if total else None,
        method="sum",
        missing="; ".join(unknown) or (None if parts else "no energy account"),
    )


def cost_accounts(trial: TrialFacts, energy: Account) -> list[Account]:
    """What the measured attempts cost, US dollars: by a price list, or by electricity and hardware.

    A price list rules where there is one, and at every endpoint of which no hardware was declared.
    """
    if INPUT_PRICE in trial.facts or OUTPUT_PRICE in trial.facts:
        return [_token_cost(trial)]
    if trial.kind == "endpoint" and HARDWARE_PRICE not in trial.facts:
        return [_token_cost(trial)]
    return [
        derive(
            "electricity",
            "energy-x-pue-x-tariff",
            trial.facts,
            [PUE, TARIFF],
            lambda pue, tariff: price.electricity_usd(_known(energy), pue, tariff),
            other_basis=energy.basis,
            blocked=energy.missing,
        ),
        derive(
            "hardware",
            "straight-line-by-time-and-utilisation",
            trial.facts,
            [HARDWARE_PRICE, *HARDWARE_USE],
            lambda usd, lifetime_s, share, used: price.hardware_usd(
                usd, trial.window_s or 0.0, lifetime_s, share, used
            ),
            blocked=_no_window(trial),
        ),
    ]


def emission_accounts(trial: TrialFacts, energy: Account) -> list[Account]:
    """Operational and embodied emissions, grams of CO2 equivalent."""
    operational = derive(
        "operational",
        "energy-x-pue-x-grid-intensity",
        trial.facts,
        [PUE, GRID],
        lambda pue, grid: carbon.operational_gco2e(_known(energy), pue, grid),
        other_basis=energy.basis,
        blocked=energy.missing,
    )
    if trial.kind == "endpoint" and HARDWARE_EMBODIED not in trial.facts:
        embodied = derive(
            "embodied",
            "grams-per-token",
            trial.facts,
            [EMBODIED_PER_MTOK],
            lambda per_mtok: per_mtok * trial.tokens.output_tokens / price.TOKENS_PER_MTOK,
            blocked=_uncounted(trial.tokens),
        )
    else:
        embodied = derive(
            "embodied",
            "by-time-part-and-utilisation",
            trial.facts,
            [HARDWARE_EMBODIED, *HARDWARE_USE],
            lambda grams, lifetime_s, share, used: carbon.embodied_gco2e(
                grams, trial.window_s or 0.0, lifetime_s, share, used
            ),
            blocked=_no_window(trial),
        )
    return [operational, embodied]


def _token_cost(trial: TrialFacts) -> Account:
    tokens = trial.tokens
    notes = []
    if tokens.uncounted_failed:
        notes.append(f"failed attempts that report no tokens are not in the cost: {tokens.uncounted_failed}")
    needed = [INPUT_PRICE, OUTPUT_PRICE]
    if tokens.cached_tokens and CACHED_PRICE in trial.facts:
        needed.append(CACHED_PRICE)
    elif tokens.cached_tokens:
        notes.append(f"no price for cached input is listed: {tokens.cached_tokens} cached tokens at the input price")

    def formula(per_input: Interval, per_output: Interval, per_cached: Interval | None = None) -> Interval:
        return price.tokens_usd(
            prompt_tokens=tokens.prompt_tokens,
            cached_tokens=tokens.cached_tokens,
            output_tokens=tokens.output_tokens,
            usd_per_input_mtok=per_input,
            usd_per_cached_input_mtok=per_input if per_cached is None else per_cached,
            usd_per_output_mtok=per_output,
        )

    return derive(
        "tokens",
        "tokens-x-price",
        trial.facts,
        needed,
        formula,
        blocked=_uncounted(tokens),
        note="; ".join(notes) or None,
    )


def _known(energy: Account) -> Interval:
    if energy.value is None:
        raise ValueError(energy.missing or "energy is not known")
    return energy.value


def _uncounted(tokens: Tokens) -> str | None:
    if not tokens.uncounted_ok:
        return None
    return f"attempts that succeeded without token counts: {tokens.uncounted_ok}"


def _no_window(trial: TrialFacts) -> str | None:
    return "the trial has no measured window" if trial.window_s is None else None
