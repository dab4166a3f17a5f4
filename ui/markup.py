"""HTML for what Streamlit's own elements cannot show: two-line cells, badges, tables that fold into cards on a phone.

Every string that enters is data and is escaped here, in one place: a model called `<img src=x>` is a name, no image.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal
from urllib.parse import urlencode

Tone = Literal["plain", "quiet", "good", "warn", "bad"]
_SPARK_PX = 14  # between the least and the most


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's head: what it is and in which unit."""

    title: str
    unit: str = ""
    right: bool = False  # numbers stand right, words stand left
    ranked_by: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A word in a coloured frame; the word alone tells it all."""

    text: str
    tone: Tone = "quiet"
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A value, what qualifies it beneath, and marks beside it."""

    main: str
    beneath: str = ""
    badges: tuple[Badge, ...] = ()
    tone: Tone = "plain"
    strong: bool = False
    span: int = 1
    wide: bool = False  # on a phone, as wide as its card
    hint: str = ""
    link: tuple[str, Mapping[str, str]] | None = None  # a page of ours and its choices, where the value leads
    spark: tuple[float | None, ...] = ()  # 0 (bottom) to 1: a row of dots beneath, a gap where there is nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Cells in the order of the columns; a quiet row is listed but not ranked, a line sets apart the parted ones."""

    cells: Sequence[Cell]
    quiet: bool = False
    parted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure of a summary."""

    label: str
    value: str
    beneath: str = ""
    tone: Tone = "plain"
    share: float | None = None  # 0 to 1: drawn as a bar beneath the value


def table(columns: Sequence[Column], rows: Sequence[Row], *, label: str, kind: str = "") -> str:
    """A table with two-line cells that folds into cards on a narrow screen. `label` names it for screen readers."""
    head = "".join(_head(column) for column in columns)
    body = "".join(_row(columns, row) for row in rows)
    # Cards lay rows out as a grid, by which a browser forgets that it is a table: the roles say it again.
    return (
        f'<div class="mt-scroll" role="region" aria-label="{escape(label)}" tabindex="0">'
        f'<table class="mt-table {escape(kind)}" role="table" aria-label="{escape(label)}">'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table></div>'
    )


def tiles(items: Sequence[Tile]) -> str:
    """A row of figures."""
    return f'<div class="mt-tiles">{"".join(_tile(item) for item in items)}</div>'


def heading(text: str, *, level: Literal[1, 2] = 2, beneath: str = "") -> str:
    """A heading that may hold names of providers and models."""
    below = f'<p class="mt-sub">{escape(beneath)}</p>' if beneath else ""
    return f'<h{level} class="mt-h{level}">{escape(text)}</h{level}>{below}'


def notes(lines: Sequence[str]) -> str:
    """Small print beneath a table or a chart, one sentence a line."""
    return '<div class="mt-notes">' + "".join(f"<p>{escape(line)}</p>" for line in lines) + "</div>"


def listing(lines: Sequence[str]) -> str:
    """Points in no order, one sentence each."""
    return '<ul class="mt-list">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def link(text: str, page: str, query: Mapping[str, str]) -> str:
    """A way to another page of ours with its choices made; `page` is its path, without a slash."""
    return f'<p class="mt-sub">{_anchor(text, page, query)}</p>'


def panel(title: str, sentence: str, *, tone: Tone = "plain", code: str = "") -> str:
    """What a page shows in place of data: what is the case, and what to do."""
    command = f"<pre>{escape(code)}</pre>" if code else ""
    return (
        f'<div class="mt-panel mt-{tone}" role="status"><h2 class="mt-h2">{escape(title)}</h2>'
        f"<p>{escape(sentence)}</p>{command}</div>"
    )


def verdict(badge: Badge, sentence: str) -> str:
    """The answer to a page's question, in a word and in a sentence."""
    return f'<p class="mt-verdict">{_badge(badge)}<span>{escape(sentence)}</span></p>'


def _hint(text: str) -> str:
    return f' title="{escape(text)}"' if text else ""


def _head(column: Column) -> str:
    classes = " ".join(name for name, on in (("mt-right", column.right), ("mt-by", column.ranked_by)) if on)
    unit = f'<span class="mt-unit">{escape(column.unit)}</span>' if column.unit else ""
    sort = ' aria-sort="other"' if column.ranked_by else ""
    attributes = f'scope="col" role="columnheader" class="{classes}"{sort}{_hint(column.hint)}'
    return f"<th {attributes}>{escape(column.title)}{unit}</th>"


def _row(columns: Sequence[Column], row: Row) -> str:
    parts = []
    at = 0
    for cell in row.cells:
        parts.append(_cell(columns[at], cell))
        at += cell.span
    classes = " ".join(name for name, on in (("mt-quiet", row.quiet), ("mt-parted", row.parted)) if on)
    return f'<tr role="row" class="{classes}">{"".join(parts)}</tr>'


def _cell(column: Column, cell: Cell) -> str:
    classes = [f"mt-{cell.tone}"]
    classes += [
        name
        for name, on in (
            ("mt-right", column.right and cell.span == 1),
            ("mt-by", column.ranked_by and cell.span == 1),
            ("mt-strong", cell.strong),
            ("mt-wide", cell.wide),
        )
        if on
    ]
    # what a card on a phone writes above the value; a cell that spans columns belongs to none of them
    label = f"{column.title} {column.unit}".strip()
    place = f'colspan="{cell.span}"' if cell.span > 1 else f'data-label="{escape(label)}"'
    main = f'<span class="mt-main">{_linked(cell)}</span>' if cell.main else ""
    badges = "".join(_badge(b) for b in cell.badges)
    beneath = f'<span class="mt-beneath">{escape(cell.beneath)}</span>' if cell.beneath else ""
    inside = f"{main}{badges}{beneath}{_spark(cell.spark)}"
    return f'<td role="cell" class="{" ".join(classes)}" {place}{_hint(cell.hint)}>{inside}</td>'


def _linked(cell: Cell) -> str:
    return escape(cell.main) if cell.link is None else _anchor(cell.main, *cell.link)


def _anchor(text: str, page: str, query: Mapping[str, str]) -> str:
    return f'<a href="{escape(f"{page}?{urlencode(query)}")}" target="_self">{escape(text)}</a>'


def _spark(values: Sequence[float | None]) -> str:
    """The course of some values, for the eye only: the figures stand beside it.

    Not an SVG: Streamlit's own cleaning of HTML takes drawings out.
    """
    if sum(value is not None for value in values) < 2:
        return ""
    dots = "".join(
        "<i></i>" if value is None else f'<i style="height:2px;margin-bottom:{_height_px(value):.0f}px"></i>'
        for value in values
    )
    return f'<span class="mt-spark" aria-hidden="true">{dots}</span>'


def _height_px(share: float) -> float:
    return _SPARK_PX * min(max(share, 0.0), 1.0)


def _badge(badge: Badge) -> str:
    return f'<span class="mt-badge mt-{badge.tone}"{_hint(badge.hint)}>{escape(badge.text)}</span>'


def _tile(item: Tile) -> str:
    beneath = f'<div class="mt-beneath">{escape(item.beneath)}</div>' if item.beneath else ""
    bar = ""
    if item.share is not None:
        width = f"{100 * min(max(item.share, 0.0), 1.0):.1f}%"
        bar = f'<div class="mt-meter"><div style="width:{width}"></div></div>'
    return (
        f'<div class="mt-tile mt-{item.tone}"><div class="mt-label">{escape(item.label)}</div>'
        f'<div class="mt-value">{escape(item.value)}</div>{bar}{beneath}</div>'
    )
