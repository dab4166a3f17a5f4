"""What energies cover and what figures rest on, in sentences: nobody should take two meters for a machine.

A board's table has no room for the label of each figure, and no table for what is not in it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from warehouse.formulas.basis import BASES

PARTS = {"cpu": "processors", "ram": "memory", "gpu": "cards"}
# Boavizta's rest of a server: 33 % of processors and memory, 20 to 60 %.
LEFT_OUT = (
    "boards, disks, fans, network and the losses of power supplies are not metered (in a server 20 to 60 % of"
    " processors and memory, says Boavizta); a wall meter in [[site.meters]] has them"
)
_FIGURES = (("USD", "usd_basis"), ("J", "energy_basis"), ("gCO2e", "emissions_basis"))
_MOST_NAMES = 3
UNLIKE = (
    "energy that is estimated of a provider's shared servers and energy that is of this machine alone are not of one"
    " kind: a difference between them may be one of boundaries"
)


def boundary_words(components: Sequence[str]) -> str | None:
    """What the energy of some components is of, and what is not in it; None where nothing was metered here.

    Args:
        components: those that the total adds up: cpu, ram, gpu; machine, which stands for all; endpoint.
    """
    if "machine" in components:
        return "of the whole machine"
    parts = [words for component, words in PARTS.items() if component in components]
    if not parts:
        return None
    *others, last = parts
    return f"of {', '.join(others)}{' and ' if others else ''}{last}, whoever used them; {LEFT_OUT}"


def basis_sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The weakest label among the inputs of cost, energy and emissions, and of which targets; a caution if they mix.

    Args:
        rows: of a board, with `usd_basis`, `energy_basis` and `emissions_basis`; None is unknown.
    """
    said = [f"{unit} {words}" for unit, column in _FIGURES if (words := _by_basis(rows, column))]
    if not said:
        return []
    return [f"basis, the weakest of a figure's inputs: {'; '.join(said)}", *unlike_energies(rows)]


def unlike_energies(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A caution where the energy of some targets is estimated and that of others was metered or modelled here."""
    energies = {row.get("energy_basis") for row in rows}
    return [UNLIKE] if "estimated" in energies and energies & {"measured", "modelled"} else []


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
