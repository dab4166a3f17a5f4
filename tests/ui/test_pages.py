"""The pages over real snapshots, run by Streamlit's own tester."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ui
from tests.warehouse.begun import begun
from tests.warehouse.builders import attempt_row, end_row, job_row, planned_row, run_row, trial_row
from tests.warehouse.synthetic import copy_synthetic
from ui.server import DATA_DIR_VARIABLE
from warehouse.landing import land
from warehouse.loader import load
from warehouse.publish import publish, published_link
from warehouse.query import published_path

QUESTIONS = Path(ui.__file__).parent / "questions"
EVIL = "<script>alert('x')</script> **bold** :red[x]" + "y" * 260


def opened(name: str, data_dir: Path, monkeypatch, **asked: str) -> AppTest:
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(data_dir))
    page = AppTest.from_file(str(QUESTIONS / f"{name}.py"), default_timeout=60)
    for key, value in asked.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception, page.exception
    return page


def text(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def published(folder: Path, rows) -> Path:
    land(folder, batch_id="one", host_id="host", rows=rows, landed_at=datetime(2026, 11, 2, tzinfo=UTC))
    load(begun(folder))
    publish(folder)
    return folder


def test_a_ranking_lists_ranked_failed_and_skipped_targets(nights, monkeypatch):
    page = opened("ranking", nights, monkeypatch)
    shown = text(page)
    assert {"Workload", "Window", "Rank by", "Service level", "Load client", "Explain the place of"} <= {
        box.label for box in page.selectbox
    }
    assert page.selectbox[0].value == "chat-1"
    for expected in (
        "groq-llama-70b",
        "no weights at missing.gguf",
        "MISTRAL_API_KEY is not set",
        "grade C",
        "others took 17 %",
        "unknown",
    ):
        assert expected in shown
    assert "5 targets ranked" in shown
    assert "1 kept out by the grade of the load client" in shown
    assert len(page.get("vega_lite_chart")) == 1


def test_a_link_chooses_workload_and_metric(nights, monkeypatch):
    page = opened("ranking", nights, monkeypatch, workload="rag-4", by="output_tokens_per_s")
    chosen = {box.label: box.value for box in page.selectbox}
    assert (chosen["Workload"], chosen["Rank by"], chosen["Load client"]) == ("rag-4", "output_tokens_per_s", "ab")
    assert "4 requests in flight" in text(page)


def test_weights_and_limits_of_ones_own_stand_in_the_address(nights, monkeypatch):
    page = opened("ranking", nights, monkeypatch, by="weights", w_cost="5", w_carbon="0", slo="mine", slo_ttft_ms="50x")
    shown = text(page)
    boxes = {box.label: box.value for box in page.number_input}
    assert (boxes["Cost"], boxes["Operational"], boxes["First token within, ms"]) == (5, 0, 1000)
    assert "First token within, ms &#x27;50x&#x27; is not between 1 and 600,000; this is 1,000." in shown
    for expected in ("How far can a weight move?", "Dominated by", "In limits", "of the best in all"):
        assert expected in shown
    strict = opened("ranking", nights, monkeypatch, slo="mine", slo_ttft_ms="1", slo_percent="99.5")
    assert "success=0.995" in text(strict)
    assert "keeps the service level" in text(strict)
    assert "0 targets ranked" in text(strict)
    none = opened(
        "ranking", nights, monkeypatch, by="weights", **dict.fromkeys(("w_cost", "w_ttft", "w_speed", "w_carbon"), "0")
    )
    assert "All weights are 0" in text(none)


def test_a_choice_changes_the_address_and_the_ranking(nights, monkeypatch):
    page = opened("ranking", nights, monkeypatch)
    before = text(page)
    page.selectbox[0].set_value("rag-4").run()
    assert not page.exception
    assert text(page) != before
    assert page.query_params["workload"] in ("rag-4", ["rag-4"])


def test_every_grade_is_ranked_when_it_is_asked_for(nights, monkeypatch):
    page = opened("ranking", nights, monkeypatch, grades="any")
    assert "6 targets ranked" in text(page)
    assert "kept out" not in text(page)


@pytest.mark.parametrize("nonsense", ["nothing", EVIL, "", "chat-1,rag-4", "'; DROP TABLE trials; --"])
def test_an_address_that_asks_for_nonsense_is_told_so_and_the_page_stays_usable(nights, monkeypatch, nonsense):
    page = opened("ranking", nights, monkeypatch, workload=nonsense, by=nonsense)
    shown = text(page)
    assert "There is no workload" in shown
    assert "There is no rank by" in shown
    assert "<script>" not in shown
    assert page.selectbox[0].value == "chat-1"
    page.selectbox[0].set_value("rag-4").run()
    assert "There is no workload" not in text(page)


def test_a_run_shows_verdict_coverage_failures_trials_and_facts(nights, monkeypatch):
    page = opened("runs", nights, monkeypatch)
    shown = text(page)
    for expected in (
        "In part",
        "14 of 18 trials done, 2 failed, 2 skipped",
        "rate limited (429)",
        "no weights at missing.gguf",
        "MISTRAL_API_KEY is not set",
        "Price of output",
        "invented",
        "of at most 1.00 USD",
        "How far its load client can be trusted",
        "Answers read late, p99",
    ):
        assert expected in shown
    assert page.selectbox[0].value == "synthetic-2026-11-02"
    assert len(page.get("vega_lite_chart")) == 2


def test_nights_stand_before_benches_in_the_picker_and_each_newest_first(nights, monkeypatch):
    page = opened("runs", nights, monkeypatch)
    options = page.selectbox[0].options
    assert [option.split(" ")[0] for option in options[:2]] == ["2026-11-02", "2026-11-01"]
    assert "ad hoc bench" in options[2]


def test_any_trial_can_be_looked_at_also_one_without_attempts(nights, monkeypatch):
    page = opened("runs", nights, monkeypatch, trial="synthetic-2026-11-02.broken.chat-1.1")
    assert page.selectbox[1].value == "synthetic-2026-11-02.broken.chat-1.1"
    assert "No attempt was measured in this trial" in text(page)
    assert len(page.get("vega_lite_chart")) == 1  # that of the nights


def test_a_trial_of_another_run_in_the_address_is_told_so(nights, monkeypatch):
    page = opened(
        "runs", nights, monkeypatch, run="synthetic-2026-11-01", trial="synthetic-2026-11-02.smollm2-q4.chat-1.1"
    )
    assert page.selectbox[0].value == "synthetic-2026-11-01"
    assert "There is no trial" in text(page)


def test_emissions_are_shown_by_location_until_the_address_asks_for_the_market(nights, monkeypatch):
    page = opened("carbon", nights, monkeypatch)
    shown = text(page)
    for expected in (
        "groq-llama-70b emits least",
        "Why the range is wide",
        "PUE 1.14",
        "mistral-small",
        "MISTRAL_API_KEY is not set",
        "Making, at the endpoint",
        "invented",
    ):
        assert expected in shown
    assert len(page.get("vega_lite_chart")) == 3
    market = opened("carbon", nights, monkeypatch, convention="market")
    assert "No target&#x27;s emissions are known as a whole" in text(market)
    assert "what was bought is not known" in text(market)


def test_a_local_target_shows_its_meters_and_an_unknown_one_its_reason(nights, monkeypatch):
    local = text(opened("carbon", nights, monkeypatch, target="llama-8b-h100", per="request"))
    for expected in (
        "The energy of the machine, by component",
        "whoever used them; boards, disks, fans, network",
        "nvml-power",
        "mgCO2e/request",
        "J/request of IT energy",
    ):
        assert expected in local
    unknown = opened("carbon", nights, monkeypatch, target="openai-mini")
    assert "no endpoint_j_per_output_token" in text(unknown)
    assert len(unknown.get("vega_lite_chart")) == 1


def test_a_metered_job_is_shown_where_there_has_been_no_night(tmp_path, monkeypatch):
    published(tmp_path, [job_row(label=EVIL)])
    shown = text(opened("carbon", tmp_path, monkeypatch))
    assert "No night has been measured yet" in shown
    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("figures", "Time to first token, median of successful attempts, seconds."),
        ("accounts", "energy-x-pue-x-grid-intensity-yearly"),
        ("factors", "in force in devices"),
        ("checks", "Median Gemini Apps text prompt"),
        ("limits", "cannot be seen from outside"),
    ],
)
def test_every_topic_of_the_method_is_answered_from_code_and_data(nights, monkeypatch, topic, expected):
    asked = {"ledger": "devices"} if topic == "factors" else {}
    assert expected in text(opened("method", nights, monkeypatch, topic=topic, **asked))


def test_the_emissions_of_a_run_s_trial_are_one_step_away(nights, monkeypatch):
    page = opened("runs", nights, monkeypatch, trial="synthetic-2026-11-02.smollm2-q8.chat-1.1")
    assert 'href="carbon?workload=chat-1&amp;target=smollm2-q8"' in text(page)


@pytest.mark.parametrize("name", ["ranking", "runs", "carbon", "method"])
def test_without_a_snapshot_a_page_says_what_to_do(tmp_path, monkeypatch, name):
    page = opened(name, tmp_path, monkeypatch)
    assert "Nothing has been published" in text(page)
    assert "megatoken night" in text(page)


@pytest.mark.parametrize("name", ["ranking", "runs", "carbon"])
def test_an_empty_warehouse_is_said_to_be_empty(tmp_path, monkeypatch, name):
    load(begun(tmp_path))
    publish(tmp_path)
    page = opened(name, tmp_path, monkeypatch)
    assert "holds no" in text(page)


@pytest.mark.parametrize("name", ["ranking", "runs", "carbon", "method"])
def test_a_broken_snapshot_is_one_sentence(tmp_path, monkeypatch, name):
    load(begun(tmp_path))
    publish(tmp_path)
    published_path(tmp_path).write_bytes(b"this is no database" * 1000)
    page = opened(name, tmp_path, monkeypatch)
    assert "cannot be read" in text(page)


def test_a_snapshot_that_vanishes_under_the_page_is_one_sentence_and_a_new_one_is_picked_up(tmp_path, monkeypatch):
    copy_synthetic(tmp_path, nights=2, attempts=8)
    page = opened("ranking", tmp_path, monkeypatch)
    published_path(tmp_path).unlink()
    page.run()
    assert not page.exception
    assert "was deleted and no other is left" in text(page)
    assert published_link(tmp_path).is_symlink()
    publish(tmp_path)
    page.run()
    assert "5 targets ranked" in text(page)


def test_a_night_in_which_all_failed_is_a_no_and_still_a_ranking_page(tmp_path, monkeypatch):
    reason = "the engine did not start: no weights"
    trial = trial_row(status="setup_failed", status_reason=reason, window_start_ns=None, window_end_ns=None)
    rows = [run_row(), planned_row(), trial, end_row(state="failed_targets", reason="failed: alpha")]
    published(tmp_path, rows)
    run_page = opened("runs", tmp_path, monkeypatch)
    assert 'mt-bad">No<' in text(run_page)
    assert reason in text(run_page)
    ranking_page = opened("ranking", tmp_path, monkeypatch)
    assert "No target has a known value for cost" in text(ranking_page)
    assert reason in text(ranking_page)
    assert not ranking_page.get("vega_lite_chart")


def test_a_run_that_was_killed_is_unfinished_and_what_has_not_landed_is_waiting(tmp_path, monkeypatch):
    published(tmp_path, [run_row(quote_usd_worst=None, max_usd=None), planned_row()])
    shown = text(opened("runs", tmp_path, monkeypatch))
    for expected in (
        "Not finished",
        "waiting",
        "No trial of this run has landed.",
        "no limit was set",
        "a price is not known",
    ):
        assert expected in shown


def test_markup_in_names_of_provider_model_target_and_reason_is_only_text(tmp_path, monkeypatch):
    trial = trial_row(provider=EVIL, model=EVIL, weights_note=EVIL, target_id=EVIL, workload_id=EVIL)
    attempts = [attempt_row(seq, start_s=2.0 * seq) for seq in range(3)]
    failed = planned_row(target_id="other", workload_id=EVIL, skip_reason=EVIL)
    rows = [run_row(config_name=EVIL), planned_row(target_id=EVIL, workload_id=EVIL), failed, trial, *attempts]
    published(tmp_path, rows)
    for name in ("ranking", "runs", "carbon"):
        page = opened(name, tmp_path, monkeypatch)
        assert "<script>" not in text(page)
        assert "&lt;script&gt;" in text(page)


def test_one_target_and_a_tie_of_all_are_ranked_without_complaint(tmp_path, monkeypatch):
    rows = [run_row()]
    for target in ("alpha", "beta", "gamma"):
        trial_id = f"night-1.{target}.chat.1"
        rows += [planned_row(target_id=target), trial_row(trial_id=trial_id, target_id=target)]
        rows += [attempt_row(seq, trial_id=trial_id, start_s=1.01 * seq) for seq in range(3)]
    published(tmp_path, rows)
    page = opened("ranking", tmp_path, monkeypatch, by="ttft_p50_s")
    assert "alpha, beta and gamma share first place at 500 ms" in text(page)


def test_more_attempts_than_can_be_drawn_are_thinned_and_that_is_said(tmp_path, monkeypatch):
    start = datetime(2026, 11, 1, 2, 15, tzinfo=UTC)
    attempts = [
        replace(attempt_row(seq, start_s=0.01 * seq), started_at=start + timedelta(seconds=0.01 * seq))
        for seq in range(4500)
    ]
    published(tmp_path, [run_row(), planned_row(), trial_row(), *attempts])
    shown = text(opened("runs", tmp_path, monkeypatch))
    assert "1,500 of 4,500 attempts drawn" in shown
