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


def test_a_row_of_dots_is_for_the_eye_only_and_leaves_a_gap_where_nothing_is_known():
    columns = [markup.Column(title="x")]
    drawn = markup.table(columns, [markup.Row(cells=[markup.Cell(main="1", spark=(0.0, None, 1.0, 7.0))])], label="t")
    assert drawn.count("<i></i>") == 1
    assert [part.split("px")[0] for part in drawn.split("margin-bottom:")[1:]] == ["0", "14", "14"]
    assert 'class="mt-spark" aria-hidden="true"' in drawn
    once = markup.table(columns, [markup.Row(cells=[markup.Cell(main="1", spark=(0.5,))])], label="t")
    assert "mt-spark" not in once


def test_a_parted_row_says_so_in_its_class_alone():
    drawn = markup.table(
        [markup.Column(title="x")], [markup.Row(cells=[markup.Cell(main="1")], parted=True)], label="t"
    )
    assert '<tr role="row" class="mt-parted">' in drawn
