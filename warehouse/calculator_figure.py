"""A figure of a month: its range, what it rests on, and draws in which targets share what they have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from warehouse.accounting.account import Fact, Formula
from warehouse.accounting.hints import what_to_add
from warehouse.formulas.basis import worst_basis
from warehouse.formulas.interval import Interval, between, exactly
from warehouse.formulas.uncertainty import DRAWS, Floats, drawn
from warehouse.shared_inputs import input_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of a figure; two inputs of the same key are wrong in the same way, whoever's they are."""

    key: str
    value: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure in the unit of its name; `reason` says why `value` is None."""

    value: Interval | None
    reason: str | None = None
    notes: tuple[str, ...] = ()
    basis: str | None = None
    inputs: Mapping[str, Input] = field(default_factory=dict)
    formula: Formula | None = None

    def draws(self) -> Floats:
        """Shape (`DRAWS`,); the same draw of an input in every figure that has it. Of an exact figure, itself.

        Raises:
            ValueError: it is not known.
        """
        if self.value is None:
            raise ValueError(f"a figure that is not known cannot be drawn: {self.reason}")
        if self.formula is None or self.value.low == self.value.high:
            return np.full(DRAWS, self.value.central)
        values = self.formula({name: drawn(one.key, one.value) for name, one in self.inputs.items()}).values
        return np.broadcast_to(values, (DRAWS,))


def unknown(*reasons: str | None, notes: Sequence[str] = ()) -> Figure:
    """A figure that is not known, and why."""
    return Figure(value=None, reason="; ".join(reason for reason in reasons if reason), notes=tuple(notes))


def figure(inputs: Mapping[str, Input], formula: Formula, *, basis: str | None, notes: Sequence[str] = ()) -> Figure:
    """A figure from its inputs; unknown if the formula refuses one of them."""
    try:
        value = formula({name: one.value for name, one in inputs.items()})
    except ValueError as error:
        return unknown(str(error), notes=notes)
    return Figure(value=value, notes=tuple(notes), basis=basis, inputs=inputs, formula=formula)


def known(value: Interval, *, basis: str | None, notes: Sequence[str] = ()) -> Figure:
    """A figure whose range is what it is, shared with no other."""
    return Figure(value=value, basis=basis, notes=tuple(notes))


def facts_as_inputs(
    facts: Mapping[str, Fact], needed: Sequence[str], target_id: str
) -> tuple[dict[str, Input], list[str]]:
    """The facts that a formula needs as inputs by quantity, and what to add for those that are not there."""
    missing = [what_to_add(quantity) for quantity in needed if quantity not in facts]
    inputs = {
        quantity: Input(
            key=input_key(
                quantity,
                low=fact.low,
                central=fact.central,
                high=fact.high,
                source=fact.source,
                ledger_key=None if fact.ledger_key is None else f"{fact.ledger}/{fact.ledger_key}",
                target_id=target_id,
            ),
            value=between(fact.low, fact.central, fact.high),
        )
        for quantity in needed
        if (fact := facts.get(quantity)) is not None
    }
    return inputs, missing


def basis_of(facts: Mapping[str, Fact], quantities: Sequence[str], *others: str | None) -> str | None:
    """The weakest label among facts and other labels."""
    return worst_basis([facts[each].basis for each in quantities if each in facts] + [each for each in others if each])


def own_input(key: str, value: Interval | float) -> Input:
    """An input that is no fact."""
    return Input(key=key, value=exactly(value) if isinstance(value, int | float) else value)
