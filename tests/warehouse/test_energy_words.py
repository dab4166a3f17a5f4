"""What energies cover and what figures rest on, in sentences."""

import pytest

from warehouse.energy_words import LEFT_OUT, UNLIKE, basis_sentences, boundary_words

HEAD = "basis, the weakest of a figure's inputs: "


@pytest.mark.parametrize(
    ("components", "words"),
    [
        (["cpu"], f"of processors, whoever used them; {LEFT_OUT}"),
        (["cpu", "gpu", "ram"], f"of processors, memory and cards, whoever used them; {LEFT_OUT}"),
        (["machine"], "of the whole machine"),
        (["endpoint"], None),
        ([], None),
    ],
)
def test_two_meters_are_not_called_a_machine(components, words):
    assert boundary_words(components) == words


def of(target_id, usd=None, energy=None, emissions=None):
    return {"target_id": target_id, "usd_basis": usd, "energy_basis": energy, "emissions_basis": emissions}


@pytest.mark.parametrize(
    ("rows", "sentences"),
    [
        ([of("a"), of("b")], []),
        ([of("a", "declared"), of("b", "declared")], [f"{HEAD}USD declared"]),
        (
            [of("a", "modelled", "modelled", "estimated"), of("b", "modelled", "measured", "estimated")],
            [f"{HEAD}USD modelled; J measured (b), modelled (a); gCO2e estimated"],
        ),
        (
            [of("a", "declared", "modelled", "estimated"), of("api", "declared", "estimated", "estimated")],
            [f"{HEAD}USD declared; J modelled (a), estimated (api); gCO2e estimated", UNLIKE],
        ),
        (
            [*(of(name, energy="estimated") for name in "abcd"), of("e", energy="declared")],
            [f"{HEAD}J declared (e), estimated (4 targets)"],
        ),
    ],
)
def test_a_board_says_what_its_figures_rest_on_and_warns_of_unlike_ones(rows, sentences):
    assert basis_sentences(rows) == sentences
