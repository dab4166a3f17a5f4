"""The SQL page without the page: what fits an address, what an answer says of itself, what its columns mean."""

import re
from collections.abc import Mapping, Sequence

from ui import words
from ui.markup import Cell, Column, Row
from warehouse.query import ViewComment
from warehouse.sandbox import Answer, Limits

OWN = "own"
MOST_IN_ADDRESS = 1500  # characters; longer addresses are cut off by mail programs and proxies


def fits_address(sql: str) -> bool:
    """Whether a question can be part of a link."""
    return len(sql) < MOST_IN_ADDRESS


def finding(answer: Answer, limits: Limits | None = None) -> str:
    """How much came back, and in which time; whether that was all."""
    took = f"in {words.figure(answer.took_s, 2)} s"
    rows = len(answer.rows)
    if answer.cut == "rows":
        return f"The first {rows:,} rows, {took}; there are more"
    if answer.cut == "bytes":
        most = (limits or Limits()).result_bytes
        return f"The first {words.count(rows, 'row')}, {took}; more would be over {most / 1e6:.0f} MB"
    return f"{words.count(rows, 'row')} {took}" if rows else f"No row, {took}"


def is_plan(answer: Answer) -> bool:
    """Whether it is EXPLAIN's answer, to be shown as text in columns of its own."""
    return [column.name for column in answer.columns] == ["explain_key", "explain_value"]


def meanings(answer: Answer, sql: str, views: Sequence[ViewComment]) -> Mapping[str, str]:
    """What the answer's columns mean, where the views that the question names agree on it."""
    named = {word.lower() for word in re.findall(r"\w+", sql)}
    said: dict[str, set[str]] = {}
    for view in views:
        if view.name.lower() in named:
            for column, comment in view.columns:
                said.setdefault(column, set()).add(comment)
    wanted = {column.name for column in answer.columns}
    return {
        column: next(iter(comments)) for column, comments in said.items() if len(comments) == 1 and column in wanted
    }


def schema_table(views: Sequence[ViewComment], name: str | None) -> tuple[list[Column], list[Row]]:
    """All views with their purpose, or the columns of one with their meaning."""
    if name is None:
        listed = [(view.name, view.comment) for view in views]
        head = "View"
    else:
        listed = [pair for view in views if view.name == name for pair in view.columns]
        head = "Column"
    rows = [Row(cells=[Cell(main=what, strong=True, wide=True), Cell(main=said, wide=True)]) for what, said in listed]
    return [Column(title=head), Column(title="What it is")], rows
