"""Natural texts of our own, from which prompts are cut: files in `text/`, read when they are asked for.

prose      notes on machines, places and crafts, in English
dialogue   people talking, in English
languages  the same kind of notes in ten languages of Europe
code       Python modules
table      rows of JSON
mixed      all of them in turn, some sixty words of each
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Final, Literal, get_args

TextKind = Literal["prose", "code", "table", "dialogue", "languages", "mixed"]

TEXT_KINDS: Final[tuple[TextKind, ...]] = get_args(TextKind)
_FOLDER: Final = Path(__file__).with_name("text")
_WITH_LAYOUT: Final = ("code", "table", "dialogue")  # whose line breaks mean something
_UNIT: Final = re.compile(r"\s*\S+")
_MIXED_UNITS: Final = 60


@dataclass(frozen=True, slots=True)
class Text:
    """A text as words, each with the white space before it; the first has a space, or a blank line, too."""

    units: tuple[str, ...]

    def joined(self) -> str:
        """All of it."""
        return "".join(self.units)


@lru_cache(maxsize=len(TEXT_KINDS))
def read_text(kind: TextKind) -> Text:
    """One of the texts."""
    if kind == "mixed":
        parts = [_pieces(read_text(each).units) for each in TEXT_KINDS if each != "mixed"]
        # The longest ones go on alone when the others are at their end.
        pieces = [piece for turn in zip_longest(*parts, fillvalue=()) for piece in turn]
        return Text(tuple(unit for piece in pieces for unit in piece))
    text = (_FOLDER / f"{kind}.txt").read_text(encoding="utf-8").rstrip()
    if kind in _WITH_LAYOUT:
        return Text(tuple(_UNIT.findall("\n\n" + text)))
    return Text(tuple(f" {word}" for word in text.split()))


def _pieces(units: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [units[start : start + _MIXED_UNITS] for start in range(0, len(units), _MIXED_UNITS)]
