"""The first page: four answers, who may be one, and what is said where there is none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.ui.test_pages import opened, text
from ui import overview
from ui.markup import Badge
from ui.ranking import Entry
from warehouse.rank_bands import RankBand
from warehouse.service_level import Verdict

ROW = {"provider": "<b>p</b>", "model": "m", "region": None, "measured_at": datetime(2026, 11, 2, tzinfo=UTC)}


def entry(target, rank, low=None, high=None, *, value=1.0, p_first=None):
    band = RankBand(target_id=target, rank_low=low, rank_high=high, p_first=p_first, n_runs=5)
    return Entry(rank=rank, target_id=target, row=ROW, value=value, low=None, high=None, band=band)


@pytest.fixture
def asked():
    return overview.questions("p50")


def test_one_that_is_surely_first_is_named_with_its_chance(asked):
    found = [entry("a", 1, 1, 1, p_first=0.99), entry("b", 2, 2, 2)]
    said = overview.tile(asked[0], found, {})
    assert (said.label, said.value, said.tone) == ("Cheapest", "a", "good")
    assert "first in 99 % of draws" in said.beneath


def test_those_that_cannot_be_told_from_the_first_are_a_tie(asked):
    found = [entry("a", 1, 1, 2), entry("b", 2, 1, 2), entry("c", 3, 3, 3)]
    said = overview.tile(asked[1], found, {})
    assert said.label == "Fastest: 2 tie"
    assert "not told from b" in said.beneath


def test_a_leader_whose_answers_changed_is_no_answer_without_that_word(asked):
    said = overview.tile(asked[0], [entry("a", 1, 1, 1)], {"a": Badge(text="answers changed", tone="warn")})
    assert said.label == "Cheapest, but answers changed"
    assert said.tone == "warn"


def test_of_one_night_nobody_is_sure_and_without_a_figure_nobody_leads(asked):
    assert "not known how sure" in overview.tile(asked[0], [entry("a", 1)], {}).beneath
    nobody = overview.tile(asked[0], [entry("a", None, value=None)], {})
    assert (nobody.value, nobody.tone) == ("nobody", "warn")


def test_where_nobody_has_a_place_it_is_said_why_and_once(asked):
    busy = replace(entry("a", None), band=RankBand(target_id="a", reason="its load client is graded D"))
    answers = {question.key: [busy] for question in asked}
    assert overview.why_nobody(answers) == ["a is not ranked: its load client is graded D."]
    assert overview.why_nobody({**answers, asked[0].key: [busy, entry("b", 1)]}) == []


@pytest.mark.parametrize(
    ("ranks", "sentence"),
    [
        ([["a", "b"], ["a", "b"], ["b", "a"], ["b", "a"]], "a and b may each be first in 2 of 4"),
        ([["a", "b"], ["a", "b"], ["a", "b"], ["b", "a"]], "a is cheapest, fastest and soonest"),
        ([["a"], ["b"], ["c"], ["d"]], "No target leads in two of the 4: it is a trade-off"),
        ([[], [], [], []], "No target can be ranked yet"),
    ],
)
def test_one_sentence_says_who_may_be_first_in_most(asked, ranks, sentence):
    answers = {
        question.key: [entry(name, place, place, place) for place, name in enumerate(names, start=1)]
        for question, names in zip(asked, ranks, strict=True)
    }
    assert overview.finding(answers, asked) == sentence


def test_the_page_answers_over_nights_and_says_what_it_cannot(nights, monkeypatch):
    page = opened("overview", nights, monkeypatch)
    shown = text(page)
    for expected in ("Cheapest", "Fastest", "Soonest to answer", "Cleanest", "Did the last night work?", "stale"):
        assert expected in shown
    assert "keep the service level" in shown
    assert len(page.get("vega_lite_chart")) == 1
    page = opened("overview", nights, monkeypatch, slo="none", model="llama-3.1-8b", percentile="p95")
    assert "keep the service level" not in text(page)
    assert "TTFT p95" in text(page)
    assert "smollm2-q8" not in text(page)


def test_nonsense_in_the_address_is_said_and_the_page_stands(nights, monkeypatch):
    page = opened("overview", nights, monkeypatch, slo="<i>x</i>", window="1000y", workload="none")
    shown = text(page)
    assert "There is no workload &#x27;none&#x27; here" in shown
    assert "There is no window &#x27;1000y&#x27; here" in shown
    assert "<i>x</i>" not in shown
    assert "Cheapest" in shown


def test_a_service_level_is_kept_only_where_every_target_is_known_to_keep_it():
    def said(*standings):
        found = [
            Verdict(standing=one, good=1, offered=1, trials=1, share=None, low=None, high=None) for one in standings
        ]
        badge, sentence = overview.level_words(found)
        return badge.tone, sentence

    assert said("passes", "passes") == ("good", "2 of 2 targets keep the service level.")
    assert said("unknown", "unknown") == ("warn", "0 of 2 targets keep the service level, of 2 it is not known.")
    assert said("passes", "fails")[1].startswith("1 of 2 targets keeps the service level, 1 fails it and")
    assert overview.level_words([None]) is None


@pytest.mark.parametrize(
    ("nights", "title", "beneath"),
    [
        (
            0,
            "Too early to say what changed",
            "Shifts show after 10 nights, so far none that can be ranked by; no price changed.",
        ),
        (1, "Too early to say what changed", "Shifts show after 10 nights, so far 1 night; no price changed."),
        (9, "Too early to say what changed", "Shifts show after 10 nights, so far 9 nights; no price changed."),
        (10, "Nothing changed", "No shift, odd night or price in the last 28 days."),
    ],
)
def test_a_few_nights_without_a_change_are_too_early_to_say(nights, title, beneath):
    assert overview.unchanged(nights, "28 days") == (title, beneath)
