"""Questions that users ask, shipped as SQL: one file a question, `NN_name.sql`, with its title and why it is asked."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedQuestion:
    """A question by the name that its link has."""

    name: str
    title: str
    why: str
    sql: str


@cache
def saved_questions() -> tuple[SavedQuestion, ...]:
    """All of them, in the order of their files' numbers."""
    return tuple(_read(path) for path in sorted(_FOLDER.glob("*.sql")))


def _read(path: Path) -> SavedQuestion:
    title, why, sql = path.read_text(encoding="utf-8").split("\n", 2)
    return SavedQuestion(
        name=path.stem.split("_", 1)[1],
        title=title.removeprefix("-- Title: "),
        why=why.removeprefix("-- Why: "),
        sql=sql.strip(),
    )
