"""What the figures of a board rest on."""

import io

import pytest
from rich.console import Console

from flows.basis_words import UNLIKE, basis_sentences
from flows.leaderboard import print_leaderboard
from tests.flows.test_leaderboard import row

HEAD = "basis, the weakest of a figure's inputs: "


def of(target_id, usd=None, energy=None, emissions=None):
    return row(target_id, 1, 1, 1, usd_basis=usd, energy_basis=energy, emissions_basis=emissions)


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


def test_the_terminal_prints_it_below_the_board():
    out = io.StringIO()
    print_leaderboard(Console(file=out, width=120), [of("a", "declared", "measured")], "usd_per_output_mtok")
    assert f"{HEAD}USD declared; J measured" in out.getvalue()
