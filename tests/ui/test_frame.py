"""What pages share: the bar, the link, and what is said when there is nothing to draw."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from tests.ui.test_pages import opened, text
from ui.frame import WINDOWS, Filters, permalink


def test_a_link_names_every_choice_even_with_markup_in_it():
    asked = {"workload": "chat & <b>", "window": "7d"}
    link = permalink("http://127.0.0.1:8501/carbon", asked)
    assert link.startswith("http://127.0.0.1:8501/carbon?")
    assert parse_qs(urlsplit(link).query) == {name: [value] for name, value in asked.items()}
    assert "<b>" not in link
    assert permalink("http://127.0.0.1:8501/", {}) == "http://127.0.0.1:8501/"


def test_filters_admit_what_was_chosen_and_all_where_nothing_was():
    chosen = {"workload": "w", "window": timedelta(days=1), "window_words": "24 hours", "percentile": "p50"}
    everything = Filters(model=None, region=None, **chosen)
    french = Filters(model=None, region="FRA", **chosen)
    assert everything.admits({"model": "m", "region": None})
    assert french.admits({"model": "m", "region": "FRA"})
    assert not french.admits({"model": "m", "region": None})


def test_windows_grow():
    lengths = [length for _, length in WINDOWS.values()]
    assert lengths == sorted(set(lengths))


def test_a_model_narrows_a_page_and_nonsense_in_the_address_is_said(nights, monkeypatch):
    page = opened("carbon", nights, monkeypatch, model="llama-3.1-8b")
    assert "llama-8b-h100" in text(page)
    assert "smollm2-q8" not in text(page)
    page = opened("carbon", nights, monkeypatch, model="<b>none</b>")
    assert "There is no model &#x27;&lt;b&gt;none&lt;/b&gt;&#x27; here; this is all." in text(page)
    assert "smollm2-q8" in text(page)
