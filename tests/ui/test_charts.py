"""What a chart is told to draw: Vega's pixels are looked at in screenshots, its numbers are held here."""

from datetime import UTC, datetime

from tests.ui.test_ranking import COST, found, row
from ui import charts
from warehouse.metrics import metric


def spec(chart):
    return chart.to_dict()


def points_of(chart):
    """The rows of the chart's own data set; a line beside them, as for the service level, is a set of its own."""
    return max(spec(chart)["datasets"].values(), key=lambda rows: len(rows[0]))


def drawn(chart):
    return {point["target"]: point for point in points_of(chart)}


def test_without_a_known_value_there_is_no_chart():
    assert charts.ranking_chart(found(row("a", None, None)), COST, ["acme"]) is None
    assert charts.attempts_chart([], 1.0) is None


def test_values_are_drawn_in_the_unit_that_is_written_on_the_axis():
    ttft = metric("ttft_p50_s")
    chart = charts.ranking_chart(found(row("a", 1, 1.0, ttft_p50_s=0.25), by=ttft), ttft, ["acme"])
    assert drawn(chart)["a"]["value"] == 250.0
    x = spec(chart)["layer"][0]["encoding"]["x"]
    assert x["axis"]["title"] == "TTFT p50, ms (lower is better)"
    assert x["scale"]["domainMin"] == 0


def test_a_range_is_a_whisker_and_a_missing_one_is_said_to_be_unknown():
    points = drawn(charts.ranking_chart(found(row("a", 1, 1.0, 0.5, 2.0), row("b", 2, 3.0)), COST, ["acme"]))
    assert (points["a"]["low"], points["a"]["value"], points["a"]["high"]) == (0.5, 1.0, 2.0)
    assert points["b"]["range"] == "not known"


def test_targets_without_a_value_are_not_drawn_at_zero():
    points = drawn(charts.ranking_chart(found(row("a", 1, 1.0), row("b", None, None)), COST, ["acme"]))
    assert set(points) == {"a"}


def test_an_axis_is_logarithmic_only_where_it_must_be_and_then_says_so():
    near = charts.ranking_chart(found(row("a", 1, 1.0, 1.0, 1.0), row("b", 2, 29.0, 29.0, 29.0)), COST, ["acme"])
    far = charts.ranking_chart(found(row("a", 1, 1.0, 1.0, 1.0), row("b", 2, 31.0, 31.0, 31.0)), COST, ["acme"])
    free = charts.ranking_chart(found(row("a", 1, 0.0, 0.0, 0.0), row("b", 2, 31.0, 31.0, 31.0)), COST, ["acme"])
    titles = [spec(chart)["layer"][0]["encoding"]["x"]["axis"]["title"] for chart in (near, far, free)]
    assert ["log axis" in title for title in titles] == [False, True, False]


def test_log_ticks_are_ones_twos_and_fives():
    assert charts.log_ticks([{"low": 3.0, "high": 120.0}]) == [5.0, 10.0, 20.0, 50.0, 100.0]


def test_a_provider_keeps_its_colour_whoever_else_is_drawn():
    providers = ["acme", "bolt", "core"]
    assert len({charts.provider_colour(name, providers) for name in providers}) == 3
    alone = charts.ranking_chart(found(row("b", 1, 1.0, provider="bolt")), COST, providers)
    scale = spec(alone)["layer"][0]["encoding"]["color"]["scale"]
    assert (scale["domain"], scale["range"]) == (["bolt"], [charts.provider_colour("bolt", providers)])


def attempt(seq, **changes):
    at = datetime(2026, 11, 1, 2, 15, seq, tzinfo=UTC)
    base = {"seq": seq, "started_at": at, "ok": True, "slo_met": True, "error_class": None, "ttft_s": 0.1, "e2e_s": 1.0}
    return {**base, **changes}


def test_each_attempt_is_drawn_with_its_outcome_and_a_failure_without_a_token_says_so():
    attempts = [
        attempt(0),
        attempt(1, slo_met=False, ttft_s=3.0),
        attempt(2, ok=False, slo_met=False, error_class="rate_limited", ttft_s=None, e2e_s=None),
    ]
    points = points_of(charts.attempts_chart(attempts, 1.0))
    assert [point["outcome"] for point in points] == ["within SLO", "outside SLO", "failed"]
    assert [point["shown"] for point in points] == ["100 ms", "3,000 ms", "no token came"]
    assert points[2]["why"] == "failed: rate_limited"


def test_the_service_level_is_drawn_only_where_it_does_not_flatten_the_points():
    assert len(spec(charts.attempts_chart([attempt(0)], 0.3))["layer"]) == 3
    assert len(spec(charts.attempts_chart([attempt(0)], 0.31))["layer"]) == 1
