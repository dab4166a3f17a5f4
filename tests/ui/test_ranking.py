"""What is ranked, what only seems to lead, and what the chart's title claims."""

import csv
import io
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ui import providers, ranking, ranking_table, ranking_weights
from ui.ranking_cells import DAGGER, DASH, MIDDLE, Look
from warehouse.decision import Board, Place
from warehouse.metrics import METRICS, UTILITY, metric
from warehouse.provider_scores import ProviderRatio
from warehouse.rank_bands import RankBand
from warehouse.service_level import INTERACTIVE, Verdict
from warehouse.weighed import Edge, Leeway, Weighed
from warehouse.weights import parse_weights

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


def found(*rows, outcomes=(), by=COST, bands=None, verdicts=None):
    """Entries of a board; a band is as wide as its rank unless `bands` says otherwise, by target."""
    places = []
    for at, one in enumerate(rows):
        ends = [one.get(f"{by.column}_{end}") for end in ("low", "high")]
        band = RankBand(target_id=one["target_id"], reason=None if one["rank"] else "it was left out")
        if one["rank"] is not None:
            band = replace(
                band,
                place=one["rank"],
                rank_low=one["rank"],
                rank_high=one["rank"],
                tier=one["rank"],
                p_first=1.0 if one["rank"] == 1 else 0.0,
                n_runs=6,
                figure=one[by.column],
                low=ends[0],
                high=ends[1],
                next_better=rows[at - 1]["target_id"] if at else None,
            )
        band = replace(band, **(bands or {}).get(one["target_id"], {}))
        verdict = (verdicts or {}).get(one["target_id"])
        places.append(Place(target_id=one["target_id"], row=one, band=band, verdict=verdict))
    return ranking.entries(Board(workload_id="chat", places=tuple(places)), outcomes, by)


TIED = {
    "a": {"rank_high": 2, "tier": 1, "p_first": 0.63},
    "b": {"rank_low": 1, "tier": 1, "p_first": 0.37, "tied_by": "runs", "nights_to_separate": 3},
}
FAILS = Verdict(standing="fails", good=10, offered=60, trials=3, share=1 / 6, low=0.08, high=0.29)


@pytest.mark.parametrize(
    ("rows", "by", "said"),
    [
        ([], COST, "No target has a known value for cost"),
        ([row("a", None, None)], COST, "No target has a known value for cost"),
        ([row("a", None, 1.0)], COST, "No target can be ranked by cost: the table says why"),
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
    ],
)
def test_the_title_claims_no_more_than_the_figures_do(rows, by, said):
    assert ranking.finding(found(*rows, by=by), by) == said


def test_a_lead_that_nights_do_not_show_is_called_that_with_its_chance():
    entries = found(row("a", 1, 1.0), row("b", 2, 1.1), bands=TIED)
    said = "a comes first at 1.00 USD/Mtok, not for sure (chance 63 %): b may be as good"
    assert ranking.finding(entries, COST) == said
    assert [entry.places for entry in entries] == ["1\N{EN DASH}2", "1\N{EN DASH}2"]


@pytest.mark.parametrize(
    ("tied", "said"),
    [
        ({}, "a tie, which about 3 more nights would break"),
        ({"nights_to_separate": 1}, "a tie, which about 1 more night would break"),
        ({"nights_to_separate": None}, "a tie, which not even a year of such nights would break"),
        ({"tied_by": "inputs"}, "a tie, as the ranges of their inputs allow either order"),
        ({"tied_by": "few-runs"}, "a tie, until there are 3 nights in which both were measured"),
        ({"tied_by": None}, "told apart with 95 % confidence"),
    ],
)
def test_a_place_is_explained_with_what_would_change_it(tied, said):
    entries = found(row("a", 1, 1.0), row("b", 2, 1.25), bands={**TIED, "b": TIED["b"] | tied})
    assert ranking.explained(entries, "a", COST) == (
        f"a stands before b, 20 % less than b: {said}; its chance of being first is 63 %."
    )
    assert ranking.explained(entries, "b", COST) == (
        f"b stands behind a, 25 % more than a: {said}; to reach first place its cost would have to fall by 20 %; its"
        " chance of being first is 37 %."
    )


def test_a_place_that_is_none_or_alone_is_explained_too():
    entries = found(row("a", 1, 1.0), row("b", None, 1.0))
    assert ranking.explained(entries, "a", COST).startswith("a is the only target that is ranked")
    assert ranking.explained(entries, "b", COST) == "b is not ranked: it was left out."


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
    lines = ranking_table.notes(entries, {}, Look(by=COST), NOW)
    assert any("TTFT p95 of 7 attempts" in line and "blank below 60" in line for line in lines)
    (by_cost,) = ranking_table.table_rows(entries, [], {}, Look(by=COST), NOW)
    assert by_cost.cells[2].beneath == f"p95 {DASH} {DAGGER}"
    unranked = found(row("a", None, 1.0, n_ttft=7, **blank), by=P95)
    for look in (Look(by=P95), Look(by=COST, percentile="p95")):
        (shown,) = ranking_table.table_rows(unranked, [], {}, look, NOW)
        assert shown.cells[2].main == f"{DASH} {DAGGER}"


def test_the_table_has_ten_columns_whichever_metric_it_is_ranked_by():
    for of in ("ttft_p95_s", "e2e_p50_s", "failed_share", "qoe_mean_share", "usd_per_output_mtok", "tpot_p95_s"):
        columns = ranking_table.columns(Look(by=metric(of), limits=INTERACTIVE))
        assert len(columns) == 10
        assert [column.title for column in columns if column.ranked_by] == [metric(of).title]
    by_weights = ranking_table.columns(Look(by=UTILITY, percentile="p95", limits=INTERACTIVE))
    assert [column.title for column in by_weights] == [
        "#", "Target", "Utility", "TTFT p95", "Output speed", "In limits", "Cost", "Operational", "Embodied", "Basis"
    ]  # fmt: skip


def test_a_task_that_is_no_chat_has_its_own_speed_in_place_of_that_of_tokens():
    own = ("items_per_s", "input_tokens_per_s")
    for of in ("usd_per_output_mtok", "input_tokens_per_s"):
        titles = [column.title for column in ranking_table.columns(Look(by=metric(of), own=own))]
        assert len(titles) == 10
        assert titles[3] == ("Texts" if of == "usd_per_output_mtok" else "Input speed")
        assert "Output speed" not in titles
    entries = found(row("a", 1, 1.0, items_per_s=3.2, input_tokens_per_s=80.0))
    (shown,) = ranking_table.table_rows(entries, [], {}, Look(by=COST, own=own), NOW)
    assert (shown.cells[3].main, shown.cells[3].beneath) == ("3.20", "Input speed 80.0 tokens/s")


def test_the_column_ranked_by_is_typical_with_its_nights_and_the_others_are_of_the_last_measurement():
    bands = {
        "a": {"figure": 0.5, "low": 0.4, "high": 0.6, "nights": (0.25, None, 1.0), "tier": 1},
        "b": {"figure": 2.0, "low": 1.9, "high": 2.1, "nights": (2.0, 2.0, 2.0), "tier": 2},
    }
    entries = found(row("a", 1, 9.0), row("b", 2, 1.0), bands=bands)
    first, second = ranking_table.table_rows(entries, [], {}, Look(by=COST), NOW)
    assert (first.cells[0].main, first.cells[0].beneath) == ("1", f"1 {MIDDLE} > 99 %")
    cost = first.cells[5]
    assert (cost.main, cost.beneath) == ("0.500", f"0.400 {DASH} 0.600")
    assert cost.hint == "typical of 6 nights, last 9.00"
    # half is as far as twice, on the one scale of all rows
    assert cost.spark == (0.0, None, 1.0)
    assert second.cells[5].spark == (0.5, 0.5, 0.5)
    assert (first.parted, second.parted) == (False, True)


def test_who_fails_the_service_level_is_listed_quietly_with_the_share_and_the_reason():
    reason = "it fails the service level: 10 of 60 attempts kept it"
    failing = found(row("a", 1, 1.0), row("b", None, 1.0), bands={"b": {"reason": reason}}, verdicts={"b": FAILS})
    _, shown = ranking_table.table_rows(failing, [], {}, Look(by=COST, limits=INTERACTIVE), NOW)
    assert shown.quiet
    assert [badge.text for badge in shown.cells[1].badges] == ["fails the level"]
    assert (shown.cells[4].main, shown.cells[4].beneath) == ("16.7", f"8.00 {DASH} 29.0")
    assert f"b is not ranked: {reason}." in ranking_table.notes(failing, {}, Look(by=COST, limits=INTERACTIVE), NOW)
    assert ranking.finding(failing[1:], COST) == "No target that can be ranked by cost keeps the service level"


def test_unknown_figures_are_called_unknown_and_their_reason_is_said():
    entries = found(row("a", None, None))
    reasons = {"a": {"cost": "no price", "energy": None, "emissions": None}}
    (shown,) = ranking_table.table_rows(entries, [], reasons, Look(by=COST), NOW)
    cost = shown.cells[5]
    assert (cost.main, cost.hint) == ("unknown", "no price")
    assert "Unknown cost of a: no price." in ranking_table.notes(entries, reasons, Look(by=COST), NOW)


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
    first, second = ranking_table.table_rows(entries, [], {}, Look(by=COST), NOW)
    assert [badge.text for badge in first.cells[1].badges] == ["grade C", "timed out", "stale"]
    assert first.cells[1].badges[0].hint == STARVED
    assert f"a is to be read with care: its load client is graded C: {STARVED}." in ranking_table.notes(
        entries, {}, Look(by=COST), NOW
    )
    assert second.cells[1].badges == ()


def test_when_all_is_stale_it_is_not_said_in_each_row():
    entries = found(row("a", 1, 1.0, measured_at=NOW - timedelta(days=3)))
    assert ranking_table.all_stale(entries, NOW)
    assert not ranking_table.all_stale([], NOW)
    (only,) = ranking_table.table_rows(entries, [], {}, Look(by=COST), NOW)
    assert only.cells[1].badges == ()


def test_a_csv_holds_every_column_and_no_formula():
    place = Place(target_id="=cmd|'x'!A1", row=row("=cmd|'x'!A1", 1, 1.5), band=RankBand(target_id="=cmd|'x'!A1"))
    (line,) = csv.DictReader(io.StringIO(ranking_table.to_csv(Board(workload_id="chat", places=(place,)))))
    assert line["target_id"] == "'=cmd|'x'!A1"
    assert float(line["usd_per_output_mtok"]) == 1.5
    assert (line["embodied_gco2e_per_output_mtok"], line["rank"], line["last_rank"]) == ("", "", "1")
    assert line["measured_at"] == "2026-11-22T07:00:00+00:00"
    assert ranking_table.to_csv(Board(workload_id="chat", places=())) == ""


def weighed(target_id, rank, contributions, dominated_by=()):
    utility = math.exp(-sum(contributions.values()))
    band = RankBand(target_id=target_id, place=rank, rank_low=rank, rank_high=rank, tier=rank, figure=utility, n_runs=6)
    of = Weighed(
        target_id=target_id, utility=utility, contributions=contributions, dominated_by=dominated_by, band=band
    )
    return Place(target_id=target_id, row=row(target_id, rank, 1.0), band=band, weighed=of)


WEIGHTS = {"usd_per_output_mtok": 2.0, "ttft_p50_s": 1.0}
WEIGHED = (
    weighed("a", 1, {"usd_per_output_mtok": 0.0, "ttft_p50_s": math.log(1.5)}),
    weighed("b", 2, {"usd_per_output_mtok": math.log(2), "ttft_p50_s": math.log(1.5)}, ("a",)),
)


def test_what_weights_add_is_drawn_as_factors_and_stands_in_a_table():
    entries = ranking.entries(Board(workload_id="chat", places=WEIGHED), [], UTILITY)
    drawn = ranking_weights.contributions_chart(entries, WEIGHTS, dark=False).to_dict()
    parts = next(rows for rows in drawn["datasets"].values() if "from" in rows[0])
    assert [(part["target"], part["metric"], round(part["to"], 3)) for part in parts][-2:] == [
        ("b", "Cost", 0.693), ("b", "TTFT p50", 1.099)
    ]  # fmt: skip
    _, rows = ranking_weights.contribution_table(entries, WEIGHTS)
    assert [cell.main for cell in rows[1].cells] == ["b", "33.3", "2", "1.5", "a"]
    assert "no weights of these metrics put it first, a being no worse" in ranking.explained(entries, "b", UTILITY)
    assert ranking_weights.contributions_chart([], WEIGHTS, dark=False) is None


def test_the_weight_that_has_to_move_least_is_named():
    leeways = (
        Leeway(
            metric_id="usd_per_output_mtok", weight_share=0.67, below=Edge(weight_share=0.3, target_id="b"), above=None
        ),
        Leeway(metric_id="ttft_p50_s", weight_share=0.33, below=None, above=Edge(weight_share=0.4, target_id="c")),
    )
    assert ranking_weights.leeway_sentence(leeways, "a") == (
        "c would come first with TTFT p50 at over 40 % of all weight, now 33 %: the weight that has to move least."
    )
    assert ranking_weights.leeway_sentence((), "a").startswith("a stays first")
    _, rows = ranking_weights.leeway_table(leeways, WEIGHTS)
    assert [cell.main for cell in rows[0].cells] == ["Cost", "2", "67", "30 %", "not even at 100 %"]


def test_boxes_of_weights_are_read_as_weights_of_the_percentile_that_is_asked_for():
    asked = parse_weights(ranking_weights.weights_of({"cost": 2, "ttft": 1, "speed": 0}, "p95"))
    assert asked == {"usd_per_output_mtok": 2.0, "ttft_p95_s": 1.0}
    assert list(ranking_weights.TITLES) == list(ranking_weights.DEFAULTS)


@pytest.mark.parametrize(
    ("ends", "by", "better"),
    [
        ((0.4, 0.6), COST, "a"),
        ((0.4, 0.6), SPEED, "b"),
        ((1.4, 1.6), COST, "b"),
        ((0.9, 1.1), COST, "neither for sure"),
        ((1.0, 1.0), COST, "equal"),
        ((None, None), COST, "not known yet"),
    ],
)
def test_a_provider_is_better_only_where_the_whole_interval_says_so(ends, by, better):
    low, high = ends
    one = ProviderRatio(provider="a", other="b", ratio=1.0, low=low, high=high, models=("m",), n_runs=4)
    columns, (shown,) = providers.ratio_table([one], by)
    assert len(columns) == len(shown.cells)
    assert shown.cells[4].main == better
    assert "geometric mean" in providers.explained([one], by)


def test_without_a_shared_model_nothing_is_said_of_providers():
    assert "nothing can be said of providers" in providers.explained([], COST)
