"""What an energy covers, in a sentence."""

import pytest

from flows.boundary_words import LEFT_OUT, boundary_words


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
