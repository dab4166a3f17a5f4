"""What the figures of a board rest on, in sentences: a board's table has no room for the label of each figure."""

from collections.abc import Mapping, Sequence
from typing import Any

from warehouse.formulas.basis import BASES

_FIGURES = (("USD", "usd_basis"), ("J", "energy_basis"), ("gCO2e", "emissions_basis"))
_MOST_NAMES = 3
UNLIKE = (
    "energy that is estimated of a provider's shared servers and energy that is of this machine alone are not of one"
    " kind: a difference between them may be one of boundaries"
)


def basis_sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The weakest label among the inputs of cost, energy and emissions, and of which targets; a caution if they mix.

    Args:
        rows: of a board, with `usd_basis`, `energy_basis` and `emissions_basis`; None is unknown.
    """
    said = [f"{unit} {words}" for unit, column in _FIGURES if (words := _by_basis(rows, column))]
    if not said:
        return []
    sentences = [f"basis, the weakest of a figure's inputs: {'; '.join(said)}"]
    energies = {row.get("energy_basis") for row in rows} - {None}
    if "estimated" in energies and energies & {"measured", "modelled"}:
        sentences.append(UNLIKE)
    return sentences


def _by_basis(rows: Sequence[Mapping[str, Any]], column: str) -> str:
    found = {
        basis: list(dict.fromkeys(row["target_id"] for row in rows if row.get(column) == basis)) for basis in BASES
    }
    known = {basis: targets for basis, targets in found.items() if targets}
    if len(known) == 1:
        return next(iter(known))
    return ", ".join(f"{basis} ({_names(targets)})" for basis, targets in known.items())


def _names(targets: Sequence[str]) -> str:
    return ", ".join(targets) if len(targets) <= _MOST_NAMES else f"{len(targets)} targets"
