"""What the pages on time and on reliability say, draw and write into tables; and that they survive odd data."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ui import hours, hours_table, markup, reliability, reliability_budget, reliability_lists
from ui.hours import MEASURES
from ui.hours_batch import batch_sentence
from ui.hours_chart import week_chart
from ui.reliability_chart import MOST_MARKS, classes_chart, days_chart
from warehouse.daytime import Cell, DayShape, DayWindow
from warehouse.formulas.availability import between_failures, outages_of, repairs
from warehouse.formulas.statistics import Estimate
from warehouse.hour_work import Work
from warehouse.reliability import Reliability, ReliabilityReport

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def estimate(central, low=None, high=None):
    return Estimate(central=central, low=low, high=high, n=30, blocks=9, method="m")


def shape(low, high, *, p=0.001, flat=False):
    lowest = DayWindow(first_hour=22, estimate=estimate(low, 0.9 * low, 1.1 * low))
    return DayShape(
        lowest=lowest, highest=DayWindow(first_hour=14, estimate=estimate(high)), p=p, flat=flat, n=200, hours_seen=24
    )


def drawn_by(chart):
    made = chart.to_dict()
    (rows,) = made["datasets"].values()
    return rows


# time


def test_a_finding_names_best_and_worst_hours_only_when_the_hour_matters():
    ttft, speed = MEASURES["ttft"], MEASURES["speed"]
    assert hours.finding(ttft, shape(0.2, 0.4), "a").startswith("a is slowest at 14\N{EN DASH}17 h: TTFT p50 400 ms")
    assert "22\N{EN DASH}01 h" in hours.finding(ttft, shape(0.2, 0.4), "a")
    assert hours.finding(speed, shape(50.0, 90.0), "a").startswith("a is slowest at 22")
    assert "no hour is surely" in hours.finding(ttft, shape(0.2, 0.4, p=0.04), "a")
    assert "no hour is surely" in hours.finding(ttft, shape(0.2, 0.4, p=None), "a")
    assert "hardly changes" in hours.finding(ttft, shape(0.200, 0.204), "a")
    assert "too few hours" in hours.finding(ttft, None, "a")


def test_batch_jobs_are_sent_to_hours_that_are_surely_better_and_else_to_any():
    found = {"ttft": shape(0.2, 0.4), "price": shape(1.0, 1.0, flat=True), "grid": shape(300.0, 450.0), "failed": None}
    dash = "\N{EN DASH}"
    assert batch_sentence(found, "UTC") == (
        f"Quickest at 22{dash}01 h (200, 180{dash}220; 400 ms at 14{dash}17 h) and cleanest at 22{dash}01 h"
        f" (300, 270{dash}330; 450 gCO2e/kWh at 14{dash}17 h); hours of UTC."
    )
    assert batch_sentence({"ttft": shape(0.2, 0.2001)}, "UTC").startswith("At any hour: none is surely better by 5 %")


def test_what_nobody_stored_by_the_hour_is_said_to_be_unknown():
    assert batch_sentence({"ttft": None, "grid": None}, "UTC") == (
        "Unknown: no two hours of the day were measured. Not known: which are cheapest (no tariff by the hour is"
        " stored) and which are cleanest (no hours of its grid are stored)."
    )


def test_cost_and_carbon_of_an_hour_have_the_range_of_the_energy_and_stand_for_what_says_less():
    work = Work(kwh_per_mtok_low=0.5, kwh_per_mtok=1.0, kwh_per_mtok_high=2.0, hardware_usd_per_mtok=0.1, trials=3)
    found = {name: shape(*ends) for name, ends in {
        "price": (1.0, 2.0), "rate": (0.3, 0.5), "grid": (300.0, 450.0), "carbon": (300.0, 450.0)}.items()}  # fmt: skip
    dash = "\N{EN DASH}"
    assert batch_sentence(found, "UTC", work) == (
        f"Cheapest at 22{dash}01 h (0.3, 0.2{dash}0.5 by its energy; 0.5 USD/Mtok at 14{dash}17 h) and cleanest at"
        f" 22{dash}01 h (300, 150{dash}600 by its energy; 450 gCO2e/Mtok at 14{dash}17 h); hours of UTC."
    )


def test_trials_under_another_load_are_counted_and_left_out():
    row = {"started_at": AT, "arrivals": "closed", "concurrency": 1, "rate_rps": None, "prompt_tokens_asked": 100,
           "output_tokens_asked": 64}  # fmt: skip
    loaded = [row | {"concurrency": 8}] * 5
    idle = [row | {"started_at": AT + timedelta(hours=n)} for n in range(3)]
    kept, others = hours.under_one_load([*loaded, *idle])
    assert ({each["concurrency"] for each in kept}, others) == ({1}, 5)
    assert hours.under_one_load([]) == ([], 0)
    # of two targets, the load that both were under, though one of them was seen at more hours under another
    both = [row | {"target_id": "a"}, row | {"target_id": "b"}]
    alone = [row | {"concurrency": 8, "target_id": "a", "started_at": AT + timedelta(hours=n)} for n in range(5)]
    kept, others = hours.under_one_load([*both, *alone])
    assert ({each["concurrency"] for each in kept}, others) == ({1}, 5)


def week(known):
    return [
        Cell(weekday=day, hour=hour, n=n, value=value)
        for day in range(7)
        for hour in range(24)
        for n, value in [known.get((day, hour), (0, None))]
    ]


def test_the_heat_map_draws_every_hour_pale_where_few_and_struck_where_none():
    cells = week({(0, 0): (1, 0.2), (0, 1): (2, 0.3), (6, 23): (120, 0.4)})
    chart = week_chart(cells, MEASURES["ttft"], "UTC")
    assert chart is not None
    drawn = drawn_by(chart)
    assert len(drawn) == 168
    assert [row["opacity"] for row in drawn if row["value"] is not None] == [0.62, 0.8, 1.0]
    assert [row["count"] for row in drawn if row["value"] is not None] == ["1", "2", "99+"]
    assert sum(row["shown"] == "no data" for row in drawn) == 165
    assert week_chart(week({}), MEASURES["ttft"], "UTC") is None
    shared = week_chart(cells, MEASURES["ttft"], "UTC", reach=(0.1, 0.9)).to_dict()
    assert shared["layer"][0]["encoding"]["color"]["scale"]["domain"] == [100.0, 900.0]
    assert week_chart(week({(0, 0): (1, 0.0)}), MEASURES["failed"], "UTC", dark=True) is not None


def test_the_table_twin_and_the_file_hold_what_is_drawn():
    cells = week({(0, 5): (3, 0.2)})
    by_hour = [Cell(weekday=0, hour=hour, n=3 * (hour == 5), value=0.2 if hour == 5 else None) for hour in range(24)]
    columns, rows = hours_table.hour_table(MEASURES["ttft"], cells, by_hour)
    assert (len(columns), len(rows)) == (9, 24)
    assert [cell.main for cell in rows[5].cells[:4]] == ["05\N{EN DASH}06 h", "200", "200", "no data"]
    read = list(csv.reader(io.StringIO(hours_table.to_csv({"ttft": cells}))))
    assert (read[0], len(read), read[6]) == (
        ["weekday", "hour", "ttft (ms)", "n ttft"], 169, ["Monday", "5", "200.0", "3"],
    )  # fmt: skip


def test_every_measure_is_listed_also_the_one_of_which_nothing_is_known():
    columns, rows = hours.verdict_table({"ttft": shape(0.2, 0.4), "grid": None}, shown="ttft")
    said = markup.table(columns, rows, label="x")
    assert len(rows) == len(MEASURES)
    assert "no hourly intensity of its grid is stored" in said
    once = hours.verdict_table({"ttft": None}, shown="ttft", seen=["ttft"])
    assert "a single hour of the day was seen" in markup.table(*once, label="x")


# reliability


def target(name="a", **changes):
    at_s = [0.0, 3600.0, 7200.0]
    up = changes.pop("up", [True, True, True])
    found = Reliability(
        target_id=name, provider="p", model="m", region=None, trials=20, pulses=18, attempts=100, ok=100,
        down_count=0, limited_count=0, own_count=0, offered_attempts=100, slow_count=2,
        uptime=estimate(1.0, 0.96, 1.0), served=estimate(1.0, 0.96, 1.0),
        good=estimate(0.98, 0.95, 0.99), errors={}, repairs=repairs(outages_of(at_s, up)),
        between=between_failures(at_s, up), down_since_at=None, tokens_per_chunk_ratio=None, oldest_at=AT,
        newest_at=AT, last_failure_at=None,
    )  # fmt: skip
    return replace(found, **changes)


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.97, "97.0 %"), (0.9972, "99.72 %"), (0.99996, "99.996 %"), (0.9999999, "99.999 %"),
     (0.0, "0.0 %"), (None, "unknown")],
)  # fmt: skip
def test_a_share_short_of_all_never_reads_as_all(share, text):
    assert reliability.percent(share) == text


def test_the_answer_names_who_is_down_before_who_served_least():
    fine, worse = target(), target("b", down_count=5, served=estimate(0.9), errors={"stall": 5})
    assert reliability.finding([fine]) == "Every attempt at 1 target was served"
    assert reliability.finding([fine, worse]) == "1 of 2 targets served every attempt; b served least: 90.0 %"
    down = replace(fine, target_id="c", down_since_at=AT)
    assert reliability.finding([worse, down]) == "Down when last asked: c"
    assert [of.target_id for of in reliability.worst_first([fine, worse, down])] == ["c", "b", "a"]


def test_the_table_has_budget_repair_and_the_absent_with_their_reason():
    rows = [target(up=[True, False, True]), target("b", uptime=estimate(None), served=estimate(None), up=[False] * 3)]
    absent = [{"target_id": "<b>m</b>", "reason": "no key", "outcome": "skipped"}]
    made = reliability.table_rows(rows, absent, "99", AT)
    said = markup.table(reliability.columns("99"), made, label="x")
    assert all(sum(cell.span for cell in row.cells) == len(reliability.columns("99")) <= 10 for row in made)
    assert "2 times" in said  # 2 % missed, 1 % allowed
    assert "No key" in said
    assert "&lt;b&gt;m" in said
    assert "median 60 min (0 s \N{EN DASH} 2 h)" in said
    assert "median over 2 h; of 1 an end was not seen" in said
    assert "never up at two runs" in said


def test_the_budget_says_what_it_counts_and_how_much_failed_and_how_much_was_slow():
    missed = target(ok=97, slow_count=2, good=estimate(0.95, 0.9, 0.98))
    cell = reliability_budget.budget_cell(missed, 0.99)
    assert (cell.main, cell.beneath) == ("5 times", "2 \N{EN DASH} 10; failed 3; slow 2")
    assert "slow" not in reliability_budget.budget_cell(target(ok=98, slow_count=0), 0.99).beneath
    assert "failed" not in reliability_budget.budget_cell(target(), 0.99).beneath
    said = reliability_budget.budget_words([(1.0, 0.1)])
    assert "Failed: what broke off or was refused" in said
    assert "Slow: what was answered, but not within 1 s to the first token and 100 ms a token, or sent late." in said
    assert "another level held earlier" in reliability_budget.budget_words([(1.0, 0.1), (2.0, 0.1)])
    assert "not within its service level, or" in reliability_budget.budget_words([])


def test_days_are_cells_with_what_was_not_served_and_no_more_are_drawn_than_can_be():
    first = date(2026, 11, 1)
    row = {"trials": 8, "attempts": 30, "own_count": 0}
    days = [
        {"target_id": "a", "day_on": first, "ok": 30, "down_count": 0, "limited_count": 0} | row,
        {"target_id": "a", "day_on": first + timedelta(days=2), "ok": 20, "down_count": 0, "limited_count": 10} | row,
        {"target_id": "b", "day_on": first, "ok": 20, "down_count": 8, "limited_count": 2} | row,
        {"target_id": "b", "day_on": first + timedelta(days=2), "ok": 1, "down_count": 29, "limited_count": 0} | row,
    ]
    chart, drawn = days_chart(days, ["b", "a"], day_length=1)
    cells = drawn_by(chart)
    assert (drawn, [(cell["target"], cell["state"], cell["failed"]) for cell in cells]) == (
        2,
        [("b", "some failed", "10"), ("b", None, ""), ("b", "most failed", "29"),
         ("a", "all served", ""), ("a", None, ""), ("a", "only refused for rate", "10")],
    )  # fmt: skip
    many = [f"t{n}" for n in range(500)]
    made = days_chart([*days, *(days[0] | {"target_id": name} for name in many)], many, day_length=1)
    assert made is not None
    assert made[1] == MOST_MARKS // 2 // 3  # a cell and its number each, over three days
    assert days_chart([], [], day_length=1) is None


def test_failures_are_split_by_class_and_nothing_is_drawn_where_nothing_failed():
    found = [target(down_count=6, errors={"stall": 4, "tomorrow": 1, "dns": 1}), target("b")]
    columns, rows = reliability_lists.class_table(found)
    assert (len(columns), [row.cells[0].main for row in rows]) == (
        4, ["stream stood still", "host name not found", "tomorrow"],
    )  # fmt: skip
    chart = classes_chart(found)
    assert chart is not None
    assert sum(row["percent"] for row in drawn_by(chart)) == pytest.approx(6.0)
    assert reliability_lists.class_table([target()]) is None
    assert classes_chart([target()]) is None


def test_notes_say_when_pulses_were_skipped_or_never_run():
    report = ReliabilityReport(
        targets=[], days=[], absent=[], blocks="days", day_length=1, pulses=9, pulses_skipped=2,
        pulses_skipped_reason="it was taken",
    )  # fmt: skip
    assert "2 of 9 pulses skipped: it was taken." in reliability.notes(report)
    assert any("No pulse was run" in line for line in reliability.notes(replace(report, pulses=0, pulses_skipped=0)))


@pytest.mark.parametrize(
    ("seconds", "text"), [(45.0, "45 s"), (4320.0, "72 min"), (26_640.0, "7.4 h"), (792_000.0, "9.2 d")]
)
def test_lengths_of_time_are_said_in_the_unit_that_tells_their_size(seconds, text):
    assert reliability.lasting(seconds) == text
