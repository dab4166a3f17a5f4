"""What the SQL page reads: the views of a snapshot with their meaning, and the outcome of a question."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ui.snapshot import data_dir
from warehouse.errors import WarehouseError
from warehouse.query import ViewComment, views_with_comments
from warehouse.sandbox import Answer, ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An answer, or the sentence instead of it."""

    answer: Answer | None
    refused: str | None


@st.cache_data(max_entries=4, show_spinner=False)
def views(path: str) -> list[ViewComment]:
    """Every view of the published snapshot, by name."""
    assert path  # the key of the cache
    return views_with_comments(data_dir())


@st.cache_data(max_entries=4, show_spinner=False)  # an answer has 8 MB at most
def outcome(path: str, sql: str) -> Outcome:
    """What a question to a snapshot comes to; a refusal is kept too, or every redraw would ask an endless one again."""
    try:
        return Outcome(answer=ask(Path(path), sql), refused=None)
    except WarehouseError as error:
        return Outcome(answer=None, refused=str(error))
