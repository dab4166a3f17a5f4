"""The page that compares: sentences that say who is better and whether it is sure, curves, prices, and odd choices."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from tests.ui.test_pages import opened, text
from ui import compare, compare_facts, compare_hours, compare_snapshot
from ui.compare_chart import curves_chart
from ui.compare_words import difference_words, rounds_sentence, verdict_sentence
from ui.hours import MEASURES
from ui.markup import table
from warehouse.comparison import Difference, Rounds
from warehouse.daytime import Cell
from warehouse.formulas.pair_difference import PairDifference
from warehouse.fronts import Spread
from warehouse.metrics import METRICS, metric
from warehouse.query import published_path

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def difference(metric_id="ttft_p50_s", reason=None, **changes):
    base = {
        "low": 0.84,
        "central": 0.88,
        "high": 0.92,
        "is_ratio": True,
        "runs": 5,
        "basis": "between-runs",
        "sure": True,
        "same": False,
        "tied_by": None,
        "runs_to_separate": None,
    }
    figure = Spread(low=0.1, central=0.2, high=0.3)
    return Difference(
        metric=metric(metric_id),
        target_a="A",
        target_b="B",
        figure_a=figure,
        figure_b=None if reason else figure,
        found=None if reason else PairDifference(**{**base, **changes}),
        reason=reason,
    )


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (difference(), "A's first token comes 12 % (8 to 16 %) sooner than B's: sure, over 5 nights"),
        (
            difference(low=1.1, central=1.25, high=1.6),
            "B's first token comes 20 % (9.1 to 38 %) sooner than A's: sure, over 5 nights",
        ),
        (
            difference("output_tokens_per_s"),
            "A gives 12 % (8 to 16 %) fewer tokens a second than B: sure, over 5 nights",
        ),
        (
            difference("usd_per_output_mtok", low=0.3, central=0.4, high=0.5),
            "B costs 2.5 times (2 to 3.3 times) as much as A: sure, over 5 nights",
        ),
        (
            difference("output_tokens_per_s", low=2.9, central=3.0, high=3.1),
            "A gives 3 times (2.9 to 3.1 times) as many tokens a second as B: sure, over 5 nights",
        ),
        (
            difference("failed_share", is_ratio=False, low=0.01, central=0.02, high=0.03),
            "B fails 2 points (1 to 3 points) less often than A: sure, over 5 nights",
        ),
        (
            difference("goodput_share", is_ratio=False, low=0.01, central=0.02, high=0.03),
            "A keeps the service level 2 points (1 to 3 points) more often than B: sure, over 5 nights",
        ),
        (
            difference(sure=False, tied_by="runs", runs_to_separate=9),
            "A and B cannot be told apart by TTFT p50 after 5 nights; about 9 more would",
        ),
        (
            difference(sure=False, tied_by="runs"),
            "A and B cannot be told apart by TTFT p50 after 5 nights, nor would a year of them",
        ),
        (
            difference("operational_gco2e_per_output_mtok", sure=False, tied_by="inputs"),
            "after 5 nights: what is known of their inputs leaves it open, and more nights would not close it",
        ),
        (
            difference(sure=False, tied_by="few-runs", runs=1, basis="within-run"),
            "A and B cannot be told apart by TTFT p50 after 1 night; how they vary from night to night shows after 3",
        ),
        (
            difference(runs=1, basis="within-run"),
            "sooner than B's: so it was in the one night that they share; whether other nights agree shows after 3",
        ),
        (
            difference("usd_per_output_mtok", low=1.0, central=1.0, high=1.0, sure=False, same=True, tied_by="runs"),
            "A and B are the same in cost, over 5 nights",
        ),
        (
            difference("failed_share", is_ratio=False, low=-0.1, central=0.0, high=0.1, sure=False, tied_by="runs"),
            "A and B cannot be told apart by failures after 5 nights, nor would a year of them",
        ),
        (
            difference("usd_per_output_mtok", reason="Cost of B is not known"),
            "A and B cannot be compared by cost: Cost of B is not known",
        ),
    ],
)
def test_a_verdict_says_who_is_better_by_how_much_and_whether_it_is_sure(of, said):
    assert said in verdict_sentence(of)


@pytest.mark.parametrize("of", METRICS, ids=lambda of: of.id)
def test_every_metric_of_the_registry_names_the_better_one_whichever_comes_first(of):
    is_ratio = of.unit != "share"
    lower, higher = ((0.5, 0.6, 0.7), (1.3, 1.4, 1.5)) if is_ratio else ((-0.3, -0.2, -0.1), (0.1, 0.2, 0.3))
    for ends in (lower, higher):
        one = difference(of.id, low=ends[0], central=ends[1], high=ends[2], is_ratio=is_ratio)
        better = "A" if (ends is lower) == (of.direction == "lower") else "B"
        assert compare.a_is_better(one) is (better == "A")
        said = verdict_sentence(one)
        worse = {"A": "B", "B": "A"}[better]
        # the sentence begins with the better one, or says of the worse one that it has fewer or less
        assert said.startswith(better) or (said.startswith(worse) and ("fewer" in said or "less than" in said))


def test_the_table_shows_signed_per_cent_times_and_points():
    assert difference_words(difference().found, metric("ttft_p50_s")) == (
        "\N{MINUS SIGN}12 %",
        "\N{MINUS SIGN}16 to \N{MINUS SIGN}8 %",
    )
    times = difference(low=2.0, central=3.0, high=4.5).found
    assert difference_words(times, metric("ttft_p50_s")) == ("3 times", "2 to 4.5 times")
    points = difference("failed_share", is_ratio=False, low=-0.01, central=0.02, high=0.05).found
    assert difference_words(points, metric("failed_share")) == ("+2 points", "\N{MINUS SIGN}1 to +5 points")
    speed = difference("output_tokens_per_s", is_ratio=False, low=-1.0, central=0.0, high=2.0).found
    assert difference_words(speed, metric("output_tokens_per_s"))[0] == "0 tokens/s"
    unknown = difference(low=None, high=None, sure=False, tied_by="few-runs").found
    assert difference_words(unknown, metric("ttft_p50_s"))[1] == "no interval"


def test_a_title_counts_wins_and_leaves_out_what_there_is_not():
    found = [difference(), difference("output_tokens_per_s"), difference("failed_share", sure=False, tied_by="runs")]
    assert compare.finding(found) == ("A or B? Of 3 metrics A is better in 1, B is better in 1, 1 cannot be told apart")
    assert "cannot be compared" in compare.finding([difference(reason="why")])


def test_names_with_markup_are_names_and_the_file_holds_base_units():
    rows = compare.difference_rows([difference(), difference("e2e_p50_s", reason="<i>why</i>")])
    html = table(compare.difference_columns("<img src=x>", "B"), rows, label="pair")
    assert "&lt;img src=x&gt;" in html
    assert "<i>" not in html
    (one, other) = csv.DictReader(io.StringIO(compare.to_csv([difference(), difference(reason="why")])))
    assert (float(one["difference"]), one["is_ratio"], one["nights"]) == (0.88, "True", "5")
    assert other["difference"] == other["figure_b"] == ""


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((-0.3, -0.2, -0.1), "first token: A was 200 ms earlier than B (100 to 300) in 24 pairs"),
        ((0.1, 0.2, 0.3), "first token: B was 200 ms earlier than A (100 to 300) in 24 pairs"),
        ((-0.1, 0.02, 0.3), "A and B cannot be told apart in 24 pairs (\N{MINUS SIGN}100 to 300 ms, A less B)"),
        ((None, 0.02, None), "no interval of 24 pairs: too few"),
    ],
)
def test_rounds_are_a_sentence_each(ends, said):
    low, central, high = ends
    rounds = Rounds(
        target_a="A", target_b="B", metric_id="ttft_s", run_id="r", pairs=24, low=low, central=central, high=high,
        reason="too few",
    )  # fmt: skip
    assert said in rounds_sentence(rounds)


def curve(*seconds, failed=0, short=0):
    everyone = len(seconds) + failed
    common = {"all_attempts": everyone, "came_in_all": len(seconds), "short_attempts": short}
    rows = [{"seconds": one, "came": place, **common} for place, one in enumerate(sorted(seconds), start=1)]
    return rows or [{"seconds": None, "came": 1, **common}]


def test_a_failed_attempt_never_came_so_that_a_quantile_may_be_never():
    some = curve(*(0.1 * number for number in range(1, 31)), failed=10)
    assert compare.quantile_s(some, 0.5) == pytest.approx(2.0)
    assert compare.quantile_s(some, 0.75) == pytest.approx(3.0)
    assert compare.quantile_s(some, 0.76) is None
    html = table(compare.quantile_columns(), compare.quantile_rows({"ttft_s": {"A": some}}), label="x")
    assert "25 %" in html
    assert "never" in html
    assert "it needs 60 attempts" in html
    assert "B's never" in compare.curve_finding({"A": some, "B": curve(failed=3)}, "ttft_s")


def test_a_curve_begins_at_none_and_ends_below_all_where_attempts_failed():
    chart = curves_chart({"A": curve(0.1, 0.2, failed=2)}, {"A": "acme"}, ["acme"], "TTFT").to_dict()
    (steps,) = chart["datasets"].values()
    assert [step["share"] for step in steps] == [0.0, 25.0, 50.0, 50.0]
    assert steps[-1]["ms"] > 200
    assert "log" not in chart["layer"][0]["encoding"]["x"]["axis"]["title"]
    wide = curves_chart({"A": curve(0.01, 2.0)}, {"A": "acme"}, ["acme"], "TTFT", dark=True).to_dict()
    assert "log axis" in wide["layer"][0]["encoding"]["x"]["axis"]["title"]
    assert curves_chart({"A": curve(failed=2)}, {"A": "acme"}, ["acme"], "TTFT") is None


def test_prices_name_their_tier_and_what_is_not_stated_and_a_target_without_one_has_its_reason():
    price = {
        "target_id": "A", "service_tier": "batch", "usd_per_input_mtok": 0.15, "usd_per_cached_input_mtok": None,
        "usd_per_output_mtok": 0.6, "above_prompt_tokens": 200_000, "hours_utc": "16:30-00:30", "valid_from": None,
        "age_days": None, "origin": "list", "source": "genai-prices", "prices_known": 2,
    }  # fmt: skip
    rows = compare_facts.price_rows([price], ["A", "own", "unlisted"], {"own": "local"})
    html = table(compare_facts.price_columns(), rows, label="prices")
    for expected in (
        "batch", "not stated", "prompts above 200,000 tokens", "16:30-00:30 UTC", "not said", "age not known",
        "a machine of ours", "no list states a price",
    ):  # fmt: skip
        assert expected in html


def test_what_was_measured_says_on_what_when_and_by_how_good_a_client():
    row = {
        "target_id": "A", "provider": "p", "model": "m", "quantisation": None, "kind": "local", "device": "cuda",
        "gpu_models": "NVIDIA H100", "cpu_model": "EPYC", "region": None, "measured_at": NOW - timedelta(days=4),
        "n": 30, "failed_attempts": 3, "client_grade": "C", "client_reasons": ["it was busy"],
    }  # fmt: skip
    html = table(compare_facts.measured_columns(), compare_facts.measured_rows([row], {"A": 7}, NOW), label="m")
    for expected in ("NVIDIA H100", "region not known", "4 d ago", "stale", "3 failed", "grade C", "it was busy"):
        assert expected in html


def test_a_curve_of_a_snapshot_is_thinned_and_counts_every_attempt(nights):
    path = str(published_path(nights))
    ids = tuple(f"synthetic-2026-11-01.{target}.chat-1.1" for target in ("groq-llama-70b", "openai-mini"))
    rows = compare_snapshot.curves(path, ids)
    assert {row["trial_id"] for row in rows} == set(ids)
    assert {row["all_attempts"] for row in rows} == {8}
    for trial_id in ids:
        times = [row["seconds"] for row in rows if (row["trial_id"], row["metric_id"]) == (trial_id, "ttft_s")]
        assert times == sorted(times)


def test_the_page_compares_two_to_four_and_an_address_restores_them(nights, monkeypatch):
    page = opened("compare", nights, monkeypatch, a="openai-mini", b="together-llama-70b", c="llama-8b-h100")
    shown = text(page)
    for expected in ("openai-mini or together-llama-70b?", "openai-mini or llama-8b-h100?", "NVIDIA H100", "invented"):
        assert expected in shown
    assert len(page.get("vega_lite_chart")) == 2 + 3  # two of curves, and a heat map a target
    assert [box.label for box in page.selectbox][-6:-2] == [f"Target {letter}" for letter in "ABCD"]
    assert "By TTFT p50 llama-8b-h100 was the quickest in 2 of the 2 hours of the week in which all were seen" in shown
    assert "2 of 168 hours of the week seen" in shown
    assert "One scale of colours" in shown


def test_heat_maps_of_hours_may_be_left_out_and_a_grid_that_nobody_stored_is_said(nights, monkeypatch):
    page = opened("compare", nights, monkeypatch, a="openai-mini", b="together-llama-70b", by_hour="none")
    assert len(page.get("vega_lite_chart")) == 2
    page.selectbox(key="choice.by_hour").set_value("grid").run()
    assert not page.exception
    assert "No data: no hourly intensity of its grid is stored" in text(page)


def week_of(known):
    return [
        Cell(weekday=day, hour=hour, n=int((day, hour) in known), value=known.get((day, hour)))
        for day in range(7)
        for hour in range(24)
    ]


@pytest.mark.parametrize(
    ("measure", "a", "b", "said"),
    [
        ("ttft", {(0, 1): 0.2, (0, 2): 0.4, (3, 3): 0.1}, {(0, 1): 0.3, (0, 2): 0.5},
         "By TTFT p50 A was the quickest in 2 of the 2 hours of the week in which all were seen, B in 0"),
        ("speed", {(0, 1): 10.0, (0, 2): 20.0}, {(0, 1): 20.0, (0, 2): 20.0},
         "By speed of a stream B was the fastest in 1 of the 2 hours of the week in which all were seen, A in 0"),
        ("failed", {(0, 1): 0.0}, {(0, 1): 0.0}, "was the same of all in the 1 hour of the week"),
        ("price", {(0, 1): 1.0}, {(0, 2): 1.0}, "Cost: in no hour of the week were all of them seen"),
    ],
)  # fmt: skip
def test_hours_that_all_were_seen_in_are_counted_for_who_was_the_best_alone(measure, a, b, said):
    assert said in compare_hours.finding(MEASURES[measure], {"A": week_of(a), "B": week_of(b)})


def test_nonsense_in_the_address_is_said_and_the_same_target_twice_is_not_offered(nights, monkeypatch):
    page = opened("compare", nights, monkeypatch, a="<b>x</b>", b="groq-llama-70b")
    assert "There is no target a &#x27;&lt;b&gt;x&lt;/b&gt;&#x27; here" in text(page)
    page = opened("compare", nights, monkeypatch, a="openai-mini", b="openai-mini")
    assert "There is no target b &#x27;openai-mini&#x27; here" in text(page)
    assert not page.exception
