"""Cutting a JSON array into its items, as it comes."""

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.load.json_array import cut_array, guess_objects, value_end

SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.text('{}[],:"\\ aü\n', max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("k{", max_size=2), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text("abc", max_size=2), VALUES, max_size=3)
SOME = settings(max_examples=40, deadline=None)


def written(items, *, indent, between, ascii_only=False):
    texts = [json.dumps(item, indent=indent, ensure_ascii=ascii_only) for item in items]
    return ("[" + between.join(texts) + "]").encode()


FORMS = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 2]),
        "between": st.sampled_from([",", "\n,\r\n", " , "]),
        "ascii_only": st.booleans(),
    }
)


@SOME
@given(st.lists(VALUES, max_size=5), FORMS)
def test_the_items_are_those_that_a_parser_of_the_whole_finds(items, form):
    body = written(items, **form)
    cut = cut_array(body)
    assert [orjson.loads(text) for text in cut.data] == orjson.loads(body)
    assert [body[end - len(text) : end] for text, end in zip(cut.data, cut.ends, strict=True)] == cut.data
    assert cut.unfinished is None


@SOME
@given(st.lists(OBJECTS, min_size=1, max_size=4), FORMS)
def test_an_array_cut_anywhere_gives_the_items_that_were_whole_by_then(items, form):
    body = written(items, **form)
    whole = cut_array(body)
    for place in range(body.index(b"{"), len(body)):
        part = cut_array(body[:place])
        come = sum(end <= place for end in whole.ends)
        assert part.data[:come] == whole.data[:come]
        assert part.ends[:come] == whole.ends[:come]
        assert len(part.data) == come + (part.unfinished is not None)


@SOME
@given(st.lists(OBJECTS, min_size=1, max_size=5), FORMS)
def test_a_guess_whose_items_are_all_json_is_right(items, form):
    body = written(items, **form)
    guess = guess_objects(body)
    assert guess is not None
    try:
        parsed = [orjson.loads(text) for text in guess.data]
    except orjson.JSONDecodeError:
        return
    assert parsed == items
    assert guess == cut_array(body)


def test_a_guess_is_right_where_objects_stand_beside_each_other_within_an_item():
    items = [{"parts": [{"text": "a"}, {"text": "b"}], "n": n} for n in range(3)]
    guess = guess_objects(written(items, indent=None, between=",\r\n"))
    assert guess is not None
    assert [orjson.loads(text) for text in guess.data] == items


def test_no_guess_is_made_of_what_has_not_come_whole():
    assert guess_objects(b'[{"a":1},{"b":2}') is None
    assert guess_objects(b"[]") is None
    assert guess_objects(b"[1,2]") is None
    assert guess_objects(b'[{"a":1}] {"b":2}') is None


def test_what_stands_behind_the_array_is_an_item_too():
    cut = cut_array(b'[{"a":1}]\n{"error":{"code":500}}')
    assert cut.data == [b'{"a":1}', b'{"error":{"code":500}}']
    assert cut.unfinished is None
    assert cut_array(b'[{"a":1}]]').data == [b'{"a":1}', b"]"]


@pytest.mark.parametrize("torn", [b'{"a', b'{"a":"}', b'{"a":"\\"}', b'{"a":[1,', b'"x', b"tru", b'{"a":"\\'])
def test_a_torn_item_is_unfinished(torn):
    cut = cut_array(b'[{"a":1},' + torn)
    assert cut.data == [b'{"a":1}', torn]
    assert cut.unfinished == 1


def test_the_end_of_a_value_is_found_from_its_beginning_alone():
    assert value_end(b'xx{"a":"}"} {', 2) == 11
    assert value_end(b'["]"]', 0) == 5
    assert value_end(b"7,", 0) == 1
    assert value_end(b"}", 0) == 1
    assert value_end(b'{"a":{}', 0) is None


def test_a_million_brackets_take_no_longer_than_as_many_bytes():
    assert len(cut_array(b"[" + b"{" * 100_000).data) == 1
    assert len(cut_array(b"[" + b'"' * 100_001).data) == 50_001
