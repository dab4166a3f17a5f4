"""Which metrics the pages offer: those of tasks that are no chat where a target of the workload has such a figure."""

import pytest

from tests.ui.test_pages import opened, published, text
from tests.warehouse.builders import end_row, planned_row, run_row, trial_row
from tests.warehouse.test_task_views import chat, document
from warehouse.comparison import compare
from warehouse.query import open_published


@pytest.fixture(scope="module")
def two_tasks(tmp_path_factory):
    rows = [run_row(), end_row()]
    for target_id, texts in (("alpha", 4), ("beta", 2)):
        for workload_id in ("chat", "vectors"):
            trial_id = f"night-1.{target_id}.{workload_id}.1"
            trial = trial_row(trial_id=trial_id, target_id=target_id, workload_id=workload_id)
            rows += [planned_row(target_id=target_id, workload_id=workload_id), trial]
            for seq in range(3):
                row = document(trial_id, seq, input_items=texts) if workload_id == "vectors" else chat(trial_id, seq)
                rows.append(row)
    return published(tmp_path_factory.mktemp("two-tasks"), rows)


@pytest.mark.parametrize(
    ("page", "box", "asked"),
    [("ranking", "Rank by", "by"), ("tradeoff", "Across", "x"), ("endpoint", "Figure", "figure")],
)
def test_texts_a_second_are_offered_and_shown_of_embeddings(two_tasks, monkeypatch, page, box, asked):
    more = {"axes": "own"} if page == "tradeoff" else {}
    opened_page = opened(page, two_tasks, monkeypatch, workload="vectors", **{asked: "items_per_s"}, **more)
    (chosen,) = [one for one in opened_page.selectbox if one.label == box]
    assert (chosen.value, "Texts, texts/s" in chosen.options) == ("items_per_s", True)
    shown = text(opened_page)
    assert "There is no" not in shown
    assert "Texts" in shown
    assert page != "ranking" or "Output speed" not in shown


def test_a_chat_has_no_texts_a_second_to_be_ranked_by(two_tasks, monkeypatch):
    page = opened("ranking", two_tasks, monkeypatch, workload="chat", by="items_per_s")
    (chosen,) = [one for one in page.selectbox if one.label == "Rank by"]
    assert "Texts, texts/s" not in chosen.options
    assert "There is no rank by &#x27;items_per_s&#x27; here" in text(page)


@pytest.mark.parametrize(("workload_id", "is_there"), [("vectors", True), ("chat", False)])
def test_targets_are_compared_by_texts_a_second_where_they_have_any(two_tasks, workload_id, is_there):
    with open_published(two_tasks) as con:
        found = compare(con, workload_id, ["alpha", "beta"])
    of_texts = [one for one in found.differences if one.metric.id == "items_per_s"]
    assert bool(of_texts) == is_there
    assert not of_texts or of_texts[0].found.central > 1.9  # alpha embeds four texts at a time, beta two
