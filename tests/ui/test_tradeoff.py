"""The page of trade-offs: who is said to be on the front, where names stand, and what the page does with odd data."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ui.test_pages import opened, text
from ui import label_places, tradeoff, tradeoff_table, tradeoff_words
from ui.markup import table
from ui.ranking import Absent
from ui.tradeoff_axes import axis
from ui.tradeoff_chart import tradeoff_chart, unnamed
from ui.tradeoff_names import HEIGHT_PX, WIDE_PX, front_path
from warehouse.fronts import FrontPoint, Spread
from warehouse.metrics import metric
from warehouse.reference.landscape import landscape_2024
from warehouse.service_level import Limits, Verdict

COST, SPEED, TTFT = (metric(one) for one in ("usd_per_output_mtok", "output_tokens_per_s", "ttft_p50_s"))
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PROVIDERS = ("acme", "best", "core")


def point(target_id, cost, speed, verdict="on", **changes):
    figures = tuple(
        None if value is None else Spread(low=0.9 * value, central=value, high=1.1 * value) for value in (cost, speed)
    )
    base = {
        "target_id": target_id,
        "figures": figures,
        "verdict": verdict,
        "on_line": verdict == "on",
        "p_front": {"on": 1.0, "may": 0.4, "dominated": 0.0, None: None}[verdict],
        "dominated_by": (),
        "n_runs": 5,
        "newest_at": NOW,
        "trial_id": f"night-1.{target_id}",
        "reason": None if verdict else "unknown: Cost",
    }
    return FrontPoint(**{**base, **changes})


def row(target_id, provider="acme", **changes):
    base = {
        "target_id": target_id,
        "provider": provider,
        "model": "m",
        "quantisation": None,
        "device": None,
        "region": "FRA",
        "n": 30,
        "client_grade": "A",
        "client_reasons": [],
        "measured_at": NOW - timedelta(hours=5),
    }
    return {**base, **changes}


def board(*points, kept=None):
    return tradeoff.entries([row(one.target_id) for one in points], points, kept or {}, COST)


FOUR = (
    point("dear", 3.0, 200.0),
    point("beaten", 4.0, 50.0, "dominated", dominated_by=("dear", "cheap", "maybe")),
    point("cheap", 1.0, 60.0),
    point("maybe", 2.0, 61.0, "may"),
    point("unpriced", None, 90.0, None),
)


def test_the_front_comes_first_and_each_group_from_the_best_on():
    assert [entry.target_id for entry in board(*FOUR)] == ["cheap", "dear", "maybe", "beaten", "unpriced"]


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (FOUR, "cheap and dear are on the front of cost and output speed; maybe may be"),
        ([FOUR[0], FOUR[1]], "dear is the best in both, cost and output speed: there is nothing to trade"),
        ([FOUR[3], FOUR[1]], "maybe may be on the front of cost and output speed; of none is it sure"),
        ([FOUR[4]], "No target has both figures known: cost and output speed"),
        ([FOUR[0], FOUR[4]], "dear is the only target with both figures known: cost and output speed"),
        ([], "No target has both figures known: cost and output speed"),
    ],
)
def test_the_title_says_who_is_on_the_front_and_who_only_may_be(points, said):
    assert tradeoff.finding(board(*points), COST, SPEED) == said


def test_the_table_holds_every_target_with_verdict_chance_nights_and_age_and_the_unknown_with_its_reason():
    failing = {"slow": Verdict(standing="fails", good=40, offered=100, trials=5, share=0.4, low=0.3, high=0.5)}
    absent = [Absent(target_id="<img src=x>", outcome="failed", reason="no weights")]
    html = table(
        tradeoff_table.columns(COST, SPEED),
        tradeoff_table.table_rows(board(*FOUR), failing, absent, COST, SPEED, NOW),
        label="front",
    )
    for expected in (
        "on the front", "may be on it", "dominated", "unknown: Cost", "dear, cheap and 1 more", "2.70 \N{EN DASH} 3.30",
        "&gt; 99", "5 h ago", "40 % of 100 attempts kept it in 5 trials", "&lt;img src=x&gt;", "no weights",
    ):  # fmt: skip
        assert expected in html
    assert "<img" not in html
    assert html.count("<tr") == 1 + 5 + 1 + 1
    assert html.count('scope="col"') <= 10


def test_the_file_has_base_units_and_blanks_for_what_is_unknown():
    rows = list(csv.DictReader(io.StringIO(tradeoff_table.to_csv(board(*FOUR), COST, SPEED))))
    assert [one["target_id"] for one in rows] == ["cheap", "dear", "maybe", "beaten", "unpriced"]
    assert float(rows[0]["usd_per_output_mtok"]) == 1.0
    assert rows[4]["usd_per_output_mtok"] == rows[4]["verdict"] == rows[4]["p_front"] == ""
    assert tradeoff_table.to_csv([], COST, SPEED) == ""


def layers(chart):
    return [layer["mark"]["type"] for layer in chart.to_dict()["layer"]]


def test_the_landscape_is_drawn_behind_cost_and_speed_alone_whichever_is_across():
    found = board(*FOUR)
    drawn = {"providers": PROVIDERS, "landscape": landscape_2024()}
    assert layers(tradeoff_chart(found, COST, SPEED, **drawn))[0] == "rect"
    swapped = tradeoff.entries([row(one.target_id) for one in FOUR], FOUR, {}, SPEED)
    turned = [
        tradeoff.Entry(row=entry.row, point=point(entry.target_id, 90.0, 1.0, entry.point.verdict)) for entry in swapped
    ]
    assert layers(tradeoff_chart(turned, SPEED, COST, **drawn))[0] == "rect"
    assert "rect" not in layers(tradeoff_chart(found, COST, TTFT, **drawn))


def test_a_chart_names_axes_with_unit_and_direction_and_draws_little():
    many = [point(f"target-{number}", 1.0 + number, 50.0 + number, "on") for number in range(60)]
    chart = tradeoff_chart(board(*many), COST, SPEED, PROVIDERS, dark=True).to_dict()
    titles = {
        layer["encoding"][channel]["axis"]["title"]
        for layer in chart["layer"]
        for channel in ("x", "y")
        if isinstance(layer.get("encoding", {}).get(channel, {}).get("axis"), dict)
    }
    assert titles == {"Cost, USD/Mtok (lower is better, log axis)", "Output speed, tokens/s (higher is better)"}
    marks = sum(len(layer.get("data", {}).get("values", [])) for layer in chart["layer"])
    assert marks < 2000
    assert unnamed(board(*many), COST, SPEED) > 0
    assert unnamed(board(*FOUR), COST, SPEED) == 0
    assert tradeoff_chart(board(FOUR[4]), COST, SPEED, PROVIDERS) is None


def test_colour_and_shape_together_tell_more_than_twenty_providers_apart():
    names = [f"provider-{number:02}" for number in range(24)]
    points = [point(f"target-{number:02}", 1.0 + number, 50.0 + number) for number in range(24)]
    rows = [row(one.target_id, provider) for one, provider in zip(points, names, strict=True)]
    chart = tradeoff_chart(tradeoff.entries(rows, points, {}, COST), COST, SPEED, names).to_dict()
    (full,) = (
        layer
        for layer in chart["layer"]
        if layer["mark"]["type"] == "point" and "color" in layer["encoding"] and "stroke" not in layer["encoding"]
    )
    looks = zip(full["encoding"]["color"]["scale"]["range"], full["encoding"]["shape"]["scale"]["range"], strict=True)
    assert len(set(looks)) == 24


def test_the_line_goes_the_worse_way_from_each_point_and_never_beyond_a_better_one():
    across, upward = axis(COST, [1.0, 4.0]), axis(SPEED, [50.0, 200.0])
    path = front_path(board(*FOUR), across, upward)
    assert path == [(1.0, upward.low), (1.0, 60.0), (3.0, 60.0), (3.0, 200.0), (across.high, 200.0)]


@given(st.lists(st.tuples(st.floats(0, WIDE_PX), st.floats(0, HEIGHT_PX), st.text(max_size=40)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_no_name_covers_another_or_leaves_the_drawing_also_when_it_is_wider(spots):
    points = [label_places.Point(name=name, x_px=x, y_px=y) for x, y, name in spots]
    for wider in (1.0, 1.6):
        boxes = []
        for place in label_places.places(points, width_px=WIDE_PX, height_px=HEIGHT_PX):
            at = points[place.number].x_px * wider + place.dx_px
            long = 7.1 * len(place.text)
            left = {"left": at, "right": at - long, "center": at - long / 2}[place.align]
            boxes.append((left, place.y_px - 7.5, left + long, place.y_px + 7.5))
        for number, one in enumerate(boxes):
            assert one[0] >= -1e-9
            assert one[2] <= WIDE_PX * wider + 1e-9
            for other in boxes[:number]:
                apart = one[0] >= other[2] - 1e-6 or other[0] >= one[2] - 1e-6
                assert apart or one[1] >= other[3] - 1e-6 or other[1] >= one[3] - 1e-6


def test_an_axis_is_logarithmic_where_small_figures_would_be_crushed_and_survives_one_value():
    assert axis(COST, [0.1, 10.0]).is_log
    assert not axis(COST, [1.0, 3.0]).is_log
    assert not axis(COST, [0.0, 30.0]).is_log
    single = axis(COST, [2.0])
    assert single.low < 2.0 < single.high
    assert axis(COST, [0.0]).low < axis(COST, [0.0]).high
    for value in (0.1, 1.0, 10.0):
        wide = axis(COST, [0.1, 10.0])
        assert wide.at(wide.share(value)) == pytest.approx(value)


def test_the_small_print_says_what_this_table_needs_and_no_more():
    plain = " ".join(tradeoff_words.notes(board(*FOUR), None))
    assert "Fewer than three nights" not in plain
    assert "Unknown chance" not in plain
    lone = point("lone", 1.0, 2.0, "may", p_front=None, n_runs=1)
    said = " ".join(tradeoff_words.notes(board(lone), Limits(ttft_s=1.0)))
    assert "Fewer than three nights" in said
    assert "Unknown chance" in said
    assert "Service level ttft=1s" in said
    assert "Dong and Xie 2024" in tradeoff_words.landscape_notes(landscape_2024())[0]


def test_the_page_draws_a_front_over_real_nights(nights, monkeypatch):
    page = opened("tradeoff", nights, monkeypatch)
    shown = text(page)
    for expected in (
        "What do I give up",
        "groq-llama-70b",
        "Dong and Xie 2024",
        "may be on it",
        "n \N{MIDDLE DOT} grade",
    ):
        assert expected in shown
    assert len(page.get("vega_lite_chart")) == 1


def test_the_page_takes_its_axes_and_its_service_level_from_the_address(nights, monkeypatch):
    page = opened("tradeoff", nights, monkeypatch, axes="own", x="ttft_p50_s", y="failed_share", slo="own")
    shown = text(page)
    assert "TTFT p50" in shown
    assert "Service level ttft=1s" in shown
    assert "Dong and Xie" not in shown
    page = opened("tradeoff", nights, monkeypatch, axes="own", x="ttft_p50_s", y="ttft_p50_s")
    assert "Both axes are TTFT p50" in text(page)
    page = opened("tradeoff", nights, monkeypatch, axes="<b>x</b>")
    assert "There is no trade" in text(page)
