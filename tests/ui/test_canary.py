"""The canary of one target as a page draws it, over synthetic nights: verdict, nights, peers, changed answers."""

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from tests.warehouse.begun import begun
from tests.warehouse.synthetic import FIRST_NIGHT_AT, TARGETS
from tests.warehouse.synthetic_canaries import land_canaries
from ui.canary import agreement_table, changed_badge, changed_table, nights_table, sentence, shown_peers
from ui.canary_snapshot import of_target, verdicts
from ui.server import DATA_DIR_VARIABLE
from warehouse.canary import PairAgreement, Verdict
from warehouse.loader import load
from warehouse.publish import publish
from warehouse.query import published_path

SCRIPT = "from ui import canary, frame\nframe.page('Who is it?', lambda at: canary.section(at, {target!r}))"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("canary")
    land_canaries(folder, FIRST_NIGHT_AT, 6, TARGETS)
    load(begun(folder))
    publish(folder)
    return folder


def drawn(data, target, monkeypatch):
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(data))
    page = AppTest.from_string(SCRIPT.format(target=target), default_timeout=60).run()
    assert not page.exception, page.exception
    return "\n".join(element.proto.body for element in page.get("html")), page


def test_a_swapped_target_says_since_when_and_shows_what_it_answers_now(data, monkeypatch):
    html, page = drawn(data, "openai-mini", monkeypatch)
    assert "Its answers changed" in html
    assert "First seen 2026-11-06." in html
    assert "below one in a million" in html
    labels = [each.label for each in page.expander]
    assert labels[0] == "2 earlier nights"
    assert labels[1].endswith("answers differ from those of its reference nights")


def test_a_target_that_repeats_itself_is_the_same_and_its_model_is_compared_with_others(data, monkeypatch):
    html, _ = drawn(data, "llama-8b-h100", monkeypatch)
    assert "It still answers as it did" in html
    assert "It answers otherwise than 1 of 1 target thought to serve the same model" in html
    assert "other tokenizer" in html
    html, _ = drawn(data, "vllm-own", monkeypatch)
    assert "It counts tokens otherwise" in html


def test_a_target_that_was_never_asked_is_unknown_with_the_reason(data, monkeypatch):
    html, _ = drawn(data, "<b>nobody</b>", monkeypatch)
    assert "is unknown" in html
    assert "&lt;b&gt;nobody&lt;/b&gt; has not been asked" in html


def test_only_what_changed_carries_a_mark(data):
    marks = {name: changed_badge(verdict) for name, verdict in verdicts(str(published_path(data))).items()}
    assert {name: mark.text for name, mark in marks.items() if mark} == {
        "openai-mini": "answers changed",
        "vllm-own": "other tokenizer",
    }
    assert changed_badge(None) is None
    unknown = Verdict(
        target_id="a", run_id="r", asked_at=datetime(2026, 11, 1, tzinfo=UTC), verdict="unknown", reason="first",
        since_at=datetime(2026, 11, 1, tzinfo=UTC), identical_share=None, right_share=None, family_chance_share=None,
    )  # fmt: skip
    assert changed_badge(unknown) is None


def test_tables_hold_a_row_a_night_and_unknown_is_said_in_words(data):
    found = of_target(str(published_path(data)), "openai-mini")
    columns, rows = nights_table(found.nights)
    assert len(rows) == 6
    assert {len(row.cells) for row in rows} == {len(columns)}
    first = rows[-1].cells
    assert [cell.main for cell in first[2:5]] == ["none", "unknown", "unknown"]
    assert first[0].badges[0].text == "reference"
    assert sentence(found.nights[-1]).startswith("The first night")
    changed = changed_table(found.changed)[1]
    assert len(changed) == len(found.changed) > 20


def test_of_many_peers_those_that_agree_most_are_drawn_beside_the_target():
    names = ["me", *(f"peer-{n}" for n in range(8))]
    pairs = [
        PairAgreement(
            target_id=one,
            other_target_id=other,
            compared=33,
            identical=int(other[-1]) if other != "me" else 1,
            same_tokenizer=None,
            chance=None,
        )
        for one in names
        for other in names
        if one != other
    ]
    assert shown_peers(pairs, "me") == ["me", "peer-7", "peer-6", "peer-5", "peer-4", "peer-3"]
    columns, rows = agreement_table(pairs, "me")
    assert (len(columns), len(rows)) == (7, 6)
    assert rows[0].cells[1].main == "\N{EN DASH}"
    assert rows[0].cells[2].beneath == "not compared with its nights yet"
