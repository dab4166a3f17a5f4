"""The pages on time and on reliability over real snapshots, run by Streamlit's own tester."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.ui.test_pages import EVIL, opened, published, text
from tests.warehouse.builders import (
    STARTED_AT,
    attempt_row,
    counter_samples,
    failed_row,
    grid_hour_row,
    local_facts,
    meter_row,
    planned_row,
    run_row,
    tariff_hour_row,
    trial_row,
)
from tests.warehouse.synthetic import write_synthetic


@pytest.fixture(scope="module")
def pulsed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pulsed")
    write_synthetic(folder, nights=1, attempts=4, with_pulses=True)
    return folder


def test_the_hours_of_a_target_come_from_nights_and_pulses(pulsed, monkeypatch):
    page = opened("hours", pulsed, monkeypatch, target="openai-mini", show="grid", zone="Asia/Tokyo")
    shown = text(page)
    assert {"Target", "Show", "Time zone", "Window"} <= {box.label for box in page.selectbox}
    assert "Grid: average intensity of zone USA, " in shown
    assert "1 night trial" in shown
    assert {box.label: box.value for box in page.selectbox}["Time zone"] == "Asia/Tokyo"
    assert len(page.get("vega_lite_chart")) == 1


def test_a_machine_of_ours_has_the_hours_of_its_tariff_and_of_its_grid_though_a_night_sees_one(tmp_path, monkeypatch):
    hours = [STARTED_AT.replace(minute=0) + timedelta(hours=n) for n in range(-72, 1)]
    facts = [
        replace(fact, ledger_key="FRA" if fact.quantity == "grid_gco2e_per_kwh" else None) for fact in local_facts()
    ]
    rows = [run_row(), planned_row(), trial_row(), attempt_row(), meter_row(), *counter_samples(), *facts]
    rows += [grid_hour_row(hour_at=at, gco2e_per_kwh=50.0 if at.hour < 6 else 90.0) for at in hours]
    rows += [
        tariff_hour_row(hour_at=at, usd_per_kwh=2000.0 if at.hour < 6 else 9000.0, tariff_name="t.csv") for at in hours
    ]
    page = opened("hours", published(tmp_path, rows), monkeypatch, show="rate")
    shown = text(page)
    for expected in (
        "Cheapest at ",
        "and cleanest at ",
        "by its energy",
        "t.csv, 73 hours",
        "a single hour of the day",
    ):
        assert expected in shown, expected
    assert len(page.get("vega_lite_chart")) == 1


def test_nonsense_in_an_address_is_said_and_the_page_stays_usable(pulsed, monkeypatch):
    page = opened("hours", pulsed, monkeypatch, target="<b>", show="mood", zone="Mars/Olympus")
    shown = text(page)
    for expected in ("There is no target &#x27;&lt;b&gt;&#x27; here", "no show &#x27;mood&#x27;", "Mars/Olympus"):
        assert expected in shown
    assert len(page.get("vega_lite_chart")) == 1


def test_reliability_lists_everybody_who_was_planned(pulsed, monkeypatch):
    page = opened("reliability", pulsed, monkeypatch, objective="95")
    shown = text(page)
    for expected in ("together-llama-70b", "MISTRAL_API_KEY is not set", "No weights at missing.gguf", "of 95 % good"):
        assert expected in shown
    assert "1 of 8 pulses skipped: another run was measuring on this machine." in shown
    assert len(page.get("vega_lite_chart")) >= 1


def test_a_target_of_which_every_attempt_failed_has_an_uptime_of_0_and_no_latency(tmp_path, monkeypatch):
    failing = [replace(failed_row(n, error_class="server_error"), trial_id="t", attempt_id=f"t.{n}") for n in range(3)]
    rows = [run_row(), planned_row(), trial_row(trial_id="t"), *failing]
    folder = published(tmp_path, rows)
    shown = text(opened("reliability", folder, monkeypatch))
    assert "Down when last asked: alpha" in shown
    assert "0.0 %" in shown
    page = opened("hours", folder, monkeypatch)
    assert "too few hours of the day were seen" in text(page)
    assert "no first token was timed" in text(page)
    assert len(page.get("vega_lite_chart")) == 0


def test_names_are_names_and_a_plan_of_which_nothing_was_sent_is_a_list(tmp_path, monkeypatch):
    named = {"target_id": EVIL, "workload_id": "chat"}
    asked = [run_row(), planned_row(**named), trial_row(trial_id="t", model=EVIL, provider=EVIL, **named)]
    folder = published(tmp_path / "named", [*asked, attempt_row(trial_id="t", attempt_id="t.0")])
    for name in ("hours", "reliability"):
        assert "<script>" not in text(opened(name, folder, monkeypatch))
    skipped = planned_row(skip_reason="no key")
    folder = published(tmp_path / "skipped", [run_row(started_at=STARTED_AT + timedelta(days=1)), skipped])
    assert "No key" in text(opened("reliability", folder, monkeypatch))
    assert "Nothing measured at any hour" in text(opened("hours", folder, monkeypatch))


@pytest.mark.parametrize("name", ["hours", "reliability"])
def test_an_empty_warehouse_is_one_sentence(tmp_path, monkeypatch, name):
    from warehouse.publish import publish

    publish(tmp_path)
    page = opened(name, tmp_path, monkeypatch)
    assert "Nothing measured yet" in text(page)
    assert len(page.get("vega_lite_chart")) == 0
