"""Facts, accounts, and how one follows from the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from warehouse.accounting.hints import what_to_add
from warehouse.formulas.basis import worst_basis
from warehouse.formulas.interval import AnyQuantity, Interval, between


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


class Formula(Protocol):
    """A figure from its inputs by name: from intervals its range, from draws its draws."""

    def __call__(self, of: Mapping[str, AnyQuantity], /) -> AnyQuantity: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One figure of a trial, in the unit of its table; `missing` says why `value` is None.

    `formula` applied to `inputs` gives `value`; both are there to ask how the figure moves with its inputs.
    """

    component: str
    value: Interval | None
    basis: str | None
    method: str
    missing: str | None = None
    note: str | None = None
    factors: tuple[Fact, ...] = ()
    inputs: Mapping[str, Interval] = field(default_factory=dict)
    formula: Formula | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyAccount(Account):
    """Energy of one component, joules; `in_total` unless a meter of the whole machine covers it."""

    in_total: bool
    idle_j: float | None = None
    active_j: float | None = None
    others_active_j: float | None = None  # part of active_j that other processes drew
    idle_window_s: float | None = None  # how long idle power was metered for
    error_bound_j: float | None = None  # the most by which reading at instants can be wrong; part of value's range


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """Tokens of requests that report them, and how many fees these pay: what a price list asks for."""

    fees: int = 0  # one a request, but of a rerank that says so one a search
    prompt_tokens: int = 0
    cached_tokens: int = 0  # part of the prompt
    cache_write_tokens: int = 0  # part of the prompt
    output_tokens: int = 0

    def __sub__(self, other: "Billed") -> "Billed":
        return Billed(
            fees=self.fees - other.fees,
            prompt_tokens=self.prompt_tokens - other.prompt_tokens,
            cached_tokens=self.cached_tokens - other.cached_tokens,
            cache_write_tokens=self.cache_write_tokens - other.cache_write_tokens,
            output_tokens=self.output_tokens - other.output_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens(Billed):
    """Tokens of the measured attempts of a trial, as far as they are known."""

    # what of them was in requests with longer prompts than so many tokens, for each length at which the price changes
    longer: Mapping[int, Billed] = field(default_factory=dict)
    uncounted_ok: int  # attempts that succeeded without token counts: their price cannot be known
    uncounted_failed: int  # attempts that failed without token counts
    # those of either that say for how many searches they are billed: where tokens cost nothing, that is all there is
    searched_ok: int = 0
    searched_failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFacts:
    """What the accounts of one trial rest on, its metered energy apart."""

    kind: str  # endpoint or local; a job is local
    window_s: float | None
    tokens: Tokens
    facts: Mapping[str, Fact]


def derive(
    component: str,
    method: str,
    facts: Mapping[str, Fact],
    needed: Sequence[str],
    formula: Formula,
    *,
    upon: Account | None = None,
    blocked: str | None = None,
    note: str | None = None,
) -> Account:
    """Apply a formula to facts, and to what another account rests on.

    Args:
        component: what the figure is a part of.
        method: name of the formula, as it is stored.
        facts: the facts of the trial by quantity.
        needed: quantities that the formula takes.
        formula: takes one figure for each of them by name, and for each input of `upon`.
        upon: an account that the formula goes on from, for example the energy.
        blocked: why an input that is no fact is unknown, if it is.
        note: what a reader of the value should know.

    Returns:
        The account; its value is None if it is blocked, a fact is missing, or the formula refuses a fact.
    """
    unknown = [blocked] if blocked else []
    if upon is not None and upon.missing:
        unknown.append(upon.missing)
    used = tuple(facts[quantity] for quantity in needed if quantity in facts)
    unknown += [what_to_add(quantity) for quantity in needed if quantity not in facts]
    missing = ", ".join(unknown) or None
    inputs = dict(upon.inputs) if upon is not None else {}
    value = None
    if missing is None:
        try:
            inputs |= {fact.quantity: between(fact.low, fact.central, fact.high) for fact in used}
            value = formula(inputs)
        except ValueError as error:
            missing = refused(error, used)
    bases = [fact.basis for fact in used] + ([upon.basis] if upon is not None and upon.basis else [])
    return Account(
        component=component,
        value=value,
        basis=None if value is None else worst_basis(bases),
        method=method,
        missing=missing,
        note=note,
        factors=used,
        inputs=inputs,
        formula=None if value is None else formula,
    )


def refused(error: ValueError, used: Sequence[Fact]) -> str:
    """Why a formula refuses facts, with the facts."""
    given = ", ".join(f"{fact.quantity} = {fact.central:g} ({fact.source})" for fact in used)
    return f"{error}; given are {given}" if given else str(error)


def uncounted(tokens: Tokens) -> str | None:
    """Why tokens cannot be reckoned with, if they cannot."""
    if not tokens.uncounted_ok:
        return None
    return f"attempts that succeeded without token counts: {tokens.uncounted_ok}"


def no_window(trial: TrialFacts) -> str | None:
    """Why time cannot be reckoned with, if it cannot."""
    return "the trial has no measured window" if trial.window_s is None else None
