"""What a target can do, as its page draws it: never asked, conforming, deviating, not answered."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.warehouse.begun import begun
from tests.warehouse.synthetic import FIRST_NIGHT_AT
from tests.warehouse.synthetic_checks import DEVIATING, UNANSWERED, land_checks
from ui import endpoint_check
from ui.endpoint_check import deviation_words, missing
from ui.endpoint_check_snapshot import deviating, findings, latest
from ui.server import DATA_DIR_VARIABLE
from warehouse.loader import load
from warehouse.publish import publish
from warehouse.query import published_path

PAGE = Path(endpoint_check.__file__).parent / "questions" / "endpoint.py"
SCRIPT = "from ui import endpoint_check, frame\nframe.page('?', lambda at: endpoint_check.section(at, {target!r}))"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checks")
    land_checks(folder, FIRST_NIGHT_AT, 6)
    load(begun(folder))
    publish(folder)
    return folder


def drawn(data, target, monkeypatch):
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(data))
    page = AppTest.from_string(SCRIPT.format(target=target), default_timeout=60).run()
    assert not page.exception, page.exception
    return "\n".join(element.proto.body for element in page.get("html")), page


def test_a_target_that_conforms_says_so_with_the_age_of_its_check(data, monkeypatch):
    html, page = drawn(data, "groq-llama-70b", monkeypatch)
    assert "It does 4 of 4 things that its standards require" in html
    assert "conforms" in html and "openai-chat at https://groq.example/v1" in html
    assert "23 calls, 2,731 + 171 tokens" in html and " ago" in html
    assert [each.label for each in page.expander] == ["All 8 findings"]


def test_a_target_that_deviates_names_what_it_does_not_do_the_requirements_first(data, monkeypatch):
    html, _ = drawn(data, DEVIATING, monkeypatch)
    assert "It does 1 of 4 things that its standards require" in html
    assert "Does it count the tokens?" in html
    rows = missing(findings(str(published_path(data)), DEVIATING))
    assert [row["finding_id"] for row in rows] == ["max_tokens", "usage", "wrong_key", "as_made", "ignore_eos"]


def test_one_that_did_not_answer_shows_what_to_set_and_no_score(data, monkeypatch):
    html, _ = drawn(data, UNANSWERED, monkeypatch)
    assert "What it can do is not known: it did not answer" in html
    assert "There is no model &quot;mistral-smal&quot;; did you mean &quot;mistral-small&quot;?" in html
    assert "things that its standards require" not in html


def test_one_that_was_never_checked_shows_the_command(data, monkeypatch):
    html, page = drawn(data, "nobody", monkeypatch)
    assert "What it can do was never asked" in html
    assert page.code[-1].value == "megatoken check nobody --config FILE"


def test_the_page_of_a_target_shows_its_check_before_any_night(data, monkeypatch):
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(data))
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    page.query_params["target"] = DEVIATING
    page.run()
    assert not page.exception, page.exception
    assert "It does 1 of 4 things that its standards require" in "".join(e.proto.body for e in page.get("html"))


def test_the_overview_has_a_line_for_each_that_is_not_as_it_should_be(data):
    path = str(published_path(data))
    assert [row["target_id"] for row in deviating(path)] == [UNANSWERED, DEVIATING]
    assert deviation_words(latest(path, DEVIATING)) == (
        f"{DEVIATING} does 1 of 4 things that its standards require: max_tokens and usage not"
    )
    assert deviation_words(latest(path, UNANSWERED)).startswith(f"{UNANSWERED} did not answer when it was last checked")
