"""What is ranked, what only seems to lead, and what the chart's title claims."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from ui import ranking, ranking_table
from warehouse.metrics import METRICS, metric

COST = metric("usd_per_output_mtok")
SPEED = metric("output_tokens_per_s")
P95 = metric("ttft_p95_s")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STARVED = "others took 17 % of this machine's CPU, 10 % is the limit for B"


def row(target_id, rank, cost, low=None, high=None, **changes):
    """A row of the leaderboard, as far as a ranking reads it."""
    figures = dict.fromkeys(
        (
            *(
                f"{of}_per_output_mtok{end}"
                for of in ("operational_gco2e", "embodied_gco2e")
                for end in ("", "_low", "_high")
            ),
            *(f"j_per_output_token{end}" for end in ("", "_low", "_high")),
            *(f"{of.column}{end}" for of in METRICS if of.range_of == "sample" for end in ("_low", "_high")),
            *("usd_basis", "energy_basis", "emissions_basis", "quantisation", "device", "region", "cpu_share_others"),
        )
    )
    base = {
        "rank": rank,
        "target_id": target_id,
        "run_id": "night-1",
        "provider": "acme",
        "model": "m",
        "usd_per_output_mtok": cost,
        "usd_per_output_mtok_low": low,
        "usd_per_output_mtok_high": high,
        "ttft_p50_s": 0.1,
        "ttft_p95_s": 0.2,
        "tpot_p50_s": 0.01,
        "e2e_p50_s": 1.0,
        "output_tokens_per_s": 100.0 / rank if rank else None,
        "goodput_share": 1.0,
        "failed_share": 0.0,
        "qoe_mean_share": None,
        "n": 30,
        "n_ttft": 30,
        "basis": "modelled",
        "client_grade": "A",
        "client_reasons": [],
        "status": "completed",
        "measured_at": NOW - timedelta(hours=5),
    }
    return {**figures, **base, **changes}


def outcome(target_id, what, reason=None, run_id="night-1"):
    return {"target_id": target_id, "outcome": what, "reason": reason, "run_id": run_id}


def found(*rows, outcomes=(), by=COST):
    return ranking.entries(rows, outcomes, by)


def test_neighbours_whose_ranges_meet_are_both_marked_and_others_are_not():
    entries = found(row("a", 1, 1.0, 0.8, 1.2), row("b", 2, 1.3, 1.2, 1.4), row("c", 3, 2.0, 1.41, 2.5))
    assert [entry.overlaps for entry in entries] == [True, True, False]


def test_an_unknown_range_overlaps_with_nothing():
    assert [e.overlaps for e in found(row("a", 1, 1.0), row("b", 2, 1.0, 0.5, 2.0))] == [False, False]


@pytest.mark.parametrize(
    ("rows", "by", "said"),
    [
        ([], COST, "No target has a known value for cost"),
        ([row("a", None, None)], COST, "No target has a known value for cost"),
        (
            [row("a", 1, 0.5), row("b", None, None)],
            COST,
            "a: 0.500 USD/Mtok, the only target that can be ranked by cost",
        ),
        ([row("a", 1, 0.5), row("b", 1, 0.5)], COST, "a and b share first place at 0.500 USD/Mtok"),
        ([row("a", 1, 0.5), row("b", 2, 1.0)], COST, "a comes first at 0.500 USD/Mtok, 2 times better than b"),
        ([row("a", 1, 0.9), row("b", 2, 1.0)], COST, "a comes first at 0.900 USD/Mtok, 10 % less than b"),
        (
            [row("a", 1, 0.9, output_tokens_per_s=120.0), row("b", 2, 1.0, output_tokens_per_s=100.0)],
            SPEED,
            "a comes first at 120 tokens/s, 20 % more than b",
        ),
        ([row("a", 1, 0.0), row("b", 2, 1.0)], COST, "a comes first at 0 USD/Mtok, before b"),
        (
            [row("a", 1, 1.0, 0.8, 1.2), row("b", 2, 1.1, 0.9, 1.3)],
            COST,
            "a comes first at 1.00 USD/Mtok, not for sure: its range overlaps with b's",
        ),
    ],
)
def test_the_title_claims_no_more_than_the_figures_do(rows, by, said):
    assert ranking.finding(found(*rows, by=by), by) == said


def test_failed_targets_stay_listed_before_skipped_ones_with_their_reasons():
    outcomes = [
        outcome("ok", "done"),
        outcome("a-skipped", "skipped", "ACME_KEY is not set"),
        outcome("z-failed", "failed", "no weights"),
        outcome("b-waiting", "waiting"),
    ]
    missing = ranking.absent([row("ok", 1, 1.0)], outcomes)
    assert [(item.target_id, item.reason) for item in missing] == [
        ("z-failed", "no weights"),
        ("a-skipped", "ACME_KEY is not set"),
        ("b-waiting", "nothing has landed yet"),
    ]


def test_a_target_that_failed_in_a_later_night_keeps_its_figures_and_says_so():
    (entry,) = found(row("a", 1, 1.0), outcomes=[outcome("a", "failed", "engine crashed", run_id="night-2")])
    assert entry.failed_since == "engine crashed"
    (same_night,) = found(row("a", 1, 1.0), outcomes=[outcome("a", "failed", "timed out", run_id="night-1")])
    assert same_night.failed_since is None


def test_a_percentile_of_too_few_attempts_is_blank_and_the_number_it_needs_is_said():
    blank = {"ttft_p95_s": None}
    assert ranking.too_few(P95, row("a", 1, 1.0, n_ttft=P95.min_attempts - 1, **blank))
    assert not ranking.too_few(P95, row("a", 1, 1.0, n_ttft=P95.min_attempts))
    assert not ranking.too_few(P95, row("a", 1, 1.0, n_ttft=0, **blank))  # nothing came: that is unknown
    entries = found(row("a", 1, 1.0, n_ttft=7, **blank))
    lines = ranking_table.notes(entries, {}, COST, NOW)
    assert any("TTFT p95 of 7 attempts" in line and "blank below 60" in line for line in lines)
    (by_cost,) = ranking_table.table_rows(entries, [], {}, COST, NOW)
    assert by_cost.cells[2].beneath == f"p95 {ranking_table.DASH} {ranking_table.DAGGER}"
    (by_p95,) = ranking_table.table_rows(entries, [], {}, P95, NOW)
    assert by_p95.cells[2].main == f"{ranking_table.DASH} {ranking_table.DAGGER}"


def test_the_table_has_ten_columns_whichever_metric_it_is_ranked_by():
    for of in ("ttft_p95_s", "e2e_p50_s", "failed_share", "qoe_mean_share", "usd_per_output_mtok", "tpot_p50_s"):
        columns = ranking_table.columns(metric(of))
        assert len(columns) == 10
        assert [column.title for column in columns if column.ranked_by] == [metric(of).title]


def test_unknown_figures_are_called_unknown_and_their_reason_is_said():
    entries = found(row("a", None, None))
    reasons = {"a": {"cost": "no price", "energy": None, "emissions": None}}
    (shown,) = ranking_table.table_rows(entries, [], reasons, COST, NOW)
    cost = shown.cells[5]
    assert (cost.main, cost.hint) == ("unknown", "no price")
    assert "Unknown cost of a: no price." in ranking_table.notes(entries, reasons, COST, NOW)


def test_marks_say_a_low_grade_stale_and_timed_out():
    entries = found(
        row(
            "a",
            1,
            1.0,
            client_grade="C",
            client_reasons=[STARVED],
            status="timed_out",
            measured_at=NOW - timedelta(days=3),
        ),
        row("b", 2, 2.0),
    )
    first, second = ranking_table.table_rows(entries, [], {}, COST, NOW)
    assert [badge.text for badge in first.cells[1].badges] == ["grade C", "timed out", "stale"]
    assert first.cells[1].badges[0].hint == STARVED
    assert f"a is to be read with care: its load client is graded C: {STARVED}." in ranking_table.notes(
        entries, {}, COST, NOW
    )
    assert second.cells[1].badges == ()


def test_a_row_kept_out_by_its_clients_grade_ties_with_nobody_and_leads_nobody():
    entries = found(
        row("a", 1, 1.0, 0.8, 1.2), row("b", None, 1.0, 0.8, 1.2, client_grade="D", client_reasons=[STARVED])
    )
    assert [entry.overlaps for entry in entries] == [False, False]
    assert "the only target that can be ranked" in ranking.finding(entries, COST)
    assert f"b is not ranked: its load client is graded D: {STARVED}." in ranking_table.notes(entries, {}, COST, NOW)
    assert "every load client was graded C or D" in ranking.finding(entries[1:], COST)


def test_when_all_is_stale_it_is_not_said_in_each_row():
    entries = found(row("a", 1, 1.0, measured_at=NOW - timedelta(days=3)))
    assert ranking_table.all_stale(entries, NOW)
    assert not ranking_table.all_stale([], NOW)
    (only,) = ranking_table.table_rows(entries, [], {}, COST, NOW)
    assert only.cells[1].badges == ()


def test_a_csv_holds_every_column_and_no_formula():
    text = ranking_table.to_csv(found(row("=cmd|'x'!A1", 1, 1.5)))
    (line,) = csv.DictReader(io.StringIO(text))
    assert line["target_id"] == "'=cmd|'x'!A1"
    assert float(line["usd_per_output_mtok"]) == 1.5
    assert line["embodied_gco2e_per_output_mtok"] == ""
    assert line["measured_at"] == "2026-11-22T07:00:00+00:00"
    assert ranking_table.to_csv([]) == ""
