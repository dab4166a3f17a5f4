"""How far a figure can be trusted, as one word, and the rule that a result is no better than its worst input.

measured   a sensor or counter read it here
declared   whoever answers for it states it: a price list, a tariff, a data sheet, the user's own config
modelled   computed from readings here by a published model
estimated  carried over from elsewhere: averages, other machines, literature ranges
"""

from collections.abc import Iterable

# Best to worst. `0002_accounts.sql` has the same order as an enum; a test holds them together.
BASES = ("measured", "declared", "modelled", "estimated")


def worst_basis(bases: Iterable[str]) -> str | None:
    """The least trusted of some labels; None of none.

    Raises:
        ValueError: a label that is not one of ours.
    """
    labels = list(bases)
    for label in labels:
        if label not in BASES:
            raise ValueError(f"basis {label!r} is not one of {', '.join(BASES)}")
    return max(labels, key=BASES.index, default=None)
