"""Names of providers and models are data: none of them can become markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui import markup
from ui.markup import Badge, Cell, Column, Row, Tile

EVIL = "<img src=x onerror=\"alert('x')\">&amp;"


def test_markup_in_a_name_is_shown_and_not_obeyed():
    pages = [
        markup.table(
            [Column(title=EVIL, unit=EVIL, hint=EVIL)],
            [Row(cells=[Cell(main=EVIL, beneath=EVIL, hint=EVIL, badges=(Badge(text=EVIL, hint=EVIL),))])],
            label=EVIL,
            kind=EVIL,
        ),
        markup.tiles([Tile(label=EVIL, value=EVIL, beneath=EVIL)]),
        markup.heading(EVIL, beneath=EVIL),
        markup.notes([EVIL]),
        markup.panel(EVIL, EVIL, code=EVIL),
        markup.verdict(Badge(text=EVIL), EVIL),
    ]
    for page in pages:
        assert "<img" not in page
        assert "alert('" not in page
        assert "&lt;img src=x" in page


@given(st.text(max_size=50))
def test_no_text_adds_an_element_to_a_table(text):
    def elements(cell):
        return markup.table([Column(title="t")], [Row(cells=[cell])], label="l").count("<")

    assert elements(Cell(main=text or "x", hint="h")) == elements(Cell(main="x", hint=text or "h"))


def test_a_cell_that_spans_columns_belongs_to_the_columns_after_it():
    columns = [Column(title="one"), Column(title="two"), Column(title="three", right=True)]
    row = Row(cells=[Cell(main="a", span=2), Cell(main="b")])
    html = markup.table(columns, [row], label="l")
    assert 'colspan="2"' in html
    assert 'data-label="three"' in html
    assert 'data-label="two"' not in html


@pytest.mark.parametrize(("share", "width"), [(-1, "0.0%"), (0.5, "50.0%"), (7, "100.0%")])
def test_a_bar_stays_inside_its_tile(share, width):
    assert f"width:{width}" in markup.tiles([Tile(label="l", value="v", share=share)])
